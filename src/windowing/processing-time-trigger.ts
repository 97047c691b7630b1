/** Fires when the clock has passed the end of the window. */
import type {TimeWindow} from '../time/time-window.ts';
import {TriggerResult, type Trigger, type TriggerContext} from './trigger.ts';

/** The default trigger of processing-time windows. Source: Flink's ProcessingTimeTrigger. */
export class ProcessingTimeTrigger implements Trigger {
  readonly name = 'ProcessingTimeTrigger()';

  static create(): ProcessingTimeTrigger {
    return new ProcessingTimeTrigger();
  }

  onElement(
    _element: unknown,
    _timestamp: number,
    window: TimeWindow,
    context: TriggerContext,
  ): TriggerResult {
    context.registerProcessingTimeTimer(window.maxTimestamp);
    return TriggerResult.CONTINUE;
  }

  onEventTime(): TriggerResult {
    return TriggerResult.CONTINUE;
  }

  onProcessingTime(): TriggerResult {
    return TriggerResult.FIRE;
  }

  onMerge({maxTimestamp}: TimeWindow, context: TriggerContext): void {
    if (maxTimestamp > context.currentProcessingTime) {
      context.registerProcessingTimeTimer(maxTimestamp);
    }
  }

  clear(window: TimeWindow, context: TriggerContext): void {
    context.deleteProcessingTimeTimer(window.maxTimestamp);
  }
}
