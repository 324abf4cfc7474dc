import { Link } from 'wouter';
import type { TicketRow } from '../api/schema';
import { ConversationSummary, useIsNew } from './ConversationSummary';

/** Conversations as a list of links to their pages. */
export function ConversationLinks({ tickets }: { tickets: (TicketRow & { customer_name?: string | null })[] }) {
  const isNew = useIsNew();
  return tickets.map((ticket) => (
    <Link
      key={ticket.id}
      href={`/tickets/${ticket.id}`}
      className="conversation-link"
      data-new={isNew(ticket) || undefined}
    >
      <ConversationSummary ticket={ticket} who={ticket.customer_name} />
    </Link>
  ));
}
