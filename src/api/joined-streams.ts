/**
 * Two streams that are joined in windows, as users write it:
 *
 *     orders.join(payments)
 *       .where('id').equalTo('orderId')
 *       .window(TumblingEventTimeWindows.of(60_000))
 *       .apply((order, payment) => ({...order, ...payment}));
 *
 * `coGroup` in place of `join` calls the function once for each key and window, with both lists.
 * Descriptions like all streams; windowing/co-group.ts is what runs.
 */
import type {KeySelector, OperatorSpec} from '../operators/operator.ts';
import {
  coGroupSpec,
  windowJoinSpec,
  type CoGroupFunction,
  type CoGroupOptions,
  type JoinFunction,
  type TaggedElement,
} from '../windowing/co-group.ts';
import type {Evictor} from '../windowing/evictor.ts';
import type {Trigger} from '../windowing/trigger.ts';
import type {WindowAssigner} from '../windowing/window-assigner.ts';
import {checkFunction} from './check-function.ts';
import {
  operatorStream,
  withIndex,
  type DataStream,
  type StreamInput,
  type StreamInternals,
} from './data-stream.ts';
import {parseKey, type Key, type KeyPath, type PathValue} from './field-path.ts';
import {WindowedStream} from './windowed-stream.ts';

/** Both streams, before their keys are known. */
interface Pair {
  readonly left: StreamInternals;
  readonly right: StreamInternals;
}

interface KeyedPair extends Pair {
  readonly key: readonly [KeySelector, KeySelector];
}

/** What makes the last step: a join or a co-group in windows. */
type Windowed<W> = (pair: KeyedPair, assigner: WindowAssigner) => W;

/** Two streams that are to be joined, or grouped together. Call `where`. */
export class StreamPair<A, B, W> {
  readonly #pair: Pair;
  readonly #windowed: Windowed<W>;

  /** Not for users: call `join` or `coGroup` of a stream. */
  constructor(pair: Pair, windowed: Windowed<W>) {
    this.#pair = pair;
    this.#windowed = windowed;
  }

  /** The key of the first stream: a field, or a pure function. Errors: `E_API_PATH`. */
  where<P extends KeyPath<A>>(path: P): StreamPairWhere<B, PathValue<A, P>, W>;
  where<K extends Key>(fn: (value: A) => K): StreamPairWhere<B, K, W>;
  where(key: unknown): StreamPairWhere<B, any, W> {
    return new StreamPairWhere(this.#pair, parseKey('where', [key]), this.#windowed);
  }
}

/** Two streams of which the first has its key. Call `equalTo`. */
export class StreamPairWhere<B, K, W> {
  readonly #pair: Pair;
  readonly #key: KeySelector;
  readonly #windowed: Windowed<W>;

  /** Not for users: call `where`. */
  constructor(pair: Pair, key: KeySelector, windowed: Windowed<W>) {
    this.#pair = pair;
    this.#key = key;
    this.#windowed = windowed;
  }

  /**
   * The key of the second stream: a field, or a pure function. Both must give keys of one type, because 1
   * and '1' are different keys. Errors: `E_API_PATH`.
   */
  equalTo(key: KeyPath<B> | ((value: B) => K)): StreamPairOnKey<W> {
    const second = parseKey('equalTo', [key]);
    return new StreamPairOnKey({...this.#pair, key: [this.#key, second]}, this.#windowed);
  }
}

/** Two streams with their keys. Call `window`. */
export class StreamPairOnKey<W> {
  readonly #pair: KeyedPair;
  readonly #windowed: Windowed<W>;

  /** Not for users: call `equalTo`. */
  constructor(pair: KeyedPair, windowed: Windowed<W>) {
    this.#pair = pair;
    this.#windowed = windowed;
  }

  /** Puts the elements of both streams into the same windows. Errors: `E_WINDOW_ASSIGNER`. */
  window(assigner: WindowAssigner): W {
    return this.#windowed(this.#pair, assigner);
  }
}

/** The settings of windows of two streams. Each returns the same object. */
abstract class PairWindows<A, B> {
  readonly #pair: KeyedPair;
  readonly #assigner: WindowAssigner;
  /** Knows which settings go together; nothing is ever read from it. */
  readonly #checks: WindowedStream<TaggedElement<A, B>, unknown>;
  #trigger: Trigger;
  #evictor: Evictor | undefined;
  #allowedLatenessMs = 0;

  constructor(pair: KeyedPair, assigner: WindowAssigner) {
    const [key] = pair.key;
    this.#checks = new WindowedStream({recorder: pair.left.recorder, inputs: [], key, assigner});
    this.#pair = pair;
    this.#assigner = assigner;
    this.#trigger = assigner.defaultTrigger;
  }

  /** Says when windows fire; it sees elements of both streams. Errors: `E_WINDOW_TRIGGER`. */
  trigger(trigger: Trigger<TaggedElement<A, B>>): this {
    this.#checks.trigger(trigger);
    this.#trigger = trigger;
    return this;
  }

  /** Takes elements of either stream out of windows. Errors: `E_WINDOW_EVICTOR`. */
  evictor(evictor: Evictor<TaggedElement<A, B>>): this {
    this.#checks.evictor(evictor);
    this.#evictor = evictor;
    return this;
  }

  /**
   * Keeps windows for this long after the watermark has passed them; a late element makes its window
   * fire again, with all elements. Units: milliseconds. Default: 0. Errors: `E_WINDOW_LATENESS`.
   */
  allowedLateness(latenessMs: number): this {
    this.#checks.allowedLateness(latenessMs);
    this.#allowedLatenessMs = latenessMs;
    return this;
  }

  protected add<O>(name: string, spec: (options: CoGroupOptions) => OperatorSpec): DataStream<O> {
    const {left, right, key} = this.#pair;
    const options = {
      key,
      assigner: this.#assigner,
      trigger: this.#trigger,
      evictor: this.#evictor,
      allowedLatenessMs: this.#allowedLatenessMs,
    };
    return operatorStream(left.recorder, name, spec(options), [
      ...hashed(left.inputs, key[0], 0),
      ...hashed(right.inputs, key[1], 1),
    ]);
  }
}

/**
 * Two streams to be joined in windows.
 *
 * Result: for each key and window a call for each pair; what it gives has the window's last timestamp. No
 *         call for an element without partner.
 * Late:   elements that are late are dropped and counted (`numLateRecordsDropped`).
 * Source: Flink's JoinedStreams.WithWindow (flink.md §7).
 */
export class JoinedWindows<A, B> extends PairWindows<A, B> {
  /** Emits what `fn(left, right, out)` returns. Errors: `E_API_FUNCTION`. */
  apply<O>(fn: JoinFunction<A, B, O>): DataStream<O> {
    checkFunction('apply', fn, ['join']);
    return this.add('Window Join', options => windowJoinSpec(options, fn));
  }
}

/**
 * Two streams to be grouped together in windows.
 *
 * Result: one call for each key and window that has an element of either stream; what it emits has the
 *         window's last timestamp.
 * Late:   as for a window join.
 * Source: Flink's CoGroupedStreams.WithWindow (flink.md §7).
 */
export class CoGroupedWindows<A, B> extends PairWindows<A, B> {
  /** Calls `fn(left, right, out)` with both lists. Errors: `E_API_FUNCTION`. */
  apply<O>(fn: CoGroupFunction<A, B, O>): DataStream<O> {
    checkFunction('apply', fn, ['coGroup']);
    return this.add('Co-Group', options => coGroupSpec(options, fn));
  }
}

/** What `a.join(b)` returns. */
export type JoinedStreams<A, B> = StreamPair<A, B, JoinedWindows<A, B>>;

/** What `a.coGroup(b)` returns. */
export type CoGroupedStreams<A, B> = StreamPair<A, B, CoGroupedWindows<A, B>>;

/** Not for users. */
export function joinedStreams<A, B>(
  left: StreamInternals,
  right: StreamInternals,
): JoinedStreams<A, B> {
  return new StreamPair({left, right}, (pair, assigner) => new JoinedWindows<A, B>(pair, assigner));
}

/** Not for users. */
export function coGroupedStreams<A, B>(
  left: StreamInternals,
  right: StreamInternals,
): CoGroupedStreams<A, B> {
  return new StreamPair(
    {left, right},
    (pair, assigner) => new CoGroupedWindows<A, B>(pair, assigner),
  );
}

function hashed(inputs: readonly StreamInput[], key: KeySelector, inputIndex: number) {
  return withIndex(
    inputs.map(input => ({...input, partitioner: {kind: 'hash' as const, key}})),
    inputIndex,
  );
}
