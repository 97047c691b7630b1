/**
 * Keyed state in batch mode: input comes sorted by key, so there is state for one key at a time. `endKey`
 * drops all of it before the next key comes; nothing is looked up by key. One thread.
 *
 *   records of a key ──► beginEnd ──► event-time timers, then those of processing time ──► endKey
 *
 * Timers of processing time are not due before the key ends, whatever the clock says. Timers that are set
 * while others fire at the end are ignored, as in Flink: most of them set themselves anew, for ever.
 *
 * Whatever the job's configuration says about state, it lies here. There are no checkpoints in batch mode, so
 * nothing is ever restored; a snapshot holds the present key, for whoever looks at a running job.
 *
 * Source: Flink, BatchExecutionKeyedStateBackend and BatchExecutionInternalTimeService.
 */
import {assert} from '../base/assert.ts';
import type {Clock} from '../base/clock.ts';
import {hashKey, keyGroupOf, type KeyGroupRange} from '../base/key-group.ts';
import {TimeWindow} from '../time/time-window.ts';
import {compositeKeyText, isPlainKey} from './any-key-table.ts';
import {createHandle} from './create-handle.ts';
import {KeyedSnapshotWriter, toSavedValue} from './keyed-snapshot-data.ts';
import type {KeyedSnapshot} from './keyed-snapshot.ts';
import type {KeyedBackendOptions, KeyedStateBackend} from './keyed-state-backend.ts';
import {sameNamespace, type InternalState, type StateNamespace} from './keyed-state.ts';
import {refuseOtherKind, type AnyStateDescriptor} from './state-descriptors.ts';
import type {StateStore, SweepVisitor} from './state-store.ts';
import {checkTtl, type CheckedTtl} from './state-ttl.ts';
import type {TimerQueue} from './timer-queue.ts';

type Domain = 'event' | 'processing';

interface State {
  readonly descriptor: AnyStateDescriptor;
  readonly store: SingleKeyStore;
  readonly ttl: CheckedTtl | undefined;
  readonly handle: InternalState;
}

export class SingleKeyBackend implements KeyedStateBackend {
  readonly keyGroupRange: KeyGroupRange;
  readonly maxParallelism: number;
  currentKey: unknown = undefined;
  readonly #clock: Clock;
  readonly #states = new Map<string, State>();
  readonly #timers = new Map<string, {service: string; domain: Domain; queue: SingleKeyTimers}>();
  readonly #phase: KeyPhase = {isEnding: false};

  constructor({keyGroupRange, maxParallelism, clock, restored}: KeyedBackendOptions) {
    assert(restored === undefined, 'nothing is restored in batch mode');
    this.keyGroupRange = keyGroupRange;
    this.maxParallelism = maxParallelism;
    this.#clock = clock;
  }

  setCurrentKey(key: unknown): void {
    if (key === this.currentKey && key !== undefined) return;
    hashKey(key);
    this.currentKey = key;
  }

  /** The present key has no more records: what timers are left fire now, and set no new ones. */
  beginEnd(): void {
    this.#phase.isEnding = true;
  }

  /** Forgets the present key and all that it has. */
  endKey(): void {
    this.#phase.isEnding = false;
    for (const {store} of this.#states.values()) store.clear();
    for (const {queue} of this.#timers.values()) queue.clear();
    this.currentKey = undefined;
  }

  getState(descriptor: AnyStateDescriptor): any {
    const {name} = descriptor;
    refuseOtherKind(descriptor, this.#states.get(name)?.descriptor.kind);
    return (this.#states.get(name) ?? this.#createState(descriptor)).handle;
  }

  *keys(stateName: string, namespace: StateNamespace): IterableIterator<unknown> {
    const store = this.#states.get(stateName)?.store;
    if (store?.has(namespace) === true) yield this.currentKey;
  }

  descriptorOf(stateName: string): AnyStateDescriptor | undefined {
    return this.#states.get(stateName)?.descriptor;
  }

  stateNames(): readonly string[] {
    return [...this.#states.keys()];
  }

  timerQueue(service: string, domain: Domain): TimerQueue {
    const name = `${domain} ${service}`;
    const known = this.#timers.get(name);
    if (known !== undefined) return known.queue;
    const queue = new SingleKeyTimers(this, domain, this.#phase);
    this.#timers.set(name, {service, domain, queue});
    return queue;
  }

  get eventTimeTimerCount(): number {
    let count = 0;
    for (const {domain, queue} of this.#timers.values()) {
      if (domain === 'event') count += queue.size;
    }
    return count;
  }

  get keyCount(): number {
    for (const {store} of this.#states.values()) if (store.size > 0) return 1;
    for (const {queue} of this.#timers.values()) if (queue.size > 0) return 1;
    return 0;
  }

  readonly sizeBytes = 0;

  snapshot(): KeyedSnapshot {
    const writer = new KeyedSnapshotWriter(this.maxParallelism);
    const key = this.currentKey;
    if (key === undefined) return writer.finish();
    const group = keyGroupOf(hashKey(key), this.maxParallelism);
    const nowMs = this.#clock.now();
    for (const [name, {descriptor, store, ttl}] of this.#states) {
      const {kind} = descriptor;
      store.forEach((namespace, value, timeMs) => {
        const saved = toSavedValue(kind, value, timeMs, ttl, nowMs);
        if (saved !== undefined) writer.addState(group, name, kind, key, namespace, saved);
      });
    }
    for (const {service, domain, queue} of this.#timers.values()) {
      for (const [, namespace, timestamp] of queue.entries()) {
        writer.addTimer(group, service, domain, key, namespace, timestamp);
      }
    }
    return writer.finish();
  }

  close(): void {}

  #createState(descriptor: AnyStateDescriptor): State {
    const {name} = descriptor;
    const ttl = checkTtl(name, descriptor.ttl);
    const store = new SingleKeyStore();
    const handle = createHandle(descriptor, store, ttl, this.#clock);
    const state = {descriptor, store, ttl, handle};
    this.#states.set(name, state);
    return state;
  }
}

/** Whether two keys are the same key. */
export function isSameKey(a: unknown, b: unknown): boolean {
  if (a === b) return a !== 0 || Object.is(a, b);
  if (isPlainKey(a) && isPlainKey(b)) return false;
  return compositeKeyText(a) === compositeKeyText(b);
}

/** What the queues of a backend know of their key. */
interface KeyPhase {
  isEnding: boolean;
}

interface Entry {
  readonly namespace: StateNamespace;
  value: unknown;
  timeMs: number;
}

/** What tells namespaces apart in a Map: windows by their ends, texts and numbers by their kind too. */
function namespaceId(namespace: StateNamespace): string | number | undefined {
  if (namespace instanceof TimeWindow) return `w${namespace.start} ${namespace.end}`;
  return typeof namespace === 'string' ? `s${namespace}` : namespace;
}

class SingleKeyStore implements StateStore {
  namespace: StateNamespace = undefined;
  readonly #entries = new Map<string | number | undefined, Entry>();
  #id: string | number | undefined = undefined;

  get size(): number {
    return this.#entries.size;
  }

  setNamespace(namespace: StateNamespace): void {
    if (sameNamespace(namespace, this.namespace)) return;
    this.namespace = namespace;
    this.#id = namespaceId(namespace);
  }

  get(): unknown {
    return this.#entries.get(this.#id)?.value;
  }

  put(value: unknown): void {
    const entry = this.#entries.get(this.#id);
    if (entry !== undefined) entry.value = value;
    else this.#entries.set(this.#id, {namespace: this.namespace, value, timeMs: 0});
  }

  remove(): void {
    this.#entries.delete(this.#id);
  }

  getTime(): number {
    return this.#entries.get(this.#id)!.timeMs;
  }

  setTime(timeMs: number): void {
    this.#entries.get(this.#id)!.timeMs = timeMs;
  }

  /** The state of one key ends soon, and needs no sweeping. */
  sweep(_count: number, _visit: SweepVisitor): void {}

  has(namespace: StateNamespace): boolean {
    return this.#entries.has(namespaceId(namespace));
  }

  forEach(visit: (namespace: StateNamespace, value: unknown, timeMs: number) => void): void {
    for (const {namespace, value, timeMs} of this.#entries.values()) {
      visit(namespace, value, timeMs);
    }
  }

  clear(): void {
    if (this.#entries.size > 0) this.#entries.clear();
  }
}

interface Timer {
  readonly id: string;
  readonly namespace: StateNamespace;
  readonly timestamp: number;
  /** Timers of one timestamp fire in the order in which they were set. */
  readonly number: number;
}

class SingleKeyTimers implements TimerQueue {
  polledNamespace: StateNamespace = undefined;
  polledTimestamp = NaN;
  readonly #backend: KeyedStateBackend;
  readonly #domain: Domain;
  readonly #phase: KeyPhase;
  readonly #timers = new Map<string, Timer>();
  /** A binary heap; timers that were deleted stay in it until they come to the top. */
  readonly #heap: Timer[] = [];
  #nextNumber = 0;

  constructor(backend: KeyedStateBackend, domain: Domain, phase: KeyPhase) {
    this.#backend = backend;
    this.#domain = domain;
    this.#phase = phase;
  }

  get size(): number {
    return this.#timers.size;
  }

  get nextTimestamp(): number {
    if (this.#timers.size === 0) return Infinity;
    if (this.#domain === 'processing' && !this.#phase.isEnding) return Infinity;
    return this.#heap[0]!.timestamp;
  }

  add(namespace: StateNamespace, timestamp: number): void {
    if (this.#phase.isEnding) return;
    const id = `${timestamp} ${namespaceId(namespace) ?? ''}`;
    if (this.#timers.has(id)) return;
    const timer = {id, namespace, timestamp, number: this.#nextNumber};
    this.#nextNumber += 1;
    this.#timers.set(id, timer);
    this.#push(timer);
  }

  delete(namespace: StateNamespace, timestamp: number): void {
    if (this.#timers.delete(`${timestamp} ${namespaceId(namespace) ?? ''}`)) this.#dropDeleted();
  }

  poll(): void {
    const timer = this.#pop();
    this.#timers.delete(timer.id);
    this.#dropDeleted();
    this.polledNamespace = timer.namespace;
    this.polledTimestamp = timer.timestamp;
  }

  *entries(): IterableIterator<[key: unknown, namespace: StateNamespace, timestamp: number]> {
    for (const {namespace, timestamp} of this.#timers.values()) {
      yield [this.#backend.currentKey, namespace, timestamp];
    }
  }

  clear(): void {
    if (this.#heap.length === 0) return;
    this.#timers.clear();
    this.#heap.length = 0;
    this.#nextNumber = 0;
  }

  /** The first timer of the heap is always one that waits. */
  #dropDeleted(): void {
    while (this.#heap.length > 0) {
      const first = this.#heap[0]!;
      if (this.#timers.get(first.id) === first) return;
      this.#pop();
    }
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let at = heap.push(timer) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(timer, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = timer;
  }

  #pop(): Timer {
    const heap = this.#heap;
    const first = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.timestamp < b.timestamp || (a.timestamp === b.timestamp && a.number < b.number);
}
