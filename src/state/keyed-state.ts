/**
 * The handles through which keyed state is read and written. Each works on the current key of its
 * backend, and on the namespace that was set last (windows; users only see the void one). Values are handed out
 * as they are kept: what a user changes in an object that lies on the heap is changed in the state,
 * as with Flink's heap backend; write it back with `update` all the same, because state that lies in
 * typed arrays, on disk, or under a TTL would not notice. One thread.
 *
 * Empty reads: undefined for value, reducing and aggregating state, an empty list, an empty map.
 */
import {TimeWindow} from '../time/time-window.ts';

/** What state belongs to besides its key: nothing, a window, or any name. */
export type StateNamespace = undefined | TimeWindow | string | number;

export interface ValueState<T> {
  value(): T | undefined;
  /** null and undefined clear. */
  update(value: T | null | undefined): void;
  clear(): void;
}

/** Errors: `E_STATE_VALUE` for null or undefined as an element. */
export interface ListState<T> {
  /** The list itself: do not change it, use `update`. */
  get(): readonly T[];
  add(value: T): void;
  addAll(values: Iterable<T>): void;
  /** Replaces the list; an empty one clears. */
  update(values: Iterable<T>): void;
  clear(): void;
}

/** Iterates in the order in which keys came. A value may be null or undefined. */
export interface MapState<K, V> {
  get(key: K): V | undefined;
  put(key: K, value: V): void;
  putAll(entries: Iterable<readonly [K, V]>): void;
  remove(key: K): void;
  contains(key: K): boolean;
  entries(): IterableIterator<[K, V]>;
  keys(): IterableIterator<K>;
  values(): IterableIterator<V>;
  isEmpty(): boolean;
  clear(): void;
}

export interface ReducingState<T> {
  get(): T | undefined;
  /** null and undefined clear, as in Flink. */
  add(value: T): void;
  clear(): void;
}

export interface AggregatingState<I, O> {
  get(): O | undefined;
  /** null and undefined clear, as in Flink. */
  add(value: I): void;
  clear(): void;
}

/** What operators of the engine can do with a handle, and users cannot. */
export interface Namespaced {
  /** All further calls are about this namespace. Cheap if it equals the last one. */
  setNamespace(namespace: StateNamespace): void;
}

/** State whose namespaces can be merged, for windows that merge. */
export interface Mergeable extends Namespaced {
  /** Merges what the current key has in `sources` into `target`; `sources` are empty afterwards. */
  mergeNamespaces(target: StateNamespace, sources: Iterable<StateNamespace>): void;
}

export interface InternalValueState<T> extends ValueState<T>, Namespaced {}
export interface InternalMapState<K, V> extends MapState<K, V>, Namespaced {}
export interface InternalListState<T> extends ListState<T>, Mergeable {}
export interface InternalReducingState<T> extends ReducingState<T>, Mergeable {}
/** Errors: `mergeNamespaces` throws `E_STATE_MERGE` if the aggregate has no `merge`. */
export interface InternalAggregatingState<I, A, O> extends AggregatingState<I, O>, Mergeable {
  /** The accumulator itself. */
  getAccumulator(): A | undefined;
}

/** The handle that belongs to a descriptor. */
export type InternalState =
  | InternalValueState<any>
  | InternalListState<any>
  | InternalMapState<any, any>
  | InternalReducingState<any>
  | InternalAggregatingState<any, any, any>;

export function sameNamespace(a: StateNamespace, b: StateNamespace): boolean {
  if (a === b) return true;
  return a instanceof TimeWindow && b instanceof TimeWindow && a.equals(b);
}
