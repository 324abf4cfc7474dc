import type { Query, QueryClient } from '@tanstack/react-query';

const PAUSE_MS = 100;

/**
 * Asks anew for what has become out of date, soon, and once for however much news.
 *
 * What is being fetched just now is let finish and then asked for again: its answer may be from before the news, and
 * under constant news a fetch that is always begun anew would never end.
 */
export class Freshener {
  private readonly waiting = new Set<string>();
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly client: QueryClient) {}

  refresh(isStale: (query: Query) => boolean): void {
    for (const query of this.client.getQueryCache().findAll({ predicate: isStale })) this.waiting.add(query.queryHash);
    if (this.waiting.size) this.timer ??= setTimeout(() => this.ask(), PAUSE_MS);
  }

  private ask(): void {
    this.timer = undefined;
    const due = (query: Query) => this.waiting.has(query.queryHash) && query.state.fetchStatus !== 'fetching';
    const ready = this.client.getQueryCache().findAll({ predicate: due });
    const hashes = new Set(ready.map((query) => query.queryHash));
    for (const query of this.waiting) if (hashes.has(query) || this.isGone(query)) this.waiting.delete(query);
    if (this.waiting.size) this.timer = setTimeout(() => this.ask(), PAUSE_MS);
    void this.client.invalidateQueries({ predicate: (query) => hashes.has(query.queryHash) });
  }

  private isGone(hash: string): boolean {
    return !this.client.getQueryCache().get(hash);
  }
}
