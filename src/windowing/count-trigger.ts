/** Fires each time that a window has got a number of elements. */
import {StreamError, showValue} from '../base/errors.ts';
import {ReducingStateDescriptor} from '../state/state-descriptors.ts';
import type {TimeWindow} from '../time/time-window.ts';
import {TriggerResult, type OnMergeContext, type Trigger, type TriggerContext} from './trigger.ts';

/**
 * Counts the elements of a window, also in windows that a time trigger would end: it takes that one's
 * place, so what is left when a window is cleaned up is dropped.
 *
 * Source: Flink's CountTrigger.
 */
export class CountTrigger implements Trigger {
  readonly name: string;
  readonly maxCount: number;
  readonly #count = new ReducingStateDescriptor<number>('count', (a, b) => a + b);

  /** Not for users: call `of`. */
  constructor(maxCount: number) {
    this.maxCount = maxCount;
    this.name = `CountTrigger(${maxCount})`;
  }

  /** Fires at `maxCount` elements, > 0. Errors: `E_WINDOW_COUNT`. */
  static of(maxCount: number): CountTrigger {
    return new CountTrigger(checkCount('the count of a trigger', maxCount));
  }

  onElement(
    _element: unknown,
    _timestamp: number,
    _window: TimeWindow,
    context: TriggerContext,
  ): TriggerResult {
    const count = context.getPartitionedState(this.#count);
    count.add(1);
    if (count.get()! < this.maxCount) return TriggerResult.CONTINUE;
    count.clear();
    return TriggerResult.FIRE;
  }

  onEventTime(): TriggerResult {
    return TriggerResult.CONTINUE;
  }

  onProcessingTime(): TriggerResult {
    return TriggerResult.CONTINUE;
  }

  onMerge(_window: TimeWindow, context: OnMergeContext): void {
    context.mergePartitionedState(this.#count);
  }

  clear(_window: TimeWindow, context: TriggerContext): void {
    context.getPartitionedState(this.#count).clear();
  }
}

/** Refuses what is not a whole positive number. */
export function checkCount(what: string, count: unknown): number {
  if (Number.isSafeInteger(count) && (count as number) > 0) return count as number;
  throw new StreamError('E_WINDOW_COUNT', `${what} must be a positive whole number`, {
    value: showValue(count),
  });
}
