/**
 * Where things lie in a segment that holds a column batch. Everything in front of the heap depends
 * only on the schema and the row capacity, which stands in the header, so that a reader can address
 * any column of any batch with one multiplication. A segment starts at a multiple of 8 bytes.
 *
 *   header        6 words, then 6 words per heap column (below)
 *   doubles       capacity × 8 bytes per column: timestamp, float64, date
 *   integers      capacity × 4 bytes per int32 column
 *   ends          (capacity + 1) × 4 bytes per heap column: row r ends where word r + 1 says, in
 *                 UTF-16 units or bytes, and starts where word r says; word 0 is 0. In dictionary
 *                 mode word r + 1 is instead the code of row r
 *   bytes         capacity × 1 byte per boolean, then per column that can be absent (a state)
 *   heap          the texts and bytes of the heap columns, written when the batch is closed
 *
 * Header words: schema version, row count, row capacity, start of the heap, used bytes, reserved.
 * Per heap column: mode, start (bytes from the segment), units (UTF-16 units, or bytes), units that
 * are stored as one byte each, dictionary entries, reserved.
 *
 * A text heap is Latin-1 up to its first unit above 0xFF and UTF-16 (at an even offset) behind it.
 * So it costs one byte per unit where that is enough, and lone surrogates survive.
 *
 * In local mode the texts of a column are not in the segment at all: the reader is in the same thread
 * and gets the strings themselves (local-texts.ts). Word r + 1 of the ends is then the number r.
 */
import {assert} from '../base/assert.ts';
import {ALLOWS_MISSING, isUnknown, type Column, type RecordSchema} from './schema.ts';

export const SEGMENT_SIZE_BYTES_DEFAULT = 32 * 1024;

export const HEADER_SCHEMA_VERSION = 0;
export const HEADER_ROW_COUNT = 1;
export const HEADER_ROW_CAPACITY = 2;
export const HEADER_HEAP_START = 3;
export const HEADER_USED_BYTES = 4;
export const HEADER_WORDS = 6;

export const HEAP_MODE = 0;
export const HEAP_START = 1;
export const HEAP_UNITS = 2;
export const HEAP_NARROW_UNITS = 3;
export const HEAP_DICTIONARY_COUNT = 4;
export const HEAP_WORDS = 6;

export const MODE_PLAIN = 0;
export const MODE_DICTIONARY = 1;
export const MODE_LOCAL = 2;

export const STATE_VALUE = 0;
export const STATE_NULL = 1;
export const STATE_UNDEFINED = 2;
export const STATE_MISSING = 3;

/** Bytes per heap column that alignment may cost. */
const HEAP_ALIGNMENT_BYTES = 8;

/** Rows of one batch are counted by generated code in int32; more gain nothing either. */
const ROW_CAPACITY_MAX = 1 << 16;

/** Where a column's values are: its kind of region and its place among the columns there. */
export interface ColumnPlace {
  readonly column: Column;
  readonly region: 'doubles' | 'integers' | 'ends' | 'bytes' | 'none';
  readonly regionIndex: number;
  /** The place among the byte columns of the column's states, -1 if it cannot be absent. */
  readonly stateIndex: number;
}

/** The places of all columns of a schema. */
export interface BatchLayout {
  readonly schema: RecordSchema;
  readonly hasTimestamps: boolean;
  readonly places: readonly ColumnPlace[];
  /** The heap columns, in the order of their ends. */
  readonly heaps: readonly ColumnPlace[];
  readonly headerSizeBytes: number;
  readonly doubleCount: number;
  readonly integerCount: number;
  readonly heapCount: number;
  readonly byteCount: number;
}

/** Whether rows of the column need a state. `any` encodes null and undefined by itself. */
export function hasStates(column: Column): boolean {
  if (column.type === 'any' && !isUnknown(column))
    return (column.nullability & ALLOWS_MISSING) !== 0;
  return column.nullability !== 0;
}

/** The layout that writer and reader of a schema agree on. */
export function layoutOf(schema: RecordSchema, hasTimestamps: boolean): BatchLayout {
  let doubleCount = hasTimestamps ? 1 : 0;
  let integerCount = 0;
  let heapCount = 0;
  let byteCount = schema.columns.filter(column => column.type === 'boolean').length;
  let booleanCount = 0;
  const places = schema.columns.map((column): ColumnPlace => {
    const stateIndex = hasStates(column) ? byteCount++ : -1;
    if (isUnknown(column)) return {column, region: 'none', regionIndex: 0, stateIndex};
    switch (column.type) {
      case 'float64':
      case 'date':
        return {column, region: 'doubles', regionIndex: doubleCount++, stateIndex};
      case 'int32':
        return {column, region: 'integers', regionIndex: integerCount++, stateIndex};
      case 'boolean':
        return {column, region: 'bytes', regionIndex: booleanCount++, stateIndex};
      case 'struct':
        return {column, region: 'none', regionIndex: 0, stateIndex};
      default:
        return {column, region: 'ends', regionIndex: heapCount++, stateIndex};
    }
  });
  return {
    schema,
    hasTimestamps,
    places,
    heaps: places.filter(place => place.region === 'ends'),
    headerSizeBytes: 4 * (HEADER_WORDS + HEAP_WORDS * heapCount),
    doubleCount,
    integerCount,
    heapCount,
    byteCount,
  };
}

/** Bytes of a row in front of the heap. */
export function fixedRowSizeBytes(layout: BatchLayout): number {
  return 8 * layout.doubleCount + 4 * (layout.integerCount + layout.heapCount) + layout.byteCount;
}

/** Byte offset, inside the segment, where the heap starts; a multiple of 4. */
export function heapStartBytes(layout: BatchLayout, capacity: number): number {
  const {headerSizeBytes, heapCount} = layout;
  return (headerSizeBytes + capacity * fixedRowSizeBytes(layout) + 4 * heapCount + 3) & ~3;
}

/** Bytes that the heap of a batch can take for sure, whatever alignment costs. May be negative. */
export function heapRoomBytes(
  layout: BatchLayout,
  capacity: number,
  segmentSizeBytes: number,
): number {
  const reserved = HEAP_ALIGNMENT_BYTES * layout.heapCount;
  return segmentSizeBytes - heapStartBytes(layout, capacity) - reserved;
}

/** The rows that fit a segment if each needs `heapBytesPerRow`; 0 if not even one does. */
export function rowCapacity(
  layout: BatchLayout,
  segmentSizeBytes: number,
  heapBytesPerRow: number,
): number {
  const room = heapRoomBytes(layout, 0, segmentSizeBytes);
  const rowSizeBytes = fixedRowSizeBytes(layout) + (layout.heapCount === 0 ? 0 : heapBytesPerRow);
  if (room <= 0) return 0;
  const capacity = Math.min(ROW_CAPACITY_MAX, Math.floor(room / Math.max(rowSizeBytes, 1 / 8)));
  if (capacity === 0) return heapRoomBytes(layout, 1, segmentSizeBytes) >= 0 ? 1 : 0;
  const fits = heapRoomBytes(layout, capacity, segmentSizeBytes) >= 0;
  assert(fits || capacity === 1, 'the columns of a full batch fit its segment');
  return fits ? capacity : 0;
}

/**
 * The index of a column's first value, in elements of its region, as `base × segment + add +
 * multiply × capacity`, where `segment` counts blocks of 8 bytes.
 */
export interface IndexTerms {
  readonly base: number;
  readonly add: number;
  readonly multiply: number;
}

/** Index of double column `index`, in 8-byte elements. */
export function doubleTerms(layout: BatchLayout, index: number): IndexTerms {
  return {base: 1, add: layout.headerSizeBytes / 8, multiply: index};
}

/** Index of integer column `index`, in words. */
export function integerTerms(layout: BatchLayout, index: number): IndexTerms {
  return {base: 2, add: layout.headerSizeBytes / 4, multiply: 2 * layout.doubleCount + index};
}

/** Index of word 0 of the ends of heap column `index`, in words. */
export function endTerms(layout: BatchLayout, index: number): IndexTerms {
  const multiply = 2 * layout.doubleCount + layout.integerCount + index;
  return {base: 2, add: layout.headerSizeBytes / 4 + index, multiply};
}

/** Index of byte column `index` (booleans and states), in bytes. */
export function byteTerms(layout: BatchLayout, index: number): IndexTerms {
  const {doubleCount, integerCount, heapCount} = layout;
  return {
    base: 8,
    add: layout.headerSizeBytes + 4 * heapCount,
    multiply: 8 * doubleCount + 4 * (integerCount + heapCount) + index,
  };
}

/** The index that `terms` give. */
export function indexAt(terms: IndexTerms, segment: number, capacity: number): number {
  return terms.base * segment + terms.add + terms.multiply * capacity;
}

/** The same as text; `segment` and `capacity` are names or literals. */
export function indexText(terms: IndexTerms, segment: string, capacity: string): string {
  const parts = [terms.base === 1 ? segment : `${segment} * ${terms.base}`, String(terms.add)];
  if (terms.multiply === 1) parts.push(capacity);
  else if (terms.multiply > 1) parts.push(`${capacity} * ${terms.multiply}`);
  return parts.join(' + ');
}
