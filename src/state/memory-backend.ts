/**
 * Keyed state in memory, the default. It puts together a key space (keys, ids, rows of lanes), namespaces,
 * one store per state and the queues of timers; handles come from `create-handle.ts`. One thread.
 *
 * What a snapshot brought is kept as it is until somebody asks for the state or the timers by name: only
 * a descriptor knows how values are to be kept. Until then it is part of snapshots all the same.
 *
 * For checkpoints to come: rows, entries and timer slots are runs of typed arrays that change in few
 * places (see there), so their pages can be marked when a barrier comes and copied before the next
 * write; `snapshot` here walks through everything at once.
 */
import {hashKey, keyGroupOf, type KeyGroupRange} from '../base/key-group.ts';
import {createHandle} from './create-handle.ts';
import {IdTimerQueue} from './id-timer-queue.ts';
import {KeySpace, NO_KEY} from './key-space.ts';
import {
  KeyedSnapshotReader,
  KeyedSnapshotWriter,
  restoreState,
  toSavedValue,
} from './keyed-snapshot-data.ts';
import type {KeyedSnapshot} from './keyed-snapshot.ts';
import type {KeyedBackendOptions, KeyedStateBackend} from './keyed-state-backend.ts';
import type {InternalState, StateNamespace} from './keyed-state.ts';
import {sameNamespace} from './keyed-state.ts';
import {MemoryStore} from './memory-store.ts';
import {Namespaces} from './namespaces.ts';
import {refuseOtherKind, type AnyStateDescriptor} from './state-descriptors.ts';
import {checkTtl, type CheckedTtl} from './state-ttl.ts';

/** Rows of less lie in the caches anyway. */
const TOUCHED_BYTES_MIN = 1 << 20;

interface State {
  readonly descriptor: AnyStateDescriptor;
  readonly store: MemoryStore;
  readonly ttl: CheckedTtl | undefined;
  readonly handle: InternalState;
}

export class MemoryBackend implements KeyedStateBackend {
  readonly keyGroupRange: KeyGroupRange;
  readonly maxParallelism: number;
  readonly #options: KeyedBackendOptions;
  readonly #keys = new KeySpace();
  readonly #namespaces = new Namespaces();
  readonly #states = new Map<string, State>();
  readonly #timers = new Map<string, IdTimerQueue>();
  readonly #restored: KeyedSnapshotReader;

  constructor(options: KeyedBackendOptions) {
    this.#options = options;
    this.keyGroupRange = options.keyGroupRange;
    this.maxParallelism = options.maxParallelism;
    this.#restored = new KeyedSnapshotReader(options.restored, options);
  }

  get currentKey(): unknown {
    return this.#keys.current;
  }

  setCurrentKey(key: unknown): void {
    this.#keys.setCurrent(key);
  }

  get paysToTouch(): boolean {
    return this.#keys.isNumeric && this.#keys.lanes.byteLength >= TOUCHED_BYTES_MIN;
  }

  touchKey(key: number): number {
    return this.#keys.touch(NO_KEY, key);
  }

  getState(descriptor: AnyStateDescriptor): any {
    const {name} = descriptor;
    const known = this.#states.get(name)?.descriptor.kind ?? this.#restored.kindOf(name);
    refuseOtherKind(descriptor, known);
    return (this.#states.get(name) ?? this.#createState(descriptor)).handle;
  }

  *keys(stateName: string, namespace: StateNamespace): IterableIterator<unknown> {
    const state = this.#states.get(stateName);
    if (state === undefined) {
      yield* this.#restored.keys(stateName, namespace);
      return;
    }
    const ids: number[] = [];
    state.store.forEach((id, other) => {
      if (sameNamespace(namespace, other)) ids.push(id);
    });
    for (const id of ids) yield this.#keys.keyOf(id);
  }

  descriptorOf(stateName: string): AnyStateDescriptor | undefined {
    return this.#states.get(stateName)?.descriptor;
  }

  stateNames(): readonly string[] {
    return [...this.#states.keys(), ...this.#restored.stateNames()];
  }

  get eventTimeTimerCount(): number {
    let count = 0;
    for (const [name, queue] of this.#timers) if (name.startsWith('event ')) count += queue.size;
    return count;
  }

  timerQueue(service: string, domain: 'event' | 'processing'): IdTimerQueue {
    const name = `${domain} ${service}`;
    const known = this.#timers.get(name);
    if (known !== undefined) return known;
    const queue = new IdTimerQueue(this.#keys, this.#namespaces);
    this.#timers.set(name, queue);
    const before = this.#keys.current;
    for (const {key, namespace, timestamp} of this.#restored.takeTimers(service, domain)) {
      this.#keys.setCurrent(key);
      queue.add(namespace, timestamp);
    }
    if (before !== undefined) this.#keys.setCurrent(before);
    return queue;
  }

  get keyCount(): number {
    return this.#keys.size;
  }

  get sizeBytes(): number {
    let sizeBytes = this.#keys.sizeBytes;
    for (const {store} of this.#states.values()) sizeBytes += store.sizeBytes;
    for (const queue of this.#timers.values()) sizeBytes += queue.sizeBytes;
    return sizeBytes;
  }

  snapshot(): KeyedSnapshot {
    const keys = this.#keys;
    const writer = new KeyedSnapshotWriter(this.maxParallelism);
    const groups: number[] = [];
    const groupOf = (id: number): number =>
      (groups[id] ??= keyGroupOf(hashKey(keys.keyOf(id)), this.maxParallelism));
    const nowMs = this.#options.clock.now();
    for (const [name, {descriptor, store, ttl}] of this.#states) {
      const {kind} = descriptor;
      store.forEach((id, namespace, value, timeMs) => {
        const saved = toSavedValue(kind, value, timeMs, ttl, nowMs);
        if (saved === undefined) return;
        writer.addState(groupOf(id), name, kind, keys.keyOf(id), namespace, saved);
      });
    }
    for (const [name, queue] of this.#timers) {
      const [domain, service] = splitName(name);
      queue.forEach((id, namespace, timestamp) => {
        writer.addTimer(groupOf(id), service, domain, keys.keyOf(id), namespace, timestamp);
      });
    }
    this.#restored.copyRest(writer);
    return writer.finish();
  }

  close(): void {}

  #createState(descriptor: AnyStateDescriptor): State {
    const {name, kind, schema} = descriptor;
    const ttl = checkTtl(name, descriptor.ttl);
    const isSingle = kind !== 'list' && kind !== 'map';
    const store = new MemoryStore({
      name,
      keys: this.#keys,
      namespaces: this.#namespaces,
      mayUseLanes: isSingle,
      schema: isSingle ? schema : undefined,
      hasTime: isSingle && ttl !== undefined,
    });
    const handle = createHandle(descriptor, store, ttl, this.#options.clock);
    const state = {descriptor, store, ttl, handle};
    this.#states.set(name, state);
    restoreState(state, this.#keys, this.#restored, this.#options.clock.now());
    return state;
  }
}

/** A backend in memory; the default. */
export function createMemoryBackend(options: KeyedBackendOptions): KeyedStateBackend {
  return new MemoryBackend(options);
}

function splitName(name: string): ['event' | 'processing', string] {
  const space = name.indexOf(' ');
  return [name.slice(0, space) as 'event' | 'processing', name.slice(space + 1)];
}
