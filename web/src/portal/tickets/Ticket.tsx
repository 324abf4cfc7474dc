import { Anchor, Stack } from '@mantine/core';
import { Link } from 'wouter';
import type { TicketRow } from '../../common/api/schema';
import { Conversation } from '../../common/conversation/Conversation';
import { useConversation } from '../../common/conversation/useConversation';
import { Answer } from '../../common/ui/Answer';
import { PageTitle } from '../../common/ui/PageTitle';

/** One of my conversations. */
export function Ticket({ id }: { id: string }) {
  const query = useConversation(id);
  return (
    <Answer query={query}>
      {({ pages }) => (
        <Stack gap="sm" maw={820}>
          <Head ticket={pages[0]?.ticket as TicketRow} />
          <div className="panel">
            <Conversation ticketId={id} />
          </div>
        </Stack>
      )}
    </Answer>
  );
}

function Head({ ticket }: { ticket: TicketRow }) {
  return (
    <div>
      <PageTitle title={ticket.subject} />
      {ticket.order_number && (
        <Anchor component={Link} href={`/orders/${ticket.order_number}`}>
          {ticket.order_number}
        </Anchor>
      )}
    </div>
  );
}
