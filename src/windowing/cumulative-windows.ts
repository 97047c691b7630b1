/**
 * Windows that begin together and end one step after the other, up to a size: the first hour, the first
 * two hours, … the whole day. Each element belongs to those that end behind it.
 */
import {StreamError} from '../base/errors.ts';
import {TimeWindow} from '../time/time-window.ts';
import {EventTimeTrigger} from './event-time-trigger.ts';
import {ProcessingTimeTrigger} from './processing-time-trigger.ts';
import type {Trigger} from './trigger.ts';
import {
  checkDuration,
  checkOffset,
  checkTimestamp,
  windowStart,
  type WindowAssigner,
  type WindowAssignerContext,
} from './window-assigner.ts';

abstract class CumulativeWindows implements WindowAssigner {
  abstract readonly isEventTime: boolean;
  abstract readonly defaultTrigger: Trigger;
  readonly name: string;
  readonly sizeMs: number;
  readonly stepMs: number;
  readonly offsetMs: number;

  constructor(kind: string, sizeMs: number, stepMs: number, offsetMs: number) {
    this.sizeMs = checkDuration('the size of a window', sizeMs);
    this.stepMs = checkDuration('the step of windows', stepMs);
    this.offsetMs = checkOffset(offsetMs, sizeMs, 'size');
    this.name = `${kind}(${sizeMs}, ${stepMs})`;
    if (sizeMs % stepMs === 0) return;
    throw new StreamError(
      'E_WINDOW_SIZE',
      'the size of cumulative windows must be a multiple of their step',
      {sizeMs, stepMs},
    );
  }

  abstract assignWindows(
    element: unknown,
    timestamp: number,
    context: WindowAssignerContext,
  ): readonly TimeWindow[];

  protected windowsOf(timestamp: number): readonly TimeWindow[] {
    const {sizeMs, stepMs, offsetMs} = this;
    const windows: TimeWindow[] = [];
    const start = windowStart(timestamp, offsetMs, sizeMs);
    const first = windowStart(timestamp, start, stepMs) + stepMs;
    for (let end = first; end <= start + sizeMs; end += stepMs) {
      windows.push(new TimeWindow(start, end));
    }
    return windows;
  }
}

/**
 * Cumulative windows of event time.
 *
 * Source: Flink SQL's CUMULATE; its DataStream API has no such assigner.
 */
export class CumulativeEventTimeWindows extends CumulativeWindows {
  readonly isEventTime = true;
  readonly defaultTrigger = EventTimeTrigger.create();

  /**
   * Shape:  `[start, start + step)`, `[start, start + 2 × step)`, … `[start, start + size)`, where starts
   *         are `offset + n × size`.
   * Units:  milliseconds; the size is a multiple of the step.
   * Errors: `E_WINDOW_SIZE`, `E_WINDOW_OFFSET`; at run time `E_WINDOW_TIMESTAMP`.
   */
  static of(sizeMs: number, stepMs: number, offsetMs = 0): CumulativeEventTimeWindows {
    return new CumulativeEventTimeWindows('CumulativeEventTimeWindows', sizeMs, stepMs, offsetMs);
  }

  assignWindows(element: unknown, timestamp: number): readonly TimeWindow[] {
    checkTimestamp(this.name, element, timestamp);
    return this.windowsOf(timestamp);
  }
}

/** Cumulative windows of processing time. */
export class CumulativeProcessingTimeWindows extends CumulativeWindows {
  readonly isEventTime = false;
  readonly defaultTrigger = ProcessingTimeTrigger.create();

  /** As for event time; the time of an element is when it is processed. */
  static of(sizeMs: number, stepMs: number, offsetMs = 0): CumulativeProcessingTimeWindows {
    return new CumulativeProcessingTimeWindows(
      'CumulativeProcessingTimeWindows',
      sizeMs,
      stepMs,
      offsetMs,
    );
  }

  assignWindows(
    _element: unknown,
    _timestamp: number,
    {currentProcessingTime}: WindowAssignerContext,
  ): readonly TimeWindow[] {
    return this.windowsOf(currentProcessingTime);
  }
}
