/**
 * Takes the slices of overlapping windows together, key by key, and each slice only about three times,
 * whatever the number of its windows. A window is the end of one run of slices and the beginning of
 * the next:
 *
 *   slices      0   1   2   3 │ 4   5   6   7 │
 *   suffixes    0–3 1–3 2–3 3 │                     made from the back, when a window ends at `mid`
 *   growing                   │ 4   4–5 …           what has come since
 *   window          └─────────────┘                 suffix 1–3 and growing 4–5
 *
 * So a window that fires merges two tables, which is done row by row while results are emitted. A slice that
 * gets an element after it has been merged makes all of that void, and the next window begins anew; the
 * same if suffixes would become too large: then slices are merged for each window.
 *
 * Rows of one key are merged in the order in which their first records came, whichever slices they lie
 * in: so the result is that of the element which came first, as without slices.
 */
import type {KeyedOperator} from '../operators/keyed-operator.ts';
import {isPlainObject} from '../records/any-codec.ts';
import {NO_ROW} from '../state/keyed-rows.ts';
import type {RecordTable} from '../state/record-table.ts';

/** A piece of time with a row per key; only read here. */
export interface MergeableSlice {
  readonly start: number;
  readonly table: RecordTable;
}

/** The rows of a window: of each key one, or one in each table. */
export interface MergedWindow {
  readonly first: RecordTable;
  readonly second: RecordTable | undefined;
}

interface Suffix {
  readonly start: number;
  readonly table: RecordTable;
}

/** Rows in all suffixes together; beyond that they cost more memory than they save time. */
const SUFFIX_ROWS_MAX = 4 << 20;

export class SliceMerger {
  readonly #operator: KeyedOperator;
  readonly #createTable: () => RecordTable;
  /** By start. */
  #suffixes: Suffix[] = [];
  #mid = -Infinity;
  #growing: RecordTable | undefined;
  #growingEnd = -Infinity;
  /** Windows that are merged slice by slice, because suffixes have become too large. */
  #plainWindows = 0;

  constructor(operator: KeyedOperator, createTable: () => RecordTable) {
    this.#operator = operator;
    this.#createTable = createTable;
  }

  /** Where the slices end that have been merged: one before gets no element any more, or `invalidate`. */
  get mergedEnd(): number {
    return this.#growingEnd;
  }

  /** A slice that has been merged has changed. */
  invalidate(): void {
    this.#suffixes = [];
    this.#growing = undefined;
    this.#mid = -Infinity;
    this.#growingEnd = -Infinity;
  }

  /** The rows of the window `[start, end)`, which consists of `slices`, in their order. */
  window(start: number, end: number, slices: readonly MergeableSlice[]): MergedWindow {
    if (start >= this.#mid) {
      if (this.#plainWindows > 0 || !this.#startAnew(end, slices)) return this.plainWindow(slices);
    }
    while (this.#suffixes.length > 0 && this.#suffixes[0]!.start < start) this.#suffixes.shift();
    for (const slice of slices) {
      if (slice.start < this.#growingEnd) continue;
      this.#growing ??= this.#createTable();
      this.#add(this.#growing, slice.table);
    }
    this.#growingEnd = end;
    const suffix = this.#suffixes[0]?.table;
    if (suffix === undefined) return {first: this.#growing!, second: undefined};
    return {first: suffix, second: this.#growing};
  }

  /** The same, slice by slice. */
  plainWindow(slices: readonly MergeableSlice[]): MergedWindow {
    if (this.#plainWindows > 0) this.#plainWindows -= 1;
    const table = this.#createTable();
    for (const slice of slices) this.#add(table, slice.table);
    return {first: table, second: undefined};
  }

  /** What rows of one key make together; `second` is NO_ROW if there is none in the second table. */
  resultOf({first, second}: MergedWindow, position: number, secondPosition: number): unknown {
    const operator = this.#operator;
    const value = ownValue(first, position);
    if (secondPosition === NO_ROW) return operator.resultOf(value);
    const other = ownValue(second!, secondPosition);
    const isFirst = birthOf(first, position) <= birthOf(second!, secondPosition);
    return operator.resultOf(isFirst ? operator.merge(value, other) : operator.merge(other, value));
  }

  /** Makes the suffixes of a window; false if they would be too large. */
  #startAnew(end: number, slices: readonly MergeableSlice[]): boolean {
    this.invalidate();
    let rows = 0;
    let behind: RecordTable | undefined;
    for (const {start, table} of slices.toReversed()) {
      let suffix = table;
      if (behind !== undefined) {
        suffix = this.#createTable();
        this.#add(suffix, behind);
        this.#add(suffix, table);
        rows += suffix.size;
      }
      if (rows > SUFFIX_ROWS_MAX) {
        this.invalidate();
        // Not at once again: what was done for nothing is to be little of all that is done.
        this.#plainWindows = slices.length;
        return false;
      }
      this.#suffixes.unshift({start, table: suffix});
      behind = suffix;
    }
    this.#mid = end;
    this.#growingEnd = end;
    return true;
  }

  /** Adds what `source` holds to `target`. */
  #add(target: RecordTable, source: RecordTable): void {
    const {rows} = source;
    if (rows === undefined) return;
    const operator = this.#operator;
    for (let at = rows.nextRow(0); at !== NO_ROW; at = rows.nextRow(at + rows.stride)) {
      const key = rows.keyAt(at);
      const birth = birthOf(source, at);
      const value = ownValue(source, at);
      const position = target.locate(key);
      if (target.wasInserted) {
        setBirth(target, target.store(position, key, value), birth);
        continue;
      }
      const present = target.read(position);
      const presentBirth = birthOf(target, position);
      const [a, b] = presentBirth <= birth ? [present, value] : [value, present];
      const merged = operator.merge(a, b);
      const isLater = operator.keepsWhole && merged === b;
      const kept = isLater ? Math.max(birth, presentBirth) : Math.min(birth, presentBirth);
      setBirth(target, target.store(position, key, merged), kept);
    }
  }
}

function birthOf(table: RecordTable, position: number): number {
  return table.rows!.lanes[table.extraLane(position)]!;
}

function setBirth(table: RecordTable, position: number, birth: number): void {
  table.rows!.lanes[table.extraLane(position)] = birth;
}

/**
 * What a row holds, as a copy that shares nothing with the slice: it may be changed by a user's function, and
 * the slice belongs to other windows, too.
 */
function ownValue(table: RecordTable, position: number): unknown {
  const value = table.read(position);
  // Built from numbers, it is nobody else's.
  if (table.shape!.cellCount === 0) return value;
  if (!isPlainObject(value)) return isNested(value) ? structuredClone(value) : value;
  for (const name in value) {
    if (isNested(value[name])) return structuredClone(value);
  }
  return table.shape!.kind === 'value' ? {...value} : value;
}

function isNested(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !(value instanceof Date);
}
