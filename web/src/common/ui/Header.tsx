import { Badge, Tooltip } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useLocation } from 'wouter';
import type { SessionView } from '../api/schema';
import { UserMenu } from '../session/UserMenu';
import { OfflineIcon } from './icons';

export interface Place {
  to: string;
  name: string;
  /** Shown beside the name, such as a count. */
  badge?: ReactNode;
}

/** The head of every page: where one can go, whether the page is live, and who is signed in. */
export function Header({
  title,
  places,
  connected,
  session,
}: {
  title: string;
  places: Place[];
  connected: boolean;
  session: SessionView;
}) {
  const { t } = useTranslation();
  const [location] = useLocation();
  const isHere = (to: string) => location === to || (to !== '/' && location.startsWith(`${to}/`));
  return (
    <>
      <a className="skip" href="#main">
        {t('page.skip')}
      </a>
      <header className="header">
        <Link className="brand" href="/">
          <img src="/icon.svg" alt="" width={26} height={26} />
          {title}
        </Link>
        <nav aria-label={t('page.navigation')}>
          {places.map(({ to, name, badge }) => (
            <Link key={to} href={to} aria-current={isHere(to) ? 'page' : undefined}>
              {name}
              {badge}
            </Link>
          ))}
        </nav>
        <div className="tools">
          <div role="status">
            {!connected && (
              <Tooltip label={t('live.broken_why')}>
                <Badge variant="default" leftSection={<OfflineIcon size={14} />} tt="none">
                  {t('live.broken')}
                </Badge>
              </Tooltip>
            )}
          </div>
          <UserMenu session={session} />
        </div>
      </header>
    </>
  );
}
