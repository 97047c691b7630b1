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
  /** Another one in the same place. */
  next: Entry | undefined;
}

/** Where to look for a namespace in a Map: no texts are made for that. Several may have one place. */
function placeOf(namespace: StateNamespace): string | number | undefined {
  return namespace instanceof TimeWindow ? namespace.start : namespace;
}

class SingleKeyStore implements StateStore {
  namespace: StateNamespace = undefined;
  readonly #entries = new Map<string | number | undefined, Entry>();
  /** Of the namespace; undefined if there is none, or if it has not been looked for. */
  #entry: Entry | undefined = undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  setNamespace(namespace: StateNamespace): void {
    if (sameNamespace(namespace, this.namespace)) return;
    this.namespace = namespace;
    this.#entry = undefined;
  }

  get(): unknown {
    return this.#find()?.value;
  }

  put(value: unknown): void {
    const entry = this.#find();
    if (entry !== undefined) {
      entry.value = value;
      return;
    }
    const {namespace} = this;
    const place = placeOf(namespace);
    this.#entry = {namespace, value, timeMs: 0, next: this.#entries.get(place)};
    this.#entries.set(place, this.#entry);
    this.#size += 1;
  }

  remove(): void {
    const entry = this.#find();
    if (entry === undefined) return;
    this.#entry = undefined;
    this.#size -= 1;
    const place = placeOf(this.namespace);
    const first = this.#entries.get(place)!;
    if (first === entry) {
      if (entry.next === undefined) this.#entries.delete(place);
      else this.#entries.set(place, entry.next);
      return;
    }
    let before = first;
    while (before.next !== entry) before = before.next!;
    before.next = entry.next;
  }

  getTime(): number {
    return this.#find()!.timeMs;
  }

  setTime(timeMs: number): void {
    this.#find()!.timeMs = timeMs;
  }

  /** The state of one key ends soon, and needs no sweeping. */
  sweep(_count: number, _visit: SweepVisitor): void {}

  has(namespace: StateNamespace): boolean {
    return this.#search(namespace) !== undefined;
  }

  forEach(visit: (namespace: StateNamespace, value: unknown, timeMs: number) => void): void {
    for (const first of this.#entries.values()) {
      for (let entry: Entry | undefined = first; entry !== undefined; entry = entry.next) {
        visit(entry.namespace, entry.value, entry.timeMs);
      }
    }
  }

  clear(): void {
    if (this.#size === 0) return;
    this.#size = 0;
    this.#entries.clear();
    this.#entry = undefined;
  }

  #find(): Entry | undefined {
    return (this.#entry ??= this.#search(this.namespace));
  }

  #search(namespace: StateNamespace): Entry | undefined {
    let entry = this.#entries.get(placeOf(namespace));
    while (entry !== undefined && !sameNamespace(entry.namespace, namespace)) entry = entry.next;
    return entry;
  }
}

interface Timer {
  readonly namespace: StateNamespace;
  readonly timestamp: number;
  /** Timers of one timestamp fire in the order in which they were set. */
  readonly number: number;
  /** Not deleted, and not fired. */
  isWaiting: boolean;
  /** Another one of the same timestamp. */
  next: Timer | undefined;
}

class SingleKeyTimers implements TimerQueue {
  polledNamespace: StateNamespace = undefined;
  polledTimestamp = NaN;
  readonly #backend: KeyedStateBackend;
  readonly #domain: Domain;
  readonly #phase: KeyPhase;
  /** The timers that wait, by timestamp. */
  readonly #timers = new Map<number, Timer>();
  /** A binary heap; timers that were deleted stay in it until they come to the top. */
  readonly #heap: Timer[] = [];
  #size = 0;
  #nextNumber = 0;

  constructor(backend: KeyedStateBackend, domain: Domain, phase: KeyPhase) {
    this.#backend = backend;
    this.#domain = domain;
    this.#phase = phase;
  }

  get size(): number {
    return this.#size;
  }

  get nextTimestamp(): number {
    if (this.#size === 0) return Infinity;
    if (this.#domain === 'processing' && !this.#phase.isEnding) return Infinity;
    return this.#heap[0]!.timestamp;
  }

  add(namespace: StateNamespace, timestamp: number): void {
    if (this.#phase.isEnding) return;
    const first = this.#timers.get(timestamp);
    for (let timer = first; timer !== undefined; timer = timer.next) {
      if (sameNamespace(timer.namespace, namespace)) return;
    }
    const number = this.#nextNumber;
    const timer = {namespace, timestamp, number, isWaiting: true, next: first};
    this.#nextNumber += 1;
    this.#size += 1;
    this.#timers.set(timestamp, timer);
    this.#push(timer);
  }

  delete(namespace: StateNamespace, timestamp: number): void {
    let timer = this.#timers.get(timestamp);
    while (timer !== undefined && !sameNamespace(timer.namespace, namespace)) timer = timer.next;
    if (timer === undefined) return;
    this.#remove(timer);
    while (this.#heap.length > 0 && !this.#heap[0]!.isWaiting) this.#pop();
  }

  poll(): void {
    const timer = this.#pop();
    this.#remove(timer);
    while (this.#heap.length > 0 && !this.#heap[0]!.isWaiting) this.#pop();
    this.polledNamespace = timer.namespace;
    this.polledTimestamp = timer.timestamp;
  }

  *entries(): IterableIterator<[key: unknown, namespace: StateNamespace, timestamp: number]> {
    for (const {namespace, timestamp, isWaiting} of this.#heap) {
      if (isWaiting) yield [this.#backend.currentKey, namespace, timestamp];
    }
  }

  clear(): void {
    if (this.#heap.length === 0) return;
    this.#timers.clear();
    this.#heap.length = 0;
    this.#size = 0;
    this.#nextNumber = 0;
  }

  #remove(timer: Timer): void {
    timer.isWaiting = false;
    this.#size -= 1;
    const first = this.#timers.get(timer.timestamp)!;
    if (first === timer) {
      if (timer.next === undefined) this.#timers.delete(timer.timestamp);
      else this.#timers.set(timer.timestamp, timer.next);
      return;
    }
    let before = first;
    while (before.next !== timer) before = before.next!;
    before.next = timer.next;
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
