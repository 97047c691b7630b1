/**
 * The segments of the arena, shared by all threads: who owns which, and which are free.
 *
 *   header    word 0 FORMAT (0, or 1 plain, 2 debug) · word 32 LOCK (owner inside `takeAll`, or 0)
 *   bitmap    one bit per segment, 32 per word: 1 = probably free
 *   owners    one word per segment: 0 free · +owner in use · -owner in the cache of its LocalPool
 *   givers    one word per segment: who released it last; for error texts only
 *   segments  segmentCount × segmentSizeBytes
 *
 * The owner word alone decides. A segment is taken by one compareExchange of its owner word from 0
 * to the taker, and is free from the moment that word is 0 again: there is no instant at which it
 * is neither free nor owned. The bitmap only says where to look, and finds many with one operation:
 *
 *   take   1 clear bits (Atomics.and; who cleared a bit goes on)  2 compareExchange owner 0 → me
 *   give   1 owner := 0                                           2 set the bit (Atomics.or)
 *
 * Invariant: a segment whose owner word is 0 and which no thread is working on has its bit set.
 * A bit that is set though the segment is owned does no harm: the next taker clears it, fails to
 * exchange the owner, and goes on. Should the owner release it just then, its step 2 comes after
 * the taker's step 1, so the bit ends up set. Nothing here is a list, so there is no ABA problem,
 * and no tag that may wrap.
 *
 * A thread that dies anywhere in take or give leaves at worst a free segment whose bit is clear.
 * `reclaim` mends that: it frees what the dead one owned, and sets the bit of every free segment,
 * also while all others go on working.
 */
import {assert, InvariantError} from '../base/assert.ts';
import type {Arena, ArenaPlan, Region} from './arena.ts';

/** What `take` returns when no segment is free. */
export const NO_SEGMENT = -1;

/** Owner word of a free segment. Owners are small positive integers. */
export const NO_OWNER = 0;

const FORMAT = 0;
const LOCK = 32;
const HEADER_WORDS = 64;
const FORMAT_PLAIN = 1;
const FORMAT_DEBUG = 2;

/** Fills released segments in debug mode; as a float64 or as text it looks like nothing real. */
const SENTINEL = 0xdeadbea7 | 0;

/** How often `takeAll` looks at a lock that another thread holds before it says "not now". */
const LOCK_TRIES_MAX = 1_000;

/** Where a pool lies. Plain data: crosses threads as it is. */
export interface SegmentPoolLayout {
  readonly segmentCount: number;
  readonly segmentSizeBytes: number;
  readonly header: Region;
  readonly bitmap: Region;
  readonly owners: Region;
  readonly givers: Region;
  readonly segments: Region;
}

/**
 * Reserves a pool of `segmentCount` segments; the size is a multiple of 128 bytes. A second pool in
 * the same arena, such as one for oversized records, takes a `name` of its own.
 */
export function planSegmentPool(
  plan: ArenaPlan,
  segmentCount: number,
  segmentSizeBytes: number,
  name = 'segment-pool',
): SegmentPoolLayout {
  assert(Number.isSafeInteger(segmentCount) && segmentCount > 0, 'a pool needs a segment');
  assert(
    Number.isSafeInteger(segmentSizeBytes) && segmentSizeBytes > 0 && segmentSizeBytes % 128 === 0,
    'the segment size must be a multiple of 128 bytes',
  );
  return {
    segmentCount,
    segmentSizeBytes,
    header: plan.reserve(`${name}.header`, HEADER_WORDS * 4),
    bitmap: plan.reserve(`${name}.bitmap`, Math.ceil(segmentCount / 32) * 4),
    owners: plan.reserve(`${name}.owners`, segmentCount * 4),
    givers: plan.reserve(`${name}.givers`, segmentCount * 4),
    segments: plan.reserve(`${name}.segments`, segmentCount * segmentSizeBytes),
  };
}

/** A thread's handle on the pool; every thread makes its own. */
export class SegmentPool {
  readonly segmentSizeBytes: number;
  readonly segmentCount: number;
  readonly #words: Int32Array;
  readonly #format: number;
  readonly #lock: number;
  readonly #bitmap: number;
  readonly #bitmapWords: number;
  readonly #owners: number;
  readonly #givers: number;
  readonly #segmentsBytes: number;
  readonly #isDebug: boolean;
  /** Bitmap word at which this thread looks first: where it last found or released a segment. */
  #hint = 0;

  /**
   * `debug` fills released segments with sentinels and checks them when they are taken again (about
   * 1 ns per word each way). Who formats the pool decides for all threads; others may leave it out.
   */
  constructor(arena: Arena, layout: SegmentPoolLayout, options: {debug?: boolean} = {}) {
    this.segmentSizeBytes = layout.segmentSizeBytes;
    this.segmentCount = layout.segmentCount;
    this.#words = arena.words;
    this.#format = (layout.header.offsetBytes >> 2) + FORMAT;
    this.#lock = (layout.header.offsetBytes >> 2) + LOCK;
    this.#bitmap = layout.bitmap.offsetBytes >> 2;
    this.#bitmapWords = Math.ceil(layout.segmentCount / 32);
    this.#owners = layout.owners.offsetBytes >> 2;
    this.#givers = layout.givers.offsetBytes >> 2;
    this.#segmentsBytes = layout.segments.offsetBytes;
    const format = Atomics.load(this.#words, this.#format);
    this.#isDebug = options.debug ?? format === FORMAT_DEBUG;
    assert(
      format === 0 || (format === FORMAT_DEBUG) === this.#isDebug,
      'debug mode of a segment pool must be the same in all threads',
    );
  }

  /** Makes all segments free. Once, by the creator, before other threads attach. */
  format(): void {
    for (let segment = 0; segment < this.segmentCount; segment += 1) {
      this.#words[this.#owners + segment] = NO_OWNER;
      this.#words[this.#givers + segment] = NO_OWNER;
      if (this.#isDebug) this.#writeSentinels(segment);
    }
    for (let index = 0; index < this.#bitmapWords; index += 1) {
      const count = Math.min(32, this.segmentCount - index * 32);
      this.#words[this.#bitmap + index] = lowestBits(-1, count);
    }
    Atomics.store(this.#words, this.#lock, NO_OWNER);
    Atomics.store(this.#words, this.#format, this.#isDebug ? FORMAT_DEBUG : FORMAT_PLAIN);
  }

  /** A segment that now belongs to `owner`, or `NO_SEGMENT`. `LocalPool` is cheaper. */
  take(owner: number): number {
    assert(owner > 0, 'owners are positive');
    for (let turn = 0, index = this.#hint; turn < this.#bitmapWords; turn += 1) {
      let bits = Atomics.load(this.#words, this.#bitmap + index);
      while (bits !== 0) {
        const bit = bits & -bits;
        const before = Atomics.and(this.#words, this.#bitmap + index, ~bit);
        const segment = index * 32 + bitNumber(bit);
        if ((before & bit) !== 0 && this.#claim(segment, owner)) {
          this.#hint = index;
          return segment;
        }
        bits = before & ~bit;
      }
      index = index + 1 === this.#bitmapWords ? 0 : index + 1;
    }
    return NO_SEGMENT;
  }

  /**
   * Takes `count` segments into `into` (which is overwritten), or none at all: for a record that
   * is larger than a segment. Whoever is inside holds the pool's lock, so never do two callers hold
   * a part each. If `count` segments stay free during a call that got the lock, it succeeds.
   *
   * `false` means "not now": too few are free, or another thread was inside. It never waits. Takers
   * of single segments are not held back; that enough of them return is the budget's promise.
   */
  takeAll(owner: number, count: number, into: number[]): boolean {
    assert(owner > 0, 'owners are positive');
    into.length = 0;
    if (count > this.segmentCount || !this.#enter(owner)) return false;
    let isComplete = false;
    // Counted first: grabbing and giving back would make others see an empty pool for nothing.
    if (this.#bitsSet() >= count) {
      const taken = this.#takeUpTo(owner, owner, count, into);
      into.length = taken;
      isComplete = taken === count;
      if (!isComplete) {
        this.#giveMany(into, 0, taken, owner);
        into.length = 0;
      }
    }
    Atomics.store(this.#words, this.#lock, NO_OWNER);
    return isComplete;
  }

  /** Releases a segment in use, whoever owns it. */
  give(segment: number): void {
    this.#checkSegment(segment);
    const owner = Atomics.load(this.#words, this.#owners + segment);
    if (owner <= 0) this.#failRelease(segment, owner);
    this.#free(segment, owner);
    this.#setBits(segment >> 5, 1 << (segment & 31));
  }

  /**
   * Makes `owner` the owner of a segment in use. At a hand-over either the sender calls it, before
   * it publishes the descriptor, or the receiver, before it releases the descriptor's place. What
   * either choice means when one of them dies: docs/internals/memory.md.
   */
  transfer(segment: number, owner: number): void {
    this.#checkSegment(segment);
    assert(owner > 0, 'owners are positive');
    const place = this.#owners + segment;
    const before = Atomics.load(this.#words, place);
    if (before <= 0 || Atomics.compareExchange(this.#words, place, before, owner) !== before) {
      throw new InvariantError(
        `a segment changed hands that nobody uses: segment=${segment}, ` +
          `${showOwner(before)}, to=${owner}, releasedBy=${this.#words[this.#givers + segment]}`,
      );
    }
  }

  /** Who owns the segment, in use or in a cache; `NO_OWNER` (0) if it is free. */
  ownerOf(segment: number): number {
    this.#checkSegment(segment);
    return Math.abs(Atomics.load(this.#words, this.#owners + segment));
  }

  /**
   * Frees all segments of `owner`, whose thread has ended, and says how many those were. It does
   * not matter where that thread was when it died, nor whether others use the pool meanwhile.
   *
   * Promise: afterwards no segment carries `owner`, and each segment that the thread was about to
   * take or give can be taken by others. Not part of it: descriptors in rings that still name such
   * segments. Who reclaims stops and resets the dead thread's channels first, and starts a thread
   * under the same owner only afterwards. Cost: one pass over the owner words.
   */
  reclaim(owner: number): number {
    assert(owner > 0, 'owners are positive');
    let count = 0;
    for (let segment = 0; segment < this.segmentCount; segment += 1) {
      const word = Atomics.load(this.#words, this.#owners + segment);
      if (Math.abs(word) === owner) {
        this.#free(segment, word);
        count += 1;
      } else if (word !== NO_OWNER) {
        continue;
      }
      // Also for a segment that was free before: its bit may have died with the thread.
      this.#setBits(segment >> 5, 1 << (segment & 31));
    }
    Atomics.compareExchange(this.#words, this.#lock, owner, NO_OWNER);
    return count;
  }

  /** How many segments are free: exact while nobody takes or gives. About 1 ns per segment. */
  freeCount(): number {
    let count = 0;
    for (let segment = 0; segment < this.segmentCount; segment += 1) {
      if (this.#words[this.#owners + segment] === NO_OWNER) count += 1;
    }
    return count;
  }

  /** How many segments `owner` has, in use and in its cache. About 1 ns per segment. */
  ownedCount(owner: number): number {
    let count = 0;
    for (let segment = 0; segment < this.segmentCount; segment += 1) {
      if (Math.abs(this.#words[this.#owners + segment]) === owner) count += 1;
    }
    return count;
  }

  /** Where the segment starts in the arena. */
  offsetBytes(segment: number): number {
    return this.#segmentsBytes + segment * this.segmentSizeBytes;
  }

  // What follows is for LocalPool: segments in its cache carry the owner word -owner.

  /** Takes up to `count` free segments into the cache of `owner`; says how many it got. */
  takeToCache(owner: number, count: number, cache: number[]): number {
    return this.#takeUpTo(owner, -owner, count, cache);
  }

  /** Frees `count` segments of the cache of `owner`, from place `start` on. */
  giveFromCache(owner: number, cache: number[], start: number, count: number): void {
    this.#giveMany(cache, start, count, -owner);
  }

  /** A segment leaves the cache of `owner` to be used. */
  uncache(segment: number, owner: number): void {
    // Plain accesses: while it is in the cache, only this thread looks at the word.
    const word = this.#words[this.#owners + segment];
    if (word !== -owner) {
      throw new InvariantError(
        `a cached segment changed hands: segment=${segment}, cacheOf=${owner}, ${showOwner(word)}`,
      );
    }
    if (this.#isDebug) this.#checkSentinels(segment);
    this.#words[this.#owners + segment] = owner;
  }

  /** A segment in use by `owner` goes to its cache. */
  cache(segment: number, owner: number): void {
    this.#checkSegment(segment);
    const word = this.#words[this.#owners + segment];
    if (word !== owner) {
      if (word <= 0) this.#failRelease(segment, word);
      throw new InvariantError(
        `a segment was released by a thread that does not own it: segment=${segment}, ` +
          `${showOwner(word)}, releasedBy=${owner}`,
      );
    }
    if (this.#isDebug) this.#writeSentinels(segment);
    this.#words[this.#givers + segment] = owner;
    this.#words[this.#owners + segment] = -owner;
  }

  /** Claims up to `count` segments with `ownerWord`, a whole bitmap word at a time. */
  #takeUpTo(owner: number, ownerWord: number, count: number, into: number[]): number {
    assert(owner > 0, 'owners are positive');
    let taken = 0;
    let index = this.#hint;
    for (let turn = 0; turn < this.#bitmapWords && taken < count; turn += 1) {
      let bits = Atomics.load(this.#words, this.#bitmap + index);
      while (bits !== 0 && taken < count) {
        const wanted = lowestBits(bits, count - taken);
        const before = Atomics.and(this.#words, this.#bitmap + index, ~wanted);
        for (let rest = before & wanted; rest !== 0; rest &= rest - 1) {
          const segment = index * 32 + bitNumber(rest & -rest);
          if (this.#claim(segment, ownerWord)) {
            into[taken] = segment;
            taken += 1;
          }
        }
        bits = before & ~wanted;
      }
      if (taken > 0) this.#hint = index;
      index = index + 1 === this.#bitmapWords ? 0 : index + 1;
    }
    return taken;
  }

  /** Frees segments whose owner word is `ownerWord`; neighbours in the bitmap share one operation. */
  #giveMany(from: number[], start: number, count: number, ownerWord: number): void {
    let index = -1;
    let bits = 0;
    for (let place = start; place < start + count; place += 1) {
      const segment = from[place];
      this.#free(segment, ownerWord);
      if (segment >> 5 !== index) {
        if (bits !== 0) this.#setBits(index, bits);
        index = segment >> 5;
        bits = 0;
      }
      bits |= 1 << (segment & 31);
    }
    if (bits !== 0) this.#setBits(index, bits);
  }

  #claim(segment: number, ownerWord: number): boolean {
    const place = this.#owners + segment;
    if (Atomics.compareExchange(this.#words, place, NO_OWNER, ownerWord) !== NO_OWNER) return false;
    if (this.#isDebug) this.#checkSentinels(segment);
    return true;
  }

  #free(segment: number, ownerWord: number): void {
    // Sentinels first: once the owner word is 0, the next owner may write.
    if (this.#isDebug) this.#writeSentinels(segment);
    this.#words[this.#givers + segment] = Math.abs(ownerWord);
    const place = this.#owners + segment;
    const before = Atomics.compareExchange(this.#words, place, ownerWord, NO_OWNER);
    if (before !== ownerWord) this.#failRelease(segment, before);
  }

  #setBits(index: number, bits: number): void {
    Atomics.or(this.#words, this.#bitmap + index, bits);
    this.#hint = index;
  }

  #enter(owner: number): boolean {
    for (let tries = 0; tries < LOCK_TRIES_MAX; tries += 1) {
      if (
        Atomics.load(this.#words, this.#lock) === NO_OWNER &&
        Atomics.compareExchange(this.#words, this.#lock, NO_OWNER, owner) === NO_OWNER
      ) {
        return true;
      }
    }
    return false;
  }

  #bitsSet(): number {
    let count = 0;
    for (let index = 0; index < this.#bitmapWords; index += 1) {
      count += countBits(Atomics.load(this.#words, this.#bitmap + index));
    }
    return count;
  }

  #writeSentinels(segment: number): void {
    const start = this.offsetBytes(segment) >> 2;
    this.#words.fill(SENTINEL, start, start + (this.segmentSizeBytes >> 2));
  }

  #checkSentinels(segment: number): void {
    const start = this.offsetBytes(segment) >> 2;
    const end = start + (this.segmentSizeBytes >> 2);
    for (let word = start; word < end; word += 1) {
      if (this.#words[word] === SENTINEL) continue;
      throw new InvariantError(
        `a segment was written after its release: segment=${segment}, ` +
          `releasedBy=${this.#words[this.#givers + segment]}, word=${word - start}, ` +
          `value=${this.#words[word]}`,
      );
    }
  }

  #checkSegment(segment: number): void {
    assert(segment >= 0 && segment < this.segmentCount, 'there is no segment with this index');
  }

  #failRelease(segment: number, word: number): never {
    throw new InvariantError(
      `a segment was released twice: segment=${segment}, ${showOwner(word)}, ` +
        `releasedBy=${this.#words[this.#givers + segment]}`,
    );
  }
}

function showOwner(word: number): string {
  return word < 0 ? `owner=${-word} (in its cache)` : `owner=${word}${word === 0 ? ' (free)' : ''}`;
}

/** The number of the only bit set in `bit`. */
function bitNumber(bit: number): number {
  return 31 - Math.clz32(bit);
}

/** The `count` lowest of the bits set in `bits`; all if there are fewer. */
function lowestBits(bits: number, count: number): number {
  if (count >= 32) return bits;
  let rest = bits;
  for (let n = 0; n < count && rest !== 0; n += 1) rest &= rest - 1;
  return bits & ~rest;
}

function countBits(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count += 1;
  return count;
}
