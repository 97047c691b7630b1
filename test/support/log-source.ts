/**
 * A source whose splits are read side by side, like the partitions of a log: split `s` gives `counts[s]`
 * records, at least `intervalsMs[s]` of the clock apart, and ends. Records of different splits come in turns.
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

interface LogSplit extends SourceSplit {
  readonly index: number;
}

export interface LogRecord {
  readonly split: number;
  /** 10 per record of a split, from 0. */
  readonly time: number;
}

export interface LogOptions {
  readonly counts: readonly number[];
  readonly intervalsMs: readonly number[];
  /** False: the reader is paused as a whole. */
  readonly pausesSplits?: boolean;
}

export function logSource(options: LogOptions): Source<LogRecord, LogSplit> {
  return {
    name: 'log',
    isBounded: true,
    assignment: 'together',
    enumerateSplits: () =>
      options.counts.map((_, index) => ({splitId: `partition-${index}`, index})),
    createReader() {
      const reader: SourceReader<LogRecord, LogSplit> = new LogReader(options);
      return options.pausesSplits === false
        ? Object.defineProperty(reader, 'pauseSplits', {value: undefined})
        : reader;
    },
  };
}

interface OpenSplit extends LogSplit {
  given: number;
  dueMs: number;
  isPaused: boolean;
}

class LogReader implements SourceReader<LogRecord, LogSplit> {
  readonly batch = {kind: 'values' as const, splitId: '', values: [] as LogRecord[], count: 0};
  wakeAtMs = Infinity;
  readonly #options: LogOptions;
  readonly #open: OpenSplit[] = [];
  #finished: string[] = [];

  constructor(options: LogOptions) {
    this.#options = options;
  }

  pauseSplits(ids: readonly string[]): void {
    for (const split of this.#open) split.isPaused = ids.includes(split.splitId);
  }

  addSplit(split: LogSplit): void {
    this.#open.push({...split, given: 0, dueMs: NaN, isPaused: false});
  }

  poll(_countMax: number, nowMs: number): PollResult {
    const {counts, intervalsMs} = this.#options;
    if (this.#open.length === 0) return END_OF_SPLITS;
    this.wakeAtMs = Infinity;
    for (let tried = 0; tried < this.#open.length; tried += 1) {
      const split = this.#open.shift()!;
      this.#open.push(split);
      if (Number.isNaN(split.dueMs)) split.dueMs = nowMs;
      if (split.isPaused) {
        this.wakeAtMs = Math.min(this.wakeAtMs, nowMs + 1);
        continue;
      }
      if (nowMs < split.dueMs) {
        this.wakeAtMs = Math.min(this.wakeAtMs, split.dueMs);
        continue;
      }
      this.batch.splitId = split.splitId;
      this.batch.values[0] = {split: split.index, time: split.given * 10};
      this.batch.count = 1;
      split.given += 1;
      split.dueMs = nowMs + intervalsMs[split.index]!;
      if (split.given === counts[split.index]) {
        this.#open.pop();
        this.#finished.push(split.splitId);
      }
      return MORE_AVAILABLE;
    }
    return NOTHING_AVAILABLE;
  }

  finishedSplits(): string[] {
    const finished = this.#finished;
    this.#finished = [];
    return finished;
  }

  snapshotSplits(): LogSplit[] {
    return [];
  }
}
