import { Skeleton, Stack } from '@mantine/core';
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { ProblemNote } from './ProblemNote';

/**
 * What was asked for: its skeleton, its failure with a way to try again, or the thing itself.
 *
 * What is shown already stays, though asking anew fails: the header says that the connection is broken.
 */
export function Answer<T>({
  query,
  skeleton,
  children,
}: {
  query: Pick<UseQueryResult<T, unknown>, 'data' | 'error' | 'refetch' | 'isFetching'>;
  skeleton?: ReactNode;
  children: (data: T) => ReactNode;
}) {
  if (query.data !== undefined) return <>{children(query.data)}</>;
  if (query.error && !query.isFetching) return <ProblemNote error={query.error} retry={() => void query.refetch()} />;
  return <>{skeleton ?? <Lines />}</>;
}

/** Where a list is about to be. */
export function Lines({ count = 6, height = 34 }: { count?: number; height?: number }) {
  return (
    <Stack gap="xs" p="sm" aria-hidden>
      {Array.from({ length: count }, (_, line) => line).map((line) => (
        <Skeleton key={line} height={height} />
      ))}
    </Stack>
  );
}
