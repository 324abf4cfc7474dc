import { Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';

/** An empty list says why it is empty, and what to do. */
export function Nothing({ children, action }: { children: string; action?: ReactNode }) {
  return (
    <Stack align="center" gap="sm" py="xl" px="md">
      <Text c="dimmed" ta="center">
        {children}
      </Text>
      {action}
    </Stack>
  );
}
