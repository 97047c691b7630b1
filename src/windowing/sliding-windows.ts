/** Windows of one size that begin every `slide`: each element has size / slide of them. */
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

abstract class SlidingWindows implements WindowAssigner {
  abstract readonly isEventTime: boolean;
  abstract readonly defaultTrigger: Trigger;
  readonly name: string;
  readonly sizeMs: number;
  readonly slideMs: number;
  readonly offsetMs: number;

  constructor(kind: string, sizeMs: number, slideMs: number, offsetMs: number) {
    this.sizeMs = checkDuration('the size of a window', sizeMs);
    this.slideMs = checkDuration('the slide of windows', slideMs);
    this.offsetMs = checkOffset(offsetMs, slideMs, 'slide');
    this.name = `${kind}(${sizeMs}, ${slideMs})`;
  }

  abstract assignWindows(
    element: unknown,
    timestamp: number,
    context: WindowAssignerContext,
  ): readonly TimeWindow[];

  /** The latest window first, as Flink has them; none at all in a gap between windows. */
  protected windowsOf(timestamp: number): readonly TimeWindow[] {
    const {sizeMs, slideMs, offsetMs} = this;
    const windows: TimeWindow[] = [];
    const last = windowStart(timestamp, offsetMs, slideMs);
    for (let start = last; start > timestamp - sizeMs; start -= slideMs) {
      windows.push(new TimeWindow(start, start + sizeMs));
    }
    return windows;
  }
}

/**
 * Windows of `sizeMs` milliseconds of event time, one every `slideMs`.
 *
 * Source: Flink's SlidingEventTimeWindows.
 */
export class SlidingEventTimeWindows extends SlidingWindows {
  readonly isEventTime = true;
  readonly defaultTrigger = EventTimeTrigger.create();

  /**
   * Shape:  `[offset + n × slide, offset + n × slide + size)`. With a slide above the size, elements
   *         between windows belong to none.
   * Units:  milliseconds; the offset may be negative, its amount is below the slide.
   * Errors: `E_WINDOW_SIZE`, `E_WINDOW_OFFSET`; at run time `E_WINDOW_TIMESTAMP`.
   */
  static of(sizeMs: number, slideMs: number, offsetMs = 0): SlidingEventTimeWindows {
    return new SlidingEventTimeWindows('SlidingEventTimeWindows', sizeMs, slideMs, offsetMs);
  }

  assignWindows(element: unknown, timestamp: number): readonly TimeWindow[] {
    checkTimestamp(this.name, element, timestamp);
    return this.windowsOf(timestamp);
  }
}

/**
 * Windows of `sizeMs` milliseconds of processing time, one every `slideMs`.
 *
 * Source: Flink's SlidingProcessingTimeWindows.
 */
export class SlidingProcessingTimeWindows extends SlidingWindows {
  readonly isEventTime = false;
  readonly defaultTrigger = ProcessingTimeTrigger.create();

  /** As for event time; the time of an element is when it is processed. */
  static of(sizeMs: number, slideMs: number, offsetMs = 0): SlidingProcessingTimeWindows {
    return new SlidingProcessingTimeWindows(
      'SlidingProcessingTimeWindows',
      sizeMs,
      slideMs,
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
