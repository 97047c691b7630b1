/**
 * How watermarks are made from records. A generator sees each record after it has been handed on, and is
 * asked at intervals; what it emits goes to an output, which takes only what is larger than before.
 * A generator belongs to one subtask, or to one split of a source: it may keep plain state.
 */
import type {ActivityClock} from './activity-clock.ts';
import {MIN_WATERMARK} from './watermark.ts';

/** Takes watermarks and idleness. */
export interface WatermarkOutput {
  /** No record with a timestamp of at most `watermark` will follow. Makes the stream active again. */
  emitWatermark(watermark: number): void;
  /** Nothing will come for a while: nobody should wait for watermarks of this stream. */
  markIdle(): void;
  markActive(): void;
}

/** Makes watermarks; Flink's interface of the same name. */
export interface WatermarkGenerator<T> {
  /** After each record. `timestamp` is NaN for a record that has none. */
  onEvent(event: T, timestamp: number, output: WatermarkOutput): void;
  /** At each auto-watermark interval, and at the end of the stream. */
  onPeriodicEmit(output: WatermarkOutput): void;
}

export interface WatermarkGeneratorContext {
  /** Stands still while the task cannot read because its outputs are full. */
  readonly activityClock: ActivityClock;
}

/** Places of an `EventTrace`. */
export const TRACE_MAX_TIMESTAMP = 0;
export const TRACE_EVENTS = 1;

/**
 * What the built-in generators have to know about the records: the largest timestamp, and a number that
 * changes with each of them. Float64, because generated code writes it in its loop: 2 ns per record,
 * without a call.
 */
export type EventTrace = Float64Array;

export function eventTrace(): EventTrace {
  const trace = new Float64Array(2);
  trace[TRACE_MAX_TIMESTAMP] = MIN_WATERMARK;
  return trace;
}

/** Watermarks that stay behind the largest timestamp by a bound. */
export class BoundedOutOfOrdernessWatermarks implements WatermarkGenerator<unknown> {
  readonly #trace: EventTrace;
  readonly #boundMs: number;

  constructor(boundMs: number, trace = eventTrace()) {
    this.#boundMs = boundMs;
    this.#trace = trace;
  }

  onEvent(_event: unknown, timestamp: number): void {
    if (timestamp > this.#trace[TRACE_MAX_TIMESTAMP]!) this.#trace[TRACE_MAX_TIMESTAMP] = timestamp;
  }

  onPeriodicEmit(output: WatermarkOutput): void {
    output.emitWatermark(this.#trace[TRACE_MAX_TIMESTAMP]! - this.#boundMs - 1);
  }
}

/** No watermarks at all. */
export class NoWatermarks implements WatermarkGenerator<unknown> {
  onEvent(): void {}

  onPeriodicEmit(): void {}
}
