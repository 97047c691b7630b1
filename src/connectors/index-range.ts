/**
 * Splits that are ranges of whole numbers, and the reader that walks through them. It hands out ranges
 * instead of values, so that the compiled chain makes each record where it uses it.
 */
import {
  END_OF_SPLITS,
  MORE_AVAILABLE,
  NOTHING_AVAILABLE,
  type PollResult,
  type SourceReader,
  type SourceSplit,
} from '../operators/source.ts';
import type {Pacer} from './pacer.ts';

/** The numbers `start` to `end - 1`. */
export interface RangeSplit extends SourceSplit {
  readonly start: number;
  readonly end: number;
}

/**
 * Cuts `start … end - 1` into one contiguous part for each subtask, of equal length up to one, as
 * Flink does. Split i is that of subtask i; if there are fewer numbers than subtasks, the last ones
 * have none.
 */
export function cutRange(start: number, end: number, parallelism: number): RangeSplit[] {
  // Two safe integers may be further apart than a safe integer can say.
  const count = BigInt(end) - BigInt(start);
  const parts = BigInt(parallelism);
  const splits: RangeSplit[] = [];
  let from = BigInt(start);
  for (let part = 0n; part < parts && from < BigInt(end); part += 1n) {
    const to = from + count / parts + (part < count % parts ? 1n : 0n);
    splits.push({splitId: String(part), start: Number(from), end: Number(to)});
    from = to;
  }
  return splits;
}

export class RangeReader<T> implements SourceReader<T, RangeSplit> {
  readonly batch = {kind: 'range' as const, start: 0, end: 0};
  wakeAtMs = Infinity;
  readonly #pacer: Pacer | undefined;
  readonly #splits: RangeSplit[] = [];

  /** Without a pacer, as fast as it is asked. */
  constructor(pacer?: Pacer) {
    this.#pacer = pacer;
  }

  addSplit(split: RangeSplit): void {
    this.#splits.push(split);
  }

  poll(countMax: number, nowMs: number): PollResult {
    const {batch} = this;
    batch.start = batch.end = 0;
    const split = this.#splits[0];
    if (split === undefined) return END_OF_SPLITS;
    let count = Math.min(countMax, split.end - split.start);
    if (this.#pacer !== undefined) {
      count = this.#pacer.take(count, nowMs);
      if (count === 0) {
        this.wakeAtMs = this.#pacer.nextAtMs;
        return NOTHING_AVAILABLE;
      }
    }
    batch.start = split.start;
    batch.end = split.start + count;
    if (batch.end === split.end) this.#splits.shift();
    else this.#splits[0] = {...split, start: batch.end};
    return MORE_AVAILABLE;
  }

  snapshotSplits(): RangeSplit[] {
    return [...this.#splits];
  }
}
