import { Title } from '@mantine/core';
import { type ReactNode, useId } from 'react';

/** A titled part of a page; `flush` lets a list reach its borders. */
export function Panel({
  title,
  flush = false,
  wide = false,
  children,
}: {
  title: ReactNode;
  flush?: boolean;
  wide?: boolean;
  children: ReactNode;
}) {
  const id = useId();
  return (
    <section className={['panel', flush && 'flush', wide && 'wide'].filter(Boolean).join(' ')} aria-labelledby={id}>
      <Title order={2} size="h5" id={id}>
        {title}
      </Title>
      {children}
    </section>
  );
}
