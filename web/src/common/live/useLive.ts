import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { type Connection, connect } from './connect';
import { Freshener } from './freshener';
import { isNews, makesStale, type News } from './news';
import type { Told } from './stream';

// A blink of the connection is nobody's concern.
const QUIET_MS = 1_500;

/** Keep everything on the page the truth, and tell whether it can be trusted to be. */
export function useLive(url: string, login: string): { connected: boolean } {
  const client = useQueryClient();
  const [connected, setConnected] = useState(true);

  useEffect(() => {
    const freshener = new Freshener(client);
    let doubt: ReturnType<typeof setTimeout> | undefined;
    const doubtSoon = () => {
      doubt ??= setTimeout(() => setConnected(false), QUIET_MS);
    };

    function hear(told: Told): void {
      if ('event' in told) {
        if (isNews(told.event)) {
          const [event, news] = [told.event, JSON.parse(told.data) as News[keyof News]];
          freshener.refresh((query) => makesStale(event, news as never, query));
        }
        return;
      }
      if (told.state === 'broken') {
        doubtSoon();
        return;
      }
      clearTimeout(doubt);
      doubt = undefined;
      setConnected(true);
      // Something may have happened before we listened; and whoever is signed in is asked for too.
      freshener.refresh(() => true);
    }

    const connection = connect(url, login, hear);
    const stopWatching = watchForWaking(connection);
    return () => {
      clearTimeout(doubt);
      stopWatching();
      connection.leave();
    };
  }, [client, url, login]);

  return { connected };
}

function watchForWaking(connection: Connection): () => void {
  const check = () => {
    if (document.visibilityState === 'visible') connection.check();
  };
  const ending = new AbortController();
  const { signal } = ending;
  document.addEventListener('visibilitychange', check, { signal });
  addEventListener('online', check, { signal });
  addEventListener('pagehide', () => connection.leave(), { signal });
  // Taken out of the browser's back-forward cache, the page is old and listens to nothing.
  addEventListener('pageshow', ({ persisted }) => persisted && location.reload(), { signal });
  return () => ending.abort();
}
