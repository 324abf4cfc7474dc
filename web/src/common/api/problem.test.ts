import { expect, test } from 'vitest';
import { fieldErrors, isPassing, NoAnswer, Refused } from './problem';

const refused = (status: number, code: string, errors?: { field: string; message: string }[]) =>
  new Refused({ title: '', status, code, detail: `It is ${code}.`, errors });

test('what the server says of a field stands at that field', () => {
  const errors = [
    { field: 'body.amount_minor', message: 'too large' },
    { field: 'body.items.0.title', message: 'too long' },
  ];
  expect(fieldErrors(refused(422, 'invalid_request', errors))).toEqual({
    amount_minor: 'too large (invalid_request)',
    title: 'too long (invalid_request)',
  });
});

test('a code that is about a field stands there with its sentence', () => {
  const about = { login_taken: 'login' };
  expect(fieldErrors(refused(409, 'login_taken'), about)).toEqual({ login: 'It is login_taken. (login_taken)' });
  expect(fieldErrors(refused(409, 'other'), about)).toEqual({});
  expect(fieldErrors(new NoAnswer(null), about)).toEqual({});
});

test.each([
  [new NoAnswer(null), true],
  [refused(503, 'unavailable'), true],
  [refused(502, 'refused'), true],
  [refused(500, 'internal_error'), false],
  [refused(409, 'amount_changed'), false],
  [new TypeError('bug'), false],
])('%o is sent again: %s', (error, again) => {
  expect(isPassing(error)).toBe(again);
});
