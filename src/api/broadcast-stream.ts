/**
 * A stream whose records go to every subtask of the operator that reads it, and that operator's two inputs
 * as a pair: `stream.connect(rules.broadcast(descriptor)).process(fn)`.
 */
import {broadcastProcess} from '../operators/broadcast-process.ts';
import {checkDescriptor} from '../operators/function-context.ts';
import type {
  BroadcastProcessFunction,
  KeyedBroadcastProcessFunction,
} from '../operators/functions.ts';
import {MapStateDescriptor} from '../state/state-descriptors.ts';
import {checkFunction} from './check-function.ts';
import {operatorStream, withIndex, type DataStream, type StreamInternals} from './data-stream.ts';

/** A stream of `T` that is broadcast together with the states it may write. */
export class BroadcastStream<T> {
  /** For `connect`, not for users. */
  readonly internals: StreamInternals;
  readonly descriptors: readonly MapStateDescriptor<any, any>[];
  /** For TypeScript only. */
  declare readonly recordType?: T;

  /** Not for users: call `broadcast` with descriptors. */
  constructor(internals: StreamInternals, descriptors: readonly MapStateDescriptor<any, any>[]) {
    for (const descriptor of descriptors) {
      checkDescriptor('broadcast', descriptor, MapStateDescriptor);
    }
    this.internals = internals;
    this.descriptors = descriptors;
  }
}

/**
 * A stream of `A`, keyed or not, beside a broadcast stream of `B`.
 *
 * Source: Flink's BroadcastConnectedStream (flink.md §2.1).
 */
export class BroadcastConnectedStream<A, B> {
  readonly #internals: StreamInternals;
  readonly #broadcast: BroadcastStream<B>;
  /** For TypeScript only. */
  declare readonly recordTypes?: [A, B];

  /** Not for users: call `connect`. */
  constructor(internals: StreamInternals, broadcast: BroadcastStream<B>) {
    this.#internals = internals;
    this.#broadcast = broadcast;
  }

  /**
   * Runs a function that writes broadcast state with the records of one side and reads it with those of the
   * other; behind `keyBy` the other side has state and timers per key.
   *
   * Order:  nothing is promised between the sides: a record may come before the rule that is meant for it.
   * Errors: `E_API_FUNCTION` if `fn` lacks `processElement` or `processBroadcastElement`.
   */
  process<O>(fn: BroadcastProcessFunction<A, B, O>): DataStream<O> {
    const methods = ['processElement', 'processBroadcastElement'];
    checkFunction('process', fn, methods, {isObject: true});
    const {recorder, inputs, key} = this.#internals;
    const {descriptors, internals} = this.#broadcast;
    return operatorStream(
      recorder,
      key === undefined ? 'Broadcast Process' : 'Keyed Broadcast Process',
      broadcastProcess(fn, descriptors, key),
      [...withIndex(inputs, 0), ...withIndex(internals.inputs, 1)],
    );
  }
}

/** With keys of type `K` on the first side. */
export class KeyedBroadcastConnectedStream<A, B, K> extends BroadcastConnectedStream<A, B> {
  /** For TypeScript only: the type of the keys. */
  declare readonly keyType?: K;

  override process<O>(fn: KeyedBroadcastProcessFunction<K, A, B, O>): DataStream<O> {
    return super.process(fn as BroadcastProcessFunction<A, B, O>);
  }
}
