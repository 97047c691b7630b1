/**
 * What is taken out of a window around the call of its function. A window with an evictor keeps all its
 * elements in a list, whatever its function: nothing can be aggregated on the way.
 */
import type {TimeWindow} from '../time/time-window.ts';

/** An element in a window. */
export interface TimestampedValue<T> {
  readonly value: T;
  /** Undefined for an element without timestamp. */
  readonly timestamp: number | undefined;
}

export interface EvictorContext {
  /** -Infinity before the first watermark. */
  readonly currentWatermark: number;
  /** Milliseconds since 1970. */
  readonly currentProcessingTime: number;
}

/**
 * Takes elements out of a window. Either method gets what the window holds, in the order of arrival, and
 * returns what stays in it, in that order; nothing stays away from later firings.
 *
 * Source: Flink's Evictor (flink.md §4.5).
 */
export interface Evictor<T = any> {
  /** Shown in plans: `CountEvictor(3)`. */
  readonly name: string;
  /** Before the function is called. */
  evictBefore?(
    elements: ReadonlyArray<TimestampedValue<T>>,
    window: TimeWindow,
    context: EvictorContext,
  ): ReadonlyArray<TimestampedValue<T>>;
  /** After the function was called. */
  evictAfter?(
    elements: ReadonlyArray<TimestampedValue<T>>,
    window: TimeWindow,
    context: EvictorContext,
  ): ReadonlyArray<TimestampedValue<T>>;
}

export interface EvictorOptions {
  /** Evict after the function was called, instead of before it. */
  readonly doEvictAfter?: boolean;
}

type Elements<T> = ReadonlyArray<TimestampedValue<T>>;

/** What the evictors here have in common: one rule, applied before or after. */
export abstract class RuleEvictor<T> implements Evictor<T> {
  readonly name: string;
  readonly #doEvictAfter: boolean;

  constructor(name: string, {doEvictAfter = false}: EvictorOptions) {
    this.#doEvictAfter = doEvictAfter;
    this.name = doEvictAfter ? name.replace(/\)$/, ', after)') : name;
  }

  evictBefore(elements: Elements<T>): Elements<T> {
    return this.#doEvictAfter ? elements : this.keep(elements);
  }

  evictAfter(elements: Elements<T>): Elements<T> {
    return this.#doEvictAfter ? this.keep(elements) : elements;
  }

  protected abstract keep(elements: Elements<T>): Elements<T>;
}
