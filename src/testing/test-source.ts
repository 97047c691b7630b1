/**
 * A source that a test writes by hand: records with timestamps, watermarks, idleness, in several splits, before
 * the job starts or while it runs. For jobs in the thread of the test (`runInThread`, `simulate`,
 * `expectStream`): make it outside of the builder, so that all workers read the same one.
 *
 *   split 0   record  record  watermark  record  idle  …  end
 *                                  ▲ position of its reader
 *
 * A reader hands on one record at a time; the watermarks and changes of status that stand behind a record
 * leave directly behind it. Those in front of the first record, and those that are written while the
 * reader waits, leave at the next auto-watermark interval.
 */
import {StreamError} from '../base/errors.ts';
import {
  END_OF_SPLITS,
  MORE_AVAILABLE,
  NOTHING_AVAILABLE,
  type PollResult,
  type Source,
  type SourceReader,
  type SourceReaderContext,
  type SourceSplit,
} from '../operators/source.ts';
import type {WatermarkGenerator, WatermarkOutput} from '../time/watermark-generator.ts';
import {WatermarkStrategy} from '../time/watermark-strategy.ts';

/** Where a record goes, and when it happened. */
export interface TestRecordOptions {
  /** Milliseconds of event time; absent: the record has none. */
  readonly timestamp?: number;
  /** Default 0. */
  readonly split?: number;
}

/** A split of a test source, from a position on. */
export interface TestSplit extends SourceSplit {
  readonly index: number;
  readonly position: number;
}

type Entry<T> =
  | {readonly kind: 'record'; readonly value: T; readonly timestamp: number}
  | {readonly kind: 'watermark'; readonly timestamp: number}
  | {readonly kind: 'status'; readonly isIdle: boolean};

interface Log<T> {
  readonly entries: Array<Entry<T>>;
  hasEnded: boolean;
}

/**
 * A source of what a test has written into it.
 *
 *     const source = new TestSource<Order>({splits: 2});
 *     source.emit({city: 'Oslo', amount: 3}, {timestamp: 10});
 *     source.emitWatermark(10);
 *     source.markIdle(1);
 *     source.end();
 *     … env.fromSource(source, source.watermarks) …
 *
 * A subtask reads its splits one after the other, so splits that are written side by side need as many
 * subtasks. Errors: `E_TEST_SOURCE` for a split that there is not, or that has ended.
 */
export class TestSource<T> implements Source<T, TestSplit> {
  readonly name = 'Test Source';
  readonly isBounded = true;
  readonly hasTimestamps = true;
  readonly assignment = 'static';
  /** Gives the job the watermarks and the idleness that were written. */
  readonly watermarks: WatermarkStrategy<T>;
  readonly #logs: ReadonlyArray<Log<T>>;
  readonly #contexts = new Set<SourceReaderContext>();
  /** The generator that was made last: it belongs to the split that is handed out next. */
  #newest: WrittenWatermarks<T> | undefined;

  constructor({splits = 1}: {splits?: number} = {}) {
    if (!(Number.isSafeInteger(splits) && splits >= 1)) {
      throw new StreamError('E_TEST_SOURCE', 'a source needs at least one split', {splits});
    }
    this.#logs = Array.from({length: splits}, () => ({entries: [], hasEnded: false}));
    this.watermarks = WatermarkStrategy.forGenerator<T>(() => {
      this.#newest = new WrittenWatermarks();
      return this.#newest;
    });
  }

  /** Writes a record. */
  emit(value: T, {timestamp = NaN, split = 0}: TestRecordOptions = {}): this {
    return this.#write(split, {kind: 'record', value, timestamp});
  }

  /** Writes several records, each with its timestamp. */
  emitAll(records: Iterable<readonly [value: T, timestamp: number]>, split = 0): this {
    for (const [value, timestamp] of records) this.emit(value, {timestamp, split});
    return this;
  }

  /** Writes that event time has come to `timestamp` in a split. */
  emitWatermark(timestamp: number, split = 0): this {
    return this.#write(split, {kind: 'watermark', timestamp});
  }

  /** Writes that nothing will come for a while. A watermark makes the split active again. */
  markIdle(split = 0): this {
    return this.#write(split, {kind: 'status', isIdle: true});
  }

  markActive(split = 0): this {
    return this.#write(split, {kind: 'status', isIdle: false});
  }

  /** Ends a split, or all: a job whose splits have all ended finishes. */
  end(split?: number): this {
    const splits = split === undefined ? [...this.#logs.keys()] : [split];
    for (const each of splits) this.#logAt(each).hasEnded = true;
    this.#wake();
    return this;
  }

  enumerateSplits(): TestSplit[] {
    return this.#logs.map((_, index) => ({splitId: `split-${index}`, index, position: 0}));
  }

  createReader(context: SourceReaderContext): SourceReader<T, TestSplit> {
    this.#contexts.add(context);
    return new TestReader<T>({
      logAt: index => this.#logs[index]!,
      takeGenerator: () => {
        const newest = this.#newest;
        this.#newest = undefined;
        return newest;
      },
      close: () => this.#contexts.delete(context),
    });
  }

  #write(split: number, entry: Entry<T>): this {
    const log = this.#logAt(split);
    if (log.hasEnded) {
      throw new StreamError('E_TEST_SOURCE', 'a split was written after its end', {split});
    }
    log.entries.push(entry);
    this.#wake();
    return this;
  }

  #logAt(split: number): Log<T> {
    const log = this.#logs[split];
    if (log !== undefined) return log;
    throw new StreamError(
      'E_TEST_SOURCE',
      'the source has no such split',
      {split, splits: this.#logs.length},
      {remedy: 'give their number: new TestSource({splits: 2})'},
    );
  }

  #wake(): void {
    for (const context of this.#contexts) context.wakeUp();
  }
}

/** The place of a reader in the split that it reads. */
interface Cursor<T> {
  readonly split: TestSplit;
  readonly log: Log<T>;
  position: number;
}

interface ReaderOptions<T> {
  readonly logAt: (index: number) => Log<T>;
  readonly takeGenerator: () => WrittenWatermarks<T> | undefined;
  readonly close: () => void;
}

class TestReader<T> implements SourceReader<T, TestSplit> {
  readonly batch = {kind: 'values' as const, values: [] as T[], count: 0, timestamps: [NaN]};
  readonly wakeAtMs = Infinity;
  readonly #options: ReaderOptions<T>;
  #cursor: Cursor<T> | undefined;
  #generator: WrittenWatermarks<T> | undefined;

  constructor(options: ReaderOptions<T>) {
    this.#options = options;
  }

  addSplit(split: TestSplit): void {
    this.#cursor = {split, log: this.#options.logAt(split.index), position: split.position};
    this.#generator = this.#options.takeGenerator();
    if (this.#generator !== undefined) this.#generator.cursor = this.#cursor;
  }

  poll(): PollResult {
    const cursor = this.#cursor;
    if (cursor === undefined) return END_OF_SPLITS;
    const {entries, hasEnded} = cursor.log;
    // Nobody asked for the watermarks that were written.
    if (this.#generator === undefined) {
      while (
        entries[cursor.position] !== undefined &&
        entries[cursor.position]!.kind !== 'record'
      ) {
        cursor.position += 1;
      }
    }
    const entry = entries[cursor.position];
    if (entry === undefined && hasEnded) {
      this.#cursor = undefined;
      return END_OF_SPLITS;
    }
    if (entry?.kind !== 'record') return NOTHING_AVAILABLE;
    cursor.position += 1;
    this.batch.values[0] = entry.value;
    this.batch.timestamps[0] = entry.timestamp;
    this.batch.count = 1;
    return MORE_AVAILABLE;
  }

  snapshotSplits(): TestSplit[] {
    const cursor = this.#cursor;
    return cursor === undefined ? [] : [{...cursor.split, position: cursor.position}];
  }

  close(): void {
    this.#options.close();
  }
}

/** Emits what is written between two records. */
class WrittenWatermarks<T> implements WatermarkGenerator<T> {
  cursor: Cursor<T> | undefined;

  onEvent(_event: T, _timestamp: number, output: WatermarkOutput): void {
    this.onPeriodicEmit(output);
  }

  onPeriodicEmit(output: WatermarkOutput): void {
    const {cursor} = this;
    if (cursor === undefined) return;
    for (;;) {
      const entry = cursor.log.entries[cursor.position];
      if (entry === undefined || entry.kind === 'record') return;
      cursor.position += 1;
      if (entry.kind === 'watermark') output.emitWatermark(entry.timestamp);
      else if (entry.isIdle) output.markIdle();
      else output.markActive();
    }
  }
}
