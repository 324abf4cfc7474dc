import { Button, Center, Group, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import type { MessageView, TicketRow, TicketView } from '../api/schema';
import { Answer } from '../ui/Answer';
import { ProblemNote } from '../ui/ProblemNote';
import { AddComment } from './AddComment';
import { useDesk } from './desk';
import { Message } from './Message';
import { useConversation, useMarkRead } from './useConversation';

/** One conversation: its messages, newest last, and the way to add one. */
export function Conversation({ ticketId }: { ticketId: string }) {
  const query = useConversation(ticketId);
  return (
    <Answer query={query}>
      {({ pages }) => {
        const [newest] = pages as [TicketView, ...TicketView[]];
        const messages = [...pages].reverse().flatMap((part) => part.messages);
        return (
          <Stack gap="sm">
            {query.hasNextPage && (
              <Center>
                <Button
                  variant="default"
                  size="compact-sm"
                  loading={query.isFetchingNextPage}
                  onClick={() => void query.fetchNextPage()}
                >
                  <EarlierText />
                </Button>
              </Center>
            )}
            <Messages ticket={newest.ticket} messages={messages} />
            <Foot ticket={newest.ticket} />
          </Stack>
        );
      }}
    </Answer>
  );
}

function EarlierText() {
  return useTranslation().t('conversation.earlier');
}

function Messages({ ticket, messages }: { ticket: TicketRow; messages: MessageView[] }) {
  const { t } = useTranslation();
  const desk = useDesk();
  const end = useRef<HTMLLIElement>(null);
  const newest = messages.at(-1)?.seq ?? 0;
  useMarkRead(ticket.id, desk.author === 'staff' ? ticket.new : ticket.answered, newest);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a newer message is what brings the end into view
  useEffect(() => {
    end.current?.scrollIntoView({ block: 'nearest' });
  }, [newest]);
  return (
    <ul className="messages" aria-label={t('conversation.messages')} aria-live="polite">
      {messages.map((message) => (
        <Message key={message.id} message={message} />
      ))}
      <li ref={end} aria-hidden />
    </ul>
  );
}

function Foot({ ticket }: { ticket: TicketRow }) {
  const { t } = useTranslation();
  const desk = useDesk();
  const closing = useMutation({ mutationFn: async () => desk.close?.(ticket.id) });
  const isOpen = ticket.status === 'open';
  return (
    <Stack gap="xs">
      {!isOpen && (
        <Text size="sm" c="dimmed" ta="center">
          {t('conversation.closed')}
        </Text>
      )}
      <AddComment ticketId={ticket.id} />
      {closing.error && <ProblemNote error={closing.error} />}
      {desk.close && isOpen && (
        <Group justify="flex-end">
          <Button variant="subtle" size="compact-sm" loading={closing.isPending} onClick={() => closing.mutate()}>
            {t('conversation.close')}
          </Button>
        </Group>
      )}
    </Stack>
  );
}
