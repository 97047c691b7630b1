/**
 * The handles of states whose values expire, over any store. Flink's rules to the letter (its
 * TtlValueState, TtlListState, TtlMapState, TtlReduceFunction, TtlAggregateFunction):
 *
 *   - each access first looks at a few entries of the whole state and drops what has expired, if the
 *     clean-up is incremental; so a small state hardly ever returns an expired value
 *   - an expired value that is read goes away; it is returned this once, if its visibility says so
 *   - a list returns its expired elements as long as one has not expired; when none has not, it goes away
 *   - `isEmpty` of a map does not look at times
 *   - what is combined (reducing, aggregating) counts as absent once expired, unless it may be returned
 */
import type {Clock} from '../base/clock.ts';
import type {
  InternalAggregatingState,
  InternalListState,
  InternalMapState,
  InternalReducingState,
  InternalValueState,
  StateNamespace,
} from './keyed-state.ts';
import {ownTexts} from './own-texts.ts';
import {EMPTY_LIST, append, checkElement, checkReduced, mergerOf} from './state-handles.ts';
import type {StateAggregate} from './state-descriptors.ts';
import {StateMap} from './state-map.ts';
import type {StateStore, SweepVerdict} from './state-store.ts';
import type {CheckedTtl} from './state-ttl.ts';

/** A list with the time of the last update of each element. */
export interface TimedList<T> {
  values: T[];
  times: number[];
}

/** A value of a map with the time of its last update. */
export interface TimedValue<V> {
  readonly value: V;
  timeMs: number;
}

export interface TtlOptions {
  readonly store: StateStore;
  readonly ttl: CheckedTtl;
  readonly clock: Clock;
}

abstract class TtlHandle {
  protected readonly store: StateStore;
  protected readonly ttl: CheckedTtl;
  readonly #clock: Clock;
  /** The time of the present access. */
  protected nowMs = 0;
  readonly #visit = (value: unknown, timeMs: number) => this.visit(value, timeMs);

  constructor({store, ttl, clock}: TtlOptions) {
    this.store = store;
    this.ttl = ttl;
    this.#clock = clock;
  }

  setNamespace(namespace: StateNamespace): void {
    this.store.setNamespace(namespace);
  }

  clear(): void {
    this.access();
    this.store.remove();
  }

  /** Begins an access. */
  protected access(): void {
    this.nowMs = this.#clock.now();
    if (this.ttl.entriesPerAccess > 0) this.store.sweep(this.ttl.entriesPerAccess, this.#visit);
  }

  protected isExpired(timeMs: number): boolean {
    return timeMs + this.ttl.ttlMs <= this.nowMs;
  }

  /** What becomes of a value that a sweep looks at. */
  protected visit(_value: unknown, timeMs: number): SweepVerdict {
    return this.isExpired(timeMs) ? 'drop' : 'keep';
  }
}

/** What value, reducing and aggregating state have in common: one value, one time. */
abstract class TtlSingleHandle<T> extends TtlHandle {
  protected read(): T | undefined {
    this.access();
    const {store} = this;
    const value = store.get() as T | undefined;
    if (value === undefined) return undefined;
    if (this.isExpired(store.getTime())) {
      store.remove();
      return this.ttl.returnsExpired ? value : undefined;
    }
    if (this.ttl.renewsOnRead) store.setTime(this.nowMs);
    return value;
  }

  protected write(value: T): void {
    this.store.put(value);
    this.store.setTime(this.nowMs);
  }

  /** The value, unless it counts as absent. */
  protected usable(): T | undefined {
    const value = this.store.get() as T | undefined;
    if (value === undefined || this.ttl.returnsExpired) return value;
    return this.isExpired(this.store.getTime()) ? undefined : value;
  }

  protected mergeValues(
    target: StateNamespace,
    sources: Iterable<StateNamespace>,
    merge: (a: unknown, b: unknown) => unknown,
  ): void {
    this.access();
    const {store} = this;
    const before = store.namespace;
    let merged: unknown;
    for (const source of sources) {
      store.setNamespace(source);
      const value = this.usable();
      store.remove();
      if (value !== undefined) merged = merged === undefined ? value : merge(merged, value);
    }
    if (merged !== undefined) {
      store.setNamespace(target);
      const value = this.usable();
      this.write((value === undefined ? merged : merge(value, merged)) as T);
    }
    store.setNamespace(before);
  }
}

export class TtlValueState<T> extends TtlSingleHandle<T> implements InternalValueState<T> {
  value(): T | undefined {
    return this.read();
  }

  update(value: T | null | undefined): void {
    this.access();
    if (value === undefined || value === null) this.store.remove();
    else this.write(value);
  }
}

export class TtlReducingState<T> extends TtlSingleHandle<T> implements InternalReducingState<T> {
  readonly #reduce: (a: T, b: T) => T;

  constructor(options: TtlOptions, reduce: (a: T, b: T) => T) {
    super(options);
    this.#reduce = reduce;
  }

  get(): T | undefined {
    return this.read();
  }

  add(value: T): void {
    this.access();
    if (value === undefined || value === null) {
      this.store.remove();
      return;
    }
    const reduced = this.usable();
    this.write(
      reduced === undefined ? value : checkReduced(this.#reduce(reduced, value), 'reduce'),
    );
  }

  mergeNamespaces(target: StateNamespace, sources: Iterable<StateNamespace>): void {
    this.mergeValues(target, sources, (a, b) =>
      checkReduced(this.#reduce(a as T, b as T), 'reduce'),
    );
  }
}

export class TtlAggregatingState<I, A, O>
  extends TtlSingleHandle<A>
  implements InternalAggregatingState<I, A, O>
{
  readonly #aggregate: StateAggregate<I, A, O>;
  readonly #name: string;

  constructor(options: TtlOptions, aggregate: StateAggregate<I, A, O>, name: string) {
    super(options);
    this.#aggregate = aggregate;
    this.#name = name;
  }

  get(): O | undefined {
    const accumulator = this.read();
    return accumulator === undefined ? undefined : this.#aggregate.getResult(accumulator);
  }

  getAccumulator(): A | undefined {
    return this.read();
  }

  add(value: I): void {
    this.access();
    if (value === undefined || value === null) {
      this.store.remove();
      return;
    }
    const accumulator = this.usable() ?? this.#aggregate.createAccumulator();
    this.write(checkReduced(this.#aggregate.add(value, accumulator), 'add'));
  }

  mergeNamespaces(target: StateNamespace, sources: Iterable<StateNamespace>): void {
    this.mergeValues(target, sources, mergerOf(this.#aggregate, this.#name));
  }
}

export class TtlListState<T> extends TtlHandle implements InternalListState<T> {
  get(): readonly T[] {
    this.access();
    const list = this.#list();
    if (list === undefined) return EMPTY_LIST;
    const {values, times} = list;
    const isLive = times.map(timeMs => !this.isExpired(timeMs));
    const live = values.filter((_, index) => isLive[index]);
    const result = this.ttl.returnsExpired ? values.slice() : live;
    if (live.length === 0) this.store.remove();
    else if (this.ttl.renewsOnRead) this.#put(live);
    return result;
  }

  add(value: T): void {
    this.access();
    this.#append([checkElement(value)]);
  }

  addAll(values: Iterable<T>): void {
    this.access();
    const added = Array.from(values, checkElement);
    if (added.length > 0) this.#append(added);
  }

  update(values: Iterable<T>): void {
    this.access();
    const list = Array.from(values, checkElement);
    if (list.length === 0) this.store.remove();
    else this.#put(list);
  }

  mergeNamespaces(target: StateNamespace, sources: Iterable<StateNamespace>): void {
    this.access();
    const {store} = this;
    const before = store.namespace;
    const merged: TimedList<T> = {values: [], times: []};
    for (const source of sources) {
      store.setNamespace(source);
      const list = this.#list();
      if (list === undefined) continue;
      store.remove();
      append(merged.values, list.values);
      append(merged.times, list.times);
    }
    if (merged.values.length > 0) {
      store.setNamespace(target);
      const list = this.#list();
      if (list === undefined) {
        store.put(merged);
      } else {
        append(list.values, merged.values);
        append(list.times, merged.times);
        store.put(list);
      }
    }
    store.setNamespace(before);
  }

  protected override visit(value: unknown): SweepVerdict {
    const list = value as TimedList<T>;
    if (!list.times.some(timeMs => this.isExpired(timeMs))) return 'keep';
    list.values = list.values.filter((_, index) => !this.isExpired(list.times[index]!));
    list.times = list.times.filter(timeMs => !this.isExpired(timeMs));
    return list.values.length === 0 ? 'drop' : 'change';
  }

  #list(): TimedList<T> | undefined {
    return this.store.get() as TimedList<T> | undefined;
  }

  #put(values: T[]): void {
    this.store.put({values, times: values.map(() => this.nowMs)});
  }

  #append(added: T[]): void {
    const list = this.#list();
    if (list === undefined) {
      this.#put(added);
      return;
    }
    append(list.values, added);
    for (let n = added.length; n > 0; n -= 1) list.times.push(this.nowMs);
    this.store.put(list);
  }
}

export class TtlMapState<K, V> extends TtlHandle implements InternalMapState<K, V> {
  get(key: K): V | undefined {
    return this.#read(key)?.value;
  }

  put(key: K, value: V): void {
    this.access();
    this.#set(key, value);
  }

  putAll(entries: Iterable<readonly [K, V]>): void {
    this.access();
    for (const [key, value] of entries) this.#set(key, value);
  }

  remove(key: K): void {
    this.access();
    this.#delete(key);
  }

  contains(key: K): boolean {
    return this.#read(key) !== undefined;
  }

  entries(): IterableIterator<[K, V]> {
    return this.#live().values();
  }

  keys(): IterableIterator<K> {
    return this.#live()
      .map(([key]) => key)
      .values();
  }

  values(): IterableIterator<V> {
    return this.#live()
      .map(([, value]) => value)
      .values();
  }

  isEmpty(): boolean {
    this.access();
    return this.#map() === undefined;
  }

  protected override visit(value: unknown): SweepVerdict {
    const map = value as StateMap<TimedValue<V>>;
    const {size} = map;
    for (const [key, {timeMs}] of map.entries()) if (this.isExpired(timeMs)) map.delete(key);
    if (map.size === 0) return 'drop';
    return map.size === size ? 'keep' : 'change';
  }

  /** Reads all entries; at once, because a read changes the map and the namespace may change. */
  #live(): Array<[K, V]> {
    this.access();
    const live: Array<[K, V]> = [];
    const entries = [...(this.#map()?.entries() ?? [])] as Array<[K, TimedValue<V>]>;
    for (const [key, timed] of entries) {
      const seen = this.#look(key, timed);
      if (seen !== undefined) live.push([key, seen.value]);
    }
    return live;
  }

  #map(): StateMap<TimedValue<V>> | undefined {
    return this.store.get() as StateMap<TimedValue<V>> | undefined;
  }

  #set(key: K, value: V): void {
    const map = this.#map() ?? new StateMap<TimedValue<V>>();
    map.set(key, {value: ownTexts(value) as V, timeMs: this.nowMs});
    this.store.put(map);
  }

  #delete(key: K): void {
    const map = this.#map();
    if (map === undefined || !map.delete(key)) return;
    if (map.size === 0) this.store.remove();
    else this.store.put(map);
  }

  #read(key: K): TimedValue<V> | undefined {
    this.access();
    const timed = this.#map()?.get(key);
    return timed === undefined ? undefined : this.#look(key, timed);
  }

  /** A read of one entry. */
  #look(key: K, timed: TimedValue<V>): TimedValue<V> | undefined {
    if (this.isExpired(timed.timeMs)) {
      this.#delete(key);
      return this.ttl.returnsExpired ? timed : undefined;
    }
    if (this.ttl.renewsOnRead) {
      timed.timeMs = this.nowMs;
      this.store.put(this.#map()!);
    }
    return timed;
  }
}
