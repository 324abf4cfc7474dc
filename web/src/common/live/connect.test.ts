import { afterEach, expect, test, vi } from 'vitest';
import { connect } from './connect';
import type { Told } from './stream';

afterEach(() => vi.unstubAllGlobals());

test('where no stream can be shared, a page is in doubt until its own is open', async () => {
  let answer = (_: Response) => {};
  vi.stubGlobal('SharedWorker', undefined);
  vi.stubGlobal('fetch', () => new Promise<Response>((resolve) => (answer = resolve)));
  const told: Told[] = [];
  const connection = connect('/live', 'ann', (each) => told.push(each));
  expect(told).toEqual([{ state: 'broken' }]);
  answer(new Response(new ReadableStream()));
  await vi.waitFor(() => expect(told).toEqual([{ state: 'broken' }, { state: 'open' }]));
  connection.leave();
});
