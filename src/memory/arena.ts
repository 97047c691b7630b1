/**
 * One SharedArrayBuffer for everything that threads share, cut into named regions at start-up.
 *
 *   byte 0                                                        sizeBytes
 *   | region "pool.header" | pad | region "pool.bitmap" | pad | … |
 *
 * The plan is made once, by the thread that creates the arena; regions are plain data and travel to
 * the other threads beside the buffer. Every thread makes three views over the WHOLE arena and
 * indexes them with absolute positions (byte offset >> 2 for `words`, >> 3 for `doubles`). So no
 * view is made per batch, and V8 sees one typed array of each kind in all hot code.
 *
 * The buffer never grows: a view on a growable one costs 20 to 40 times as much per access. Offsets
 * stay below 2^31, so that `>> 2` is right for all of them. Regions start 128 bytes apart from
 * their neighbours' last line by default: no two regions share a cache line, nor the line that the
 * prefetcher pulls in with it.
 */
import {Buffer} from 'node:buffer';
import {assert, InvariantError} from '../base/assert.ts';
import {StreamError} from '../base/errors.ts';

/** Distance, in bytes, that keeps words of different threads off each other's cache lines. */
export const CACHE_LINE_PAIR_BYTES = 128;

/** The largest arena: every byte offset, and the end, is a positive int32. */
export const ARENA_SIZE_BYTES_MAX = 2 ** 31 - CACHE_LINE_PAIR_BYTES;

const SIZE_UNIT_BYTES = 8;

/** A named piece of the arena. Plain data: crosses threads as it is. */
export interface Region {
  readonly name: string;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

/** Collects regions, then creates the arena that holds them. */
export class ArenaPlan {
  readonly #regions: Region[] = [];
  readonly #names = new Set<string>();
  #endBytes = 0;
  #isCreated = false;

  /**
   * Reserves `sizeBytes` (rounded up to a multiple of 8) at a multiple of `alignBytes`.
   *
   * Errors: an `InvariantError` for a name used twice, a size that is not positive, an alignment
   * that is not a power of two of at least 8, or a plan whose arena exists already;
   * `E_MEMORY_BUDGET` when the arena would become larger than 2 GiB.
   */
  reserve(name: string, sizeBytes: number, alignBytes: number = CACHE_LINE_PAIR_BYTES): Region {
    assert(!this.#isCreated, 'a region was reserved after the arena had been created');
    assert(Number.isSafeInteger(sizeBytes) && sizeBytes > 0, 'region size must be positive');
    assert(
      alignBytes >= SIZE_UNIT_BYTES && (alignBytes & (alignBytes - 1)) === 0,
      'region alignment must be a power of two of at least 8',
    );
    if (this.#names.has(name)) {
      throw new InvariantError(`two regions of the arena share a name: name=${name}`);
    }

    const offsetBytes = roundUp(this.#endBytes, alignBytes);
    const region = {name, offsetBytes, sizeBytes: roundUp(sizeBytes, SIZE_UNIT_BYTES)};
    const endBytes = region.offsetBytes + region.sizeBytes;
    if (endBytes > ARENA_SIZE_BYTES_MAX) {
      throw new StreamError(
        'E_MEMORY_BUDGET',
        'the shared arena would become too large',
        {region: name, neededBytes: endBytes, availableBytes: ARENA_SIZE_BYTES_MAX},
        {remedy: "lower the option memory, for example memory: '1GB'"},
      );
    }
    this.#names.add(name);
    this.#regions.push(region);
    this.#endBytes = endBytes;
    return region;
  }

  /** Bytes that the arena needs for what has been reserved so far. */
  get sizeBytes(): number {
    return roundUp(this.#endBytes, SIZE_UNIT_BYTES);
  }

  /** What has been reserved so far, in order of offsets. */
  regions(): readonly Region[] {
    return this.#regions;
  }

  /**
   * Allocates the arena, filled with zeros; pages are committed by the system when first touched.
   * Errors: `E_MEMORY_ALLOCATION` when the system refuses.
   */
  create(): Arena {
    assert(this.#endBytes > 0, 'an arena needs at least one region');
    this.#isCreated = true;
    let buffer: SharedArrayBuffer;
    try {
      buffer = new SharedArrayBuffer(this.sizeBytes);
    } catch (cause) {
      throw new StreamError(
        'E_MEMORY_ALLOCATION',
        'the system refused the shared memory',
        {neededBytes: this.sizeBytes},
        {remedy: "lower the option memory, for example memory: '64MB'", cause},
      );
    }
    return new Arena(buffer);
  }
}

/** One thread's views over the whole arena. Make one per thread and pass it around. */
export class Arena {
  readonly buffer: SharedArrayBuffer;
  /** Index with `offsetBytes >> 2`. */
  readonly words: Int32Array;
  /** Index with `offsetBytes >> 3`. */
  readonly doubles: Float64Array;
  /** Index with `offsetBytes`. */
  readonly bytes: Buffer;

  constructor(buffer: SharedArrayBuffer) {
    assert(!buffer.growable, 'the arena must not be growable');
    assert(buffer.byteLength % SIZE_UNIT_BYTES === 0, 'the arena must be a multiple of 8 bytes');
    assert(buffer.byteLength <= ARENA_SIZE_BYTES_MAX, 'the arena must be smaller than 2 GiB');
    this.buffer = buffer;
    this.words = new Int32Array(buffer);
    this.doubles = new Float64Array(buffer);
    this.bytes = Buffer.from(buffer);
  }
}

function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}
