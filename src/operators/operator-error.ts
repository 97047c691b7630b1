/** An exception of a user function, wrapped once where the operator is known. */
import {StreamError, showValue, type ErrorDetails} from '../base/errors.ts';

/**
 * Thrown out of a chain: `operatorIndex` says which of its nodes failed, and `record` is the one that
 * went into the chain, wherever in the chain it failed. Outside of records (open, finish, close) there
 * is none.
 */
export class OperatorError extends Error {
  override readonly name = 'OperatorError';
  readonly operatorIndex: number;
  readonly record: unknown;
  readonly hasRecord: boolean;

  constructor(cause: unknown, operatorIndex: number, hasRecord: boolean, record?: unknown) {
    super('an operator failed', {cause});
    this.operatorIndex = operatorIndex;
    this.hasRecord = hasRecord;
    this.record = record;
  }

  /** What was thrown in operator `operatorIndex`, or behind it: then it is wrapped already. */
  static of(thrown: unknown, operatorIndex: number): OperatorError {
    return thrown instanceof OperatorError
      ? thrown
      : new OperatorError(thrown, operatorIndex, false);
  }

  /** The same with the record that went into the chain. */
  on(record: unknown): OperatorError {
    return this.hasRecord ? this : new OperatorError(this.cause, this.operatorIndex, true, record);
  }
}

/** What the user sees of it. An error of the engine's own keeps its code and gains the place. */
export function describeOperatorError(error: OperatorError, place: ErrorDetails): StreamError {
  const {cause} = error;
  const record = error.hasRecord ? {record: showValue(error.record)} : {};
  if (cause instanceof StreamError) return cause.at({...place, ...record});
  const thrown = cause instanceof Error ? `${cause.name}: ${cause.message}` : showValue(cause);
  return new StreamError(
    'E_USER_FUNCTION',
    'a user function threw an exception',
    {...place, thrown, ...record},
    {
      cause,
      remedy: error.hasRecord
        ? 'mend the function, or filter out such records in front of it'
        : 'mend the function',
    },
  );
}
