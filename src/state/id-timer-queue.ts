/**
 * The timers of the memory backend, in typed arrays: keys and namespaces are the ids of the backend, so
 * a timer costs no object. One thread.
 *
 *   slots     ids, the next and the previous slot of the same timestamp, and its bucket
 *   buckets   one per timestamp: its first and last slot, in the order in which timers were registered;
 *             with more than a few timers also a table (key id, namespace id) ──► slot
 *   heap      4-ary, over the timestamps of the buckets
 *
 * Many timers have one timestamp, of a window's end or of a millisecond: those share a bucket, and the heap
 * stays small. Whether a timer is there already is asked of its bucket alone: timers are registered for
 * times nearby, so that a few small tables are used over and over, where one table of all timers would
 * miss the caches several times per timer (1.6 times the throughput of bench job `process`).
 *
 * A timer that fires leaves its entry in the table behind: an entry counts only if its slot is of the same
 * bucket and the same ids. A bucket whose timers have all been deleted stays in the heap until it
 * comes first.
 *
 * For checkpoints to come: slots only change in `add`, `delete` and `poll`, so their pages can be
 * marked there; the buckets and the heap follow from the slots.
 */
import {assert} from '../base/assert.ts';
import {hashDouble} from '../base/hash.ts';
import type {KeySpace} from './key-space.ts';
import {NO_KEY} from './key-space.ts';
import type {StateNamespace} from './keyed-state.ts';
import {NO_NAMESPACE, type Namespaces} from './namespaces.ts';
import type {TimerQueue} from './timer-queue.ts';

const NONE = -1;
const SLOTS_MIN = 64;

/** Words of a slot in `#links`. */
const KEY = 0;
const NAMESPACE = 1;
const NEXT = 2;
const PREVIOUS = 3;
/** NONE in a free slot. */
const BUCKET = 4;
const LINK_WORDS = 5;

/** Where what was read ahead goes. */
const TOUCHED = new Float64Array(1);

/** Tables of up to 16 KB are kept for the next bucket, so many of each length. */
const SPARE_LOG_MAX = 12;
const SPARE_COUNT_MAX = 64;

/** Timers of a bucket that are looked through one by one. */
const WALKED_MAX = 8;

export class IdTimerQueue implements TimerQueue {
  size = 0;
  polledNamespace: StateNamespace = undefined;
  polledTimestamp = NaN;
  readonly #keys: KeySpace;
  readonly #namespaces: Namespaces;

  /** By slot: the key if it is a number, else NaN. Beside the timer it costs no cache miss. */
  #numbers = new Float64Array(SLOTS_MIN);
  // Slots. A free slot's NEXT is the next free one.
  #links = new Int32Array(SLOTS_MIN * LINK_WORDS);
  #slotCount = SLOTS_MIN;
  #slotsUsed = 0;
  #freeSlot = NONE;

  readonly #buckets = new Buckets();

  constructor(keys: KeySpace, namespaces: Namespaces) {
    this.#keys = keys;
    this.#namespaces = namespaces;
  }

  get nextTimestamp(): number {
    return this.size === 0 ? Infinity : this.#buckets.firstTimestamp();
  }

  add(namespace: StateNamespace, timestamp: number): void {
    assert(timestamp === timestamp, 'a timer has a timestamp');
    const keys = this.#keys;
    const bucket = this.#buckets.ensure(timestamp);
    const known = this.#namespaces.find(namespace);
    if (keys.at !== NO_KEY && known !== NO_NAMESPACE) {
      if (this.#find(bucket, keys.lanes[keys.at]!, known) !== NONE) return;
    }
    const keyId = keys.ensureId();
    const namespaceId = this.#namespaces.retain(namespace);
    keys.retainCurrent();
    const slot = this.#takeSlot();
    this.size += 1;
    const links = this.#links;
    const link = slot * LINK_WORDS;
    links[link + KEY] = keyId;
    links[link + NAMESPACE] = namespaceId;
    this.#numbers[slot] = typeof keys.current === 'number' ? keys.current : NaN;
    this.#append(slot, bucket);
  }

  delete(namespace: StateNamespace, timestamp: number): void {
    const keyId = this.#keys.currentId;
    const namespaceId = this.#namespaces.find(namespace);
    if (keyId === NO_KEY || namespaceId === NO_NAMESPACE || this.size === 0) return;
    const bucket = this.#buckets.find(timestamp);
    if (bucket === NONE) return;
    const slot = this.#find(bucket, keyId, namespaceId);
    if (slot !== NONE) this.#remove(slot);
  }

  poll(): void {
    assert(this.size > 0, 'there is a timer to poll');
    const slot = this.#buckets.firstSlot();
    const links = this.#links;
    const link = slot * LINK_WORDS;
    this.polledNamespace = this.#namespaces.valueOf(links[link + NAMESPACE]!);
    this.polledTimestamp = this.#buckets.timestampOf(links[link + BUCKET]!);
    const next = links[link + NEXT]!;
    if (next !== NONE) {
      const nextId = links[next * LINK_WORDS + KEY]!;
      TOUCHED[0] = this.#keys.touch(nextId, this.#keyOf(next, nextId));
    }
    const keyId = links[link + KEY]!;
    this.#keys.setCurrentKnown(keyId, this.#keyOf(slot, keyId));
    this.#remove(slot);
  }

  *entries(): IterableIterator<[unknown, StateNamespace, number]> {
    for (let slot of this.#buckets.firstSlots()) {
      for (; slot !== NONE; slot = this.#links[slot * LINK_WORDS + NEXT]!) {
        const link = slot * LINK_WORDS;
        yield [
          this.#keys.keyOf(this.#links[link + KEY]!),
          this.#namespaces.valueOf(this.#links[link + NAMESPACE]!),
          this.#buckets.timestampOf(this.#links[link + BUCKET]!),
        ];
      }
    }
  }

  /** All timers, with the id of the key; those of one timestamp in the order of registration. */
  forEach(visit: (keyId: number, namespace: StateNamespace, timestamp: number) => void): void {
    const links = this.#links;
    for (let slot of this.#buckets.firstSlots()) {
      for (; slot !== NONE; slot = links[slot * LINK_WORDS + NEXT]!) {
        const link = slot * LINK_WORDS;
        const namespace = this.#namespaces.valueOf(links[link + NAMESPACE]!);
        visit(links[link + KEY]!, namespace, this.#buckets.timestampOf(links[link + BUCKET]!));
      }
    }
  }

  get sizeBytes(): number {
    return this.#links.byteLength + this.#numbers.byteLength + this.#buckets.sizeBytes;
  }

  /** The key of a slot, whose id is `keyId`. */
  #keyOf(slot: number, keyId: number): unknown {
    const number = this.#numbers[slot]!;
    return number === number ? number : this.#keys.keyOf(keyId);
  }

  /** The slot of a timer in its bucket, or NONE. */
  #find(bucket: number, keyId: number, namespaceId: number): number {
    const {tables, first} = this.#buckets;
    const links = this.#links;
    const table = tables[bucket];
    if (table === undefined) {
      let slot = first[bucket]!;
      while (slot !== NONE) {
        const link = slot * LINK_WORDS;
        if (links[link + KEY] === keyId && links[link + NAMESPACE] === namespaceId) break;
        slot = links[link + NEXT]!;
      }
      return slot;
    }
    const mask = table.length - 1;
    for (let place = hashTimer(keyId, namespaceId) & mask; ; place = (place + 1) & mask) {
      const slot = table[place]! - 1;
      if (slot < 0) return NONE;
      const link = slot * LINK_WORDS;
      if (
        links[link + KEY] === keyId &&
        links[link + NAMESPACE] === namespaceId &&
        links[link + BUCKET] === bucket
      ) {
        return slot;
      }
    }
  }

  /** Puts the slot behind the others of its timestamp. */
  #append(slot: number, bucket: number): void {
    const buckets = this.#buckets;
    const last = buckets.last[bucket]!;
    const links = this.#links;
    const link = slot * LINK_WORDS;
    links[link + BUCKET] = bucket;
    links[link + NEXT] = NONE;
    links[link + PREVIOUS] = last;
    if (last === NONE) buckets.first[bucket] = slot;
    else links[last * LINK_WORDS + NEXT] = slot;
    buckets.last[bucket] = slot;
    const entries = buckets.entries[bucket]! + 1;
    buckets.entries[bucket] = entries;
    const table = buckets.tables[bucket];
    if (table === undefined) {
      if (entries > WALKED_MAX) this.#makeTable(bucket);
    } else if (2 * entries > table.length) {
      this.#makeTable(bucket);
    } else {
      this.#enter(table, slot);
    }
  }

  /** Enters the bucket's timers into a table of four places each, and forgets those that have left. */
  #makeTable(bucket: number): void {
    const buckets = this.#buckets;
    let entries = 0;
    for (let slot = buckets.first[bucket]!; slot !== NONE; entries += 1) {
      slot = this.#links[slot * LINK_WORDS + NEXT]!;
    }
    const table = buckets.replaceTable(bucket, 4 * entries);
    for (let slot = buckets.first[bucket]!; slot !== NONE;) {
      this.#enter(table, slot);
      slot = this.#links[slot * LINK_WORDS + NEXT]!;
    }
    buckets.entries[bucket] = entries;
  }

  #enter(table: Int32Array, slot: number): void {
    const link = slot * LINK_WORDS;
    const mask = table.length - 1;
    let place = hashTimer(this.#links[link + KEY]!, this.#links[link + NAMESPACE]!) & mask;
    while (table[place] !== 0) place = (place + 1) & mask;
    table[place] = slot + 1;
  }

  #remove(slot: number): void {
    const links = this.#links;
    const link = slot * LINK_WORDS;
    const keyId = links[link + KEY]!;
    const namespaceId = links[link + NAMESPACE]!;
    const {first, last} = this.#buckets;
    const bucket = links[link + BUCKET]!;
    const next = links[link + NEXT]!;
    const previous = links[link + PREVIOUS]!;
    if (next === NONE) last[bucket] = previous;
    else links[next * LINK_WORDS + PREVIOUS] = previous;
    if (previous === NONE) first[bucket] = next;
    else links[previous * LINK_WORDS + NEXT] = next;
    links[link + BUCKET] = NONE;
    links[link + NEXT] = this.#freeSlot;
    this.#freeSlot = slot;
    this.size -= 1;
    this.#keys.release(keyId);
    this.#namespaces.release(namespaceId);
  }

  #takeSlot(): number {
    const free = this.#freeSlot;
    if (free !== NONE) {
      this.#freeSlot = this.#links[free * LINK_WORDS + NEXT]!;
      return free;
    }
    const slot = this.#slotsUsed;
    if (slot === this.#slotCount) {
      this.#slotCount = 2 * slot;
      const links = new Int32Array(2 * slot * LINK_WORDS);
      links.set(this.#links);
      this.#links = links;
      const numbers = new Float64Array(2 * slot);
      numbers.set(this.#numbers);
      this.#numbers = numbers;
    }
    this.#slotsUsed += 1;
    return slot;
  }
}

/** The timestamps that have timers, with a heap over them. */
class Buckets {
  first = new Int32Array(SLOTS_MIN);
  last = new Int32Array(SLOTS_MIN);
  /** Timers, and those that have left their entry in the table. */
  entries = new Int32Array(SLOTS_MIN);
  /** Of buckets with many timers: slot + 1 by ids, or 0. */
  readonly tables: Array<Int32Array | undefined> = [];
  /** Tables that are not used, by the logarithm of their length; all zero. */
  readonly #spareTables: Int32Array[][] = [];
  #timestamps = new Float64Array(SLOTS_MIN);
  #used = 0;
  readonly #free: number[] = [];
  /** [timestamp, bucket], a 4-ary heap. */
  #heap = new Float64Array(2 * SLOTS_MIN);
  #heapSize = 0;
  /** Bucket + 1 by timestamp, or 0. */
  #table = new Int32Array(2 * SLOTS_MIN);
  #mask = 2 * SLOTS_MIN - 1;
  /** Timers often come in the order of time, many with the same one. */
  #lastBucket = NONE;

  /** There must be a timer. */
  firstTimestamp(): number {
    this.#dropEmpty();
    return this.#heap[0]!;
  }

  firstSlot(): number {
    this.#dropEmpty();
    return this.first[this.#heap[1]!]!;
  }

  /** The first slots of all buckets; NONE for empty ones. */
  *firstSlots(): IterableIterator<number> {
    for (let at = 0; at < this.#heapSize; at += 1) yield this.first[this.#heap[2 * at + 1]!]!;
  }

  timestampOf(bucket: number): number {
    return this.#timestamps[bucket]!;
  }

  get sizeBytes(): number {
    let words = this.first.length * 3 + this.#table.length;
    for (const table of this.tables) words += table?.length ?? 0;
    return 4 * words + this.#timestamps.byteLength + this.#heap.byteLength;
  }

  /** Gives the bucket an empty table with at least `length` places. */
  replaceTable(bucket: number, length: number): Int32Array {
    this.#dropTable(bucket);
    const log = 32 - Math.clz32(length - 1);
    const table = this.#spareTables[log]?.pop() ?? new Int32Array(1 << log);
    this.tables[bucket] = table;
    return table;
  }

  /** The bucket of `timestamp`, or NONE. */
  find(timestamp: number): number {
    return this.#table[this.#placeOf(timestamp)]! - 1;
  }

  /** The bucket of `timestamp`, which is made if there is none. */
  ensure(timestamp: number): number {
    const last = this.#lastBucket;
    if (last !== NONE && this.#timestamps[last] === timestamp) return last;
    const place = this.#placeOf(timestamp);
    const found = this.#table[place]! - 1;
    const bucket = found < 0 ? this.#create(timestamp) : found;
    this.#lastBucket = bucket;
    return bucket;
  }

  #create(timestamp: number): number {
    if (2 * (this.#heapSize + 1) > this.#mask) this.#growTable();
    const bucket = this.#free.pop() ?? this.#used++;
    if (bucket === this.#timestamps.length) this.#grow();
    this.#timestamps[bucket] = timestamp;
    this.first[bucket] = NONE;
    this.last[bucket] = NONE;
    this.entries[bucket] = 0;
    this.#table[this.#placeOf(timestamp)] = bucket + 1;
    this.#push(timestamp, bucket);
    return bucket;
  }

  #dropEmpty(): void {
    while (this.first[this.#heap[1]!] === NONE) {
      const bucket = this.#heap[1]!;
      this.#pop();
      this.#vacate(this.#placeOf(this.#timestamps[bucket]!));
      if (this.#lastBucket === bucket) this.#lastBucket = NONE;
      this.#dropTable(bucket);
      this.#free.push(bucket);
    }
  }

  #dropTable(bucket: number): void {
    const table = this.tables[bucket];
    if (table === undefined) return;
    this.tables[bucket] = undefined;
    const log = 31 - Math.clz32(table.length);
    const spare = (this.#spareTables[log] ??= []);
    if (log <= SPARE_LOG_MAX && spare.length < SPARE_COUNT_MAX) spare.push(table.fill(0));
  }

  #push(timestamp: number, bucket: number): void {
    const heap = this.#heap;
    let at = this.#heapSize;
    this.#heapSize += 1;
    while (at > 0) {
      const parent = (at - 1) >> 2;
      if (heap[2 * parent]! <= timestamp) break;
      heap[2 * at] = heap[2 * parent]!;
      heap[2 * at + 1] = heap[2 * parent + 1]!;
      at = parent;
    }
    heap[2 * at] = timestamp;
    heap[2 * at + 1] = bucket;
  }

  #pop(): void {
    const heap = this.#heap;
    this.#heapSize -= 1;
    const size = this.#heapSize;
    const timestamp = heap[2 * size]!;
    const bucket = heap[2 * size + 1]!;
    let at = 0;
    for (;;) {
      let child = 4 * at + 1;
      if (child >= size) break;
      const end = Math.min(child + 4, size);
      for (let other = child + 1; other < end; other += 1) {
        if (heap[2 * other]! < heap[2 * child]!) child = other;
      }
      if (heap[2 * child]! >= timestamp) break;
      heap[2 * at] = heap[2 * child]!;
      heap[2 * at + 1] = heap[2 * child + 1]!;
      at = child;
    }
    heap[2 * at] = timestamp;
    heap[2 * at + 1] = bucket;
  }

  #grow(): void {
    const {length} = this.#timestamps;
    const timestamps = new Float64Array(2 * length);
    timestamps.set(this.#timestamps);
    this.#timestamps = timestamps;
    const heap = new Float64Array(4 * length);
    heap.set(this.#heap);
    this.#heap = heap;
    this.first = doubled(this.first);
    this.last = doubled(this.last);
    this.entries = doubled(this.entries);
  }

  #placeOf(timestamp: number): number {
    const table = this.#table;
    const mask = this.#mask;
    let place = hashTimestamp(timestamp) & mask;
    for (;;) {
      const bucket = table[place]! - 1;
      if (bucket < 0 || this.#timestamps[bucket] === timestamp) return place;
      place = (place + 1) & mask;
    }
  }

  #vacate(hole: number): void {
    const table = this.#table;
    const mask = this.#mask;
    for (let probe = (hole + 1) & mask; table[probe] !== 0; probe = (probe + 1) & mask) {
      const home = hashTimestamp(this.#timestamps[table[probe]! - 1]!) & mask;
      if (((probe - home) & mask) < ((probe - hole) & mask)) continue;
      table[hole] = table[probe]!;
      hole = probe;
    }
    table[hole] = 0;
  }

  #growTable(): void {
    const old = this.#table;
    this.#table = new Int32Array(2 * old.length);
    this.#mask = this.#table.length - 1;
    for (const word of old) {
      if (word !== 0) this.#table[this.#placeOf(this.#timestamps[word - 1]!)] = word;
    }
  }
}

function doubled(words: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(2 * words.length);
  larger.set(words);
  return larger;
}

/** 0 and -0 are the same time. */
function hashTimestamp(timestamp: number): number {
  const hash = Math.imul(hashDouble(timestamp + 0), 0x9e3779b1);
  return hash ^ (hash >>> 15);
}

function hashTimer(keyId: number, namespaceId: number): number {
  const hash = Math.imul(keyId, 0x9e3779b1) ^ Math.imul(namespaceId, 0x85ebca6b);
  return hash ^ (hash >>> 15);
}
