import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { useDesk } from './desk';

function keyOf(path: string, ticketId: string) {
  return ['get', path, { params: { path: { ticket_id: ticketId } } }] as const;
}

/** A conversation's newest messages, and the earlier ones as far as they were asked for. */
export function useConversation(ticketId: string) {
  const desk = useDesk();
  return useInfiniteQuery({
    queryKey: keyOf(desk.path, ticketId),
    queryFn: ({ pageParam }) => desk.read(ticketId, pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (part) => part.earlier,
  });
}

/** Say something; the conversation shows it when this has ended. */
export function useAddMessage(ticketId: string) {
  const desk = useDesk();
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ text, key }: { text: string; key: string }) => desk.add(ticketId, text, key),
    onSuccess: () => client.invalidateQueries({ queryKey: keyOf(desk.path, ticketId) }),
  });
}

/** What is in sight has been read: `unread` up to the message `newest`. */
export function useMarkRead(ticketId: string, unread: boolean, newest: number): void {
  const desk = useDesk();
  useEffect(() => {
    const tell = () => {
      // It will be told with the next message, or when the conversation is opened again.
      if (unread && document.visibilityState === 'visible') desk.markRead(ticketId, newest).catch(() => {});
    };
    tell();
    document.addEventListener('visibilitychange', tell);
    return () => document.removeEventListener('visibilitychange', tell);
  }, [desk, ticketId, unread, newest]);
}
