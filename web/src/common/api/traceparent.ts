import { newKey } from './intent';

/** The click, as the start of a trace. */
export function traceparent(): string {
  return `00-${newKey()}-${newKey().slice(16)}-01`;
}
