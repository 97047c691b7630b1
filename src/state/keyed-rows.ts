/**
 * The contract of keyed state in memory: a table from keys to rows. A row has lanes, which are numbers
 * in one Float64Array, and cells, which are JavaScript values in one array per column. Whoever keeps
 * state decides what lies where (record-shape.ts); a table knows keys and places only.
 *
 *   position ──► lanes[position + firstLane + l]      lane l of the row
 *            └─► cells[c][cellIndex(position)]        cell c of the row
 *
 * There is one table per kind of key, because what makes a table fast differs: numbers hash by
 * arithmetic and lie among their lanes, texts use the hash that V8 keeps in them, anything else is
 * compared by type and value. Keys are told apart as Flink does: 1 is not '1', 0 is not -0, and arrays
 * and dates are equal if their parts are.
 *
 * Positions are void once `upsert` has inserted or `remove` has removed a row, and `lanes` may be another
 * array then. A table belongs to one thread. Nothing here refuses bad keys: `hashKey` does, at the door
 * (record-table.ts).
 */

/** The position of a row that is not there. */
export const NO_ROW = -1;

export type KeyKind = 'number' | 'string' | 'any';

/** What a table is made for. */
export interface KeyedRowsOptions {
  readonly laneCount: number;
  readonly cellCount?: number;
  readonly expectedKeys?: number;
  /** Called after `lanes` has been replaced: whoever holds the old array reads stale rows. */
  readonly onMove?: () => void;
}

export interface KeyedRows {
  readonly keyKind: KeyKind;
  readonly laneCount: number;
  readonly cellCount: number;
  /** Distance between the positions of two rows. */
  readonly stride: number;
  readonly firstLane: number;
  /** The lanes of all rows. Replaced when the table grows; then `onMove` is called. */
  readonly lanes: Float64Array;
  /** One array per column of cells. */
  readonly cells: readonly unknown[][];
  /** How many keys there are. */
  readonly size: number;
  /** Bytes of typed arrays held; keys and cells on the JavaScript heap come on top. */
  readonly sizeBytes: number;
  /** Whether the last `upsert` made a new row. */
  readonly wasInserted: boolean;
  /** Whether a new row fits into `lanes` as they are, so that they stay where they are. */
  readonly hasRoom: boolean;

  /** Whether the table can hold `key`. NaN, null and undefined are no keys anywhere. */
  accepts(key: unknown): boolean;
  /** The position of the row of `key`, which the table accepts, or NO_ROW. */
  find(key: unknown): number;
  /** The same, making a row if there is none: its lanes are 0, its cells undefined. */
  upsert(key: unknown): number;
  /** Removes the row of `key`; true if it was there. */
  remove(key: unknown): boolean;
  keyAt(position: number): unknown;
  cellIndex(position: number): number;
  /**
   * The first row at or behind `position`, or NO_ROW. All rows, in no particular order:
   * `for (let at = rows.nextRow(0); at !== NO_ROW; at = rows.nextRow(at + rows.stride))`.
   */
  nextRow(position: number): number;
}
