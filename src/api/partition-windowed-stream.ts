/** A bounded stream whose partitions are processed as a whole, when they are complete. */
import {StreamError, showValue} from '../base/errors.ts';
import {isBelow} from '../operators/aggregate.ts';
import type {AggregateFunction, ReduceFunction} from '../operators/functions.ts';
import {readPath} from '../operators/key.ts';
import {UserFunction} from '../operators/user-function.ts';
import {
  FullPartitionOperator,
  type MapPartitionFunction,
} from '../windowing/full-partition-operator.ts';
import type {WindowFunction} from '../windowing/window-function.ts';
import {checkFunction} from './check-function.ts';
import {operatorStream, withIndex, type DataStream, type StreamInput} from './data-stream.ts';
import {parsePath, type FieldPath, type Ordered} from './field-path.ts';
import type {TransformationRecorder} from './recorder.ts';
import type {WindowedStream} from './windowed-stream.ts';

export type {MapPartitionFunction};

/** The order of a sorted partition. */
export type SortOrder = 'ascending' | 'descending';

/** How a partition is processed: the records of a subtask, or of a key. */
interface PartitionedInput<T> {
  readonly recorder: TransformationRecorder;
  readonly inputs: readonly StreamInput[];
  /** Of a keyed stream: its global window, which ends with the input. */
  readonly window: WindowedStream<T, any> | undefined;
}

/**
 * All records of each partition as one window, which ends with the input. A partition is what a subtask
 * reads, or, behind `keyBy`, the records of a key. On a stream that does not end nothing comes out.
 *
 * Cost:   `mapPartition` and `sortPartition` keep all records until the end.
 * Source: Flink's PartitionWindowedStream.
 */
export class PartitionWindowedStream<T> {
  readonly #input: PartitionedInput<T>;

  /** Not for users: call `fullWindowPartition`. */
  constructor(input: PartitionedInput<T>) {
    this.#input = input;
  }

  /** Calls `fn(values, out)` once for each partition. Errors: `E_API_FUNCTION`. */
  mapPartition<O>(fn: MapPartitionFunction<T, O>): DataStream<O> {
    checkFunction('mapPartition', fn, ['mapPartition']);
    return this.#map('Map Partition', fn);
  }

  /**
   * Emits the records of each partition in the order of a field, or of what a function gives for them;
   * of equal ones the first comes first. Numbers, texts (by UTF-16 units), booleans, bigints and dates can
   * be ordered.
   *
   * Errors: `E_API_PATH`; `E_API_ORDER` for another order than these two.
   */
  sortPartition<P extends FieldPath<T, Ordered>>(
    by: P | ((value: T) => Ordered),
    order: SortOrder = 'ascending',
  ): DataStream<T> {
    if (order !== 'ascending' && order !== 'descending') {
      throw new StreamError(
        'E_API_ORDER',
        'sortPartition has no such order',
        {order: showValue(order)},
        {remedy: "write 'ascending' or 'descending'"},
      );
    }
    let select: (value: T) => unknown;
    if (typeof by === 'function') {
      checkFunction('sortPartition', by, []);
      select = by;
    } else {
      const path = parsePath('sortPartition', by);
      select = value => readPath(value, path);
    }
    const sign = order === 'ascending' ? 1 : -1;
    return this.#map('Sort Partition', (values: readonly T[]) =>
      values
        .map(value => ({value, place: select(value)}))
        .sort((a, b) => sign * compare(a.place, b.place))
        .map(({value}) => value),
    );
  }

  /** Reduces the records of each partition to one. Errors: `E_API_FUNCTION`. */
  reduce(fn: ReduceFunction<T>): DataStream<T> {
    checkFunction('reduce', fn, ['reduce']);
    const {window} = this.#input;
    if (window !== undefined) return window.reduce(fn);
    const reduce = new UserFunction(fn, 'reduce');
    return this.#map('Partition Reduce', {
      open: context => reduce.open(context),
      close: () => reduce.close(),
      mapPartition: (values: readonly T[]) =>
        values.length === 0 ? [] : [values.reduce((a, b) => reduce.call(a, b) as T)],
    });
  }

  /** Aggregates the records of each partition in an accumulator. Errors: `E_API_FUNCTION`. */
  aggregate<A, O>(fn: AggregateFunction<T, A, O>): DataStream<O> {
    checkFunction('aggregate', fn, ['createAccumulator', 'add', 'getResult'], {isObject: true});
    const {window} = this.#input;
    if (window !== undefined) return window.aggregate(fn);
    return this.#map('Partition Aggregate', {
      open: context => fn.open?.(context),
      close: () => fn.close?.(),
      mapPartition: (values: readonly T[]) => {
        let accumulator = fn.createAccumulator();
        for (const value of values) accumulator = fn.add(value, accumulator);
        return [fn.getResult(accumulator)];
      },
    });
  }

  #map<O>(name: string, fn: MapPartitionFunction<T, O>): DataStream<O> {
    const {recorder, inputs, window} = this.#input;
    if (window !== undefined) return window.apply(perKey(fn));
    return operatorStream(
      recorder,
      name,
      {
        type: 'custom',
        kind: 'full partition',
        parts: [fn],
        create: context => new FullPartitionOperator(context, fn),
      },
      withIndex(inputs, 0),
    );
  }
}

/** The function of a partition as one of a window. */
function perKey<T, O>(fn: MapPartitionFunction<T, O>): WindowFunction<T, O, unknown> {
  if (typeof fn === 'function') return (_key, _window, values, out) => fn(values, out);
  return {
    open: context => fn.open?.(context),
    close: () => fn.close?.(),
    apply: (_key, _window, values, out) => fn.mapPartition(values, out),
  };
}

function compare(a: unknown, b: unknown): number {
  if (isBelow(a, b)) return -1;
  return isBelow(b, a) ? 1 : 0;
}
