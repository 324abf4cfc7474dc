import { Anchor } from '@mantine/core';
import { Link } from 'wouter';
import { ConversationPage } from '../../common/conversation/ConversationPage';

/** One of my conversations. */
export function Ticket({ id }: { id: string }) {
  return (
    <ConversationPage
      id={id}
      about={({ order_number: number }) =>
        number && (
          <Anchor component={Link} href={`/orders/${number}`}>
            {number}
          </Anchor>
        )
      }
    />
  );
}
