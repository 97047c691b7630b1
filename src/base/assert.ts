/**
 * Invariants of the engine. A failed assert is a bug of Millrace, never of its user: nobody catches
 * it, the task boundary turns it into the failure of the job. Messages are literals, because a
 * template would be built on every call (five times the cost in a hot loop; bench/micro).
 */

/** An invariant of the engine does not hold. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

/** Throws an `InvariantError` with `message` unless `condition` holds. Stays on in production. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}
