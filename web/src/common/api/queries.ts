import { QueryClient } from '@tanstack/react-query';
import { isPassing } from './problem';

const TRIES = 3;

/** Up to a dozen seconds of patience with what passes; a refusal is final. */
function again(failures: number, error: unknown): boolean {
  return failures < TRIES && isPassing(error);
}

const soon = (failures: number) => Math.min(1_000 * 2 ** failures, 8_000) * (0.7 + Math.random() * 0.6);

/** Nothing is ever stale by age: live push says what has changed (see ../live). */
export function queryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: Number.POSITIVE_INFINITY,
        refetchOnWindowFocus: false,
        refetchOnReconnect: false,
        networkMode: 'always',
        retry: again,
        retryDelay: soon,
      },
      mutations: { networkMode: 'always', retry: again, retryDelay: soon },
    },
  });
}

/** A list in parts: `next` of one is the cursor of the one after it. */
export const byCursor = {
  pageParamName: 'cursor',
  initialPageParam: null as string | null,
  getNextPageParam: (part: { next: string | null }) => part.next,
};
