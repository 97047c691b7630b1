/**
 * When a window's function is called, and when its contents are dropped. A trigger is part of a job's
 * description and shared by all windows: what it remembers of one of them is partitioned state, which
 * it finds through its context.
 */
import type {Counter} from '../metrics/counter.ts';
import type {
  AggregatingState,
  ListState,
  MapState,
  ReducingState,
  ValueState,
} from '../state/keyed-state.ts';
import type {
  AggregatingStateDescriptor,
  ListStateDescriptor,
  MapStateDescriptor,
  ReducingStateDescriptor,
  ValueStateDescriptor,
} from '../state/state-descriptors.ts';
import type {TimeWindow} from '../time/time-window.ts';

/** What a trigger wants to be done: nothing, or one or both of two things. */
export type TriggerResult = 0 | 1 | 2 | 3;

export const TriggerResult = {
  CONTINUE: 0,
  /** Call the function on what the window holds. */
  FIRE: 1,
  /** Drop what the window holds; the window itself, and its state, stay. */
  PURGE: 2,
  FIRE_AND_PURGE: 3,
} as const satisfies Record<string, TriggerResult>;

export function isFire(result: TriggerResult): boolean {
  return (result & TriggerResult.FIRE) !== 0;
}

export function isPurge(result: TriggerResult): boolean {
  return (result & TriggerResult.PURGE) !== 0;
}

/** What a trigger may know and do about the window that it was called for. */
export interface TriggerContext {
  /** -Infinity before the first watermark. */
  readonly currentWatermark: number;
  /** Milliseconds since 1970. */
  readonly currentProcessingTime: number;
  /** A counter of the subtask's metrics. */
  counter(name: string): Counter;
  /** `onEventTime` is called when the watermark reaches `time`. The same timer twice is one timer. */
  registerEventTimeTimer(time: number): void;
  registerProcessingTimeTimer(time: number): void;
  /** A timer that is not there is no error. */
  deleteEventTimeTimer(time: number): void;
  deleteProcessingTimeTimer(time: number): void;
  /** The state of the present key and window. */
  getPartitionedState<T>(descriptor: ValueStateDescriptor<T>): ValueState<T>;
  getPartitionedState<T>(descriptor: ListStateDescriptor<T>): ListState<T>;
  getPartitionedState<K, V>(descriptor: MapStateDescriptor<K, V>): MapState<K, V>;
  getPartitionedState<T>(descriptor: ReducingStateDescriptor<T>): ReducingState<T>;
  getPartitionedState<I, A, O>(
    descriptor: AggregatingStateDescriptor<I, A, O>,
  ): AggregatingState<I, O>;
}

/** The context of `onMerge`. */
export interface OnMergeContext extends TriggerContext {
  /** Merges the state of the old windows into that of the new one; list, reducing and aggregating. */
  mergePartitionedState(
    descriptor:
      | ListStateDescriptor<any>
      | ReducingStateDescriptor<any>
      | AggregatingStateDescriptor<any, any, any>,
  ): void;
}

/**
 * Decides for each element and each timer what happens to a window.
 *
 * Source: Flink's Trigger (flink.md §4.3).
 */
export interface Trigger<T = any> {
  /** Shown in plans: `CountTrigger(3)`. */
  readonly name: string;
  /** Whether it can be used with windows that merge. Default: whether it has `onMerge`. */
  readonly canMerge?: boolean;
  /** `timestamp` is -Infinity for an element without timestamp. */
  onElement(
    element: T,
    timestamp: number,
    window: TimeWindow,
    context: TriggerContext,
  ): TriggerResult;
  onEventTime(time: number, window: TimeWindow, context: TriggerContext): TriggerResult;
  onProcessingTime(time: number, window: TimeWindow, context: TriggerContext): TriggerResult;
  /** Several windows have become `window`; they are cleared next. */
  onMerge?(window: TimeWindow, context: OnMergeContext): void;
  /** The window is dropped: drop what is remembered of it, timers too. */
  clear(window: TimeWindow, context: TriggerContext): void;
}

/** Whether `trigger` can be used with a merging assigner. */
export function canMerge(trigger: Trigger): boolean {
  return trigger.canMerge ?? typeof trigger.onMerge === 'function';
}
