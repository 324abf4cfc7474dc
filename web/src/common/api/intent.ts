import { useRef } from 'react';

/** Random enough to be nobody else's; `crypto.randomUUID` is missing where a page came by plain HTTP. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * The Idempotency-Key of what a person is about to do.
 *
 * Pressed twice, or sent again after a lost answer, the same body goes out under the same key and has one effect.
 * Another body is another intent; so is the same one after `done`.
 */
export function useIntent(): { keyFor: (body: unknown) => string; done: () => void } {
  const intent = useRef<{ body: string; key: string } | null>(null);
  return {
    keyFor(body) {
      const wanted = JSON.stringify(body);
      if (intent.current?.body !== wanted) intent.current = { body: wanted, key: newKey() };
      return intent.current.key;
    },
    done() {
      intent.current = null;
    },
  };
}
