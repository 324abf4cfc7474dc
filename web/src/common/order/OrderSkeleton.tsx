import { Skeleton, Stack } from '@mantine/core';

/** An order page about to be: its parts stand where they will. */
export function OrderSkeleton() {
  return (
    <Stack gap="sm" aria-hidden>
      <Skeleton height={34} width={320} />
      <div className="order-grid">
        <Skeleton height={216} />
        <Skeleton height={216} />
        <Skeleton height={216} />
      </div>
      <Skeleton height={260} />
    </Stack>
  );
}
