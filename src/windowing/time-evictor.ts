/** Keeps the newest elements of a window. */
import {RuleEvictor, type EvictorOptions, type TimestampedValue} from './evictor.ts';
import {checkDuration} from './window-assigner.ts';

/**
 * Removes elements whose timestamp is at most the largest one in the window minus `windowSizeMs`. Does
 * nothing if the first element has no timestamp.
 *
 * Source: Flink's TimeEvictor.
 */
export class TimeEvictor<T = any> extends RuleEvictor<T> {
  readonly windowSizeMs: number;

  /** Not for users: call `of`. */
  constructor(windowSizeMs: number, options: EvictorOptions) {
    super(`TimeEvictor(${windowSizeMs})`, options);
    this.windowSizeMs = windowSizeMs;
  }

  /** Units: milliseconds, > 0. Errors: `E_WINDOW_SIZE`. */
  static of(windowSizeMs: number, options: EvictorOptions = {}): TimeEvictor {
    return new TimeEvictor(checkDuration('the time that an evictor keeps', windowSizeMs), options);
  }

  protected keep(elements: ReadonlyArray<TimestampedValue<T>>): ReadonlyArray<TimestampedValue<T>> {
    if (elements[0]?.timestamp === undefined) return elements;
    let newest = -Infinity;
    for (const {timestamp = -Infinity} of elements) newest = Math.max(newest, timestamp);
    const cutoff = newest - this.windowSizeMs;
    return elements.filter(({timestamp = -Infinity}) => !(timestamp <= cutoff));
  }
}
