import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LiveStream, type Told } from './stream';

interface Asked {
  headers: Record<string, string>;
  signal: AbortSignal;
  say: (text: string) => void;
  end: () => void;
}

/** A gateway that this test plays: each request waits in `asked` to be spoken to. */
let asked: Asked[];
let told: Told[];
let answers: (number | 'broken')[];
let stream: LiveStream;

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, 'random').mockReturnValue(1);
  asked = [];
  told = [];
  answers = [];
  vi.stubGlobal('fetch', async (_: string, { headers, signal }: Asked) => {
    const status = answers.shift() ?? 200;
    if (status === 'broken') throw new TypeError('no connection');
    const body = new ReadableStream({
      start(on) {
        const encoder = new TextEncoder();
        asked.push({ headers, signal, say: (text) => on.enqueue(encoder.encode(text)), end: () => on.close() });
        signal.addEventListener('abort', () => on.error(signal.reason));
      },
    });
    return new Response(body, { status });
  });
  stream = new LiveStream('/live', (each) => told.push(each));
});

afterEach(() => {
  stream.stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

const states = () => told.flatMap((each) => ('state' in each ? each.state : []));
const settle = () => vi.advanceTimersByTimeAsync(0);

test('it tells what happens, however it is cut up on the way', async () => {
  stream.start();
  await settle();
  asked[0]?.say('id: e:1\nevent: order_ch');
  asked[0]?.say('anged\ndata: {"number"');
  asked[0]?.say(':1}\n\n: ping\n\n');
  await settle();
  expect(told).toEqual([{ state: 'open' }, { event: 'order_changed', data: '{"number":1}' }]);
});

test('when it breaks it comes back, and says where it stopped', async () => {
  stream.start();
  await settle();
  expect(asked[0]?.headers).not.toHaveProperty('Last-Event-ID');
  asked[0]?.say('id: e:7\ndata: x\n\n');
  await settle();
  asked[0]?.end();
  await vi.advanceTimersByTimeAsync(3_000);
  expect(asked[1]?.headers['Last-Event-ID']).toBe('e:7');
  expect(states()).toEqual(['open', 'broken', 'open']);
});

test('it waits as long as the server asks for, and longer the longer nobody answers', async () => {
  stream.start();
  await settle();
  asked[0]?.say('retry: 500\n\n');
  await settle();
  answers = ['broken', 'broken', 503];
  asked[0]?.end();
  await vi.advanceTimersByTimeAsync(499);
  expect(answers).toHaveLength(3);
  await vi.advanceTimersByTimeAsync(1);
  expect(answers).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(750);
  expect(answers).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(states().at(-1)).toBe('open');
});

test('a stream that has died without a word is noticed by its silence', async () => {
  stream.start();
  await settle();
  for (let pings = 0; pings < 8; pings++) {
    await vi.advanceTimersByTimeAsync(15_000);
    asked[0]?.say(': ping\n\n');
  }
  expect(asked).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked[0]?.signal.aborted).toBe(true);
  expect(asked.length).toBeGreaterThan(1);
});

const beacon = (told: number) => `event: beacon\ndata: {"told":${told}}\n\n`;

test('a beacon that counts what was seen is nobody’s concern', async () => {
  stream.start();
  await settle();
  asked[0]?.say(`id: e:1\nevent: snapshot\ndata: {}\n\nid: e:2\nevent: order_changed\ndata: {}\n\n${beacon(2)}`);
  await settle();
  expect(told).toHaveLength(3);
  expect(asked[0]?.signal.aborted).toBe(false);
});

test('an event lost on the way is noticed by the next beacon: it begins anew, from nowhere', async () => {
  stream.start();
  await settle();
  asked[0]?.say(`id: e:1\nevent: snapshot\ndata: {}\n\n${beacon(2)}`);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(asked[0]?.signal.aborted).toBe(true);
  expect(asked[1]?.headers).not.toHaveProperty('Last-Event-ID');
  expect(states()).toEqual(['open', 'broken', 'open']);
  asked[1]?.say(`id: e:2\nevent: snapshot\ndata: {}\n\n${beacon(1)}`);
  await settle();
  expect(asked[1]?.signal.aborted).toBe(false);
});

test('whoever waits for a server that is away waits neither long nor all as long', async () => {
  vi.mocked(Math.random).mockReturnValue(0);
  answers = Array.from({ length: 30 }, () => 'broken' as const);
  stream.start();
  await vi.advanceTimersByTimeAsync(20_000);
  const left = answers.length;
  await vi.advanceTimersByTimeAsync(4_000);
  expect(left - answers.length).toBe(2);
});

test('after a sleep it is asked at once whether the stream still lives', async () => {
  stream.start();
  await settle();
  stream.check();
  expect(asked[0]?.signal.aborted).toBe(false);
  vi.setSystemTime(Date.now() + 3_600_000);
  stream.check();
  expect(asked[0]?.signal.aborted).toBe(true);
});

test('the network being back, it does not wait any longer', async () => {
  answers = ['broken', 'broken', 'broken', 'broken', 'broken', 'broken'];
  stream.start();
  await vi.advanceTimersByTimeAsync(12_000);
  const left = answers.length;
  stream.check();
  await settle();
  expect(answers.length).toBe(left - 1);
});

test.each([401, 403])('with %i nobody is signed in any more: it ends', async (status) => {
  answers = [status];
  stream.start();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(states()).toEqual(['ended']);
  answers = [200];
  stream.start();
  await settle();
  expect(states()).toEqual(['ended', 'open']);
});

test('left and listened to again at once, it is one stream', async () => {
  stream.start();
  await settle();
  stream.stop();
  stream.start();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(asked.map(({ signal }) => signal.aborted)).toEqual([true, false]);
});
