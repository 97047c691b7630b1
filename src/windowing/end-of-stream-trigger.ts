/** Fires once, when the last watermark of bounded input has come. */
import type {TimeWindow} from '../time/time-window.ts';
import {TriggerResult, type Trigger, type TriggerContext} from './trigger.ts';

/** For global windows. Source: Flink's GlobalWindows.EndOfStreamTrigger. */
export class EndOfStreamTrigger implements Trigger {
  readonly name = 'EndOfStreamTrigger()';
  readonly canMerge = false;

  static create(): EndOfStreamTrigger {
    return new EndOfStreamTrigger();
  }

  onElement(
    _element: unknown,
    _timestamp: number,
    window: TimeWindow,
    context: TriggerContext,
  ): TriggerResult {
    context.registerEventTimeTimer(window.maxTimestamp);
    return TriggerResult.CONTINUE;
  }

  onEventTime(time: number, window: TimeWindow): TriggerResult {
    return time === window.maxTimestamp ? TriggerResult.FIRE : TriggerResult.CONTINUE;
  }

  onProcessingTime(): TriggerResult {
    return TriggerResult.CONTINUE;
  }

  clear(): void {}
}
