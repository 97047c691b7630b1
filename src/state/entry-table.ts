/**
 * What one state has under (key, namespace): an open-addressing table in one typed array.
 *
 *   lanes   [ entry | lane 0 | lane 1 … ] …      entry = id of the key × 2^26 + id of the namespace
 *
 * A table over both ids does well with few windows of many keys as with many windows of few keys, and an
 * entry that is dropped when its window ends gives its slot back at once (no tombstones). A position is void after
 * an insertion or a removal. As pages for checkpoints serve fixed runs of words, written only through
 * `memory-store.ts`.
 */
import {NAMESPACE_LIMIT} from './namespaces.ts';
import {allocateLanes} from './lanes.ts';

export const NO_ENTRY = -1;

const SLOTS_MIN = 64;

/** What stands for a key in a namespace; below 2^53. */
export function entryOf(keyId: number, namespaceId: number): number {
  return keyId * NAMESPACE_LIMIT + namespaceId;
}

export function keyIdOf(entry: number): number {
  return Math.floor(entry / NAMESPACE_LIMIT);
}

export function namespaceIdOf(entry: number): number {
  return entry % NAMESPACE_LIMIT;
}

export class EntryTable {
  lanes: Float64Array;
  readonly stride: number;
  size = 0;
  #slotCount = SLOTS_MIN;
  #shift = 32 - Math.log2(SLOTS_MIN);
  #end: number;
  /**
   * Changes when the table gets smaller. Entries are often dropped in the order of the table; those that
   * are left lie close together then, and with the same hash they would in the smaller one (38 us per record at
   * the end of a window of 400 000 keys, against 3).
   */
  #salt = 0;

  constructor(laneCount: number) {
    this.stride = 1 + laneCount;
    this.#end = SLOTS_MIN * this.stride;
    this.lanes = this.#allocate(SLOTS_MIN);
  }

  /** The position of the row of `entry`, or NO_ENTRY; its lanes begin one word behind. */
  find(entry: number): number {
    const {lanes, stride} = this;
    const end = this.#end;
    let position = this.#home(entry);
    for (;;) {
      const found = lanes[position]!;
      if (found === entry) return position;
      if (found < 0) return NO_ENTRY;
      position += stride;
      if (position === end) position = 0;
    }
  }

  /** Makes the row of `entry`, which is not there; its lanes are 0. */
  insert(entry: number): number {
    if ((this.size + 1) * 2 > this.#slotCount) this.#resize(2 * this.#slotCount);
    this.size += 1;
    const position = this.#freePosition(entry);
    this.lanes.fill(0, position, position + this.stride);
    this.lanes[position] = entry;
    return position;
  }

  removeAt(hole: number): void {
    this.size -= 1;
    const {lanes, stride} = this;
    const end = this.#end;
    for (let probe = hole; ;) {
      probe += stride;
      if (probe === end) probe = 0;
      const moved = lanes[probe]!;
      if (moved < 0) break;
      const home = this.#home(moved);
      const isReachable =
        hole <= probe ? hole < home && home <= probe : hole < home || home <= probe;
      if (isReachable) continue;
      for (let word = 0; word < stride; word += 1) lanes[hole + word] = lanes[probe + word]!;
      hole = probe;
    }
    lanes[hole] = NO_ENTRY;
    // A table that was large for the last window must not be walked through for ever.
    if (this.#slotCount > SLOTS_MIN && this.size * 16 < this.#slotCount) {
      this.#salt = Math.imul(this.#salt + 1, 0x2545f491);
      this.#resize(this.#slotCount / 4);
    }
  }

  /** The first row at or behind `position`, or NO_ENTRY. */
  nextRow(position: number): number {
    const {lanes, stride} = this;
    for (let at = position; at < this.#end; at += stride) if (lanes[at]! >= 0) return at;
    return NO_ENTRY;
  }

  #home(entry: number): number {
    // Both ids are below 2^26, so the halves of the hash come apart without a remainder.
    const keyId = Math.floor(entry / NAMESPACE_LIMIT);
    const namespaceId = entry - keyId * NAMESPACE_LIMIT;
    const hash = Math.imul(keyId, 0x9e3779b1) ^ Math.imul(namespaceId, 0x85ebca6b) ^ this.#salt;
    return (Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> this.#shift) * this.stride;
  }

  #freePosition(entry: number): number {
    const {lanes, stride} = this;
    let position = this.#home(entry);
    while (lanes[position]! >= 0) {
      position += stride;
      if (position === this.#end) position = 0;
    }
    return position;
  }

  #resize(slotCount: number): void {
    const old = this.lanes;
    const {stride} = this;
    const lanes = this.#allocate(slotCount);
    this.#slotCount = slotCount;
    this.#shift = 32 - Math.log2(slotCount);
    this.#end = slotCount * stride;
    this.lanes = lanes;
    for (let from = 0; from < old.length; from += stride) {
      if (old[from]! < 0) continue;
      const to = this.#freePosition(old[from]!);
      for (let word = 0; word < stride; word += 1) lanes[to + word] = old[from + word]!;
    }
  }

  #allocate(slotCount: number): Float64Array {
    const lanes = allocateLanes(slotCount * this.stride, this.size);
    for (let at = 0; at < lanes.length; at += this.stride) lanes[at] = NO_ENTRY;
    return lanes;
  }
}
