import { Anchor, Group, Stack } from '@mantine/core';
import { Link } from 'wouter';
import { $api } from '../../common/api/client';
import type { TicketRow } from '../../common/api/schema';
import { Conversation } from '../../common/conversation/Conversation';
import { useConversation } from '../../common/conversation/useConversation';
import { Answer } from '../../common/ui/Answer';
import { PageTitle } from '../../common/ui/PageTitle';

/** A conversation on a page of its own. */
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
  const { data: customer } = $api.useQuery('get', '/api/admin/customers/{customer_id}', {
    params: { path: { customer_id: ticket.customer_id } },
  });
  return (
    <div>
      <PageTitle title={ticket.subject} />
      <Group gap="md" mih={25}>
        {customer && (
          <Anchor component={Link} href={`/customers/${customer.id}`}>
            {customer.name}
          </Anchor>
        )}
        {ticket.order_number && (
          <Anchor component={Link} href={`/orders/${ticket.order_number}`}>
            {ticket.order_number}
          </Anchor>
        )}
      </Group>
    </div>
  );
}
