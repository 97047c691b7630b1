/**
 * From a key to the subtask that owns it, exactly as Flink does: key → 32-bit hash → key group →
 * subtask. Key groups are the unit in which keyed state moves when a job is rescaled, so neither the
 * hash of a key nor the number of groups may change while there is state.
 *
 *   hashKey(key) ──murmur mod maxParallelism──► key group ──· parallelism / maxParallelism──► subtask
 *
 * Invariant: the ranges of all subtasks cut 0 … maxParallelism - 1 into disjoint, gapless pieces, and
 * `subtaskOf(group)` is the subtask whose range holds the group. Pure functions, any thread.
 */
import {StreamError, showValue} from './errors.ts';
import {hashBigint, hashBoolean, hashNumber, hashString, murmur} from './hash.ts';

/** The most key groups that a job can have, as in Flink. */
export const MAX_PARALLELISM_LIMIT = 32768;

/** What every operator gets at least by default: room to grow. */
const DEFAULT_MAX_PARALLELISM_MIN = 128;

const TWO_TO_32 = 2 ** 32;

/** A run of key groups, both ends included. */
export interface KeyGroupRange {
  readonly first: number;
  readonly last: number;
}

/** The key group of a key with this `hash` (from `hashKey`): 0 to `maxParallelism - 1`. */
export function keyGroupOf(hash: number, maxParallelism: number): number {
  return murmur(hash) % maxParallelism;
}

/** The subtask, of `parallelism` many, that owns `keyGroup`. */
export function subtaskOf(keyGroup: number, maxParallelism: number, parallelism: number): number {
  return Math.floor((keyGroup * parallelism) / maxParallelism);
}

/** The key groups that `subtask` owns. Never empty, because parallelism ≤ maxParallelism. */
export function keyGroupRange(
  subtask: number,
  maxParallelism: number,
  parallelism: number,
): KeyGroupRange {
  return {
    first: Math.floor((subtask * maxParallelism + parallelism - 1) / parallelism),
    last: Math.floor(((subtask + 1) * maxParallelism - 1) / parallelism),
  };
}

/** The max parallelism of an operator that was given none: 128 up to a parallelism of 85. */
export function defaultMaxParallelism(parallelism: number): number {
  const wanted = parallelism + Math.floor(parallelism / 2);
  let power = 1;
  while (power < wanted) power *= 2;
  return Math.min(Math.max(power, DEFAULT_MAX_PARALLELISM_MIN), MAX_PARALLELISM_LIMIT);
}

/**
 * The hash of a key, equal to Java's `hashCode` of what the key is in Flink: an integer within 32
 * bits hashes as Integer, any other number as Double, a bigint and a Date's milliseconds as Long,
 * an array as a tuple.
 *
 * Errors: `E_KEY_NULL` for null and undefined; `E_KEY_NAN` for NaN and invalid dates; `E_KEY_TYPE` for
 * objects, functions, symbols, bigints beyond 64 bits and empty arrays. Flink rejects the first as
 * well; the others have no hash that all agree on. Within an array `field` says which one it was.
 */
export function hashKey(key: unknown): number {
  switch (typeof key) {
    case 'string':
      return hashString(key);
    case 'number':
      if (key !== key) throw keyError('E_KEY_NAN', 'a key is not a number', key);
      return hashNumber(key);
    case 'boolean':
      return hashBoolean(key);
    case 'bigint':
      if (BigInt.asIntN(64, key) !== key) {
        throw keyError('E_KEY_TYPE', 'a bigint key is larger than 64 bits', key);
      }
      return hashBigint(key);
    case 'undefined':
      throw keyError('E_KEY_NULL', 'a key is undefined', key);
    case 'object':
      if (Array.isArray(key)) return hashTuple(key);
      if (key instanceof Date) return hashDate(key);
      if (key === null) throw keyError('E_KEY_NULL', 'a key is null', key);
      throw keyError('E_KEY_TYPE', 'a key is an object, which has no stable hash', key);
    default:
      throw keyError('E_KEY_TYPE', `a key is a ${typeof key}, which has no hash`, key);
  }
}

function hashTuple(fields: readonly unknown[]): number {
  if (fields.length === 0) throw keyError('E_KEY_TYPE', 'a key is an empty array', fields);
  let hash = 0;
  for (let index = 0; index < fields.length; index += 1) {
    const field = hashField(fields, index);
    hash = index === 0 ? field : (Math.imul(hash, 31) + field) | 0;
  }
  return hash;
}

function hashField(fields: readonly unknown[], index: number): number {
  try {
    return hashKey(fields[index]);
  } catch (error) {
    if (!(error instanceof StreamError) || error.details.field !== undefined) throw error;
    throw keyError(error.code, 'a field of a composite key cannot be hashed', fields[index], index);
  }
}

/** Java's `Long.hashCode` of the milliseconds, which are a whole number below 2^53. */
function hashDate(date: Date): number {
  const ms = date.getTime();
  if (ms !== ms) throw keyError('E_KEY_NAN', 'a key is an invalid date', date);
  return (ms | 0) ^ (Math.floor(ms / TWO_TO_32) | 0);
}

function keyError(code: string, what: string, key: unknown, field?: number): StreamError {
  // An invalid Date is `null` in JSON, which would mislead here.
  const shown = key instanceof Date ? String(key) : showValue(key);
  return new StreamError(
    code,
    what,
    {key: shown, ...(field === undefined ? {} : {field})},
    {
      remedy:
        'use a string, number, boolean, bigint, Date, or an array of these; ' +
        'filter out records without a key before keyBy',
    },
  );
}
