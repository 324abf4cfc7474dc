import { answerOf, api } from '../common/api/client';
import type { Desk } from '../common/conversation/desk';

/** Conversations through the staff's door. */
export const desk: Desk = {
  author: 'staff',
  path: '/api/admin/tickets/{ticket_id}',
  read: (ticket_id, earlier) =>
    answerOf(api.GET('/api/admin/tickets/{ticket_id}', { params: { path: { ticket_id }, query: { earlier } } })),
  add: (ticket_id, text, key) =>
    answerOf(
      api.POST('/api/admin/tickets/{ticket_id}/messages', {
        params: { path: { ticket_id }, header: { 'Idempotency-Key': key } },
        body: { text },
      }),
    ),
  markRead: (ticket_id, up_to) =>
    answerOf(api.POST('/api/admin/tickets/{ticket_id}/read', { params: { path: { ticket_id } }, body: { up_to } })),
  close: (ticket_id) => answerOf(api.POST('/api/admin/tickets/{ticket_id}/close', { params: { path: { ticket_id } } })),
};
