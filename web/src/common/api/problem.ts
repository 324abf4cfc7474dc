/** A refusal as the server words it (RFC 9457): `code` for programs, `detail` for people, facts of its own beside. */
export interface Problem {
  title: string;
  status: number;
  code: string;
  detail: string;
  correlation_id?: string;
  errors?: { field: string; message: string }[];
  [fact: string]: unknown;
}

/** The server refused, and changed nothing. */
export class Refused extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail);
  }
}

/** No answer came: nobody here knows whether it was done. */
export class NoAnswer extends Error {
  constructor(cause: unknown) {
    super('No answer', { cause });
  }
}

/** Worth sending again, with the same Idempotency-Key: the other side was away, busy, or its answer was lost. */
export function isPassing(error: unknown): boolean {
  if (error instanceof NoAnswer) return true;
  return error instanceof Refused && [502, 503, 504].includes(error.problem.status);
}

export function codeOf(error: unknown): string | undefined {
  return error instanceof Refused ? error.problem.code : undefined;
}

/** The server's word on each field of a form, with its code: what `errors` names, and what a code is about. */
export function fieldErrors(
  error: unknown,
  fieldOfCode: Record<string, string> = {},
  textOf: (refused: Refused) => string = (refused) => refused.message,
): Record<string, string> {
  if (!(error instanceof Refused)) return {};
  const { code, errors = [] } = error.problem;
  const named = errors.map(({ field, message }) => [field.split('.').at(-1), `${message} (${code})`]);
  const meant = fieldOfCode[code];
  return Object.fromEntries(meant ? [...named, [meant, `${textOf(error)} (${code})`]] : named);
}
