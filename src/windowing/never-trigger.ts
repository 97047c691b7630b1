/** Never fires. */
import {TriggerResult, type Trigger} from './trigger.ts';

/** The default trigger of global windows. Source: Flink's NeverTrigger. */
export class NeverTrigger implements Trigger {
  readonly name = 'NeverTrigger()';
  readonly canMerge = false;

  static create(): NeverTrigger {
    return new NeverTrigger();
  }

  onElement(): TriggerResult {
    return TriggerResult.CONTINUE;
  }

  onEventTime(): TriggerResult {
    return TriggerResult.CONTINUE;
  }

  onProcessingTime(): TriggerResult {
    return TriggerResult.CONTINUE;
  }

  clear(): void {}
}
