import type { Asked } from './shared-stream';
import { LiveStream, type Told } from './stream';

export interface Connection {
  check(): void;
  leave(): void;
}

/** Listen to `url` as `login`: through the browser's shared stream where it can have one, else through one of our own. */
export function connect(url: string, login: string, hear: (told: Told) => void): Connection {
  if (typeof SharedWorker === 'undefined') return connectAlone(url, hear);
  const worker = new SharedWorker(new URL('./shared-stream.ts', import.meta.url), {
    type: 'module',
    name: `${url} ${login}`,
  });
  worker.port.onmessage = ({ data }: MessageEvent<Told>) => hear(data);
  const ask = (asked: Asked) => worker.port.postMessage(asked);
  ask('listen');
  return {
    check: () => ask('check'),
    leave() {
      ask('leave');
      worker.port.close();
    },
  };
}

function connectAlone(url: string, hear: (told: Told) => void): Connection {
  const stream = new LiveStream(url, hear);
  // As the shared one says it: until it is open, a page that shows nothing new may be old.
  hear({ state: 'broken' });
  stream.start();
  return { check: () => stream.check(), leave: () => stream.stop() };
}
