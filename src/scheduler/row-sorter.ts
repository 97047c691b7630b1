/**
 * Sorts the rows of a task's inputs by key in bounded memory: rows are gathered into a list; a list that is
 * full is sorted and goes into a file as a run; in the end all runs are merged. Belongs to the task's thread.
 *
 *   add ──► list ──full──► run, run, run … ──64 of one size──► longer run
 *             └──────────────────┴─────────────────┴──► merger ──► rows in order
 *
 * What takes long is a generator that yields every piece of a file, so that the task sees to other things.
 * How much a row takes is measured for one of a few and estimated for the others.
 */
import {hashKey} from '../base/key-group.ts';
import type {KeyReader} from '../operators/key.ts';
import {
  FileCursor,
  ListCursor,
  ROW_COUNT_MAX,
  RowList,
  RunMerger,
  RunWriter,
  type RunCursor,
} from './sorted-runs.ts';
import {SpillFile, type FilePiece} from './spill-file.ts';

export interface RowSorterOptions {
  /** By input; undefined: its rows have no key and stay as they came. */
  readonly keys: ReadonlyArray<KeyReader | undefined>;
  /** What rows in memory may take, about. */
  readonly memoryBytes: number;
  /** For files; undefined: the system's. */
  readonly directory: string | undefined;
  /** Told how much goes into files. */
  readonly onSpilled?: (bytes: number) => void;
}

/** Runs that are merged into one as soon as there are so many of a size: each needs a piece in memory. */
const FAN_IN = 64;

const PIECE_SIZE_BYTES_MIN = 1024;
const PIECE_SIZE_BYTES_MAX = 64 * 1024;

/** One of so many rows is measured. */
const ROWS_PER_SAMPLE = 8;

/** In the lists, beside the value. */
const ROW_SIZE_BYTES = 48;

interface Run {
  readonly pieces: readonly FilePiece[];
  /** How often it has been merged. */
  readonly level: number;
}

export class RowSorter {
  readonly #options: RowSorterOptions;
  readonly #pieceSizeBytes: number;
  #rows = new RowList();
  #rowsSizeBytes = 0;
  #file: SpillFile | undefined;
  /** From the oldest to the youngest; older ones are at least as often merged. */
  readonly #runs: Run[] = [];
  #merger: RunMerger | undefined;

  constructor(options: RowSorterOptions) {
    this.#options = options;
    this.#pieceSizeBytes = Math.max(
      PIECE_SIZE_BYTES_MIN,
      Math.min(PIECE_SIZE_BYTES_MAX, Math.floor(options.memoryBytes / FAN_IN)),
    );
  }

  /**
   * Takes a row. `isLarge`: it is measured by itself.
   *
   * Errors: those of the key's function, and of `hashKey`.
   */
  add(value: unknown, timestamp: number, input: number, isLarge = false): void {
    const reader = this.#options.keys[input];
    const key = reader?.select(value);
    const hash = reader === undefined ? 0 : hashKey(key) >>> 0;
    if (isLarge) this.#rowsSizeBytes += ROW_SIZE_BYTES + sizeOf(value);
    else if (this.#rows.length % ROWS_PER_SAMPLE === 0) {
      this.#rowsSizeBytes += ROWS_PER_SAMPLE * (ROW_SIZE_BYTES + sizeOf(value));
    }
    this.#rows.add(hash, key, timestamp, input, value);
  }

  /** Whether rows have to go into a file before there are more. */
  get isFull(): boolean {
    return this.#rowsSizeBytes > this.#options.memoryBytes || this.#rows.length >= ROW_COUNT_MAX;
  }

  /** Puts the rows in memory into a file. */
  *spill(): Generator<void, void> {
    const rows = this.#rows;
    this.#rows = new RowList();
    this.#rowsSizeBytes = 0;
    yield* this.#write([new ListCursor(rows, rows.sorted())], 0);
    while (this.#isMergeDue()) {
      const runs = this.#runs.splice(-FAN_IN);
      yield* this.#write(
        runs.map(run => this.#cursorOf(run)),
        runs[0]!.level + 1,
      );
    }
  }

  /** All rows in order, when the last one has been added. */
  merge(): RunMerger {
    const rows = this.#rows;
    this.#rows = new RowList();
    this.#merger ??= new RunMerger([
      ...this.#runs.map(run => this.#cursorOf(run)),
      new ListCursor(rows, rows.sorted()),
    ]);
    return this.#merger;
  }

  /** Frees memory and the file; twice does no harm. */
  close(): void {
    this.#rows = new RowList();
    this.#merger = undefined;
    this.#runs.length = 0;
    this.#file?.close();
    this.#file = undefined;
  }

  #isMergeDue(): boolean {
    const runs = this.#runs;
    return runs.length >= FAN_IN && runs.at(-FAN_IN)!.level === runs.at(-1)!.level;
  }

  *#write(cursors: readonly RunCursor[], level: number): Generator<void, void> {
    const {directory, onSpilled} = this.#options;
    const file = (this.#file ??= new SpillFile(directory));
    const before = file.sizeBytes;
    const writer = new RunWriter(file, this.#pieceSizeBytes);
    const merger = new RunMerger(cursors);
    while (merger.current !== undefined) {
      if (writer.add(merger.current)) yield;
      merger.advance();
    }
    writer.flush();
    this.#runs.push({pieces: writer.pieces, level});
    onSpilled?.(file.sizeBytes - before);
  }

  #cursorOf({pieces}: Run): FileCursor {
    return new FileCursor(this.#file!, pieces, this.#options.keys);
  }
}

/** What a value takes on the heap, about. */
export function sizeOf(value: unknown): number {
  switch (typeof value) {
    case 'string':
      return 24 + value.length;
    case 'number':
      return 16;
    case 'bigint':
      return 32;
    case 'object':
      return value === null ? 8 : sizeOfObject(value);
    default:
      return 8;
  }
}

function sizeOfObject(value: object): number {
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return 128 + value.byteLength;
  let size = 32;
  if (value instanceof Map) {
    for (const [key, entry] of value) size += 24 + sizeOf(key) + sizeOf(entry);
  } else if (value instanceof Set || Array.isArray(value)) {
    for (const entry of value) size += 8 + sizeOf(entry);
  } else {
    for (const name in value) size += 8 + sizeOf((value as Record<string, unknown>)[name]);
  }
  return size;
}
