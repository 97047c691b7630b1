/**
 * What tables have in common that find rows through a Map: rows are numbered in the order in which
 * keys came, row n has its lanes from n × stride on and its cells at n. A removed row leaves a hole
 * that the next new key fills.
 */
import {assert} from '../base/assert.ts';
import {allocateLanes} from './lanes.ts';
import {NO_ROW, type KeyKind, type KeyedRows, type KeyedRowsOptions} from './keyed-rows.ts';

const ROWS_MIN = 1024;

/** Up to here the lanes grow by a factor of 4: each move makes generated code new (row-code.ts). */
const ROWS_SMALL = 1 << 16;

/** The key of a row that was removed. */
const HOLE = Symbol('hole');

export abstract class DenseRows<K> implements KeyedRows {
  abstract readonly keyKind: KeyKind;
  readonly laneCount: number;
  readonly cellCount: number;
  readonly stride: number;
  readonly firstLane = 0;
  lanes: Float64Array;
  readonly cells: readonly unknown[][];
  wasInserted = false;
  readonly #onMove: (() => void) | undefined;
  readonly #keys: Array<K | typeof HOLE> = [];
  readonly #holes: number[] = [];

  constructor({laneCount, cellCount = 0, expectedKeys = 0, onMove}: KeyedRowsOptions) {
    assert(laneCount >= 0 && cellCount >= 0, 'a row has no negative number of lanes or cells');
    this.#onMove = onMove;
    this.laneCount = laneCount;
    this.cellCount = cellCount;
    // Positions must differ even where there is nothing to store at them.
    this.stride = Math.max(1, laneCount);
    this.lanes = allocateLanes(Math.max(ROWS_MIN, expectedKeys) * laneCount, expectedKeys);
    this.cells = Array.from({length: cellCount}, () => []);
  }

  get size(): number {
    return this.#keys.length - this.#holes.length;
  }

  get sizeBytes(): number {
    return this.lanes.byteLength;
  }

  get hasRoom(): boolean {
    const {laneCount} = this;
    if (laneCount === 0 || this.#holes.length > 0) return true;
    return this.#keys.length * laneCount < this.lanes.length;
  }

  abstract accepts(key: unknown): boolean;
  abstract find(key: K): number;
  abstract upsert(key: K): number;
  abstract remove(key: K): boolean;

  keyAt(position: number): K {
    return this.#keys[position / this.stride] as K;
  }

  cellIndex(position: number): number {
    return position / this.stride;
  }

  nextRow(position: number): number {
    const {stride} = this;
    for (let row = position / stride; row < this.#keys.length; row += 1) {
      if (this.#keys[row] !== HOLE) return row * stride;
    }
    return NO_ROW;
  }

  /** A row for `key`, which has none; its position. */
  protected addRow(key: K): number {
    const row = this.#holes.pop() ?? this.#keys.length;
    this.#keys[row] = key;
    for (const column of this.cells) column[row] = undefined;
    const position = row * this.stride;
    if (this.laneCount === 0) return position;
    if (position === this.lanes.length) {
      const lanes = allocateLanes(position * (row < ROWS_SMALL ? 4 : 2), row);
      lanes.set(this.lanes);
      this.lanes = lanes;
      this.#onMove?.();
    }
    this.lanes.fill(0, position, position + this.stride);
    return position;
  }

  protected dropRow(position: number): void {
    const row = position / this.stride;
    this.#keys[row] = HOLE;
    for (const column of this.cells) column[row] = undefined;
    this.#holes.push(row);
  }
}
