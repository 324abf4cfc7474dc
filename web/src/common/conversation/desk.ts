import { createContext, useContext } from 'react';
import type { MessageView, TicketView } from '../api/schema';

/** How a site reaches conversations: both speak of the same ones, each through its own door. */
export interface Desk {
  /** Whose words stand on the right. */
  author: 'staff' | 'customer';
  /** The address by which live news finds what is cached. */
  path: '/api/admin/tickets/{ticket_id}' | '/api/portal/tickets/{ticket_id}';
  read(ticketId: string, earlier: string | undefined): Promise<TicketView>;
  add(ticketId: string, text: string, key: string): Promise<MessageView>;
  markRead(ticketId: string, upTo: number): Promise<unknown>;
  close?(ticketId: string): Promise<unknown>;
}

export const DeskContext = createContext<Desk | null>(null);

export function useDesk(): Desk {
  const desk = useContext(DeskContext);
  if (!desk) throw new Error('A conversation stands inside a DeskContext.');
  return desk;
}
