/**
 * Keyed rows whose keys are numbers: an open-addressing hash table in one typed array.
 *
 *   lanes   [ key | lane 0 | lane 1 … ]  [ key | lane 0 | lane 1 … ]  …    one row per slot, float64
 *
 * Key and lanes of a row are neighbours, so an update costs one cache miss, not three (18 against
 * 8.5 million updates per second at a million keys, platform notes §11). An empty slot has NaN as
 * its key: NaN is no valid key. -0 and 0 are different keys, as in Flink; since they compare equal,
 * -0 lives behind the slots in a row of its own.
 *
 * Rows are found by linear probing at a load of at most one half. Growing moves every row. If there are cells, the last word of a row says where they are: cells do not move.
 *
 * Generated code probes by itself (keyed-code.ts): what it needs is public, `insertAt` is its slow path.
 */
import {assert} from '../base/assert.ts';
import {hashDouble} from '../base/hash.ts';
import {allocateLanes} from './lanes.ts';
import {NO_ROW, type KeyedRows, type KeyedRowsOptions} from './keyed-rows.ts';

const SLOTS_MIN = 1024;

/** Short rows begin with more: a table that moves makes generated code new. */
const SLOTS_MIN_SHORT = 4096;
const STRIDE_SHORT = 4;

/** Up to here a table grows by a factor of 4, for the same reason. */
const SLOTS_SMALL = 1 << 16;

/** 2^32 divided by the golden ratio: spreads neighbouring keys over the whole table. */
export const FIBONACCI = 0x9e3779b1;

export class NumberKeyTable implements KeyedRows {
  readonly keyKind = 'number';
  readonly laneCount: number;
  readonly cellCount: number;
  readonly stride: number;
  readonly firstLane = 1;
  lanes: Float64Array;
  readonly cells: readonly unknown[][];
  wasInserted = false;
  /** A key's home slot is the upper bits of its hash: those that are left after this shift. */
  shift: number;
  /** Position behind the last slot, where the row of -0 is. */
  end: number;
  readonly #onMove: (() => void) | undefined;
  #size = 0;
  #slotCount: number;
  #hasNegativeZero = false;
  /** Cells that were given out, and those of removed rows. */
  #cellsUsed = 0;
  readonly #freeCells: number[] = [];

  constructor({laneCount, cellCount = 0, expectedKeys = 0, onMove}: KeyedRowsOptions) {
    assert(laneCount >= 0 && cellCount >= 0, 'a row has no negative number of lanes or cells');
    this.#onMove = onMove;
    this.laneCount = laneCount;
    this.cellCount = cellCount;
    this.stride = 1 + laneCount + (cellCount > 0 ? 1 : 0);
    this.cells = Array.from({length: cellCount}, () => []);
    let slotCount = this.stride <= STRIDE_SHORT ? SLOTS_MIN_SHORT : SLOTS_MIN;
    while (slotCount < expectedKeys * 2) slotCount *= 2;
    this.#slotCount = slotCount;
    this.shift = shiftOf(slotCount);
    this.end = slotCount * this.stride;
    this.lanes = emptyRows(slotCount, this.stride, expectedKeys);
  }

  get size(): number {
    return this.#size;
  }

  get sizeBytes(): number {
    return this.lanes.byteLength;
  }

  get hasRoom(): boolean {
    return (this.#size + 1) * 2 <= this.#slotCount;
  }

  accepts(key: unknown): boolean {
    return typeof key === 'number' && key === key;
  }

  find(key: number): number {
    if (key === 0 && 1 / key < 0) return this.#hasNegativeZero ? this.end : NO_ROW;
    const {lanes, stride, end} = this;
    let position = this.#home(key);
    for (;;) {
      const found = lanes[position]!;
      if (found === key) return position;
      if (found !== found) return NO_ROW;
      position += stride;
      if (position === end) position = 0;
    }
  }

  upsert(key: number): number {
    assert(key === key, 'NaN is no key');
    if (key === 0 && 1 / key < 0) return this.#upsertNegativeZero();
    const {lanes, stride, end} = this;
    let position = this.#home(key);
    for (;;) {
      const found = lanes[position]!;
      if (found === key) {
        this.wasInserted = false;
        return position;
      }
      if (found !== found) return this.insertAt(key, position);
      position += stride;
      if (position === end) position = 0;
    }
  }

  /** Makes the row of `key`, whose probe ended at the empty `position`. */
  insertAt(key: number, position: number): number {
    this.wasInserted = true;
    if (!this.hasRoom) {
      this.#grow();
      position = this.#freePosition(key);
    }
    this.#fill(key, position);
    return position;
  }

  remove(key: number): boolean {
    let hole = this.find(key);
    if (hole === NO_ROW) return false;
    this.#size -= 1;
    this.#giveCells(hole);
    const {lanes, stride, end} = this;
    if (hole === end) {
      this.#hasNegativeZero = false;
      lanes[hole] = NaN;
      return true;
    }
    // Rows behind the hole that it would cut off from their home move up (no tombstones).
    let probe = hole;
    for (;;) {
      probe += stride;
      if (probe === end) probe = 0;
      const moved = lanes[probe]!;
      if (moved !== moved) break;
      const home = this.#home(moved);
      const isReachable =
        hole <= probe ? hole < home && home <= probe : hole < home || home <= probe;
      if (!isReachable) {
        lanes.copyWithin(hole, probe, probe + stride);
        hole = probe;
      }
    }
    lanes[hole] = NaN;
    return true;
  }

  keyAt(position: number): number {
    return this.lanes[position]!;
  }

  cellIndex(position: number): number {
    return this.lanes[position + this.stride - 1]!;
  }

  nextRow(position: number): number {
    const {lanes, stride, end} = this;
    for (let at = position; at <= end; at += stride) {
      if (lanes[at] === lanes[at]) return at;
    }
    return NO_ROW;
  }

  /** Where the probe for `key` begins. */
  #home(key: number): number {
    const hash = (key | 0) === key ? key : hashDouble(key);
    return (Math.imul(hash, FIBONACCI) >>> this.shift) * this.stride;
  }

  #fill(key: number, position: number): void {
    const {lanes, stride} = this;
    this.#size += 1;
    lanes[position] = key;
    for (let at = position + 1; at < position + stride; at += 1) lanes[at] = 0;
    if (this.cellCount === 0) return;
    const index = this.#freeCells.pop() ?? this.#cellsUsed++;
    lanes[position + stride - 1] = index;
    for (const column of this.cells) column[index] = undefined;
  }

  #giveCells(position: number): void {
    if (this.cellCount === 0) return;
    const index = this.cellIndex(position);
    for (const column of this.cells) column[index] = undefined;
    this.#freeCells.push(index);
  }

  #upsertNegativeZero(): number {
    this.wasInserted = !this.#hasNegativeZero;
    if (this.wasInserted) {
      this.#hasNegativeZero = true;
      this.#fill(-0, this.end);
    }
    return this.end;
  }

  #freePosition(key: number): number {
    const {lanes, stride} = this;
    let position = this.#home(key);
    while (lanes[position] === lanes[position]) {
      position += stride;
      if (position === this.end) position = 0;
    }
    return position;
  }

  #grow(): void {
    const {lanes: old, stride} = this;
    const oldEnd = this.end;
    // Nothing is changed before the memory is there.
    const slotCount = this.#slotCount * (this.#slotCount < SLOTS_SMALL ? 4 : 2);
    const lanes = emptyRows(slotCount, stride, this.#size);
    this.#slotCount = slotCount;
    this.shift = shiftOf(slotCount);
    this.end = slotCount * stride;
    this.lanes = lanes;
    for (let at = 0; at < oldEnd; at += stride) {
      const key = old[at]!;
      if (key !== key) continue;
      const position = this.#freePosition(key);
      for (let word = 0; word < stride; word += 1) lanes[position + word] = old[at + word]!;
    }
    if (this.#hasNegativeZero) {
      for (let word = 0; word < stride; word += 1) lanes[this.end + word] = old[oldEnd + word]!;
    }
    this.#onMove?.();
  }
}

/** How many of a hash's 32 bits are too many for a slot number. */
function shiftOf(slotCount: number): number {
  return 32 - Math.log2(slotCount);
}

/** Slots without keys, and one more behind them for the key -0. */
function emptyRows(slotCount: number, stride: number, keys: number): Float64Array {
  const rows = allocateLanes((slotCount + 1) * stride, keys);
  if (stride === 1) return rows.fill(NaN);
  for (let at = 0; at < rows.length; at += stride) rows[at] = NaN;
  return rows;
}
