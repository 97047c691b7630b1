/**
 * An unbounded source with several splits, some of which fall silent: split `s` gives `counts[s]` records,
 * one per millisecond of the clock, and then nothing until it is stopped.
 */
import {
  END_OF_SPLITS,
  MORE_AVAILABLE,
  NOTHING_AVAILABLE,
  type PollResult,
  type Source,
  type SourceReader,
  type SourceSplit,
} from '../../src/operators/source.ts';

interface SilentSplit extends SourceSplit {
  readonly index: number;
}

export interface SilentRecord {
  readonly split: number;
  readonly time: number;
}

export function silentSource(counts: readonly number[]): Source<SilentRecord, SilentSplit> {
  return {
    name: 'silent',
    isBounded: false,
    assignment: 'static',
    enumerateSplits: () => counts.map((_, index) => ({splitId: `split-${index}`, index})),
    createReader: () => new SilentReader(counts),
  };
}

class SilentReader implements SourceReader<SilentRecord, SilentSplit> {
  readonly batch = {kind: 'values' as const, values: [] as SilentRecord[], count: 0};
  wakeAtMs = Infinity;
  readonly #counts: readonly number[];
  #split = -1;
  #given = 0;
  #dueMs = NaN;

  constructor(counts: readonly number[]) {
    this.#counts = counts;
  }

  addSplit({index}: SilentSplit): void {
    this.#split = index;
  }

  poll(_countMax: number, nowMs: number): PollResult {
    if (this.#split < 0) return END_OF_SPLITS;
    if (Number.isNaN(this.#dueMs)) this.#dueMs = nowMs;
    if (this.#given >= this.#counts[this.#split]!) {
      this.wakeAtMs = nowMs + 1000;
      return NOTHING_AVAILABLE;
    }
    if (nowMs < this.#dueMs) {
      this.wakeAtMs = this.#dueMs;
      return NOTHING_AVAILABLE;
    }
    this.batch.values[0] = {split: this.#split, time: this.#given};
    this.batch.count = 1;
    this.#given += 1;
    this.#dueMs += 1;
    return MORE_AVAILABLE;
  }

  snapshotSplits(): SilentSplit[] {
    return [];
  }
}
