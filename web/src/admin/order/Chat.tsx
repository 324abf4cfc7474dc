import { ActionIcon, Button, Group, Stack, Title } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { $api, answerOf, api } from '../../common/api/client';
import { byCursor } from '../../common/api/queries';
import type { OrderPage, TicketRow } from '../../common/api/schema';
import { BeginConversation } from '../../common/conversation/BeginConversation';
import { Conversation } from '../../common/conversation/Conversation';
import { ConversationSummary } from '../../common/conversation/ConversationSummary';
import { Answer, Lines } from '../../common/ui/Answer';
import { Side } from '../../common/ui/Dialog';
import { BackIcon } from '../../common/ui/icons';
import { More } from '../../common/ui/More';
import { Nothing } from '../../common/ui/Nothing';

type Showing = { list: true } | { begin: true } | { ticketId: string };

/** The customer's conversations beside the order: the order's own one is open at once. */
export function Chat({ page, onClose }: { page: OrderPage; onClose: () => void }) {
  const { t } = useTranslation();
  const query = useTickets(page.customer.id);
  return (
    <Side onClose={onClose} title={t('chat.title', { name: page.customer.name })}>
      <Answer query={query} skeleton={<Lines count={4} />}>
        {({ pages }) => (
          <Opened page={page} tickets={pages.flatMap((part) => part.items)} more={<More query={query} />} />
        )}
      </Answer>
    </Side>
  );
}

function Opened({ page, tickets, more }: { page: OrderPage; tickets: TicketRow[]; more: ReactNode }) {
  const { t } = useTranslation();
  const [showing, show] = useState(() => wanted(tickets, page.number));
  if ('begin' in showing) return <Begin page={page} show={show} />;
  if ('ticketId' in showing) {
    const ticket = tickets.find(({ id }) => id === showing.ticketId);
    return <One ticketId={showing.ticketId} subject={ticket?.subject ?? ''} show={show} />;
  }
  return (
    <Stack gap="sm">
      <Button variant="light" onClick={() => show({ begin: true })}>
        {t('chat.begin')}
      </Button>
      {tickets.length === 0 && <Nothing>{t('chat.none')}</Nothing>}
      <List tickets={tickets} show={show} />
      {more}
    </Stack>
  );
}

function useTickets(customer_id: string) {
  return $api.useInfiniteQuery(
    'get',
    '/api/admin/customers/{customer_id}/tickets',
    { params: { path: { customer_id }, query: { limit: 100 } } },
    byCursor,
  );
}

/** What the person most likely wants: something new, else the conversation about this order. */
function wanted(tickets: TicketRow[], number: string): Showing {
  const about = tickets.filter((ticket) => ticket.order_number === number);
  const found = about.find((ticket) => ticket.new) ?? about[0];
  return found ? { ticketId: found.id } : { list: true };
}

function List({ tickets, show }: { tickets: TicketRow[]; show: (showing: Showing) => void }) {
  return (
    <div>
      {tickets.map((ticket) => (
        <button
          key={ticket.id}
          type="button"
          className="conversation-link"
          data-new={ticket.new || undefined}
          onClick={() => show({ ticketId: ticket.id })}
        >
          <ConversationSummary ticket={ticket} />
        </button>
      ))}
    </div>
  );
}

function One({ ticketId, subject, show }: { ticketId: string; subject: string; show: (showing: Showing) => void }) {
  const { t } = useTranslation();
  return (
    <Stack gap="sm">
      <Group gap="xs" wrap="nowrap">
        <ActionIcon
          variant="subtle"
          aria-label={t('chat.all')}
          title={t('chat.all')}
          onClick={() => show({ list: true })}
        >
          <BackIcon />
        </ActionIcon>
        <Title order={3} size="h5">
          {subject}
        </Title>
      </Group>
      <Conversation key={ticketId} ticketId={ticketId} />
    </Stack>
  );
}

function Begin({ page, show }: { page: OrderPage; show: (showing: Showing) => void }) {
  return (
    <BeginConversation
      orderNumber={page.number}
      onCancel={() => show({ list: true })}
      onBegun={(ticketId) => show({ ticketId })}
      begin={(body, key) =>
        answerOf(
          api.POST('/api/admin/customers/{customer_id}/tickets', {
            params: { path: { customer_id: page.customer.id }, header: { 'Idempotency-Key': key } },
            body,
          }),
        )
      }
    />
  );
}
