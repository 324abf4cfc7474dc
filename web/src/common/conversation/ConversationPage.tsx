import { Stack } from '@mantine/core';
import type { ReactNode } from 'react';
import type { TicketRow } from '../api/schema';
import { Answer } from '../ui/Answer';
import { PageTitle } from '../ui/PageTitle';
import { Conversation } from './Conversation';
import { useConversation } from './useConversation';

/** A conversation on a page of its own; `about` says what it belongs to. */
export function ConversationPage({ id, about }: { id: string; about: (ticket: TicketRow) => ReactNode }) {
  const query = useConversation(id);
  return (
    <Answer query={query}>
      {({ pages }) => {
        const { ticket } = pages[0] as { ticket: TicketRow };
        return (
          <Stack gap="sm" maw={820}>
            <div>
              <PageTitle title={ticket.subject} />
              {about(ticket)}
            </div>
            <div className="panel">
              <Conversation ticketId={id} />
            </div>
          </Stack>
        );
      }}
    </Answer>
  );
}
