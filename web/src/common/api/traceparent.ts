import { newKey } from './intent';

/** The click, as the start of a trace. It ends on 00: the browser keeps no span of its own. */
export function traceparent(): string {
  return `00-${newKey()}-${newKey().slice(16)}-00`;
}
