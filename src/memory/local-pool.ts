/**
 * One thread's cache in front of the shared segment pool.
 *
 *   shared pool  ⇄  chains of about half the cache  ⇄  [ s s s s s . . . ]  ⇄  one at a time
 *
 * Only its thread touches it, so a take or give is a few plain accesses; the shared words are
 * touched once per chain. The last segment released is the first to be taken again, while it is
 * still in the processor's cache. Filling up to half and emptying down to half keeps a thread that
 * takes and gives around a border from going to the shared pool each time.
 *
 * Segments in the cache carry the owner word -owner: when the thread dies, `reclaim` finds them, and
 * a second release is noticed in every mode. What lies in caches is missing elsewhere: budget for
 * `cacheMax` segments per thread, and `drain` before a long sleep.
 */
import {assert} from '../base/assert.ts';
import {NO_SEGMENT, type SegmentPool} from './segment-pool.ts';

/** How many segments a thread keeps to itself at most, unless told otherwise. */
export const LOCAL_CACHE_MAX = 16;

/** A thread's way to take and give segments. */
export class LocalPool {
  readonly owner: number;
  readonly cacheMax: number;
  readonly #pool: SegmentPool;
  readonly #chain: number;
  readonly #cache: number[];
  #count = 0;

  constructor(pool: SegmentPool, owner: number, cacheMax: number = LOCAL_CACHE_MAX) {
    assert(owner > 0, 'owners are positive');
    assert(Number.isSafeInteger(cacheMax) && cacheMax > 0, 'a local pool needs a cache');
    this.owner = owner;
    this.cacheMax = cacheMax;
    this.#pool = pool;
    this.#chain = Math.max(1, cacheMax >> 1);
    this.#cache = new Array<number>(cacheMax).fill(NO_SEGMENT);
  }

  /** A segment that belongs to this thread, or `NO_SEGMENT`. */
  take(): number {
    if (this.#count === 0) {
      this.#count = this.#pool.takeToCache(this.owner, this.#chain, this.#cache);
      if (this.#count === 0) return NO_SEGMENT;
    }
    this.#count -= 1;
    const segment = this.#cache[this.#count];
    this.#pool.uncache(segment, this.owner);
    return segment;
  }

  /** Releases a segment that this thread owns (received ones after `SegmentPool.transfer`). */
  give(segment: number): void {
    this.#pool.cache(segment, this.owner);
    if (this.#count === this.cacheMax) {
      // The oldest ones leave: the newest are still warm.
      this.#pool.giveFromCache(this.owner, this.#cache, 0, this.#chain);
      this.#cache.copyWithin(0, this.#chain, this.#count);
      this.#count -= this.#chain;
    }
    this.#cache[this.#count] = segment;
    this.#count += 1;
  }

  /** Gives the whole cache back to the shared pool: at the end, and before a long sleep. */
  drain(): void {
    this.#pool.giveFromCache(this.owner, this.#cache, 0, this.#count);
    this.#count = 0;
  }

  /** How many segments lie in the cache now. */
  get cachedCount(): number {
    return this.#count;
  }
}
