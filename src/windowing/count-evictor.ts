/** Keeps the last elements of a window. */
import {checkCount} from './count-trigger.ts';
import {RuleEvictor, type EvictorOptions, type TimestampedValue} from './evictor.ts';

/** Keeps the `maxCount` elements that came last. Source: Flink's CountEvictor. */
export class CountEvictor<T = any> extends RuleEvictor<T> {
  readonly maxCount: number;

  /** Not for users: call `of`. */
  constructor(maxCount: number, options: EvictorOptions) {
    super(`CountEvictor(${maxCount})`, options);
    this.maxCount = maxCount;
  }

  /** Errors: `E_WINDOW_COUNT` if `maxCount` is not a positive whole number. */
  static of(maxCount: number, options: EvictorOptions = {}): CountEvictor {
    return new CountEvictor(checkCount('the count of an evictor', maxCount), options);
  }

  protected keep(elements: ReadonlyArray<TimestampedValue<T>>): ReadonlyArray<TimestampedValue<T>> {
    return elements.length > this.maxCount ? elements.slice(-this.maxCount) : elements;
  }
}
