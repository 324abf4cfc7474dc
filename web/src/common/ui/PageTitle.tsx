import { Title } from '@mantine/core';
import { type ReactNode, useEffect, useRef } from 'react';

let isFirstPage = true;

/** A page's heading and the window's title. Coming from another page, reading and tabbing begin here. */
export function PageTitle({ children, title }: { children?: ReactNode; title: string }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · Purser`;
  }, [title]);
  useEffect(() => {
    if (!isFirstPage) heading.current?.focus({ preventScroll: true });
    if (!isFirstPage) scrollTo(0, 0);
    isFirstPage = false;
  }, []);
  return (
    <Title order={1} size="h2" tabIndex={-1} ref={heading}>
      {children ?? title}
    </Title>
  );
}
