/** Fires when an element is far enough from the one that fired last. */
import {StreamError, showValue} from '../base/errors.ts';
import {ValueStateDescriptor} from '../state/state-descriptors.ts';
import type {TimeWindow} from '../time/time-window.ts';
import {TriggerResult, type Trigger, type TriggerContext} from './trigger.ts';

/** How far `next` is from `previous`. */
export type DeltaFunction<T> = (previous: T, next: T) => number;

/**
 * Keeps the first element of a window, and fires when `delta(kept, element)` is above the threshold; then
 * it keeps that element.
 *
 * Source: Flink's DeltaTrigger.
 */
export class DeltaTrigger<T = any> implements Trigger<T> {
  readonly name: string;
  readonly canMerge = false;
  readonly threshold: number;
  readonly delta: DeltaFunction<T>;
  readonly #last = new ValueStateDescriptor<T>('last-element');

  /** Not for users: call `of`. */
  constructor(threshold: number, delta: DeltaFunction<T>) {
    this.threshold = threshold;
    this.delta = delta;
    this.name = `DeltaTrigger(${threshold})`;
  }

  /** Errors: `E_WINDOW_DELTA` if `threshold` is not a number or `delta` not a function. */
  static of<T>(threshold: number, delta: DeltaFunction<T>): DeltaTrigger<T> {
    checkDelta(threshold, delta);
    return new DeltaTrigger(threshold, delta);
  }

  onElement(
    element: T,
    _timestamp: number,
    _window: TimeWindow,
    context: TriggerContext,
  ): TriggerResult {
    const last = context.getPartitionedState(this.#last);
    const kept = last.value();
    if (kept === undefined) {
      last.update(element);
      return TriggerResult.CONTINUE;
    }
    if (!(this.delta(kept, element) > this.threshold)) return TriggerResult.CONTINUE;
    last.update(element);
    return TriggerResult.FIRE;
  }

  onEventTime(): TriggerResult {
    return TriggerResult.CONTINUE;
  }

  onProcessingTime(): TriggerResult {
    return TriggerResult.CONTINUE;
  }

  clear(_window: TimeWindow, context: TriggerContext): void {
    context.getPartitionedState(this.#last).clear();
  }
}

/** Refuses a threshold that is none, and what is not a function. */
export function checkDelta(threshold: unknown, delta: unknown): void {
  const isThreshold = typeof threshold === 'number' && threshold === threshold;
  if (isThreshold && typeof delta === 'function') return;
  throw new StreamError(
    'E_WINDOW_DELTA',
    'a delta needs a number and a function (a, b) => number',
    {
      threshold: showValue(threshold),
      delta: showValue(delta),
    },
  );
}
