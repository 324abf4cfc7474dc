import { QueryClient, QueryObserver } from '@tanstack/react-query';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Freshener } from './freshener';

let client: QueryClient;
let freshener: Freshener;
let asked: (() => void)[];
let leave: () => void;

beforeEach(async () => {
  vi.useFakeTimers();
  asked = [];
  client = new QueryClient({ defaultOptions: { queries: { staleTime: Number.POSITIVE_INFINITY } } });
  freshener = new Freshener(client);
  const observer = new QueryObserver(client, {
    queryKey: ['page'],
    queryFn: () => new Promise<number>((answer) => asked.push(() => answer(asked.length))),
  });
  leave = observer.subscribe(() => {});
  await answer();
});

afterEach(() => {
  leave();
  vi.useRealTimers();
});

async function answer(): Promise<void> {
  asked.at(-1)?.();
  await vi.advanceTimersByTimeAsync(0);
}

test('however much news there is, it is asked for once', async () => {
  for (let news = 0; news < 50; news++) freshener.refresh(() => true);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(asked).toHaveLength(2);
});

test('news while the answer is on its way: that answer is taken, and it is asked for again', async () => {
  freshener.refresh(() => true);
  await vi.advanceTimersByTimeAsync(200);
  freshener.refresh(() => true);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(asked).toHaveLength(2);
  await answer();
  expect(client.getQueryData(['page'])).toBe(2);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(asked).toHaveLength(3);
});

test('under constant news it is asked for at most once a second, and at once again after a while', async () => {
  const begun = asked.length;
  for (let tenth = 0; tenth < 200; tenth++) {
    freshener.refresh(() => true);
    await vi.advanceTimersByTimeAsync(50);
    await answer();
  }
  expect(asked.length - begun).toBeLessThan(15);
  expect(asked.length - begun).toBeGreaterThan(8);
  await vi.advanceTimersByTimeAsync(5_000);
  await answer();
  const before = asked.length;
  freshener.refresh(() => true);
  await vi.advanceTimersByTimeAsync(100);
  expect(asked.length).toBe(before + 1);
});

test('what is not stale, or on no page any more, is left alone', async () => {
  freshener.refresh(() => false);
  await vi.advanceTimersByTimeAsync(1_000);
  freshener.refresh(() => true);
  leave();
  client.removeQueries();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(asked).toHaveLength(1);
  expect(vi.getTimerCount()).toBe(0);
});
