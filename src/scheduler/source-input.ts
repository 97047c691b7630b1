/**
 * The input of a task whose head is a source: polls the reader and runs what it gave through the chain.
 *
 * Splits are plain data that the coordinator has listed. `static` ones are dealt out by their place;
 * of `lazy` ones each subtask takes the next when it has read its last, by adding 1 to a word in shared
 * memory, so that a fast subtask reads more and nobody is asked. Those that are read `together` are all
 * handed over at once.
 */
import type {Arena} from '../memory/arena.ts';
import type {SplitWatermark} from '../metrics/task-watermarks.ts';
import type {Chain} from '../operators/chain.ts';
import {OperatorError} from '../operators/operator-error.ts';
import {
  END_OF_SPLITS,
  MORE_AVAILABLE,
  type Source,
  type SourceReader,
  type SourceReaderContext,
  type SourceSplit,
} from '../operators/source.ts';
import {FINISHED, IDLE, PROGRESSED, type Progress} from './progress.ts';
import type {TimestampsAndWatermarksOperator} from '../operators/timestamps-and-watermarks.ts';
import type {PausableClock} from '../time/activity-clock.ts';
import {MAX_WATERMARK} from '../time/watermark.ts';
import type {SourceAlignment} from './source-alignment.ts';
import type {TaskInput} from './task-input.ts';

/** Place of the source among the operators of its chain. */
const HEAD = 0;

export interface SourceInputOptions {
  readonly source: Source<unknown>;
  readonly context: SourceReaderContext;
  readonly splits: readonly SourceSplit[];
  readonly arena: Arena;
  /** Word of the arena that counts the lazy splits that have been taken. */
  readonly cursorWord: number;
  readonly subtask: number;
  readonly parallelism: number;
  readonly chain: Chain;
  /** The head of the chain, if it makes watermarks: it is told which split records are of. */
  readonly watermarks: TimestampsAndWatermarksOperator | undefined;
  /** Present if the source has to wait for others of its group. */
  readonly alignment: SourceAlignment | undefined;
  /** Of the task. */
  readonly activityClock: PausableClock;
}

export class SourceInput implements TaskInput {
  rowsStepped = 0;
  /** A source reads nothing from other tasks; as in Flink its inputs count as 0. */
  readonly recordsIn = 0;
  readonly bytesIn = 0;
  wakeAtMs = Infinity;
  awaitsPromises = false;
  readonly #options: SourceInputOptions;
  #reader: SourceReader<unknown> | undefined;
  #nextStatic: number;
  /** What is left of the last poll: rows from `#row` to `#end` of the reader's batch. */
  #row = 0;
  #end = 0;
  #isStopped = false;
  #hasEnded = false;
  /** The split that was handed over last, while it is read; undefined if several are. */
  #split: string | undefined;
  #hasSentLastWatermark = false;
  /** Whether all splits that are read together have been handed over. */
  #areHandedOver = false;
  readonly #splitIndexes = new Map<string, number>();

  constructor(options: SourceInputOptions) {
    this.#options = options;
    this.#nextStatic = options.subtask;
  }

  open(): void {
    const {source, context} = this.#options;
    atHead(() => {
      // Making it may fail, and may already take hold of something that only `close` gives back.
      this.#reader = source.createReader(context);
      this.#reader.open?.();
    });
  }

  step(rowsMax: number, nowMs: number): Progress {
    this.rowsStepped = 0;
    if (this.#isAhead(nowMs)) {
      // Who has to wait is not silent.
      this.#options.activityClock.pause();
      this.wakeAtMs = this.#options.alignment!.nextUpdateMs;
      this.awaitsPromises = false;
      return IDLE;
    }
    if (this.#row === this.#end) {
      if (this.#hasEnded || this.#isStopped) return this.#finish();
      const reader = this.#reader!;
      this.#closeFinished(reader);
      const result = this.#poll(reader, rowsMax, nowMs);
      if (result === END_OF_SPLITS) return this.#addSplit() ? PROGRESSED : this.#finish();
      if (result !== MORE_AVAILABLE) {
        this.wakeAtMs = reader.wakeAtMs;
        this.awaitsPromises = this.wakeAtMs === Infinity;
        return IDLE;
      }
      this.wakeAtMs = Infinity;
      this.awaitsPromises = false;
      const {batch} = reader;
      if (batch.splitId !== undefined) this.#options.watermarks?.useSplit(batch.splitId);
      this.#row = batch.kind === 'range' ? batch.start : 0;
      this.#end = batch.kind === 'range' ? batch.end : batch.count;
    }
    if (this.#row < this.#end) this.#run(rowsMax);
    return PROGRESSED;
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** The splits that are being read, and their watermarks; empty if the source makes none. */
  splitWatermarks(): SplitWatermark[] {
    const {watermarks} = this.#options;
    if (watermarks === undefined) return [];
    return watermarks.splits.map(({id, watermark, isIdle}) => ({
      index: this.#splitIndexes.get(id)!,
      watermark,
      isIdle,
    }));
  }

  #isAhead(nowMs: number): boolean {
    const {alignment, watermarks} = this.#options;
    if (alignment === undefined || watermarks === undefined) return false;
    if (this.#hasSentLastWatermark || this.#isStopped) return false;
    const {nextUpdateMs} = alignment;
    const mustWait = alignment.mustWait(watermarks.watermark, watermarks.isIdle, nowMs);
    if (alignment.nextUpdateMs !== nextUpdateMs) this.#pauseSplits(alignment.limit);
    return mustWait;
  }

  /** Of several splits only those wait that are ahead themselves. */
  #pauseSplits(limit: number): void {
    const reader = this.#reader!;
    const {splits} = this.#options.watermarks!;
    if (reader.pauseSplits === undefined) return;
    // One that is left alone is the source, and waits as such.
    const several = splits.length > 1 ? splits : [];
    const ahead = several.filter(split => split.watermark > limit).map(({id}) => id);
    this.#options.watermarks!.pauseSplits(ahead);
    atHead(() => reader.pauseSplits!(ahead));
  }

  #closeFinished(reader: SourceReader<unknown>): void {
    if (reader.finishedSplits === undefined) return;
    for (const id of reader.finishedSplits()) this.#options.watermarks?.closeSplit(id);
  }

  close(): void {
    atHead(() => this.#reader?.close?.());
  }

  #poll(reader: SourceReader<unknown>, rowsMax: number, nowMs: number): number {
    try {
      return reader.poll(rowsMax, nowMs);
    } catch (thrown) {
      throw OperatorError.of(thrown, HEAD);
    }
  }

  #run(rowsMax: number): void {
    const {chain, source} = this.#options;
    const {batch} = this.#reader!;
    const to = Math.min(this.#end, this.#row + rowsMax);
    const stoppedAt =
      batch.kind === 'range'
        ? chain.runRange(source.generator!, this.#row, to)
        : chain.runValues(batch.values, batch.timestamps, this.#row, to);
    this.rowsStepped = stoppedAt - this.#row;
    this.#row = stoppedAt;
  }

  /** The last watermark comes behind the last record, and once: a step of its own, as it may fire much. */
  #finish(): Progress {
    if (this.#hasSentLastWatermark) return FINISHED;
    this.#hasSentLastWatermark = true;
    this.#options.alignment?.end();
    this.#options.chain.processWatermark(MAX_WATERMARK);
    return PROGRESSED;
  }

  /** Hands the next split to the reader; false if there is none. */
  #addSplit(): boolean {
    const {watermarks} = this.#options;
    if (this.#split !== undefined) watermarks?.closeSplit(this.#split);
    this.#split = undefined;
    const {source, splits, arena, cursorWord, subtask, parallelism} = this.#options;
    if (source.assignment === 'together') {
      const own = this.#hasEnded
        ? []
        : splits.filter((_, place) => place % parallelism === subtask);
      this.#hasEnded = own.length === 0 || this.#areHandedOver;
      if (this.#hasEnded) return false;
      this.#areHandedOver = true;
      for (const split of own) this.#handOver(split, splits.indexOf(split));
      return true;
    }
    let index: number;
    if (source.assignment === 'lazy') {
      index = Atomics.add(arena.words, cursorWord, 1);
    } else {
      index = this.#nextStatic;
      this.#nextStatic += parallelism;
    }
    if (index >= splits.length) {
      this.#hasEnded = true;
      return false;
    }
    this.#split = splits[index].splitId;
    this.#handOver(splits[index], index);
    return true;
  }

  #handOver(split: SourceSplit, index: number): void {
    this.#splitIndexes.set(split.splitId, index);
    this.#options.watermarks?.openSplit(split.splitId);
    atHead(() => this.#reader!.addSplit(split));
  }
}

/** Runs code of the connector; what it throws is the fault of the operator at the head of the chain. */
function atHead(action: () => void): void {
  try {
    action();
  } catch (thrown) {
    throw OperatorError.of(thrown, HEAD);
  }
}
