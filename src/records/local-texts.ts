/**
 * Texts that go from one task to another in the same thread. There is no reason to write them to bytes and
 * to decode them again: strings never change, so the reader gets the very strings, and only the other
 * columns lie in the segment. A job whose bids, three texts each, all stay in one thread takes 0.77 µs of CPU
 * per bid instead of 0.92 (bench/millrace/jobs/bids.ts at parallelism 1, medians of five runs in turns).
 *
 *   writer ──close──► put(segment, column, texts) ──► … ring … ──► attach: take(segment) ──► reader
 *
 * The batch travels through its channel under credit like any other; what waits here is named by its
 * segment, so there is at most one entry per segment in flight. Whoever gives back a segment that nobody
 * read drops its entry. Belongs to one thread: the registry of an arena in one thread is none of
 * another's, and a reader that does not find its texts here fails, loudly.
 */
import type {Arena} from '../memory/arena.ts';

/** Texts by row, by heap column. */
type ColumnTexts = Array<readonly string[] | undefined>;

export class LocalTexts {
  readonly #held = new Map<number, ColumnTexts>();

  /** Leaves the texts of a column of the batch in `segment`, counted in blocks of 8 bytes. */
  put(segment: number, heap: number, texts: readonly string[]): void {
    let columns = this.#held.get(segment);
    if (columns === undefined) this.#held.set(segment, (columns = []));
    columns[heap] = texts;
  }

  /** The texts of the batch in `segment`, which are then the caller's alone; undefined if it has none. */
  take(segment: number): ColumnTexts | undefined {
    const columns = this.#held.get(segment);
    if (columns !== undefined) this.#held.delete(segment);
    return columns;
  }

  /** How many batches wait for their reader. */
  get size(): number {
    return this.#held.size;
  }
}

/** Forgets the texts of a batch that nobody will read, before its segment is given back. */
export function dropLocalTexts(arena: Arena, segmentOffsetBytes: number): void {
  REGISTRIES.get(arena)?.take(segmentOffsetBytes / 8);
}

const REGISTRIES = new WeakMap<Arena, LocalTexts>();

/** The registry of an arena in this thread. */
export function localTextsOf(arena: Arena): LocalTexts {
  let registry = REGISTRIES.get(arena);
  if (registry === undefined) REGISTRIES.set(arena, (registry = new LocalTexts()));
  return registry;
}
