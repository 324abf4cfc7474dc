import { answerOf, api } from '../../common/api/client';
import type { BeginTicket, TicketView } from '../../common/api/schema';

/** Write to the shop. */
export function begin(body: BeginTicket, key: string): Promise<TicketView> {
  return answerOf(api.POST('/api/portal/tickets', { params: { header: { 'Idempotency-Key': key } }, body }));
}
