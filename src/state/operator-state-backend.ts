/**
 * State that belongs to a subtask of an operator, not to a key: lists whose entries are dealt out anew
 * when the job is rescaled, lists of which every subtask gets everything, and broadcast maps, which are
 * equal in all subtasks. As Flink's `OperatorStateStore`; always on the JavaScript heap. One thread.
 */
import {StreamError} from '../base/errors.ts';
import type {ListState, MapState} from './keyed-state.ts';
import type {ListStateDescriptor, MapStateDescriptor} from './state-descriptors.ts';
import {StateMap} from './state-map.ts';

/** How a list comes back when the number of subtasks has changed (redistribute.ts). */
export type ListDistribution = 'split' | 'union';

/** The operator state of one subtask as plain data. */
export interface OperatorStateSnapshot {
  readonly lists: ReadonlyArray<{
    readonly name: string;
    readonly distribution: ListDistribution;
    readonly entries: readonly unknown[];
  }>;
  readonly broadcasts: ReadonlyArray<{
    readonly name: string;
    readonly entries: ReadonlyArray<readonly [unknown, unknown]>;
  }>;
}

/** A map that is equal in all subtasks, as long as all of them write the same. */
export type BroadcastState<K, V> = MapState<K, V>;

/** What the side that only reads gets to see. */
export type ReadonlyBroadcastState<K, V> = Pick<
  MapState<K, V>,
  'get' | 'contains' | 'entries' | 'keys' | 'values' | 'isEmpty'
>;

export class OperatorStateBackend {
  readonly #lists = new Map<string, {list: OperatorList; distribution: ListDistribution}>();
  readonly #broadcasts = new Map<string, BroadcastMap>();

  constructor(restored?: OperatorStateSnapshot) {
    if (restored === undefined) return;
    for (const {name, distribution, entries} of restored.lists) {
      const list = new OperatorList();
      list.addAll(entries);
      this.#lists.set(name, {list, distribution});
    }
    for (const {name, entries} of restored.broadcasts) {
      const map = new BroadcastMap();
      map.putAll(entries);
      this.#broadcasts.set(name, map);
    }
  }

  /** A list whose entries are dealt out evenly when the job is rescaled. */
  getListState<T>(descriptor: ListStateDescriptor<T>): ListState<T> {
    return this.#listState(descriptor.name, 'split') as ListState<T>;
  }

  /** A list of which each subtask gets the entries of all subtasks when it is restored. */
  getUnionListState<T>(descriptor: ListStateDescriptor<T>): ListState<T> {
    return this.#listState(descriptor.name, 'union') as ListState<T>;
  }

  /** A map that each subtask keeps for itself, and writes as all others do. */
  getBroadcastState<K, V>(descriptor: MapStateDescriptor<K, V>): BroadcastState<K, V> {
    const {name} = descriptor;
    if (this.#lists.has(name)) throw otherKind(name, 'broadcast');
    let map = this.#broadcasts.get(name);
    if (map === undefined) {
      map = new BroadcastMap();
      this.#broadcasts.set(name, map);
    }
    return map as BroadcastState<K, V>;
  }

  /** Undefined if there is nothing at all. */
  snapshot(): OperatorStateSnapshot | undefined {
    if (this.#lists.size === 0 && this.#broadcasts.size === 0) return undefined;
    return {
      lists: [...this.#lists].map(([name, {list, distribution}]) => ({
        name,
        distribution,
        entries: list.get().slice(),
      })),
      broadcasts: [...this.#broadcasts].map(([name, map]) => ({
        name,
        entries: [...map.entries()],
      })),
    };
  }

  #listState(name: string, distribution: ListDistribution): OperatorList {
    const known = this.#lists.get(name);
    if (known !== undefined) {
      if (known.distribution !== distribution) throw otherKind(name, distribution);
      return known.list;
    }
    if (this.#broadcasts.has(name)) throw otherKind(name, distribution);
    const list = new OperatorList();
    this.#lists.set(name, {list, distribution});
    return list;
  }
}

class OperatorList implements ListState<unknown> {
  #entries: unknown[] = [];

  get(): readonly unknown[] {
    return this.#entries;
  }

  add(value: unknown): void {
    this.#entries.push(value);
  }

  addAll(values: Iterable<unknown>): void {
    for (const value of values) this.#entries.push(value);
  }

  update(values: Iterable<unknown>): void {
    this.#entries = [...values];
  }

  clear(): void {
    this.#entries = [];
  }
}

class BroadcastMap implements MapState<unknown, unknown> {
  readonly #map = new StateMap<unknown>();

  get(key: unknown): unknown {
    return this.#map.get(key);
  }

  put(key: unknown, value: unknown): void {
    this.#map.set(key, value);
  }

  putAll(entries: Iterable<readonly [unknown, unknown]>): void {
    for (const [key, value] of entries) this.#map.set(key, value);
  }

  remove(key: unknown): void {
    this.#map.delete(key);
  }

  contains(key: unknown): boolean {
    return this.#map.has(key);
  }

  entries(): IterableIterator<[unknown, unknown]> {
    return this.#map.entries();
  }

  keys(): IterableIterator<unknown> {
    return this.#map.keys();
  }

  values(): IterableIterator<unknown> {
    return this.#map.values();
  }

  isEmpty(): boolean {
    return this.#map.size === 0;
  }

  clear(): void {
    this.#map.clear();
  }
}

function otherKind(name: string, wanted: string): StreamError {
  return new StreamError(
    'E_STATE_DESCRIPTOR',
    'an operator state of this name has another kind',
    {state: name, wanted},
    {remedy: 'give each state of an operator a name of its own'},
  );
}
