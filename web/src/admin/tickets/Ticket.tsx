import { Anchor, Group } from '@mantine/core';
import { Link } from 'wouter';
import { $api } from '../../common/api/client';
import type { TicketRow } from '../../common/api/schema';
import { ConversationPage } from '../../common/conversation/ConversationPage';

/** A conversation with a customer, on a page of its own. */
export function Ticket({ id }: { id: string }) {
  return <ConversationPage id={id} about={(ticket) => <About ticket={ticket} />} />;
}

function About({ ticket }: { ticket: TicketRow }) {
  const { data: customer } = $api.useQuery('get', '/api/admin/customers/{customer_id}', {
    params: { path: { customer_id: ticket.customer_id } },
  });
  return (
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
  );
}
