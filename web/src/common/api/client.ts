import createClient, { type Middleware } from 'openapi-fetch';
import createHooks from 'openapi-react-query';
import { NoAnswer, type Problem, Refused } from './problem';
import type { paths } from './schema';
import { traceparent } from './traceparent';

const DEADLINE_MS = 20_000;

/** Whoever wants to know that the session has ended. */
let onSignedOut = () => {};

export function whenSignedOut(tell: () => void): void {
  onSignedOut = tell;
}

/** A `Response` or a thrown `NoAnswer`: no component ever sees a bare network error. */
async function send(request: Request): Promise<Response> {
  try {
    return await fetch(request, { signal: AbortSignal.any([request.signal, AbortSignal.timeout(DEADLINE_MS)]) });
  } catch (error) {
    if (request.signal.aborted) throw error;
    throw new NoAnswer(error);
  }
}

/** Each request begins a trace (W3C): by its id the shop's logs and traces name all that it causes. */
const traces: Middleware = {
  onRequest({ request }) {
    request.headers.set('traceparent', traceparent());
  },
};

const refusals: Middleware = {
  async onResponse({ response, request }) {
    if (response.ok) return;
    if (response.status === 401 && !isSigningIn(request)) onSignedOut();
    throw new Refused(await problemOf(response));
  },
};

function isSigningIn(request: Request): boolean {
  return new URL(request.url).pathname === '/api/session';
}

async function problemOf(response: Response): Promise<Problem> {
  const plain = { title: response.statusText, status: response.status, code: 'refused', detail: response.statusText };
  const isProblem = response.headers.get('Content-Type')?.startsWith('application/problem+json');
  return isProblem ? { ...plain, ...(await response.json()) } : plain;
}

/** The gateway's interface, typed by its OpenAPI. Whatever is not an answer is thrown: `Refused` or `NoAnswer`. */
export const api = createClient<paths>({ fetch: send });
api.use(traces, refusals);

/** The same as hooks: `$api.useQuery('get', '/api/admin/orders')`. Its keys are `[method, path, init]`. */
export const $api = createHooks(api);

/** The answer itself. */
export async function answerOf<T>(asked: Promise<{ data?: T }>): Promise<T> {
  return (await asked).data as T;
}
