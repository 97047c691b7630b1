/**
 * Two streams of different types that feed one operator. Both inputs are processed by one function
 * object in one thread, never two records at a time, so they may share state in it.
 */
import type {
  CoFlatMapFunction,
  CoMapFunction,
  CoProcessFunction,
  KeyedCoProcessFunction,
} from '../operators/functions.ts';
import type {KeySelector, OperatorSpec} from '../operators/operator.ts';
import {keyedCoProcess} from '../operators/process.ts';
import {checkFunction} from './check-function.ts';
import {operatorStream, withIndex, type DataStream, type StreamInput} from './data-stream.ts';
import {parseKey, type Key, type KeyPath, type PathValue} from './field-path.ts';
import type {TransformationRecorder} from './recorder.ts';

/**
 * Two connected streams, of `A` and of `B`.
 *
 * Source: Flink's ConnectedStreams (flink.md §2.1).
 */
export class ConnectedStreams<A, B> {
  readonly #recorder: TransformationRecorder;
  readonly #first: readonly StreamInput[];
  readonly #second: readonly StreamInput[];
  readonly #keys: readonly [KeySelector, KeySelector] | undefined;

  /** Not for users: call `connect`. */
  constructor(
    recorder: TransformationRecorder,
    first: readonly StreamInput[],
    second: readonly StreamInput[],
    keys?: readonly [KeySelector, KeySelector],
  ) {
    this.#recorder = recorder;
    this.#first = first;
    this.#second = second;
    this.#keys = keys;
  }

  /**
   * Partitions both streams, so that records of either with equal keys meet in one subtask.
   *
   * Key:    for each stream a field or a function, as for `DataStream.keyBy`; both must give keys of one
   *         type, because 1 and '1' are different keys.
   * Errors: `E_API_PATH`.
   */
  keyBy<K extends Key>(
    first: (value: A) => K,
    second: (value: B) => K,
  ): KeyedConnectedStreams<A, B, K>;
  keyBy<P extends KeyPath<A>>(
    first: P,
    second: KeyPath<B> | ((value: B) => Key),
  ): KeyedConnectedStreams<A, B, PathValue<A, P>>;
  keyBy<K extends Key>(first: (value: A) => K, second: KeyPath<B>): KeyedConnectedStreams<A, B, K>;
  keyBy(first: unknown, second: unknown): KeyedConnectedStreams<A, B, any> {
    const keys = [parseKey('keyBy', [first]), parseKey('keyBy', [second])] as const;
    const hashed = (inputs: readonly StreamInput[], key: KeySelector): StreamInput[] =>
      inputs.map(input => ({...input, partitioner: {kind: 'hash', key}}));
    return new KeyedConnectedStreams(
      this.#recorder,
      hashed(this.#first, keys[0]),
      hashed(this.#second, keys[1]),
      keys,
    );
  }

  /** One result for each record of either stream. Errors: `E_API_FUNCTION`. */
  map<O>(fn: CoMapFunction<A, B, O>): DataStream<O> {
    checkFunction('map', fn, ['map1', 'map2'], {isObject: true});
    return this.#add('Co-Map', {type: 'coMap', fn, ...this.#stateKeys});
  }

  /** Any number of results for each record of either stream. Errors: `E_API_FUNCTION`. */
  flatMap<O>(fn: CoFlatMapFunction<A, B, O>): DataStream<O> {
    checkFunction('flatMap', fn, ['flatMap1', 'flatMap2'], {isObject: true});
    return this.#add('Co-Flat Map', {type: 'coFlatMap', fn, ...this.#stateKeys});
  }

  /**
   * Like `flatMap`, with timestamps, side outputs and a last word; behind `keyBy` with state and timers
   * per key. Errors: `E_API_FUNCTION`.
   */
  process<O>(fn: CoProcessFunction<A, B, O>): DataStream<O> {
    checkFunction('process', fn, ['processElement1', 'processElement2'], {isObject: true});
    if (this.#keys === undefined) return this.#add('Co-Process', {type: 'coProcess', fn});
    return this.#add('Keyed Co-Process', keyedCoProcess(fn, this.#keys));
  }

  /** For functions that may keep state per key. */
  get #stateKeys(): {stateKeys?: readonly KeySelector[]} {
    return this.#keys === undefined ? {} : {stateKeys: this.#keys};
  }

  #add<O>(name: string, spec: OperatorSpec): DataStream<O> {
    return operatorStream(this.#recorder, name, spec, [
      ...withIndex(this.#first, 0),
      ...withIndex(this.#second, 1),
    ]);
  }
}

/** Connected streams with keys of type `K`. */
export class KeyedConnectedStreams<A, B, K> extends ConnectedStreams<A, B> {
  /** For TypeScript only: the type of the keys. */
  declare readonly keyType?: K;

  override process<O>(fn: KeyedCoProcessFunction<K, A, B, O>): DataStream<O> {
    return super.process(fn as CoProcessFunction<A, B, O>);
  }
}
