/**
 * The contract between a handle (value, list, map …) and the backend that keeps its data: one value,
 * whatever it is, under the current key and namespace, and beside it the time of its last update if
 * the state has a TTL. A list state keeps an array, a map state a `StateMap`.
 *
 * A handle that changes an object which it got puts it again. One thread.
 */
import type {StateNamespace} from './keyed-state.ts';

/** What becomes of an entry that a sweep looks at; `change`: the value was changed in place. */
export type SweepVerdict = 'keep' | 'change' | 'drop';

/** Looks at a value and its time; may shrink a list or a map in place. */
export type SweepVisitor = (value: unknown, timeMs: number) => SweepVerdict;

export interface StateStore {
  readonly namespace: StateNamespace;
  /** All further calls are about this namespace. */
  setNamespace(namespace: StateNamespace): void;
  /** The value, or undefined. */
  get(): unknown;
  /** Stores a value, which is not undefined. */
  put(value: unknown): void;
  remove(): void;
  /** Of the value, which is there; 0 without a TTL. */
  getTime(): number;
  /** Of the value, which is there. */
  setTime(timeMs: number): void;
  /** Looks at `count` further entries, in any order, round and round. */
  sweep(count: number, visit: SweepVisitor): void;
}
