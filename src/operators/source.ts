/**
 * The contract of sources, after Flink's FLIP-27. A source is cut into splits, plain data that say
 * what to read. The coordinator enumerates them once; readers, one per subtask, are handed splits
 * and are polled by their task. A reader never blocks: it returns what is there and says whether
 * there is more. A poll yields a batch, so that the contract costs nothing per record.
 */
import type {RecordSchema} from '../records/schema.ts';
import type {TaskContext} from './functions.ts';

/** A part of a source: plain data with an id that is unique within the source. */
export interface SourceSplit {
  readonly splitId: string;
}

/** The reader has records in `batch`, and may have more. */
export const MORE_AVAILABLE = 0;
/** Nothing now; poll again when `wakeAtMs` has come or `context.wakeUp` was called. */
export const NOTHING_AVAILABLE = 1;
/** All splits that were handed over are read to their end. */
export const END_OF_SPLITS = 2;
export type PollResult = typeof MORE_AVAILABLE | typeof NOTHING_AVAILABLE | typeof END_OF_SPLITS;

/** Records of one poll. The reader owns it and may use it again after the next poll. */
export type SourceBatch<T> =
  | {
      readonly kind: 'values';
      /** Of a source whose splits are read side by side: the split that all of them are of. */
      readonly splitId?: string | undefined;
      readonly values: readonly T[];
      /** How many of `values` count. */
      readonly count: number;
      /** Milliseconds per value; absent if the source gives no timestamps. */
      readonly timestamps?: readonly number[] | undefined;
    }
  /** The records `generator(start) … generator(end - 1)` of a `GeneratorSource`. */
  | {
      readonly kind: 'range';
      readonly splitId?: string | undefined;
      readonly start: number;
      readonly end: number;
    };

export interface SourceReaderContext extends TaskContext {
  /** Makes the task poll again soon; may be called from promises of the same thread. */
  wakeUp(): void;
}

export interface SourceReader<T, S extends SourceSplit = SourceSplit> {
  open?(): void;
  /** Hands over one more split. Called between polls; usually after `END_OF_SPLITS`. */
  addSplit(split: S): void;
  /** Fetches up to about `countMax` records into `batch`. */
  poll(countMax: number, nowMs: number): PollResult;
  /** Valid after a poll that returned MORE_AVAILABLE; may be empty. */
  readonly batch: SourceBatch<T>;
  /** After NOTHING_AVAILABLE: when to poll again by itself (same clock as `nowMs`), or Infinity. */
  readonly wakeAtMs: number;
  /** Of splits that are read side by side: those that have come to their end since the last call. */
  finishedSplits?(): readonly string[];
  /**
   * Of splits that are read side by side: those that have to wait, because they are too far ahead in event
   * time; all others go on. A reader without it is paused as a whole.
   */
  pauseSplits?(splitIds: readonly string[]): void;
  /** What is still to be read of the splits handed over, each from its present position. */
  snapshotSplits(): S[];
  close?(): void;
}

export interface Source<T, S extends SourceSplit = SourceSplit> {
  readonly name: string;
  readonly isBounded: boolean;
  /** The shape of the records, if it is known before the first one. */
  readonly schema?: RecordSchema | undefined;
  /** Whether records carry timestamps. */
  readonly hasTimestamps?: boolean;
  /**
   * `lazy`: a subtask fetches the next split when it has read the last one (files);
   * `static`: split i belongs to subtask i mod parallelism (generators);
   * `together`: the same, but a reader gets all its splits at once and reads them side by side (logs).
   */
  readonly assignment: 'lazy' | 'static' | 'together';
  /** For batches of kind `range`: makes the record of an index; must be pure. */
  readonly generator?: ((index: number) => T) | undefined;
  /** Lists the splits, in the coordinator, when the job is deployed. */
  enumerateSplits(context: {parallelism: number}): S[] | Promise<S[]>;
  createReader(context: SourceReaderContext): SourceReader<T, S>;
}
