/**
 * Two streams of different types that feed one operator. Both inputs are processed by one function
 * object in one thread, never two records at a time, so they may share state in it.
 */
import type {CoFlatMapFunction, CoMapFunction, CoProcessFunction} from '../operators/functions.ts';
import type {OperatorSpec} from '../operators/operator.ts';
import {checkFunction} from './check-function.ts';
import {operatorStream, withIndex, type DataStream, type StreamInput} from './data-stream.ts';
import {parseKey, type Key, type KeyPath} from './field-path.ts';
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

  /** Not for users: call `connect`. */
  constructor(
    recorder: TransformationRecorder,
    first: readonly StreamInput[],
    second: readonly StreamInput[],
  ) {
    this.#recorder = recorder;
    this.#first = first;
    this.#second = second;
  }

  /**
   * Partitions both streams, so that records of either with equal keys meet in one subtask.
   *
   * Key:    for each stream a field or a function, as for `DataStream.keyBy`; both must give keys of one
   *         type, because 1 and '1' are different keys.
   * Errors: `E_API_PATH`.
   */
  keyBy(
    first: KeyPath<A> | ((value: A) => Key),
    second: KeyPath<B> | ((value: B) => Key),
  ): ConnectedStreams<A, B> {
    const hashed = (inputs: readonly StreamInput[], arg: unknown): StreamInput[] => {
      const key = parseKey('keyBy', [arg]);
      return inputs.map(input => ({...input, partitioner: {kind: 'hash', key}}));
    };
    return new ConnectedStreams(
      this.#recorder,
      hashed(this.#first, first),
      hashed(this.#second, second),
    );
  }

  /** One result for each record of either stream. Errors: `E_API_FUNCTION`. */
  map<O>(fn: CoMapFunction<A, B, O>): DataStream<O> {
    checkFunction('map', fn, ['map1', 'map2'], {isObject: true});
    return this.#add('Co-Map', {type: 'coMap', fn});
  }

  /** Any number of results for each record of either stream. Errors: `E_API_FUNCTION`. */
  flatMap<O>(fn: CoFlatMapFunction<A, B, O>): DataStream<O> {
    checkFunction('flatMap', fn, ['flatMap1', 'flatMap2'], {isObject: true});
    return this.#add('Co-Flat Map', {type: 'coFlatMap', fn});
  }

  /** Like `flatMap`, with timestamps, side outputs and a last word. Errors: `E_API_FUNCTION`. */
  process<O>(fn: CoProcessFunction<A, B, O>): DataStream<O> {
    checkFunction('process', fn, ['processElement1', 'processElement2'], {isObject: true});
    return this.#add('Co-Process', {type: 'coProcess', fn});
  }

  #add<O>(name: string, spec: OperatorSpec): DataStream<O> {
    return operatorStream(this.#recorder, name, spec, [
      ...withIndex(this.#first, 0),
      ...withIndex(this.#second, 1),
    ]);
  }
}
