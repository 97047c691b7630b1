/** Fires when the watermark has passed the end of the window; and for each late element at once. */
import type {TimeWindow} from '../time/time-window.ts';
import {TriggerResult, type Trigger, type TriggerContext} from './trigger.ts';

/** The default trigger of event-time windows. Source: Flink's EventTimeTrigger. */
export class EventTimeTrigger implements Trigger {
  readonly name = 'EventTimeTrigger()';

  static create(): EventTimeTrigger {
    return new EventTimeTrigger();
  }

  onElement(
    _element: unknown,
    _timestamp: number,
    {maxTimestamp}: TimeWindow,
    context: TriggerContext,
  ): TriggerResult {
    if (maxTimestamp <= context.currentWatermark) return TriggerResult.FIRE;
    context.registerEventTimeTimer(maxTimestamp);
    return TriggerResult.CONTINUE;
  }

  onEventTime(time: number, window: TimeWindow): TriggerResult {
    return time === window.maxTimestamp ? TriggerResult.FIRE : TriggerResult.CONTINUE;
  }

  onProcessingTime(): TriggerResult {
    return TriggerResult.CONTINUE;
  }

  onMerge({maxTimestamp}: TimeWindow, context: TriggerContext): void {
    // If the watermark is there already, the element that merged the windows fires.
    if (maxTimestamp > context.currentWatermark) context.registerEventTimeTimer(maxTimestamp);
  }

  clear(window: TimeWindow, context: TriggerContext): void {
    context.deleteEventTimeTimer(window.maxTimestamp);
  }
}
