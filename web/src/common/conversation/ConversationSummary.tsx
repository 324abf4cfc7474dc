import { Badge } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { TicketRow } from '../api/schema';
import { formatMoment } from '../text/dates';
import { useDesk } from './desk';

/** What a list says of a conversation; it stands inside a `.conversation-link`. */
export function ConversationSummary({ ticket, who }: { ticket: TicketRow; who?: string | null }) {
  const { t } = useTranslation();
  const isNew = useIsNew()(ticket);
  const about = [who, ticket.order_number, t('conversation.count', { count: ticket.messages })];
  return (
    <>
      <span className="subject">{ticket.subject}</span>
      <span className="marks">
        {isNew && <span className="oval new">{t('conversation.new')}</span>}
        {ticket.status === 'closed' && (
          <Badge variant="default" size="sm">
            {t('conversation.status_closed')}
          </Badge>
        )}
      </span>
      <span className="about">{about.filter(Boolean).join(' · ')}</span>
      <time className="about" dateTime={ticket.changed_at}>
        {formatMoment(ticket.changed_at)}
      </time>
    </>
  );
}

/** Whether it holds something that the person at this site has not read. */
export function useIsNew(): (ticket: TicketRow) => boolean {
  const desk = useDesk();
  return (ticket) => (desk.author === 'staff' ? ticket.new : ticket.answered);
}
