/**
 * Which windows an element belongs to. Assigners are part of a job's description: every subtask has
 * its own through `forSubtask`, so one may remember things, and none is shared by threads.
 *
 * Windows are `[start, end)`, in milliseconds. A window without an end is the global one
 * (`GLOBAL_WINDOW`).
 */
import {StreamError, showValue} from '../base/errors.ts';
import {TimeWindow} from '../time/time-window.ts';
import type {Trigger} from './trigger.ts';

/** What an assigner may look at besides the element. */
export interface WindowAssignerContext {
  /** Milliseconds since 1970. */
  readonly currentProcessingTime: number;
  /** From 0; for assigners that treat subtasks differently. */
  readonly subtaskIndex: number;
}

/**
 * Assigns windows to elements. `T` is the type of the elements.
 *
 * Source: Flink's WindowAssigner.
 */
export interface WindowAssigner<T = any> {
  /** Shown in plans: `TumblingEventTimeWindows(1000)`. */
  readonly name: string;
  /** Whether windows end by watermarks; else by the clock of the machine. */
  readonly isEventTime: boolean;
  /** The trigger of windows for which none is set. */
  readonly defaultTrigger: Trigger<T>;
  /** `timestamp` is -Infinity for an element without timestamp. */
  assignWindows(
    element: T,
    timestamp: number,
    context: WindowAssignerContext,
  ): readonly TimeWindow[];
  /** An assigner for one subtask, if assigners have something to remember. */
  forSubtask?(): WindowAssigner<T>;
}

/**
 * An assigner whose windows may grow into each other, such as sessions.
 *
 * Source: Flink's MergingWindowAssigner.
 */
export interface MergingWindowAssigner<T = any> extends WindowAssigner<T> {
  /** Says, by calls of `merge`, which of the windows of a key become one. */
  mergeWindows(
    windows: readonly TimeWindow[],
    merge: (merged: readonly TimeWindow[], result: TimeWindow) => void,
  ): void;
}

export function isMerging(assigner: WindowAssigner): assigner is MergingWindowAssigner {
  return typeof (assigner as Partial<MergingWindowAssigner>).mergeWindows === 'function';
}

/** The start of the window of `timestamp` among windows of `size` that begin at `offset` + n × size. */
export function windowStart(timestamp: number, offset: number, size: number): number {
  const remainder = (timestamp - offset) % size;
  return timestamp - (remainder < 0 ? remainder + size : remainder);
}

/** Refuses an element that has no place in time. */
export function checkTimestamp(assigner: string, element: unknown, timestamp: number): void {
  if (Number.isFinite(timestamp)) return;
  throw new StreamError(
    'E_WINDOW_TIMESTAMP',
    timestamp === Infinity
      ? 'a record from the end of time has no window'
      : 'an event-time window met a record without timestamp',
    {windows: assigner, record: showValue(element)},
    {
      remedy:
        timestamp === Infinity
          ? 'results of global windows carry no usable timestamp: assign one'
          : 'call assignTimestampsAndWatermarks() in front of the window, or use processing time',
    },
  );
}

/** Refuses a length of time that is not a whole positive number of milliseconds. */
export function checkDuration(what: string, ms: unknown): number {
  if (Number.isSafeInteger(ms) && (ms as number) > 0) return ms as number;
  throw new StreamError(
    'E_WINDOW_SIZE',
    `${what} must be a positive whole number of milliseconds`,
    {value: showValue(ms)},
    {remedy: 'write seconds as 5_000'},
  );
}

/** Refuses an offset that is not smaller than what it shifts. */
export function checkOffset(offsetMs: unknown, limitMs: number, limit: string): number {
  if (Number.isSafeInteger(offsetMs) && Math.abs(offsetMs as number) < limitMs) {
    return offsetMs as number;
  }
  throw new StreamError(
    'E_WINDOW_OFFSET',
    `the offset of windows must be a whole number of milliseconds below their ${limit}`,
    {offsetMs: showValue(offsetMs), [`${limit}Ms`]: limitMs},
    {remedy: `an offset of a whole ${limit} changes nothing: take the remainder`},
  );
}
