import type { Query, QueryClient } from '@tanstack/react-query';

const SOON_MS = 100;
const LATEST_MS = 1_000;

/**
 * Asks anew for what has become out of date, soon, and once for however much news; the longer it goes on, the more rarely.
 *
 * What is being fetched just now is let finish and then asked for again: its answer may be from before the news, and
 * under constant news a fetch that is always begun anew would never end.
 */
export class Freshener {
  private readonly waiting = new Set<string>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private pause = SOON_MS;
  private askedAt = 0;

  constructor(private readonly client: QueryClient) {}

  refresh(isStale: (query: Query) => boolean): void {
    for (const query of this.client.getQueryCache().findAll({ predicate: isStale })) this.waiting.add(query.queryHash);
    if (this.waiting.size) this.askSoon();
  }

  private askSoon(): void {
    if (this.timer) return;
    const isQuiet = Date.now() - this.askedAt > 2 * this.pause;
    this.pause = isQuiet ? SOON_MS : Math.min(this.pause * 2, LATEST_MS);
    this.timer = setTimeout(() => this.ask(), this.pause);
  }

  private ask(): void {
    this.timer = undefined;
    this.askedAt = Date.now();
    const due = (query: Query) => this.waiting.has(query.queryHash) && query.state.fetchStatus !== 'fetching';
    const ready = this.client.getQueryCache().findAll({ predicate: due });
    const hashes = new Set(ready.map((query) => query.queryHash));
    for (const query of this.waiting) if (hashes.has(query) || this.isGone(query)) this.waiting.delete(query);
    if (this.waiting.size) this.askSoon();
    void this.client.invalidateQueries({ predicate: (query) => hashes.has(query.queryHash) });
  }

  private isGone(hash: string): boolean {
    return !this.client.getQueryCache().get(hash);
  }
}
