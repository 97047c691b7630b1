/**
 * The timers of the memory backend, in typed arrays: keys and namespaces are the ids of the backend, so
 * a timer costs no object. One thread.
 *
 *   table     (key id, namespace id, timestamp) ──► slot     open addressing: a timer is there once
 *   slots     timestamp, ids, and the next and the previous slot of the same timestamp
 *   buckets   one per timestamp: its first and last slot, in the order in which timers were registered
 *   heap      4-ary, over the timestamps of the buckets
 *
 * Windows register many timers of one timestamp: those share a bucket, and the heap stays small. A bucket
 * whose timers have all been deleted stays in the heap until it comes first.
 *
 * For checkpoints to come: slots only change in `add`, `delete` and `poll`, so their pages can be
 * marked there; the table, the buckets and the heap follow from the slots.
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
const BUCKET = 4;
const LINK_WORDS = 5;

export class IdTimerQueue implements TimerQueue {
  size = 0;
  polledNamespace: StateNamespace = undefined;
  polledTimestamp = NaN;
  readonly #keys: KeySpace;
  readonly #namespaces: Namespaces;

  // Slots. A free slot's NEXT is the next free one.
  #timestamps = new Float64Array(SLOTS_MIN);
  #links = new Int32Array(SLOTS_MIN * LINK_WORDS);
  #slotsUsed = 0;
  #freeSlot = NONE;

  /** Slot + 1, or 0. */
  #table = new Int32Array(2 * SLOTS_MIN);
  #tableMask = 2 * SLOTS_MIN - 1;

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
    const known = this.#namespaces.find(namespace);
    if (keys.at !== NO_KEY && known !== NO_NAMESPACE) {
      const place = this.#placeOf(keys.lanes[keys.at]!, known, timestamp);
      if (this.#table[place] !== 0) return;
    }
    const keyId = keys.ensureId();
    const namespaceId = this.#namespaces.retain(namespace);
    keys.retain(keyId);
    if (2 * (this.size + 1) > this.#tableMask) this.#growTable();
    const slot = this.#takeSlot();
    this.size += 1;
    this.#timestamps[slot] = timestamp;
    const link = slot * LINK_WORDS;
    const links = this.#links;
    links[link + KEY] = keyId;
    links[link + NAMESPACE] = namespaceId;
    this.#table[this.#placeOf(keyId, namespaceId, timestamp)] = slot + 1;
    this.#append(slot, timestamp);
  }

  delete(namespace: StateNamespace, timestamp: number): void {
    const keyId = this.#keys.currentId;
    const namespaceId = this.#namespaces.find(namespace);
    if (keyId === NO_KEY || namespaceId === NO_NAMESPACE || this.size === 0) return;
    const slot = this.#table[this.#placeOf(keyId, namespaceId, timestamp)]! - 1;
    if (slot >= 0) this.#remove(slot);
  }

  poll(): void {
    assert(this.size > 0, 'there is a timer to poll');
    const slot = this.#buckets.firstSlot();
    const link = slot * LINK_WORDS;
    const keyId = this.#links[link + KEY]!;
    this.polledNamespace = this.#namespaces.valueOf(this.#links[link + NAMESPACE]!);
    this.polledTimestamp = this.#timestamps[slot]!;
    this.#keys.setCurrentId(keyId);
    this.#remove(slot);
  }

  *entries(): IterableIterator<[unknown, StateNamespace, number]> {
    for (const word of this.#table) {
      if (word === 0) continue;
      const link = (word - 1) * LINK_WORDS;
      const key = this.#keys.keyOf(this.#links[link + KEY]!);
      const namespace = this.#namespaces.valueOf(this.#links[link + NAMESPACE]!);
      yield [key, namespace, this.#timestamps[word - 1]!];
    }
  }

  /** All timers, with the id of the key; those of one timestamp in the order of registration. */
  forEach(visit: (keyId: number, namespace: StateNamespace, timestamp: number) => void): void {
    const links = this.#links;
    for (let slot of this.#buckets.firstSlots()) {
      for (; slot !== NONE; slot = links[slot * LINK_WORDS + NEXT]!) {
        const link = slot * LINK_WORDS;
        const namespace = this.#namespaces.valueOf(links[link + NAMESPACE]!);
        visit(links[link + KEY]!, namespace, this.#timestamps[slot]!);
      }
    }
  }

  get sizeBytes(): number {
    return this.#timestamps.byteLength + this.#links.byteLength + this.#table.byteLength;
  }

  /** Puts the slot behind the others of its timestamp. */
  #append(slot: number, timestamp: number): void {
    const buckets = this.#buckets;
    const bucket = buckets.ensure(timestamp);
    const last = buckets.last[bucket]!;
    const links = this.#links;
    const link = slot * LINK_WORDS;
    links[link + BUCKET] = bucket;
    links[link + NEXT] = NONE;
    links[link + PREVIOUS] = last;
    if (last === NONE) buckets.first[bucket] = slot;
    else links[last * LINK_WORDS + NEXT] = slot;
    buckets.last[bucket] = slot;
  }

  #remove(slot: number): void {
    const links = this.#links;
    const link = slot * LINK_WORDS;
    const keyId = links[link + KEY]!;
    const namespaceId = links[link + NAMESPACE]!;
    this.#vacate(this.#placeOf(keyId, namespaceId, this.#timestamps[slot]!));
    const {first, last} = this.#buckets;
    const bucket = links[link + BUCKET]!;
    const next = links[link + NEXT]!;
    const previous = links[link + PREVIOUS]!;
    if (next === NONE) last[bucket] = previous;
    else links[next * LINK_WORDS + PREVIOUS] = previous;
    if (previous === NONE) first[bucket] = next;
    else links[previous * LINK_WORDS + NEXT] = next;
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
    if (slot === this.#timestamps.length) {
      const timestamps = new Float64Array(2 * slot);
      timestamps.set(this.#timestamps);
      this.#timestamps = timestamps;
      const links = new Int32Array(2 * slot * LINK_WORDS);
      links.set(this.#links);
      this.#links = links;
    }
    this.#slotsUsed += 1;
    return slot;
  }

  /** The place of the timer in the table, or the empty one where it belongs. */
  #placeOf(keyId: number, namespaceId: number, timestamp: number): number {
    const table = this.#table;
    const links = this.#links;
    const mask = this.#tableMask;
    let place = hashTimer(keyId, namespaceId, timestamp) & mask;
    for (;;) {
      const slot = table[place]! - 1;
      if (slot < 0) return place;
      const link = slot * LINK_WORDS;
      if (
        links[link + KEY] === keyId &&
        links[link + NAMESPACE] === namespaceId &&
        this.#timestamps[slot] === timestamp
      ) {
        return place;
      }
      place = (place + 1) & mask;
    }
  }

  #homeOf(slot: number): number {
    const link = slot * LINK_WORDS;
    const {[link + KEY]: keyId, [link + NAMESPACE]: namespaceId} = this.#links;
    return hashTimer(keyId!, namespaceId!, this.#timestamps[slot]!) & this.#tableMask;
  }

  /** Empties a place; what it would cut off from its home moves up. */
  #vacate(hole: number): void {
    const table = this.#table;
    const mask = this.#tableMask;
    for (let probe = (hole + 1) & mask; table[probe] !== 0; probe = (probe + 1) & mask) {
      const home = this.#homeOf(table[probe]! - 1);
      if (((probe - home) & mask) < ((probe - hole) & mask)) continue;
      table[hole] = table[probe]!;
      hole = probe;
    }
    table[hole] = 0;
  }

  #growTable(): void {
    const old = this.#table;
    this.#table = new Int32Array(2 * old.length);
    this.#tableMask = this.#table.length - 1;
    const mask = this.#tableMask;
    for (const word of old) {
      if (word === 0) continue;
      let place = this.#homeOf(word - 1);
      while (this.#table[place] !== 0) place = (place + 1) & mask;
      this.#table[place] = word;
    }
  }
}

/** The timestamps that have timers, with a heap over them. */
class Buckets {
  first = new Int32Array(SLOTS_MIN);
  last = new Int32Array(SLOTS_MIN);
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

  /** The bucket of `timestamp`. */
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
      this.#free.push(bucket);
    }
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

function hashTimer(keyId: number, namespaceId: number, timestamp: number): number {
  let hash = Math.imul(keyId, 0x9e3779b1) ^ Math.imul(namespaceId, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 15) ^ hashDouble(timestamp + 0), 0x2c1b3c6d);
  return hash ^ (hash >>> 15);
}
