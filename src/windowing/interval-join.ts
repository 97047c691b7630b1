/**
 * The interval join: pairs the elements `a` of the left input with the elements `b` of the right one that
 * have the same key and a timestamp in `[a + lower, a + upper]`. It runs in the task's thread.
 *
 * Each element is put into the buffer of its side, and then meets the elements of the other side that are
 * there already; so every pair is found once, when its later element arrives. Buffers are sorted by time: a
 * search finds the first partner, and the others follow it. (Flink looks at all timestamps of the key, and
 * sets a timer for each element.)
 *
 *   element ──► late? ──► buffer of its side ──► partners from the other side's buffer ──► function
 *
 * Source: Flink, IntervalJoinOperator (flink.md §7).
 */
import {StreamError} from '../base/errors.ts';
import type {Counter} from '../metrics/counter.ts';
import type {ChainCode, RecordText} from '../operators/chain-code.ts';
import {TimestampedCollector} from '../operators/collectors.ts';
import {FunctionContext} from '../operators/function-context.ts';
import type {Collector, OutputTag, RichFunction} from '../operators/functions.ts';
import {keyReader, keyText, type KeyReader} from '../operators/key.ts';
import {KeyedStates} from '../operators/keyed-states.ts';
import type {KeySelector} from '../operators/operator.ts';
import {BaseOperator, type OperatorContext} from '../operators/operator-runtime.ts';
import {MemoryBackend} from '../state/memory-backend.ts';
import {ownTexts} from '../state/own-texts.ts';
import {MIN_WATERMARK} from '../time/watermark.ts';
import {BackendJoinBuffers} from './backend-join-buffers.ts';
import {HeapJoinBuffers} from './heap-join-buffers.ts';
import {put, type JoinBufferStore, type LivesMs} from './join-buffers.ts';
import {firstFrom, type TimeSortedBuffer} from './time-sorted-buffer.ts';

/** What a join function knows about its pair. */
export interface JoinContext {
  readonly leftTimestamp: number;
  readonly rightTimestamp: number;
  /** The larger of the two: the timestamp of whatever is emitted. */
  readonly timestamp: number;
  /** Emits into the side output `tag`. */
  output<S>(tag: OutputTag<S>, value: S): void;
}

/** Is called once for each pair; emits any number of records. */
export type ProcessJoinFunction<A, B, O> =
  | ((left: A, right: B, context: JoinContext, out: Collector<O>) => void)
  | (RichFunction & {
      processElement(left: A, right: B, context: JoinContext, out: Collector<O>): void;
    });

export interface IntervalJoinOptions {
  readonly key: readonly [KeySelector, KeySelector];
  /** Milliseconds; both ends are part of the interval. */
  readonly lowerMs: number;
  readonly upperMs: number;
  readonly fn: ProcessJoinFunction<any, any, any>;
  /** Tags of the side outputs for late elements. */
  readonly leftLateTag: string | undefined;
  readonly rightLateTag: string | undefined;
}

export class IntervalJoinOperator extends BaseOperator {
  readonly #options: IntervalJoinOptions;
  readonly #keys: readonly KeyReader[];
  readonly #livesMs: LivesMs;
  readonly #processElement: (left: any, right: any, context: JoinContext, out: any) => void;
  readonly #collector: TimestampedCollector;
  readonly #pair: PairContext;
  /* From `open` on. */
  #buffers!: JoinBufferStore;
  #states!: KeyedStates;
  #lateDropped!: Counter;

  constructor(context: OperatorContext, options: IntervalJoinOptions) {
    super(context);
    const {key, lowerMs, upperMs, fn} = options;
    this.#options = options;
    this.#keys = key.map(selector => keyReader(selector));
    this.#livesMs = [Math.max(upperMs, 0), Math.max(-lowerMs, 0)];
    this.#processElement = typeof fn === 'function' ? fn : (...args) => fn.processElement(...args);
    this.#collector = new TimestampedCollector(context.output);
    this.#pair = new PairContext(this.#collector, context);
  }

  override open(): void {
    const {runtime} = this.context;
    const backend = this.context.createKeyedBackend();
    this.#buffers =
      backend instanceof MemoryBackend
        ? new HeapJoinBuffers(backend, this.#livesMs)
        : new BackendJoinBuffers(backend, this.#livesMs, runtime.clock);
    this.#states = new KeyedStates(() => backend);
    this.#lateDropped = runtime.counter('numLateRecordsDropped');
    const {fn} = this.#options;
    if (typeof fn !== 'function') {
      FunctionContext.open(fn, FunctionContext.keyed(runtime, this.#states));
    }
    this.#states.seal();
  }

  process(value: unknown, timestamp: number, inputIndex: number): void {
    this.#collector.interpret(timestamp);
    this.#join(this.#keys[inputIndex]!.select(value), value, timestamp, inputIndex);
  }

  generate(code: ChainCode, record: RecordText, inputIndex: number): void {
    this.#collector.generate(code);
    const join = code.bind((key: unknown, value: unknown, timestamp: number) => {
      this.#join(key, value, timestamp, inputIndex);
    });
    const key = keyText(code, record, this.#keys[inputIndex]!);
    code.line(`${join}(${key}, ${record.value()}, ${record.timestamp});`);
  }

  override processWatermark(watermark: number): boolean {
    return this.#buffers.advance(watermark, this.context.canEmit);
  }

  override get waitsForEventTime(): boolean {
    return this.#buffers.waitsForEventTime;
  }

  readKey(key: unknown): Readonly<Record<string, unknown>> | undefined {
    return this.#buffers.readKey?.(key);
  }

  override prepareSnapshot(): void {
    const {fn} = this.#options;
    if (typeof fn !== 'function') fn.snapshotState?.();
    this.#buffers.prepareSnapshot();
  }

  override close(): void {
    const {fn} = this.#options;
    if (typeof fn !== 'function') fn.close?.();
  }

  #join(key: unknown, value: unknown, timestamp: number, inputIndex: number): void {
    if (!(timestamp > MIN_WATERMARK)) throw noTimestamp(inputIndex);
    const store = this.#buffers;
    if (timestamp < store.watermark) {
      this.#late(value, timestamp, inputIndex);
      return;
    }
    const buffers = store.open(key);
    put(buffers, inputIndex, timestamp, ownTexts(value));
    store.keep(buffers, timestamp + this.#livesMs[inputIndex]!);
    const others = inputIndex === 0 ? buffers.right : buffers.left;
    if (others === undefined) return;
    if (this.#states.isUsed) this.#states.backend.setCurrentKey(key);
    if (inputIndex === 0) this.#meetRight(value, timestamp, others);
    else this.#meetLeft(value, timestamp, others);
  }

  #meetRight(value: unknown, timestamp: number, right: TimeSortedBuffer): void {
    const {lowerMs, upperMs} = this.#options;
    const {timestamps, values} = right;
    const last = timestamp + upperMs;
    let at = firstFrom(right, timestamp + lowerMs);
    for (; at < timestamps.length && timestamps[at]! <= last; at += 1) {
      this.#emit(value, values[at], timestamp, timestamps[at]!);
    }
  }

  #meetLeft(value: unknown, timestamp: number, left: TimeSortedBuffer): void {
    const {lowerMs, upperMs} = this.#options;
    const {timestamps, values} = left;
    const last = timestamp - lowerMs;
    let at = firstFrom(left, timestamp - upperMs);
    for (; at < timestamps.length && timestamps[at]! <= last; at += 1) {
      this.#emit(values[at], value, timestamps[at]!, timestamp);
    }
  }

  #emit(left: unknown, right: unknown, leftTimestamp: number, rightTimestamp: number): void {
    const pair = this.#pair;
    pair.leftTimestamp = leftTimestamp;
    pair.rightTimestamp = rightTimestamp;
    this.#collector.timestamp = Math.max(leftTimestamp, rightTimestamp);
    this.#processElement(left, right, pair, this.#collector);
  }

  #late(value: unknown, timestamp: number, inputIndex: number): void {
    const {leftLateTag, rightLateTag} = this.#options;
    const tag = inputIndex === 0 ? leftLateTag : rightLateTag;
    if (tag === undefined) this.#lateDropped.add(1);
    else this.#pair.emitAside(tag, value, timestamp);
  }
}

/** The present pair; one object for all of them. */
class PairContext implements JoinContext {
  leftTimestamp = NaN;
  rightTimestamp = NaN;
  readonly #collector: TimestampedCollector;
  readonly #context: OperatorContext;

  constructor(collector: TimestampedCollector, context: OperatorContext) {
    this.#collector = collector;
    this.#context = context;
  }

  get timestamp(): number {
    return this.#collector.timestamp;
  }

  output<S>(tag: OutputTag<S>, value: S): void {
    this.emitAside(tag.id, value, this.#collector.timestamp);
  }

  emitAside(tag: string, value: unknown, timestamp: number): void {
    const emit = this.#collector.sides.get(tag);
    if (emit !== undefined) emit(value, timestamp);
    else this.#context.sideOutput(tag).emit(value, timestamp);
  }
}

function noTimestamp(inputIndex: number): StreamError {
  return new StreamError(
    'E_JOIN_TIMESTAMP',
    'an interval join met a record without timestamp',
    {input: inputIndex + 1},
    {remedy: 'call assignTimestampsAndWatermarks() on both streams in front of the join'},
  );
}
