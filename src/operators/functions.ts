/**
 * The contracts of user functions. A function is either a plain function, or an object ("rich
 * function") with a life cycle: `open` before the first record, `close` in every case at the end.
 * All methods of one subtask run in one thread, never two at a time, so they may keep plain state.
 */
import type {Clock} from '../base/clock.ts';
import type {Counter} from '../metrics/counter.ts';
import type {
  AggregatingState,
  ListState,
  MapState,
  ReducingState,
  ValueState,
} from '../state/keyed-state.ts';
import type {BroadcastState, ReadonlyBroadcastState} from '../state/operator-state-backend.ts';
import type {
  AggregatingStateDescriptor,
  AnyStateDescriptor,
  ListStateDescriptor,
  MapStateDescriptor,
  ReducingStateDescriptor,
  ValueStateDescriptor,
} from '../state/state-descriptors.ts';

/** What code in a task may know about where it runs. */
export interface TaskContext {
  readonly jobName: string;
  readonly operatorName: string;
  readonly uid: string;
  /** From 0 to `parallelism - 1`. */
  readonly subtaskIndex: number;
  readonly parallelism: number;
  readonly maxParallelism: number;
  /** From 0; grows by one with each restart. */
  readonly attemptNumber: number;
  readonly clock: Clock;
  /** Adds to a named accumulator of the job; sums over subtasks come back with the job's result. */
  addToAccumulator(name: string, amount: number): void;
  /**
   * A named counter of this subtask, readable while the job runs (`run.metrics()`). The same name gives
   * the same counter. Errors: `E_METRIC_NAME` for an empty or very long name, `E_METRIC_COUNT` for too
   * many counters in one task.
   */
  counter(name: string): Counter;
}

/**
 * Gives the state of the present key. A handle is asked for once, in `open`; whatever it reads and writes
 * belongs to the key of the record, or of the timer, that is being processed. The same name gives the
 * same state.
 *
 * Errors: `E_STATE_NOT_KEYED` for a function that is not directly behind `keyBy`; `E_STATE_LATE` for one
 *         that asks for its first state when records are under way already; `E_STATE_DESCRIPTOR` for
 *         something else than a descriptor of this kind, or a name that has another kind.
 */
export interface KeyedStateStore {
  getState<T>(descriptor: ValueStateDescriptor<T>): ValueState<T>;
  getListState<T>(descriptor: ListStateDescriptor<T>): ListState<T>;
  getMapState<K, V>(descriptor: MapStateDescriptor<K, V>): MapState<K, V>;
  getReducingState<T>(descriptor: ReducingStateDescriptor<T>): ReducingState<T>;
  getAggregatingState<I, A, O>(
    descriptor: AggregatingStateDescriptor<I, A, O>,
  ): AggregatingState<I, O>;
}

/** What a user function may know about where it runs, and its keyed state. */
export interface RuntimeContext extends TaskContext, KeyedStateStore {}

/**
 * Where a function finds the state of its subtask, which belongs to no key. When the job is restored with
 * another parallelism, the entries of a list are dealt out to the subtasks; each subtask gets the whole
 * of a union list, and of broadcast state.
 */
export interface StateInitializationContext {
  /** Whether the state comes from a snapshot; false in a first run, where it is empty. */
  readonly isRestored: boolean;
  getListState<T>(descriptor: ListStateDescriptor<T>): ListState<T>;
  getUnionListState<T>(descriptor: ListStateDescriptor<T>): ListState<T>;
  getBroadcastState<K, V>(descriptor: MapStateDescriptor<K, V>): BroadcastState<K, V>;
}

/** The life cycle that any user function object may have, in the order of the calls. */
export interface RichFunction {
  /** Before `open`: asks for the subtask's own state and takes from it what was restored. */
  initializeState?(context: StateInitializationContext): void;
  open?(context: RuntimeContext): void;
  /** Before each snapshot: puts into the subtask's state what the function keeps in fields. */
  snapshotState?(): void;
  /** At the end in every case, also after a failure, if `open` was called. Nothing can be emitted. */
  close?(): void;
}

/** Takes what a function emits. Valid only during the call that it was passed to. */
export interface Collector<T> {
  collect(value: T): void;
}

/** Names a side output and, for TypeScript, the type of its records. */
export class OutputTag<T> {
  readonly id: string;
  declare readonly type?: T;

  constructor(id: string) {
    this.id = id;
  }
}

export type MapFunction<I, O> = ((value: I) => O) | (RichFunction & {map(value: I): O});

export type FilterFunction<I> =
  ((value: I) => boolean) | (RichFunction & {filter(value: I): boolean});

/** Emits any number of records: through the collector, or by returning an iterable. */
export type FlatMapFunction<I, O> =
  | ((value: I, out: Collector<O>) => Iterable<O> | void)
  | (RichFunction & {flatMap(value: I, out: Collector<O>): Iterable<O> | void});

export type ReduceFunction<T> =
  ((accumulated: T, value: T) => T) | (RichFunction & {reduce(accumulated: T, value: T): T});

/**
 * Aggregates the records of a key in an accumulator, as in Flink.
 *
 * `add` may return a new accumulator or change the one that it was given, but must return it. The
 * accumulator belongs to the engine: keep no reference to it, and change it nowhere else. `getResult`
 * may return the accumulator itself; what it returns is not changed afterwards, except for objects
 * inside of it that `add` changes.
 */
export interface AggregateFunction<I, A, O> extends RichFunction {
  createAccumulator(): A;
  add(value: I, accumulator: A): A;
  getResult(accumulator: A): O;
  /** Only for windows that merge. */
  merge?(a: A, b: A): A;
}

/**
 * Time, as a function sees it. A timer belongs to the present key and is identified by its timestamp:
 * registering one twice makes one, deleting one that is not there does nothing.
 *
 * Errors: all four throw `E_TIMER_NOT_KEYED` on a stream without keys, `E_TIMER_TIME` for a timestamp
 *         that is not a number.
 */
export interface TimerService {
  /** The operator's event time; -Infinity before the first watermark. */
  readonly currentWatermark: number;
  /** Milliseconds since 1970 of the engine's clock, in whole milliseconds. */
  currentProcessingTime(): number;
  /** Calls `onTimer` when the watermark passes `timestamp`; one in the past fires with the next one. */
  registerEventTimeTimer(timestamp: number): void;
  deleteEventTimeTimer(timestamp: number): void;
  /** Calls `onTimer` when the clock reaches `timestamp`. */
  registerProcessingTimeTimer(timestamp: number): void;
  deleteProcessingTimeTimer(timestamp: number): void;
}

/** What `processElement` knows about its record. */
export interface ProcessContext {
  /** Milliseconds of event time; `undefined` for a record without timestamp. */
  readonly timestamp: number | undefined;
  readonly timerService: TimerService;
  /** Emits into the side output `tag`. */
  output<S>(tag: OutputTag<S>, value: S): void;
}

export interface KeyedProcessContext<K> extends ProcessContext {
  /** The key of the record, or of the timer. */
  readonly currentKey: K;
}

/** What `onTimer` knows about its timer. */
export interface OnTimerContext<K> extends KeyedProcessContext<K> {
  /** When the timer was due. Whatever is emitted into side outputs carries it. */
  readonly timestamp: number;
  readonly timeDomain: 'EVENT_TIME' | 'PROCESSING_TIME';
}

export interface ProcessFunction<I, O> extends RichFunction {
  processElement(value: I, context: ProcessContext, out: Collector<O>): void;
  /** Once, after the last record of bounded input. */
  finish?(out: Collector<O>): void;
}

/** As `ProcessFunction`, with state and timers per key. */
export interface KeyedProcessFunction<K, I, O> extends RichFunction {
  processElement(value: I, context: KeyedProcessContext<K>, out: Collector<O>): void;
  /**
   * A timer of `context.currentKey` is due. Results of an event-time timer carry its timestamp, those of
   * a processing-time timer none.
   */
  onTimer?(timestamp: number, context: OnTimerContext<K>, out: Collector<O>): void;
  /** Once, after the last record and the last timer of bounded input. */
  finish?(out: Collector<O>): void;
}

export interface CoMapFunction<A, B, O> extends RichFunction {
  map1(value: A): O;
  map2(value: B): O;
}

export interface CoFlatMapFunction<A, B, O> extends RichFunction {
  flatMap1(value: A, out: Collector<O>): void;
  flatMap2(value: B, out: Collector<O>): void;
}

export interface CoProcessFunction<A, B, O> extends RichFunction {
  processElement1(value: A, context: ProcessContext, out: Collector<O>): void;
  processElement2(value: B, context: ProcessContext, out: Collector<O>): void;
  finish?(out: Collector<O>): void;
}

/** As `CoProcessFunction`, for two streams that share keys: state and timers per key. */
export interface KeyedCoProcessFunction<K, A, B, O> extends RichFunction {
  processElement1(value: A, context: KeyedProcessContext<K>, out: Collector<O>): void;
  processElement2(value: B, context: KeyedProcessContext<K>, out: Collector<O>): void;
  onTimer?(timestamp: number, context: OnTimerContext<K>, out: Collector<O>): void;
  finish?(out: Collector<O>): void;
}

/** The handle that a descriptor gives. */
export type StateOf<D extends AnyStateDescriptor> =
  D extends ValueStateDescriptor<infer T>
    ? ValueState<T>
    : D extends ListStateDescriptor<infer T>
      ? ListState<T>
      : D extends MapStateDescriptor<infer K, infer V>
        ? MapState<K, V>
        : D extends ReducingStateDescriptor<infer T>
          ? ReducingState<T>
          : D extends AggregatingStateDescriptor<infer I, any, infer O>
            ? AggregatingState<I, O>
            : never;

/** What both sides of a broadcast process know: time, side outputs, and the time of the record. */
interface BroadcastSideContext {
  readonly timestamp: number | undefined;
  readonly currentWatermark: number;
  currentProcessingTime(): number;
  output<S>(tag: OutputTag<S>, value: S): void;
}

/** What `processElement` knows beside a broadcast stream: it may read what was broadcast. */
export interface ReadOnlyBroadcastContext extends BroadcastSideContext {
  /** Errors: `E_STATE_BROADCAST` if the descriptor was not passed to `broadcast`. */
  getBroadcastState<K, V>(descriptor: MapStateDescriptor<K, V>): ReadonlyBroadcastState<K, V>;
}

/** What `processBroadcastElement` knows: it may write what every subtask sees. */
export interface BroadcastContext extends BroadcastSideContext {
  getBroadcastState<K, V>(descriptor: MapStateDescriptor<K, V>): BroadcastState<K, V>;
}

export interface KeyedReadOnlyBroadcastContext<K> extends ReadOnlyBroadcastContext {
  readonly currentKey: K;
  readonly timerService: TimerService;
}

export interface BroadcastOnTimerContext<K> extends KeyedReadOnlyBroadcastContext<K> {
  readonly timestamp: number;
  readonly timeDomain: 'EVENT_TIME' | 'PROCESSING_TIME';
}

export interface KeyedBroadcastContext<K> extends BroadcastContext {
  /** Calls `visit` for each key of this subtask that has something in the state, in no order. */
  applyToKeyedState<D extends AnyStateDescriptor>(
    descriptor: D,
    visit: (key: K, state: StateOf<D>) => void,
  ): void;
}

/**
 * One stream beside another that every subtask gets in full. The broadcast side must do the same in
 * every subtask: what it writes has to follow from its records alone.
 */
export interface BroadcastProcessFunction<I, B, O> extends RichFunction {
  processElement(value: I, context: ReadOnlyBroadcastContext, out: Collector<O>): void;
  processBroadcastElement(value: B, context: BroadcastContext, out: Collector<O>): void;
  finish?(out: Collector<O>): void;
}

/** As `BroadcastProcessFunction`, beside a keyed stream: state and timers per key. */
export interface KeyedBroadcastProcessFunction<K, I, B, O> extends RichFunction {
  processElement(value: I, context: KeyedReadOnlyBroadcastContext<K>, out: Collector<O>): void;
  processBroadcastElement(value: B, context: KeyedBroadcastContext<K>, out: Collector<O>): void;
  onTimer?(timestamp: number, context: BroadcastOnTimerContext<K>, out: Collector<O>): void;
  finish?(out: Collector<O>): void;
}

/** Takes the results of one asynchronous call. The first call of either method counts, others do nothing. */
export interface ResultFuture<O> {
  /** Errors: fails the job with `E_ASYNC_RESULT` if `results` is not an iterable. */
  complete(results: Iterable<O>): void;
  completeExceptionally(error: unknown): void;
}

/**
 * Asks something else than the record for the results: a service, a database, a file. The results come as
 * the promise of an iterable, or through `result`.
 */
export type AsyncFunction<I, O> =
  | ((value: I, result: ResultFuture<O>) => PromiseLike<Iterable<O> | void> | void)
  | (RichFunction & {
      asyncInvoke(value: I, result: ResultFuture<O>): PromiseLike<Iterable<O> | void> | void;
      /** Instead of failing the job when the time is over; completes `result`. */
      timeout?(value: I, result: ResultFuture<O>): void;
    });
