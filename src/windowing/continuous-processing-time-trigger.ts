/** Fires again and again, by the clock, while a window is open. */
import {ReducingStateDescriptor} from '../state/state-descriptors.ts';
import type {TimeWindow} from '../time/time-window.ts';
import {TriggerResult, type OnMergeContext, type Trigger, type TriggerContext} from './trigger.ts';
import {checkDuration} from './window-assigner.ts';

/**
 * Fires at multiples of an interval of processing time, from the first element of a window on, and for
 * the last time at the window's end.
 *
 * Source: Flink's ContinuousProcessingTimeTrigger.
 */
export class ContinuousProcessingTimeTrigger implements Trigger {
  readonly name: string;
  readonly intervalMs: number;
  /** When the window fires next. Of windows that merge, the earliest time counts. */
  readonly #fireTime = new ReducingStateDescriptor<number>('fire-time', (a, b) => Math.min(a, b));

  /** Not for users: call `of`. */
  constructor(intervalMs: number) {
    this.intervalMs = intervalMs;
    this.name = `ContinuousProcessingTimeTrigger(${intervalMs})`;
  }

  /** Units: milliseconds, > 0. Errors: `E_WINDOW_SIZE`. */
  static of(intervalMs: number): ContinuousProcessingTimeTrigger {
    return new ContinuousProcessingTimeTrigger(
      checkDuration('the interval of a trigger', intervalMs),
    );
  }

  onElement(
    _element: unknown,
    _timestamp: number,
    window: TimeWindow,
    context: TriggerContext,
  ): TriggerResult {
    if (context.getPartitionedState(this.#fireTime).get() === undefined) {
      const now = context.currentProcessingTime;
      this.#registerNext(now - (now % this.intervalMs), window, context);
    }
    return TriggerResult.CONTINUE;
  }

  onEventTime(): TriggerResult {
    return TriggerResult.CONTINUE;
  }

  onProcessingTime(time: number, window: TimeWindow, context: TriggerContext): TriggerResult {
    const fireTime = context.getPartitionedState(this.#fireTime);
    if (fireTime.get() !== time) return TriggerResult.CONTINUE;
    fireTime.clear();
    // At its end a window of processing time is cleaned up. One of event time, whose end may lie behind on
    // the clock, would fire without end.
    if (time < window.maxTimestamp) this.#registerNext(time, window, context);
    return TriggerResult.FIRE;
  }

  onMerge(_window: TimeWindow, context: OnMergeContext): void {
    context.mergePartitionedState(this.#fireTime);
    const next = context.getPartitionedState(this.#fireTime).get();
    if (next !== undefined) context.registerProcessingTimeTimer(next);
  }

  clear(_window: TimeWindow, context: TriggerContext): void {
    const fireTime = context.getPartitionedState(this.#fireTime);
    const next = fireTime.get();
    if (next === undefined) return;
    context.deleteProcessingTimeTimer(next);
    fireTime.clear();
  }

  #registerNext(time: number, {maxTimestamp}: TimeWindow, context: TriggerContext): void {
    const next = Math.min(time + this.intervalMs, maxTimestamp);
    context.getPartitionedState(this.#fireTime).add(next);
    context.registerProcessingTimeTimer(next);
  }
}
