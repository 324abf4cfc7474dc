import { EventSourceParserStream } from 'eventsource-parser/stream';
import type { Beacon } from '../api/schema';

/** `open`: news come as they happen. `broken`: it is being tried again. `ended`: nobody is signed in any more. */
export type State = 'open' | 'broken' | 'ended';

export type Told = { state: State } | { event: string; data: string };

// The server's beacon comes every 15 s, and says how many events there were.
const SILENCE_MS = 40_000;
const LONGEST_WAIT_MS = 4_000;

/**
 * One live stream, kept open: it comes back where it stopped, by `Last-Event-ID`; where something was lost, from the start.
 *
 * A browser's own EventSource gives up on any other answer than a stream, hides the server's signs of life, and does not
 * say why it failed.
 */
export class LiveStream {
  private lastId = '';
  private retryMs = 1_000;
  private failures = 0;
  private heardAt = 0;
  private wake = () => {};
  private attempt = new AbortController();
  private run: AbortController | null = null;

  constructor(
    private readonly url: string,
    private readonly tell: (told: Told) => void,
  ) {}

  start(): void {
    if (this.run) return;
    this.run = new AbortController();
    void this.keepOpen(this.run);
  }

  /** The machine may have slept, or the network may be back: find out now. */
  check(): void {
    if (Date.now() - this.heardAt > SILENCE_MS / 2) this.attempt.abort();
    this.wake();
  }

  stop(): void {
    this.run?.abort();
    this.run = null;
    this.wake();
  }

  private async keepOpen(run: AbortController): Promise<void> {
    while (!run.signal.aborted) {
      this.attempt = new AbortController();
      const watch = setInterval(() => this.endIfSilent(), SILENCE_MS / 4);
      try {
        if (!(await this.listen(AbortSignal.any([run.signal, this.attempt.signal])))) break;
      } catch {
        // Said below.
      } finally {
        clearInterval(watch);
      }
      if (run.signal.aborted) return;
      this.tell({ state: 'broken' });
      await this.pause();
    }
    if (run.signal.aborted) return;
    this.run = null;
    this.tell({ state: 'ended' });
  }

  /** Until the stream ends; false if nobody is signed in. */
  private async listen(signal: AbortSignal): Promise<boolean> {
    this.heardAt = Date.now();
    const headers = { Accept: 'text/event-stream', ...(this.lastId && { 'Last-Event-ID': this.lastId }) };
    const answer = await fetch(this.url, { headers, signal });
    if (answer.status === 401 || answer.status === 403) return false;
    if (!answer.ok || !answer.body) throw new Error(`${answer.status}`);
    this.failures = 0;
    this.tell({ state: 'open' });
    const heard = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform: (bytes, on) => {
        this.heardAt = Date.now();
        on.enqueue(bytes);
      },
    });
    const parsing = new EventSourceParserStream({ onRetry: (ms) => (this.retryMs = ms) });
    let seen = 0;
    const reader = answer.body.pipeThrough(heard).pipeThrough(new TextDecoderStream()).pipeThrough(parsing).getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      const { id, event, data } = next.value;
      if (event === 'beacon') {
        if ((JSON.parse(data) as Beacon).told !== seen) this.beginAnew();
        continue;
      }
      seen++;
      if (id) this.lastId = id;
      this.tell({ event: event ?? 'message', data });
    }
    return true;
  }

  /** Something was lost on the way, and nobody knows what. */
  private beginAnew(): void {
    this.lastId = '';
    this.attempt.abort();
  }

  private endIfSilent(): void {
    if (Date.now() - this.heardAt > SILENCE_MS) this.attempt.abort();
  }

  private pause(): Promise<void> {
    const wait = Math.min(this.retryMs * 1.5 ** this.failures++, LONGEST_WAIT_MS) * (0.5 + Math.random() / 2);
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, wait);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
