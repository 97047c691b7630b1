/** Makes another trigger drop what a window holds each time that it fires. */
import type {TimeWindow} from '../time/time-window.ts';
import {
  TriggerResult,
  canMerge,
  isFire,
  type OnMergeContext,
  type Trigger,
  type TriggerContext,
} from './trigger.ts';

/** Turns FIRE of the nested trigger into FIRE_AND_PURGE. Source: Flink's PurgingTrigger. */
export class PurgingTrigger<T = any> implements Trigger<T> {
  readonly name: string;
  readonly canMerge: boolean;
  readonly nested: Trigger<T>;

  /** Not for users: call `of`. */
  constructor(nested: Trigger<T>) {
    this.nested = nested;
    this.canMerge = canMerge(nested);
    this.name = `PurgingTrigger(${nested.name})`;
  }

  static of<T>(nested: Trigger<T>): PurgingTrigger<T> {
    return new PurgingTrigger(nested);
  }

  onElement(
    element: T,
    timestamp: number,
    window: TimeWindow,
    context: TriggerContext,
  ): TriggerResult {
    return purging(this.nested.onElement(element, timestamp, window, context));
  }

  onEventTime(time: number, window: TimeWindow, context: TriggerContext): TriggerResult {
    return purging(this.nested.onEventTime(time, window, context));
  }

  onProcessingTime(time: number, window: TimeWindow, context: TriggerContext): TriggerResult {
    return purging(this.nested.onProcessingTime(time, window, context));
  }

  onMerge(window: TimeWindow, context: OnMergeContext): void {
    this.nested.onMerge?.(window, context);
  }

  clear(window: TimeWindow, context: TriggerContext): void {
    this.nested.clear(window, context);
  }
}

function purging(result: TriggerResult): TriggerResult {
  return isFire(result) ? TriggerResult.FIRE_AND_PURGE : result;
}
