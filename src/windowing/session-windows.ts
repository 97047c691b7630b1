/**
 * Sessions: an element opens `[t, t + gap)`, and windows of a key that overlap or touch become one. So a
 * session ends when nothing has come for the length of the gap.
 */
import {StreamError, showValue} from '../base/errors.ts';
import {TimeWindow} from '../time/time-window.ts';
import {EventTimeTrigger} from './event-time-trigger.ts';
import {ProcessingTimeTrigger} from './processing-time-trigger.ts';
import type {Trigger} from './trigger.ts';
import {
  checkDuration,
  checkTimestamp,
  type MergingWindowAssigner,
  type WindowAssignerContext,
} from './window-assigner.ts';

/** Gives the gap of the session that an element opens, in milliseconds, > 0. */
export type SessionGap<T = any> = (element: T) => number;

/**
 * Merges windows that overlap or touch, in the order of their starts.
 *
 * Source: Flink's TimeWindow.mergeWindows.
 */
export function mergeTouching(
  windows: readonly TimeWindow[],
  merge: (merged: readonly TimeWindow[], result: TimeWindow) => void,
): void {
  const sorted = [...windows].sort((a, b) => a.start - b.start);
  let merged: TimeWindow[] = [];
  let result: TimeWindow | undefined;
  for (const window of sorted) {
    if (result !== undefined && result.intersects(window)) {
      result = result.cover(window);
      merged.push(window);
      continue;
    }
    if (merged.length > 1) merge(merged, result!);
    result = window;
    merged = [window];
  }
  if (merged.length > 1) merge(merged, result!);
}

abstract class SessionWindows<T> implements MergingWindowAssigner<T> {
  abstract readonly isEventTime: boolean;
  abstract readonly defaultTrigger: Trigger;
  readonly name: string;
  /** Undefined where the gap depends on the element. */
  readonly gapMs: number | undefined;
  readonly #gap: SessionGap<T>;

  constructor(kind: string, gap: number | SessionGap<T>) {
    if (typeof gap === 'function') {
      this.gapMs = undefined;
      this.#gap = gap;
      this.name = `Dynamic${kind}`;
    } else {
      const gapMs = checkDuration('the gap of sessions', gap);
      this.gapMs = gapMs;
      this.#gap = () => gapMs;
      this.name = `${kind}(${gapMs})`;
    }
  }

  /** What the gap is read by, for the graph's hash. */
  get gapFunction(): SessionGap<T> | undefined {
    return this.gapMs === undefined ? this.#gap : undefined;
  }

  abstract assignWindows(
    element: T,
    timestamp: number,
    context: WindowAssignerContext,
  ): readonly TimeWindow[];

  mergeWindows(
    windows: readonly TimeWindow[],
    merge: (merged: readonly TimeWindow[], result: TimeWindow) => void,
  ): void {
    mergeTouching(windows, merge);
  }

  protected windowFrom(element: T, start: number): readonly TimeWindow[] {
    const gapMs = this.#gap(element);
    if (typeof gapMs === 'number' && gapMs > 0 && Number.isFinite(gapMs)) {
      return [new TimeWindow(start, start + gapMs)];
    }
    throw new StreamError(
      'E_WINDOW_GAP',
      'the gap of a session must be a positive number of milliseconds',
      {gapMs: showValue(gapMs), record: showValue(element)},
      {remedy: 'check the function that gives the gap of an element'},
    );
  }
}

/**
 * Sessions in event time.
 *
 * Source: Flink's EventTimeSessionWindows and DynamicEventTimeSessionWindows.
 */
export class EventTimeSessionWindows<T = any> extends SessionWindows<T> {
  readonly isEventTime = true;
  readonly defaultTrigger = EventTimeTrigger.create();

  /**
   * Sessions that end after a silence of `gapMs`. An element exactly `gapMs` later still belongs to the
   * session.
   *
   * Units: milliseconds, > 0. Result: fires when the watermark reaches `end - 1`, which is also its
   * timestamp. Errors: `E_WINDOW_SIZE`; at run time `E_WINDOW_TIMESTAMP`. Cost: one timer and one entry
   * per open session.
   */
  static withGap(gapMs: number): EventTimeSessionWindows {
    return new EventTimeSessionWindows('EventTimeSessionWindows', gapMs);
  }

  /** Sessions with a gap for each element. Errors at run time: `E_WINDOW_GAP`, `E_WINDOW_TIMESTAMP`. */
  static withDynamicGap<T>(gap: SessionGap<T>): EventTimeSessionWindows<T> {
    return new EventTimeSessionWindows<T>('EventTimeSessionWindows', gap);
  }

  assignWindows(element: T, timestamp: number): readonly TimeWindow[] {
    checkTimestamp(this.name, element, timestamp);
    return this.windowFrom(element, timestamp);
  }
}

/**
 * Sessions in processing time.
 *
 * Source: Flink's ProcessingTimeSessionWindows and DynamicProcessingTimeSessionWindows.
 */
export class ProcessingTimeSessionWindows<T = any> extends SessionWindows<T> {
  readonly isEventTime = false;
  readonly defaultTrigger = ProcessingTimeTrigger.create();

  /** As for event time; the time of an element is when it is processed. */
  static withGap(gapMs: number): ProcessingTimeSessionWindows {
    return new ProcessingTimeSessionWindows('ProcessingTimeSessionWindows', gapMs);
  }

  /** Sessions with a gap for each element. Errors at run time: `E_WINDOW_GAP`. */
  static withDynamicGap<T>(gap: SessionGap<T>): ProcessingTimeSessionWindows<T> {
    return new ProcessingTimeSessionWindows<T>('ProcessingTimeSessionWindows', gap);
  }

  assignWindows(
    element: T,
    _timestamp: number,
    {currentProcessingTime}: WindowAssignerContext,
  ): readonly TimeWindow[] {
    return this.windowFrom(element, currentProcessingTime);
  }
}
