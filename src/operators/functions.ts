/**
 * The contracts of user functions. A function is either a plain function, or an object ("rich
 * function") with a life cycle: `open` before the first record, `close` in every case at the end.
 * All methods of one subtask run in one thread, never two at a time, so they may keep plain state.
 */
import type {Clock} from '../base/clock.ts';
import type {Counter} from '../metrics/counter.ts';

/** What a user function may know about where it runs. */
export interface RuntimeContext {
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

/** The life cycle that any user function object may have. */
export interface RichFunction {
  open?(context: RuntimeContext): void;
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

/** What `processElement` knows about its record. */
export interface ProcessContext {
  /** Milliseconds of event time; `undefined` for a record without timestamp. */
  readonly timestamp: number | undefined;
  /** Emits into the side output `tag`. */
  output<S>(tag: OutputTag<S>, value: S): void;
}

export interface ProcessFunction<I, O> extends RichFunction {
  processElement(value: I, context: ProcessContext, out: Collector<O>): void;
  /** Once, after the last record of bounded input. */
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
