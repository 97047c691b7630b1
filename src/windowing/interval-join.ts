/**
 * The interval join: pairs the elements `a` of the left input with the elements `b` of the right one that
 * have the same key and a timestamp in `[a + lower, a + upper]`. It runs in the task's thread.
 *
 * Each element is put into the buffer of its side, and then meets the elements of the other side that are
 * there already; so every pair is found once, when its later element arrives. Buffers are sorted by time: a
 * search finds the first partner, and the others follow it.
 *
 *   element ──► late? ──► buffer of its side ──► partners from the other side's buffer ──► function
 *
 * What Flink removes by a timer for each element is removed here when its key is touched the next time, or
 * by one timer for the key, which is set to the end of life of the newest element. That cannot be told
 * apart, because an element is dropped no later than it can be looked at: `prunedTo` is the watermark for
 * which it has been done. An element that is past its life when it comes stays until the next watermark, as
 * a timer in the past fires at the next watermark.
 *
 * Source: Flink, IntervalJoinOperator (flink.md §7).
 */
import {StreamError} from '../base/errors.ts';
import type {Counter} from '../metrics/counter.ts';
import type {ChainCode, RecordText} from '../operators/chain-code.ts';
import {TimestampedCollector} from '../operators/collectors.ts';
import {FunctionContext} from '../operators/function-context.ts';
import type {Collector, OutputTag, RichFunction} from '../operators/functions.ts';
import {keyReader, type KeyReader} from '../operators/key.ts';
import {KeyedStates} from '../operators/keyed-states.ts';
import type {KeySelector} from '../operators/operator.ts';
import {BaseOperator, type OperatorContext} from '../operators/operator-runtime.ts';
import type {ValueState} from '../state/keyed-state.ts';
import type {KeyedStateBackend} from '../state/keyed-state-backend.ts';
import {ownCopy} from '../state/record-table.ts';
import {ValueStateDescriptor} from '../state/state-descriptors.ts';
import {TimerService} from '../state/timer-service.ts';
import {MIN_WATERMARK} from '../time/watermark.ts';
import {
  createBuffer,
  dropOld,
  firstFrom,
  insert,
  isEmpty,
  lastTimestamp,
  type TimeSortedBuffer,
} from './time-sorted-buffer.ts';

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

/** What is kept for a key. */
interface JoinBuffers {
  left: TimeSortedBuffer;
  right: TimeSortedBuffer;
  /** The watermark up to which old elements have been dropped. */
  prunedTo: number;
  /** When the key's timer is due, or -Infinity. */
  timerAt: number;
}

const BUFFERS = new ValueStateDescriptor<JoinBuffers>('interval-join-buffers');

export class IntervalJoinOperator extends BaseOperator {
  readonly #options: IntervalJoinOptions;
  readonly #keys: readonly KeyReader[];
  /** How long elements of each side live behind their timestamps. */
  readonly #lifeMs: readonly [number, number];
  readonly #processElement: (left: any, right: any, context: JoinContext, out: any) => void;
  readonly #collector: TimestampedCollector;
  readonly #pair: PairContext;
  /* From `open` on. */
  #backend!: KeyedStateBackend;
  #state!: ValueState<JoinBuffers>;
  #timers!: TimerService;
  #lateDropped!: Counter;

  constructor(context: OperatorContext, options: IntervalJoinOptions) {
    super(context);
    const {key, lowerMs, upperMs, fn} = options;
    this.#options = options;
    this.#keys = key.map(selector => keyReader(selector));
    this.#lifeMs = [Math.max(upperMs, 0), Math.max(-lowerMs, 0)];
    this.#processElement = typeof fn === 'function' ? fn : (...args) => fn.processElement(...args);
    this.#collector = new TimestampedCollector(context.output);
    this.#pair = new PairContext(this.#collector, context);
  }

  override open(): void {
    const {runtime} = this.context;
    const states = new KeyedStates(() => this.context.createKeyedBackend());
    const {backend} = states;
    this.#backend = backend;
    this.#state = backend.getState(BUFFERS);
    this.#timers = new TimerService({
      backend,
      name: 'interval-join-timers',
      clock: runtime.clock,
      onEventTime: () => this.#onTimer(),
      onProcessingTime() {},
    });
    this.#lateDropped = runtime.counter('numLateRecordsDropped');
    const {fn} = this.#options;
    if (typeof fn !== 'function') {
      FunctionContext.open(fn, FunctionContext.keyed(runtime, states));
    }
  }

  process(value: unknown, timestamp: number, inputIndex: number): void {
    this.#collector.interpret(timestamp);
    this.#join(value, timestamp, inputIndex);
  }

  generate(code: ChainCode, record: RecordText, inputIndex: number): void {
    this.#collector.generate(code);
    const join = code.bind((value: unknown, timestamp: number) => {
      this.#join(value, timestamp, inputIndex);
    });
    code.line(`${join}(${record.value()}, ${record.timestamp});`);
  }

  override processWatermark(watermark: number): boolean {
    return this.#timers.advanceWatermark(watermark, this.context.canEmit);
  }

  /** A restored operator begins at the start of time, where it could no longer tell what is too old. */
  override prepareSnapshot(): void {
    const {fn} = this.#options;
    if (typeof fn !== 'function') fn.snapshotState?.();
    const watermark = this.#timers.currentWatermark;
    for (const key of [...this.#backend.keys(BUFFERS.name, undefined)]) {
      this.#backend.setCurrentKey(key);
      const buffers = this.#state.value()!;
      if (buffers.prunedTo === watermark) continue;
      this.#prune(buffers, watermark);
      if (isEmpty(buffers.left) && isEmpty(buffers.right)) this.#state.clear();
      else this.#state.update(buffers);
    }
  }

  override close(): void {
    const {fn} = this.#options;
    if (typeof fn !== 'function') fn.close?.();
  }

  #join(value: unknown, timestamp: number, inputIndex: number): void {
    if (!(timestamp > MIN_WATERMARK)) throw noTimestamp(inputIndex);
    const watermark = this.#timers.currentWatermark;
    if (timestamp < watermark) {
      this.#late(value, timestamp, inputIndex);
      return;
    }
    this.#backend.setCurrentKey(this.#keys[inputIndex]!.select(value));
    const buffers = this.#state.value() ?? {
      left: createBuffer(),
      right: createBuffer(),
      prunedTo: watermark,
      timerAt: MIN_WATERMARK,
    };
    if (buffers.prunedTo !== watermark) this.#prune(buffers, watermark);
    const {left, right} = buffers;
    // A copy: what is kept is nobody else's, and keeps no batch alive.
    insert(inputIndex === 0 ? left : right, timestamp, ownCopy(value));
    const endOfLife = timestamp + this.#lifeMs[inputIndex]!;
    if (endOfLife <= watermark) {
      this.#timers.registerEventTimeTimer(undefined, endOfLife);
    } else if (buffers.timerAt === MIN_WATERMARK) {
      this.#setTimer(buffers, endOfLife);
    }
    this.#state.update(buffers);
    if (inputIndex === 0) this.#meetRight(value, timestamp, right);
    else this.#meetLeft(value, timestamp, left);
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

  #prune(buffers: JoinBuffers, watermark: number): void {
    dropOld(buffers.left, this.#lifeMs[0], watermark);
    dropOld(buffers.right, this.#lifeMs[1], watermark);
    buffers.prunedTo = watermark;
    if (buffers.timerAt <= watermark) buffers.timerAt = MIN_WATERMARK;
  }

  #setTimer(buffers: JoinBuffers, timestamp: number): void {
    buffers.timerAt = timestamp;
    this.#timers.registerEventTimeTimer(undefined, timestamp);
  }

  #onTimer(): void {
    const buffers = this.#state.value();
    if (buffers === undefined) return;
    this.#prune(buffers, this.#timers.currentWatermark);
    const {left, right} = buffers;
    if (isEmpty(left) && isEmpty(right)) {
      this.#state.clear();
      return;
    }
    if (buffers.timerAt === MIN_WATERMARK) {
      const [leftLifeMs, rightLifeMs] = this.#lifeMs;
      const lastLeft = lastTimestamp(left) + leftLifeMs;
      this.#setTimer(buffers, Math.max(lastLeft, lastTimestamp(right) + rightLifeMs));
    }
    this.#state.update(buffers);
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
