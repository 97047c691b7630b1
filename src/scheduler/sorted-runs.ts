/**
 * Runs of rows that are sorted, in memory or in a file, and what merges them. A cursor stands on one row of
 * its run and shows it in its fields; the merger stands on the first row of all of them.
 *
 * The order is that of Flink's sorting inputs: by key, by timestamp (none counts as the earliest), by input,
 * and last as the rows came. Keys are compared by hash first, which takes no time and scatters them; keys of one
 * hash by their value, so that equal ones lie together.
 */
import {hashKey} from '../base/key-group.ts';
import type {KeyReader} from '../operators/key.ts';
import {ValueDecoder, ValueEncoder} from '../records/any-codec.ts';
import {compositeKeyText} from '../state/any-key-table.ts';
import {isSameKey} from '../state/single-key-backend.ts';
import type {FilePiece, SpillFile} from './spill-file.ts';

/** A row as it is compared. */
export interface SortRow {
  /** Of the key; 0 where there are no keys. */
  readonly hash: number;
  readonly key: unknown;
  /** NaN: none. */
  readonly timestamp: number;
  readonly input: number;
}

/** Negative: `a` comes first; 0: as they came. Rows without keys are not sorted at all. */
export function compareRows(a: SortRow, b: SortRow): number {
  if (a.hash !== b.hash) return a.hash - b.hash;
  if (a.key === undefined) return 0;
  return compareKeys(a.key, b.key) || compareTimes(a, b);
}

/** Rows of one key. */
export function compareTimes(a: SortRow, b: SortRow): number {
  if (a.timestamp < b.timestamp) return -1;
  if (a.timestamp > b.timestamp) return 1;
  // None is NaN, which is neither smaller nor larger than anything.
  const isTimed = a.timestamp === a.timestamp;
  if (isTimed !== (b.timestamp === b.timestamp)) return isTimed ? 1 : -1;
  return a.input - b.input;
}

/** Any order that is the same everywhere; 0 for the same key only. */
function compareKeys(a: unknown, b: unknown): number {
  if (isSameKey(a, b)) return 0;
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : 1;
  const [textA, textB] = [compositeKeyText(a), compositeKeyText(b)];
  return textA < textB ? -1 : 1;
}

/** A place in a run. */
export abstract class RunCursor implements SortRow {
  hash = 0;
  key: unknown = undefined;
  timestamp = NaN;
  input = 0;
  value: unknown = undefined;

  /** Goes to the next row, at first to the first one; false if there is none. */
  abstract next(): boolean;
}

/** Rows that are gathered: parallel lists, in the order in which the rows came. */
export class RowList {
  readonly hashes: number[] = [];
  readonly keys: unknown[] = [];
  readonly timestamps: number[] = [];
  readonly inputs: number[] = [];
  readonly values: unknown[] = [];

  get length(): number {
    return this.values.length;
  }

  add(hash: number, key: unknown, timestamp: number, input: number, value: unknown): void {
    this.hashes.push(hash);
    this.keys.push(key);
    this.timestamps.push(timestamp);
    this.inputs.push(input);
    this.values.push(value);
  }

  /** The indexes of the rows in their order. */
  sorted(): Uint32Array {
    const {length, hashes} = this;
    const order = new Uint32Array(length);
    // Hash and index as one number: those are sorted without calling anything, and equal hashes stay
    // as the rows came.
    const numbers = new Float64Array(length);
    for (let index = 0; index < length; index += 1) {
      numbers[index] = hashes[index]! * ROW_COUNT_MAX + index;
    }
    numbers.sort();
    for (let at = 0; at < length; at += 1) order[at] = numbers[at]! % ROW_COUNT_MAX;
    let from = 0;
    while (from < length) {
      let to = from + 1;
      while (to < length && hashes[order[to]!] === hashes[order[from]!]) to += 1;
      if (to - from > 1) this.#sortEqualHashes(order.subarray(from, to));
      from = to;
    }
    return order;
  }

  #sortEqualHashes(order: Uint32Array): void {
    if (this.keys[order[0]!] === undefined) return;
    // Nearly always they are of one key, and came in the order of their timestamps.
    const {keys, timestamps, inputs} = this;
    for (let at = 1; at < order.length; at += 1) {
      const [before, here] = [order[at - 1]!, order[at]!];
      if (
        !isSameKey(keys[before], keys[here]) ||
        !(timestamps[before]! <= timestamps[here]!) ||
        inputs[before] !== inputs[here]
      ) {
        order.sort((a, b) => compareRows(this.#row(a), this.#row(b)) || a - b);
        return;
      }
    }
  }

  #row(index: number): SortRow {
    return {
      hash: this.hashes[index]!,
      key: this.keys[index],
      timestamp: this.timestamps[index]!,
      input: this.inputs[index]!,
    };
  }
}

/** Rows of one list: hash and index of a row have to fit into 53 bits. */
export const ROW_COUNT_MAX = 1 << 21;

/** A run in memory. */
export class ListCursor extends RunCursor {
  readonly #rows: RowList;
  readonly #order: Uint32Array;
  #at = -1;

  constructor(rows: RowList, order: Uint32Array) {
    super();
    this.#rows = rows;
    this.#order = order;
  }

  next(): boolean {
    this.#at += 1;
    if (this.#at >= this.#order.length) return false;
    const index = this.#order[this.#at]!;
    const {hashes, keys, timestamps, inputs, values} = this.#rows;
    this.hash = hashes[index]!;
    this.key = keys[index];
    this.timestamp = timestamps[index]!;
    this.input = inputs[index]!;
    this.value = values[index];
    return true;
  }
}

/** Values that a row is in a file: input, timestamp, value. Its key is read from the value again. */
const VALUES_PER_ROW = 3;

/** Writes rows of a run into pieces of a file. */
export class RunWriter {
  readonly pieces: FilePiece[] = [];
  readonly #file: SpillFile;
  readonly #pieceSizeBytes: number;
  readonly #encoder = new ValueEncoder();

  constructor(file: SpillFile, pieceSizeBytes: number) {
    this.#file = file;
    this.#pieceSizeBytes = pieceSizeBytes;
  }

  /** Returns whether a piece was written, which takes a while. */
  add({input, timestamp, value}: RunCursor): boolean {
    const encoder = this.#encoder;
    encoder.encode(input);
    encoder.encode(timestamp);
    encoder.encode(value);
    if (encoder.position < this.#pieceSizeBytes) return false;
    this.flush();
    return true;
  }

  flush(): void {
    const encoder = this.#encoder;
    if (encoder.position === 0) return;
    this.pieces.push(this.#file.append(encoder.buffer.subarray(0, encoder.position)));
    encoder.reset();
  }
}

/** A run in a file, a piece of which is in memory. */
export class FileCursor extends RunCursor {
  readonly #file: SpillFile;
  readonly #pieces: readonly FilePiece[];
  readonly #keys: ReadonlyArray<KeyReader | undefined>;
  readonly #decoder = new ValueDecoder();
  #piece = 0;
  #values: unknown[] = [];
  #at = 0;

  constructor(
    file: SpillFile,
    pieces: readonly FilePiece[],
    keys: ReadonlyArray<KeyReader | undefined>,
  ) {
    super();
    this.#file = file;
    this.#pieces = pieces;
    this.#keys = keys;
  }

  next(): boolean {
    if (this.#at === this.#values.length) {
      const piece = this.#pieces[this.#piece];
      if (piece === undefined) return false;
      this.#values = this.#decoder.decodeAll(this.#file.read(piece));
      this.#piece += 1;
      this.#at = 0;
    }
    const values = this.#values;
    const at = this.#at;
    this.#at += VALUES_PER_ROW;
    this.input = values[at] as number;
    this.timestamp = values[at + 1] as number;
    this.value = values[at + 2];
    const key = this.#keys[this.input];
    if (key === undefined) return true;
    this.key = key.select(this.value);
    this.hash = hashKey(this.key) >>> 0;
    return true;
  }
}

/** All rows of several runs in order; rows that compare equal in the order of the runs. */
export class RunMerger {
  /** A binary heap of cursors by their rows. */
  readonly #heap: Array<{readonly cursor: RunCursor; readonly run: number}> = [];

  constructor(cursors: readonly RunCursor[]) {
    for (const [run, cursor] of cursors.entries()) {
      if (cursor.next()) this.#heap.push({cursor, run});
    }
    for (let at = (this.#heap.length >> 1) - 1; at >= 0; at -= 1) this.#sink(at);
  }

  /** The cursor on the first row; undefined behind the last one. */
  get current(): RunCursor | undefined {
    return this.#heap[0]?.cursor;
  }

  advance(): void {
    const heap = this.#heap;
    if (!heap[0]!.cursor.next()) {
      const last = heap.pop()!;
      if (heap.length === 0) return;
      heap[0] = last;
    }
    if (heap.length > 1) this.#sink(0);
  }

  #sink(from: number): void {
    const heap = this.#heap;
    const moved = heap[from]!;
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && this.#isBefore(heap[child + 1]!, heap[child]!)) child += 1;
      if (!this.#isBefore(heap[child]!, moved)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = moved;
  }

  #isBefore(
    a: {readonly cursor: RunCursor; readonly run: number},
    b: {readonly cursor: RunCursor; readonly run: number},
  ): boolean {
    return (compareRows(a.cursor, b.cursor) || a.run - b.run) < 0;
  }
}
