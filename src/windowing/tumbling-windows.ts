/** Windows of one size that follow each other without gaps: each element has exactly one. */
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
import {WindowStagger} from './window-stagger.ts';

abstract class TumblingWindows implements WindowAssigner {
  abstract readonly isEventTime: boolean;
  abstract readonly defaultTrigger: Trigger;
  readonly name: string;
  readonly sizeMs: number;
  readonly offsetMs: number;
  readonly stagger: WindowStagger;
  #staggerOffsetMs: number | undefined;

  constructor(kind: string, sizeMs: number, offsetMs: number, stagger: WindowStagger) {
    this.sizeMs = checkDuration('the size of a window', sizeMs);
    this.offsetMs = checkOffset(offsetMs, sizeMs, 'size');
    this.stagger = stagger;
    this.name = `${kind}(${sizeMs})`;
  }

  abstract forSubtask(): WindowAssigner;
  abstract assignWindows(
    element: unknown,
    timestamp: number,
    context: WindowAssignerContext,
  ): readonly TimeWindow[];

  protected windowOf(timestamp: number, nowMs: number): readonly TimeWindow[] {
    const {sizeMs} = this;
    this.#staggerOffsetMs ??= this.stagger.offsetMs(nowMs, sizeMs);
    const start = windowStart(timestamp, (this.offsetMs + this.#staggerOffsetMs) % sizeMs, sizeMs);
    return [new TimeWindow(start, start + sizeMs)];
  }
}

/**
 * Windows of `sizeMs` milliseconds of event time.
 *
 * Source: Flink's TumblingEventTimeWindows.
 */
export class TumblingEventTimeWindows extends TumblingWindows {
  readonly isEventTime = true;
  readonly defaultTrigger = EventTimeTrigger.create();

  /**
   * Shape:  `[offset + n × size, offset + (n + 1) × size)`.
   * Units:  milliseconds; the offset may be negative, its amount is below the size.
   * Errors: `E_WINDOW_SIZE`, `E_WINDOW_OFFSET`; at run time `E_WINDOW_TIMESTAMP`.
   */
  static of(
    sizeMs: number,
    offsetMs = 0,
    stagger: WindowStagger = WindowStagger.ALIGNED,
  ): TumblingEventTimeWindows {
    return new TumblingEventTimeWindows('TumblingEventTimeWindows', sizeMs, offsetMs, stagger);
  }

  forSubtask(): TumblingEventTimeWindows {
    return TumblingEventTimeWindows.of(this.sizeMs, this.offsetMs, this.stagger);
  }

  assignWindows(
    element: unknown,
    timestamp: number,
    context: WindowAssignerContext,
  ): readonly TimeWindow[] {
    checkTimestamp(this.name, element, timestamp);
    return this.windowOf(timestamp, context.currentProcessingTime);
  }
}

/**
 * Windows of `sizeMs` milliseconds of processing time.
 *
 * Source: Flink's TumblingProcessingTimeWindows.
 */
export class TumblingProcessingTimeWindows extends TumblingWindows {
  readonly isEventTime = false;
  readonly defaultTrigger = ProcessingTimeTrigger.create();

  /** As for event time; the time of an element is when it is processed. */
  static of(
    sizeMs: number,
    offsetMs = 0,
    stagger: WindowStagger = WindowStagger.ALIGNED,
  ): TumblingProcessingTimeWindows {
    return new TumblingProcessingTimeWindows(
      'TumblingProcessingTimeWindows',
      sizeMs,
      offsetMs,
      stagger,
    );
  }

  forSubtask(): TumblingProcessingTimeWindows {
    return TumblingProcessingTimeWindows.of(this.sizeMs, this.offsetMs, this.stagger);
  }

  assignWindows(
    _element: unknown,
    _timestamp: number,
    {currentProcessingTime}: WindowAssignerContext,
  ): readonly TimeWindow[] {
    return this.windowOf(currentProcessingTime, currentProcessingTime);
  }
}
