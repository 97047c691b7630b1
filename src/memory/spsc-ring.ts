/**
 * A bounded queue of descriptors from exactly one producer thread to exactly one consumer thread.
 * A descriptor is an entry of four int32 words; what they mean is the business of `network`.
 *
 *   word   0  TAIL    written by the producer: entries published so far
 *   word  32  HEAD    written by the consumer: entries released so far
 *   word  64  data    4 words per entry; the capacity, in entries, is a power of two
 *
 * TAIL and HEAD lie 128 bytes apart, so that the threads never write the same cache line. Positions
 * only grow, and wrap at 2^32: their distance is `(tail - head) | 0`, right for capacities up to
 * 2^28 entries, which is more than an arena holds.
 *
 * An Atomics call costs about ten plain accesses. So each side keeps its own position in a field,
 * remembers the last position it saw of the other side, and touches shared words only when what it
 * remembers runs out, or to publish or release a whole batch. The plain writes of an entry come
 * before the `Atomics.store` of TAIL, and the consumer reads them after its `Atomics.load` of TAIL
 * has seen that value, so an entry is never seen torn; the same holds for HEAD the other way round.
 *
 * State that matters lives in shared words only: a thread that takes over an end attaches with a
 * new object and goes on at the published positions. What a dead producer had offered and not yet
 * published is gone.
 */
import {assert} from '../base/assert.ts';
import type {Arena, ArenaPlan, Region} from './arena.ts';

/** Words per entry. */
export const RING_ENTRY_WORDS = 4;

const ENTRY_SHIFT = 2;
const TAIL = 0;
const HEAD = 32;
const DATA = 64;

/** Bytes that a ring of `capacity` entries takes. */
export function ringSizeBytes(capacity: number): number {
  assert(
    Number.isSafeInteger(capacity) && capacity > 0 && Math.log2(capacity) % 1 === 0,
    'ring capacity must be a power of two',
  );
  return (DATA + capacity * RING_ENTRY_WORDS) * Int32Array.BYTES_PER_ELEMENT;
}

/** Reserves a ring of `capacity` entries (a power of two). A fresh arena holds it empty. */
export function planRing(plan: ArenaPlan, name: string, capacity: number): Region {
  return plan.reserve(name, ringSizeBytes(capacity));
}

/** How many entries the ring holds at most. */
export function ringCapacity(region: Region): number {
  const capacity = (region.sizeBytes / Int32Array.BYTES_PER_ELEMENT - DATA) / RING_ENTRY_WORDS;
  assert(
    capacity > 0 && Math.log2(capacity) % 1 === 0,
    'the region was not planned as a ring: its size does not fit',
  );
  return capacity;
}

/** Empties the ring. Nobody else may hold an end of it; both ends must attach anew. */
export function resetRing(arena: Arena, region: Region): void {
  const base = region.offsetBytes >> 2;
  Atomics.store(arena.words, base + TAIL, 0);
  Atomics.store(arena.words, base + HEAD, 0);
}

/**
 * How many entries are published and not yet released, seen from any thread. The two positions
 * are not read at one instant, so while both ends run this is an estimate, within 0 … capacity.
 */
export function ringLength(arena: Arena, region: Region): number {
  const base = region.offsetBytes >> 2;
  const tail = Atomics.load(arena.words, base + TAIL);
  const length = (tail - Atomics.load(arena.words, base + HEAD)) | 0;
  return Math.min(Math.max(length, 0), ringCapacity(region));
}

/** The writing end. One per ring, in the thread that writes. */
export class RingProducer {
  readonly capacity: number;
  readonly #words: Int32Array;
  readonly #base: number;
  readonly #dataBase: number;
  readonly #mask: number;
  #tail: number;
  #tailPublished: number;
  #headSeen: number;

  constructor(arena: Arena, region: Region) {
    this.capacity = ringCapacity(region);
    this.#words = arena.words;
    this.#base = region.offsetBytes >> 2;
    this.#dataBase = this.#base + DATA;
    this.#mask = this.capacity - 1;
    this.#tail = Atomics.load(this.#words, this.#base + TAIL);
    this.#tailPublished = this.#tail;
    this.#headSeen = Atomics.load(this.#words, this.#base + HEAD);
    const length = (this.#tail - this.#headSeen) | 0;
    assert(
      length >= 0 && length <= this.capacity,
      'a ring was attached whose positions are broken',
    );
  }

  /** Writes an entry if there is room. The consumer sees it only after the next `publish`. */
  offer(a: number, b: number, c: number, d: number): boolean {
    const tail = this.#tail;
    if (((tail - this.#headSeen) | 0) === this.capacity && !this.#refreshHead()) return false;
    const words = this.#words;
    const entry = this.#dataBase + ((tail & this.#mask) << ENTRY_SHIFT);
    words[entry] = a;
    words[entry + 1] = b;
    words[entry + 2] = c;
    words[entry + 3] = d;
    this.#tail = (tail + 1) | 0;
    return true;
  }

  /** Makes every entry offered so far visible. Call it once per batch; costs nothing if none is. */
  publish(): void {
    if (this.#tail === this.#tailPublished) return;
    this.#tailPublished = this.#tail;
    Atomics.store(this.#words, this.#base + TAIL, this.#tail);
  }

  /** How many more entries can be offered now. Cost: one Atomics load; `offer` alone is cheaper. */
  get room(): number {
    this.#refreshHead();
    return this.capacity - ((this.#tail - this.#headSeen) | 0);
  }

  /** Whether the consumer has released every entry offered. Cost: one Atomics load. */
  isEmpty(): boolean {
    this.#refreshHead();
    return this.#headSeen === this.#tail;
  }

  #refreshHead(): boolean {
    this.#headSeen = Atomics.load(this.#words, this.#base + HEAD);
    return ((this.#tail - this.#headSeen) | 0) < this.capacity;
  }
}

/** The reading end. One per ring, in the thread that reads. */
export class RingConsumer {
  readonly capacity: number;
  readonly #words: Int32Array;
  readonly #base: number;
  readonly #dataBase: number;
  readonly #mask: number;
  #head: number;
  #tailSeen: number;

  constructor(arena: Arena, region: Region) {
    this.capacity = ringCapacity(region);
    this.#words = arena.words;
    this.#base = region.offsetBytes >> 2;
    this.#dataBase = this.#base + DATA;
    this.#mask = this.capacity - 1;
    this.#head = Atomics.load(this.#words, this.#base + HEAD);
    this.#tailSeen = this.#head;
    const length = (Atomics.load(this.#words, this.#base + TAIL) - this.#head) | 0;
    assert(
      length >= 0 && length <= this.capacity,
      'a ring was attached whose positions are broken',
    );
  }

  /** How many entries can be read now, at least; 0 is exact. Looks at TAIL only when it runs out. */
  available(): number {
    return this.#tailSeen === this.#head ? this.refresh() : (this.#tailSeen - this.#head) | 0;
  }

  /** How many entries can be read now, exactly. Cost: one Atomics load. */
  refresh(): number {
    this.#tailSeen = Atomics.load(this.#words, this.#base + TAIL);
    return (this.#tailSeen - this.#head) | 0;
  }

  /**
   * Reads a word of the entry that lies `entry` places behind the oldest unreleased one. `entry`
   * must be below what `available` or `refresh` said; this is not checked, it is the hot path.
   */
  peekWord(entry: number, word: 0 | 1 | 2 | 3): number {
    const place = (this.#head + entry) & this.#mask;
    return this.#words[this.#dataBase + (place << ENTRY_SHIFT) + word];
  }

  /** Gives the `count` oldest entries back to the producer. Call it once per batch. */
  release(count: number): void {
    assert(
      count >= 0 && count <= ((this.#tailSeen - this.#head) | 0),
      'released more entries than were available',
    );
    if (count === 0) return;
    this.#head = (this.#head + count) | 0;
    Atomics.store(this.#words, this.#base + HEAD, this.#head);
  }
}
