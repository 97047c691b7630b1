/** Fires again and again while event time goes through a window, and at its end. */
import {StreamError, showValue} from '../base/errors.ts';
import {ReducingStateDescriptor} from '../state/state-descriptors.ts';
import type {TimeWindow} from '../time/time-window.ts';
import {TriggerResult, type OnMergeContext, type Trigger, type TriggerContext} from './trigger.ts';
import {checkDuration} from './window-assigner.ts';

/**
 * Fires at multiples of an interval of event time in which a window is open, from its first element on,
 * and when the window ends. A watermark that jumps over several multiples fires for each of them.
 *
 * Source: Flink's ContinuousEventTimeTrigger.
 */
export class ContinuousEventTimeTrigger implements Trigger {
  readonly name: string;
  readonly intervalMs: number;
  /** When the window fires next. Of windows that merge, the earliest time counts. */
  readonly #fireTime = new ReducingStateDescriptor<number>('fire-time', (a, b) => Math.min(a, b));

  /** Not for users: call `of`. */
  constructor(intervalMs: number) {
    this.intervalMs = intervalMs;
    this.name = `ContinuousEventTimeTrigger(${intervalMs})`;
  }

  /** Units: milliseconds, > 0. Errors: `E_WINDOW_SIZE`. */
  static of(intervalMs: number): ContinuousEventTimeTrigger {
    return new ContinuousEventTimeTrigger(checkDuration('the interval of a trigger', intervalMs));
  }

  onElement(
    element: unknown,
    timestamp: number,
    window: TimeWindow,
    context: TriggerContext,
  ): TriggerResult {
    const {maxTimestamp} = window;
    if (maxTimestamp <= context.currentWatermark) return TriggerResult.FIRE;
    context.registerEventTimeTimer(maxTimestamp);
    const next = context.getPartitionedState(this.#fireTime).get();
    if (next === undefined) {
      if (!Number.isFinite(timestamp)) throw untimed(this.name, element);
      this.#registerNext(timestamp - (timestamp % this.intervalMs), window, context);
    }
    return TriggerResult.CONTINUE;
  }

  onEventTime(time: number, window: TimeWindow, context: TriggerContext): TriggerResult {
    if (time === window.maxTimestamp) return TriggerResult.FIRE;
    const fireTime = context.getPartitionedState(this.#fireTime);
    if (fireTime.get() !== time) return TriggerResult.CONTINUE;
    fireTime.clear();
    this.#registerNext(time, window, context);
    return TriggerResult.FIRE;
  }

  onProcessingTime(): TriggerResult {
    return TriggerResult.CONTINUE;
  }

  onMerge(_window: TimeWindow, context: OnMergeContext): void {
    context.mergePartitionedState(this.#fireTime);
    const next = context.getPartitionedState(this.#fireTime).get();
    if (next !== undefined) context.registerEventTimeTimer(next);
  }

  clear(_window: TimeWindow, context: TriggerContext): void {
    const fireTime = context.getPartitionedState(this.#fireTime);
    const next = fireTime.get();
    if (next === undefined) return;
    context.deleteEventTimeTimer(next);
    fireTime.clear();
  }

  #registerNext(time: number, {maxTimestamp}: TimeWindow, context: TriggerContext): void {
    const next = Math.min(time + this.intervalMs, maxTimestamp);
    context.getPartitionedState(this.#fireTime).add(next);
    context.registerEventTimeTimer(next);
  }
}

function untimed(trigger: string, element: unknown): StreamError {
  return new StreamError(
    'E_WINDOW_TIMESTAMP',
    'an event-time trigger met a record without timestamp',
    {trigger, record: showValue(element)},
    {remedy: 'call assignTimestampsAndWatermarks() in front of the window'},
  );
}
