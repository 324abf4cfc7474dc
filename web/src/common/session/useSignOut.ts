import { useMutation, useQueryClient } from '@tanstack/react-query';
import { api } from '../api/client';
import { Refused } from '../api/problem';
import { SESSION } from './session';

/** End the session here, or with `true` on every device; what was shown is forgotten. */
export function useSignOut() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (everywhere: boolean) => {
      try {
        await api.DELETE('/api/session', { params: { query: { everywhere } } });
      } catch (error) {
        // Already ended: what was wanted is so.
        if (!(error instanceof Refused && error.problem.status === 401)) throw error;
      }
    },
    onSuccess() {
      client.setQueryData(SESSION, null);
      client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== SESSION[0] });
    },
  });
}
