/**
 * The handles of states without a TTL, over any store. See keyed-state.ts for the contract.
 */
import {StreamError, showValue} from '../base/errors.ts';
import type {
  InternalAggregatingState,
  InternalListState,
  InternalMapState,
  InternalReducingState,
  InternalValueState,
  StateNamespace,
} from './keyed-state.ts';
import {ownTexts} from './own-texts.ts';
import type {StateAggregate} from './state-descriptors.ts';
import {StateMap} from './state-map.ts';
import type {StateStore} from './state-store.ts';

export class HeapValueState<T> implements InternalValueState<T> {
  readonly #store: StateStore;

  constructor(store: StateStore) {
    this.#store = store;
  }

  setNamespace(namespace: StateNamespace): void {
    this.#store.setNamespace(namespace);
  }

  value(): T | undefined {
    return this.#store.get() as T | undefined;
  }

  update(value: T | null | undefined): void {
    if (value === undefined || value === null) this.#store.remove();
    else this.#store.put(value);
  }

  clear(): void {
    this.#store.remove();
  }
}

/** What `get` of an empty list gives. */
export const EMPTY_LIST: readonly never[] = Object.freeze([]);

export class HeapListState<T> implements InternalListState<T> {
  readonly #store: StateStore;

  constructor(store: StateStore) {
    this.#store = store;
  }

  setNamespace(namespace: StateNamespace): void {
    this.#store.setNamespace(namespace);
  }

  get(): readonly T[] {
    return this.#list() ?? EMPTY_LIST;
  }

  add(value: T): void {
    const element = checkElement(value);
    const list = this.#list();
    if (list === undefined) {
      this.#store.put([element]);
    } else {
      list.push(element);
      this.#store.put(list);
    }
  }

  addAll(values: Iterable<T>): void {
    const added = Array.from(values, checkElement);
    if (added.length === 0) return;
    const list = this.#list();
    this.#store.put(list === undefined ? added : append(list, added));
  }

  update(values: Iterable<T>): void {
    const list = Array.from(values, checkElement);
    if (list.length === 0) this.#store.remove();
    else this.#store.put(list);
  }

  clear(): void {
    this.#store.remove();
  }

  mergeNamespaces(target: StateNamespace, sources: Iterable<StateNamespace>): void {
    mergeInStore(this.#store, target, sources, (a, b) => append(a as T[], b as T[]));
  }

  #list(): T[] | undefined {
    return this.#store.get() as T[] | undefined;
  }
}

export class HeapMapState<K, V> implements InternalMapState<K, V> {
  readonly #store: StateStore;

  constructor(store: StateStore) {
    this.#store = store;
  }

  setNamespace(namespace: StateNamespace): void {
    this.#store.setNamespace(namespace);
  }

  get(key: K): V | undefined {
    return this.#map()?.get(key);
  }

  put(key: K, value: V): void {
    const map = this.#map() ?? new StateMap<V>();
    map.set(key, ownTexts(value) as V);
    this.#store.put(map);
  }

  putAll(entries: Iterable<readonly [K, V]>): void {
    for (const [key, value] of entries) this.put(key, value);
  }

  remove(key: K): void {
    const map = this.#map();
    if (map === undefined || !map.delete(key)) return;
    if (map.size === 0) this.#store.remove();
    else this.#store.put(map);
  }

  contains(key: K): boolean {
    return this.#map()?.has(key) ?? false;
  }

  entries(): IterableIterator<[K, V]> {
    return (this.#map() ?? new StateMap<V>()).entries() as IterableIterator<[K, V]>;
  }

  keys(): IterableIterator<K> {
    return (this.#map() ?? new StateMap<V>()).keys() as IterableIterator<K>;
  }

  values(): IterableIterator<V> {
    return (this.#map() ?? new StateMap<V>()).values();
  }

  isEmpty(): boolean {
    return this.#map() === undefined;
  }

  clear(): void {
    this.#store.remove();
  }

  #map(): StateMap<V> | undefined {
    return this.#store.get() as StateMap<V> | undefined;
  }
}

export class HeapReducingState<T> implements InternalReducingState<T> {
  readonly #store: StateStore;
  readonly #reduce: (a: T, b: T) => T;

  constructor(store: StateStore, reduce: (a: T, b: T) => T) {
    this.#store = store;
    this.#reduce = reduce;
  }

  setNamespace(namespace: StateNamespace): void {
    this.#store.setNamespace(namespace);
  }

  get(): T | undefined {
    return this.#store.get() as T | undefined;
  }

  add(value: T): void {
    if (value === undefined || value === null) {
      this.#store.remove();
      return;
    }
    const reduced = this.#store.get() as T | undefined;
    this.#store.put(
      reduced === undefined ? value : checkReduced(this.#reduce(reduced, value), 'reduce'),
    );
  }

  clear(): void {
    this.#store.remove();
  }

  mergeNamespaces(target: StateNamespace, sources: Iterable<StateNamespace>): void {
    mergeInStore(this.#store, target, sources, (a, b) =>
      checkReduced(this.#reduce(a as T, b as T), 'reduce'),
    );
  }
}

export class HeapAggregatingState<I, A, O> implements InternalAggregatingState<I, A, O> {
  readonly #store: StateStore;
  readonly #aggregate: StateAggregate<I, A, O>;
  readonly #name: string;

  constructor(store: StateStore, aggregate: StateAggregate<I, A, O>, name: string) {
    this.#store = store;
    this.#aggregate = aggregate;
    this.#name = name;
  }

  setNamespace(namespace: StateNamespace): void {
    this.#store.setNamespace(namespace);
  }

  get(): O | undefined {
    const accumulator = this.getAccumulator();
    return accumulator === undefined ? undefined : this.#aggregate.getResult(accumulator);
  }

  getAccumulator(): A | undefined {
    return this.#store.get() as A | undefined;
  }

  add(value: I): void {
    if (value === undefined || value === null) {
      this.#store.remove();
      return;
    }
    const accumulator = this.getAccumulator() ?? this.#aggregate.createAccumulator();
    this.#store.put(checkReduced(this.#aggregate.add(value, accumulator), 'add'));
  }

  clear(): void {
    this.#store.remove();
  }

  mergeNamespaces(target: StateNamespace, sources: Iterable<StateNamespace>): void {
    mergeInStore(this.#store, target, sources, mergerOf(this.#aggregate, this.#name));
  }
}

/** How accumulators are merged. Errors, when it is called: `E_STATE_MERGE` if they cannot be. */
export function mergerOf<A>(
  aggregate: StateAggregate<any, A, any>,
  name: string,
): (a: unknown, b: unknown) => unknown {
  return (a, b) => {
    if (typeof aggregate.merge !== 'function') {
      throw new StreamError(
        'E_STATE_MERGE',
        'an aggregate function cannot merge accumulators',
        {state: name},
        {remedy: 'give it a method merge(a, b): windows that merge need one'},
      );
    }
    return checkReduced(aggregate.merge(a as A, b as A), 'merge');
  };
}

/**
 * Merges values of several namespaces of the current key as Flink does: first the sources among
 * themselves, in order, then what the target has with the result.
 */
function mergeInStore(
  store: StateStore,
  target: StateNamespace,
  sources: Iterable<StateNamespace>,
  merge: (a: unknown, b: unknown) => unknown,
): void {
  const before = store.namespace;
  let merged: unknown;
  for (const source of sources) {
    store.setNamespace(source);
    const value = store.get();
    if (value === undefined) continue;
    store.remove();
    merged = merged === undefined ? value : merge(merged, value);
  }
  if (merged !== undefined) {
    store.setNamespace(target);
    const value = store.get();
    store.put(value === undefined ? merged : merge(value, merged));
  }
  store.setNamespace(before);
}

/** Errors: `E_STATE_VALUE` for null and undefined, which are no elements of a list. */
export function checkElement<T>(value: T): T {
  if (value === undefined || value === null) {
    throw new StreamError(
      'E_STATE_VALUE',
      'an element of a list state is null or undefined',
      {value: showValue(value)},
      {remedy: 'leave such elements out, or wrap them in an object'},
    );
  }
  return ownTexts(value) as T;
}

/** Errors: `E_FUNCTION_RESULT` for a function that combines values and returns nothing. */
export function checkReduced<T>(result: T, method: string): T {
  if (result !== undefined && result !== null) return result;
  throw new StreamError(
    'E_FUNCTION_RESULT',
    `${method} returned nothing`,
    {returned: showValue(result)},
    {remedy: `${method} must return a value: check that every path through it has a return`},
  );
}

/** `list`, with `added` behind it. */
export function append<T>(list: T[], added: readonly T[]): T[] {
  for (const element of added) list.push(element);
  return list;
}
