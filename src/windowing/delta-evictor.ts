/** Keeps the elements of a window that are near its last one. */
import {checkDelta, type DeltaFunction} from './delta-trigger.ts';
import {RuleEvictor, type EvictorOptions, type TimestampedValue} from './evictor.ts';

/**
 * Removes elements for which `delta(element, last)` is at least the threshold, where `last` came last.
 *
 * Source: Flink's DeltaEvictor.
 */
export class DeltaEvictor<T = any> extends RuleEvictor<T> {
  readonly threshold: number;
  readonly delta: DeltaFunction<T>;

  /** Not for users: call `of`. */
  constructor(threshold: number, delta: DeltaFunction<T>, options: EvictorOptions) {
    super(`DeltaEvictor(${threshold})`, options);
    this.threshold = threshold;
    this.delta = delta;
  }

  /** Errors: `E_WINDOW_DELTA` if `threshold` is not a number or `delta` not a function. */
  static of<T>(
    threshold: number,
    delta: DeltaFunction<T>,
    options: EvictorOptions = {},
  ): DeltaEvictor<T> {
    checkDelta(threshold, delta);
    return new DeltaEvictor(threshold, delta, options);
  }

  protected keep(elements: ReadonlyArray<TimestampedValue<T>>): ReadonlyArray<TimestampedValue<T>> {
    const last = elements.at(-1);
    if (last === undefined) return elements;
    return elements.filter(({value}) => !(this.delta(value, last.value) >= this.threshold));
  }
}
