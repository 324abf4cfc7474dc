import { useDebouncedCallback } from '@mantine/hooks';
import { useEffect, useState } from 'react';
import { useSearchParams } from 'wouter';

const PAUSE_MS = 250;

/** A search's words: `typed` follows the keys, `wanted` stands in the address once they pause, to be sent to somebody. */
export function useTyped(name: string): { typed: string; wanted: string; type: (words: string) => void } {
  const [search, setSearch] = useSearchParams();
  const wanted = search.get(name) ?? '';
  const [typed, setTyped] = useState(wanted);
  // By another way than typing, such as the browser's back button.
  useEffect(() => setTyped((now) => (now.trim() === wanted ? now : wanted)), [wanted]);
  const settle = useDebouncedCallback((words: string) => {
    setSearch((now) => changed(now, name, words), { replace: true });
  }, PAUSE_MS);
  return {
    typed,
    wanted,
    type(words) {
      setTyped(words);
      settle(words.trim());
    },
  };
}

export function changed(search: URLSearchParams, name: string, value: string): URLSearchParams {
  const next = new URLSearchParams(search);
  if (value) next.set(name, value);
  else next.delete(name);
  return next;
}
