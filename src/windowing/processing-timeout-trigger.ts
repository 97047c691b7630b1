/** Gives another trigger a time limit. */
import {ValueStateDescriptor} from '../state/state-descriptors.ts';
import type {TimeWindow} from '../time/time-window.ts';
import {TriggerResult, isFire, isPurge, type Trigger, type TriggerContext} from './trigger.ts';
import {checkDuration} from './window-assigner.ts';

export interface ProcessingTimeoutOptions {
  /** Each element begins the timeout anew; else only the first one since the last firing. */
  readonly resetTimerOnNewRecord?: boolean;
  /** Clear the trigger when a timer fires. Default: true. */
  readonly shouldClearOnTimeout?: boolean;
}

/**
 * Fires when the nested trigger does, or when `timeoutMs` of processing time have gone by since an
 * element. Any timer of the window makes it fire, one of the nested trigger's too.
 *
 * Source: Flink's ProcessingTimeoutTrigger.
 */
export class ProcessingTimeoutTrigger<T = any> implements Trigger<T> {
  readonly name: string;
  readonly canMerge = false;
  readonly nested: Trigger<T>;
  readonly timeoutMs: number;
  readonly #resets: boolean;
  readonly #clears: boolean;
  readonly #timeout = new ValueStateDescriptor<number>('timeout');

  /** Not for users: call `of`. */
  constructor(nested: Trigger<T>, timeoutMs: number, resets: boolean, clears: boolean) {
    this.nested = nested;
    this.timeoutMs = timeoutMs;
    this.#resets = resets;
    this.#clears = clears;
    this.name = `TimeoutTrigger(${nested.name}, ${timeoutMs}, ${resets}, ${clears})`;
  }

  /** Units: milliseconds, > 0. Errors: `E_WINDOW_SIZE`. */
  static of<T>(
    nested: Trigger<T>,
    timeoutMs: number,
    options: ProcessingTimeoutOptions = {},
  ): ProcessingTimeoutTrigger<T> {
    const {resetTimerOnNewRecord = false, shouldClearOnTimeout = true} = options;
    checkDuration('the timeout of a trigger', timeoutMs);
    return new ProcessingTimeoutTrigger(
      nested,
      timeoutMs,
      resetTimerOnNewRecord,
      shouldClearOnTimeout,
    );
  }

  onElement(
    element: T,
    timestamp: number,
    window: TimeWindow,
    context: TriggerContext,
  ): TriggerResult {
    const result = this.nested.onElement(element, timestamp, window, context);
    if (isFire(result)) {
      this.clear(window, context);
      return result;
    }
    const timeout = context.getPartitionedState(this.#timeout);
    const next = context.currentProcessingTime + this.timeoutMs;
    let present = timeout.value();
    if (present !== undefined && this.#resets) {
      context.deleteProcessingTimeTimer(present);
      timeout.clear();
      present = undefined;
    }
    if (present === undefined) {
      timeout.update(next);
      context.registerProcessingTimeTimer(next);
    }
    return result;
  }

  onEventTime(time: number, window: TimeWindow, context: TriggerContext): TriggerResult {
    const result = this.nested.onEventTime(time, window, context);
    return this.#timedOut(result, window, context);
  }

  onProcessingTime(time: number, window: TimeWindow, context: TriggerContext): TriggerResult {
    const result = this.nested.onProcessingTime(time, window, context);
    return this.#timedOut(result, window, context);
  }

  clear(window: TimeWindow, context: TriggerContext): void {
    const timeout = context.getPartitionedState(this.#timeout);
    const present = timeout.value();
    if (present !== undefined) {
      context.deleteProcessingTimeTimer(present);
      timeout.clear();
    }
    this.nested.clear(window, context);
  }

  #timedOut(result: TriggerResult, window: TimeWindow, context: TriggerContext): TriggerResult {
    if (this.#clears) this.clear(window, context);
    return isPurge(result) ? TriggerResult.FIRE_AND_PURGE : TriggerResult.FIRE;
  }
}
