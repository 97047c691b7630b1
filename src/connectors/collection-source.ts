/** Gives the elements of an array that every thread has, because every thread builds the job. */
import {
  END_OF_SPLITS,
  MORE_AVAILABLE,
  type PollResult,
  type Source,
  type SourceReader,
  type SourceSplit,
} from '../operators/source.ts';

/** The elements from `start` on. */
export interface CollectionSplit extends SourceSplit {
  readonly start: number;
}

/** A bounded source of `values`, in their order: one split, so one subtask. */
export function collectionSource<T>(values: readonly T[]): Source<T, CollectionSplit> {
  return {
    name: 'Collection Source',
    isBounded: true,
    assignment: 'static',
    enumerateSplits: () => (values.length === 0 ? [] : [{splitId: '0', start: 0}]),
    createReader: () => new CollectionReader(values),
  };
}

class CollectionReader<T> implements SourceReader<T, CollectionSplit> {
  readonly batch = {kind: 'values' as const, values: [] as T[], count: 0};
  readonly wakeAtMs = Infinity;
  readonly #values: readonly T[];
  readonly #splits: CollectionSplit[] = [];
  #next = 0;

  constructor(values: readonly T[]) {
    this.#values = values;
  }

  addSplit(split: CollectionSplit): void {
    if (this.#splits.length === 0) this.#next = split.start;
    this.#splits.push(split);
  }

  poll(countMax: number): PollResult {
    const {batch} = this;
    batch.count = 0;
    if (this.#splits.length === 0) return END_OF_SPLITS;
    const start = this.#next;
    const count = Math.min(countMax, this.#values.length - start);
    for (let index = 0; index < count; index += 1) {
      batch.values[index] = this.#values[start + index]!;
    }
    batch.count = count;
    this.#next = start + count;
    if (this.#next >= this.#values.length) {
      this.#splits.shift();
      this.#next = this.#splits[0]?.start ?? 0;
    }
    return MORE_AVAILABLE;
  }

  snapshotSplits(): CollectionSplit[] {
    return this.#splits.map((split, index) =>
      index === 0 ? {...split, start: this.#next} : split,
    );
  }
}
