/** A SharedWorker: one live stream for all tabs of a site, because a browser allows few connections to one host. */
import { LiveStream, type State, type Told } from './stream';

export type Asked = 'listen' | 'check' | 'leave';

// The worker's name is the address of the stream, and whose it is.
const [url = ''] = (globalThis as unknown as { name: string }).name.split(' ');
const tabs = new Set<MessagePort>();
let state: State = 'broken';

const stream = new LiveStream(url, (told) => {
  if ('state' in told) state = told.state;
  for (const tab of tabs) tab.postMessage(told);
});

function answer(tab: MessagePort, asked: Asked): void {
  if (asked === 'leave') {
    tabs.delete(tab);
    if (!tabs.size) stream.stop();
    return;
  }
  tabs.add(tab);
  if (state === 'ended') state = 'broken';
  stream.start();
  if (asked === 'check') stream.check();
  else tab.postMessage({ state } satisfies Told);
}

addEventListener('connect', (event) => {
  const tab = (event as MessageEvent).ports[0] as MessagePort;
  tab.onmessage = ({ data }: MessageEvent<Asked>) => answer(tab, data);
});
