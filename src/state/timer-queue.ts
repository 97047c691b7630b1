/**
 * The timers of one service and one kind of time: a set of (key, namespace, timestamp) and a queue over
 * their timestamps. One thread.
 */
import type {StateNamespace} from './keyed-state.ts';

export interface TimerQueue {
  /** How many timers wait. */
  readonly size: number;
  /** Of the first timer; Infinity if there is none. */
  readonly nextTimestamp: number;
  /** Adds a timer of the current key; does nothing if it is there. */
  add(namespace: StateNamespace, timestamp: number): void;
  /** Deletes a timer of the current key; does nothing if it is not there. */
  delete(namespace: StateNamespace, timestamp: number): void;
  /** Takes the first timer out and makes its key the current one. There must be one. */
  poll(): void;
  /** Of the timer that was taken last. */
  readonly polledNamespace: StateNamespace;
  readonly polledTimestamp: number;
  /** All timers, in no particular order; for tests and live looks. */
  entries(): IterableIterator<[key: unknown, namespace: StateNamespace, timestamp: number]>;
}
