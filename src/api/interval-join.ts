/**
 * The interval join as users write it:
 *
 *     orders.keyBy('id').intervalJoin(payments.keyBy('orderId'))
 *       .between(0, 3_600_000)
 *       .process((order, payment, context, out) => out.collect({...order, ...payment}));
 *
 * A description like all streams; windowing/interval-join.ts is what runs.
 */
import {StreamError, showValue} from '../base/errors.ts';
import {OutputTag} from '../operators/functions.ts';
import type {KeySelector} from '../operators/operator.ts';
import {IntervalJoinOperator, type ProcessJoinFunction} from '../windowing/interval-join.ts';
import {checkFunction} from './check-function.ts';
import {operatorStream, withIndex, type DataStream, type StreamInternals} from './data-stream.ts';

/** A keyed stream as a join sees it. */
export interface JoinSide {
  readonly internals: StreamInternals;
  readonly key: KeySelector;
}

/** Two keyed streams whose elements are to be paired by their times. Call `between`. */
export class IntervalJoin<A, B> {
  readonly #left: JoinSide;
  readonly #right: JoinSide;

  /** Not for users: call `intervalJoin` of a keyed stream. */
  constructor(left: JoinSide, right: JoinSide) {
    this.#left = left;
    this.#right = right;
  }

  /**
   * Pairs a left element at `t` with the right elements from `t + lowerMs` to `t + upperMs`, both ends
   * included.
   *
   * Units:  whole milliseconds of event time; either may be negative.
   * Errors: `E_JOIN_BOUNDS` if one is no whole number, or the lower is above the upper one.
   */
  between(lowerMs: number, upperMs: number): IntervalJoined<A, B> {
    const areWhole = Number.isSafeInteger(lowerMs) && Number.isSafeInteger(upperMs);
    if (!areWhole || lowerMs > upperMs) throw badBounds(lowerMs, upperMs);
    return new IntervalJoined(this.#left, this.#right, lowerMs, upperMs);
  }
}

/**
 * Two keyed streams and the interval that pairs their elements. The settings return the same object.
 *
 * Result: one call of the function for each pair; what it emits has the larger of the two timestamps.
 * Late:   an element below the watermark joins nothing; it goes to a side output, or is dropped and counted
 *         (`numLateRecordsDropped`).
 * Errors: `E_JOIN_TIMESTAMP` at run time for a record without timestamp.
 * Cost:   an element is kept until the watermark says that no partner can follow.
 * Source: Flink, KeyedStream.IntervalJoined (flink.md §7).
 */
export class IntervalJoined<A, B> {
  readonly #left: JoinSide;
  readonly #right: JoinSide;
  #lowerMs: number;
  #upperMs: number;
  #isLowerExclusive = false;
  #isUpperExclusive = false;
  #leftLate: OutputTag<A> | undefined;
  #rightLate: OutputTag<B> | undefined;

  /** Not for users: call `between`. */
  constructor(left: JoinSide, right: JoinSide, lowerMs: number, upperMs: number) {
    this.#left = left;
    this.#right = right;
    this.#lowerMs = lowerMs;
    this.#upperMs = upperMs;
  }

  /** The lower end is not part of the interval. */
  lowerBoundExclusive(): this {
    this.#isLowerExclusive = true;
    return this;
  }

  /** The upper end is not part of the interval. */
  upperBoundExclusive(): this {
    this.#isUpperExclusive = true;
    return this;
  }

  /** Sends late elements of the left stream to a side output of the join. Errors: `E_API_TAG`. */
  sideOutputLeftLateData(tag: OutputTag<A>): this {
    this.#leftLate = checkTag('sideOutputLeftLateData', tag);
    return this;
  }

  /** Sends late elements of the right stream to a side output of the join. Errors: `E_API_TAG`. */
  sideOutputRightLateData(tag: OutputTag<B>): this {
    this.#rightLate = checkTag('sideOutputRightLateData', tag);
    return this;
  }

  /**
   * Calls `fn(left, right, context, out)` for each pair, in no particular order.
   *
   * Errors: `E_API_FUNCTION` if `fn` is neither a function nor an object with `processElement`;
   *         `E_JOIN_BOUNDS` if nothing is left between exclusive ends.
   */
  process<O>(fn: ProcessJoinFunction<A, B, O>): DataStream<O> {
    checkFunction('process', fn, ['processElement']);
    // Flink's way: whole milliseconds, so that an open end is a closed one next to it.
    const lowerMs = this.#lowerMs + (this.#isLowerExclusive ? 1 : 0);
    const upperMs = this.#upperMs - (this.#isUpperExclusive ? 1 : 0);
    if (lowerMs > upperMs) throw badBounds(lowerMs, upperMs);
    const {recorder, inputs} = this.#left.internals;
    const key = [this.#left.key, this.#right.key] as const;
    const options = {
      key,
      lowerMs,
      upperMs,
      fn,
      leftLateTag: this.#leftLate?.id,
      rightLateTag: this.#rightLate?.id,
    };
    return operatorStream(
      recorder,
      'Interval Join',
      {
        type: 'custom',
        kind: 'interval join',
        inputCount: 2,
        key,
        parts: [fn, lowerMs, upperMs, options.leftLateTag, options.rightLateTag],
        create: context => new IntervalJoinOperator(context, options),
      },
      [...withIndex(inputs, 0), ...withIndex(this.#right.internals.inputs, 1)],
    );
  }
}

function checkTag<T>(operation: string, tag: OutputTag<T>): OutputTag<T> {
  if (tag instanceof OutputTag) return tag;
  throw new StreamError('E_API_TAG', `${operation} needs an OutputTag`, {tag: showValue(tag)});
}

function badBounds(lowerMs: unknown, upperMs: unknown): StreamError {
  return new StreamError(
    'E_JOIN_BOUNDS',
    'an interval join has no interval',
    {lower: showValue(lowerMs), upper: showValue(upperMs)},
    {remedy: 'give whole milliseconds, the smaller first: between(-5_000, 5_000)'},
  );
}
