/**
 * Declares a stream idle that has been silent for long enough. It looks only when it is asked, at each
 * auto-watermark interval: the first look without a new record starts the timer, and the first look at
 * which the timer is older than the timeout declares the stream idle. Any record makes it active again,
 * with the next watermark.
 *
 * Source: Flink's WatermarksWithIdleness (flink.md §3).
 */
import type {ActivityClock} from './activity-clock.ts';
import {
  TRACE_EVENTS,
  eventTrace,
  type EventTrace,
  type WatermarkGenerator,
  type WatermarkOutput,
} from './watermark-generator.ts';

/** The timer is not running. */
const NOT_STARTED = 0;

export class IdlenessTimer {
  readonly #clock: ActivityClock;
  readonly #timeoutMs: number;
  readonly #trace: EventTrace;
  #eventsSeen = 0;
  #silentSinceMs = NOT_STARTED;

  constructor(clock: ActivityClock, timeoutMs: number, trace = eventTrace()) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#trace = trace;
  }

  /** A record has come. */
  activity(): void {
    this.#trace[TRACE_EVENTS] += 1;
  }

  /** Whether the stream has been silent for longer than the timeout. Each call is a look. */
  checkIfIdle(): boolean {
    const events = this.#trace[TRACE_EVENTS]!;
    if (events !== this.#eventsSeen) {
      this.#eventsSeen = events;
      this.#silentSinceMs = NOT_STARTED;
      return false;
    }
    if (this.#silentSinceMs === NOT_STARTED) {
      this.#silentSinceMs = this.#clock.now();
      return false;
    }
    return this.#clock.now() - this.#silentSinceMs > this.#timeoutMs;
  }
}

/** Adds idleness to another generator. */
export class WatermarksWithIdleness<T> implements WatermarkGenerator<T> {
  readonly #generator: WatermarkGenerator<T>;
  readonly #timer: IdlenessTimer;
  readonly #trace: EventTrace;
  /** At how many records the stream was declared idle; -1: it is not. */
  #idleAtEvents = -1;

  constructor(
    generator: WatermarkGenerator<T>,
    timeoutMs: number,
    clock: ActivityClock,
    trace = eventTrace(),
  ) {
    this.#generator = generator;
    this.#trace = trace;
    this.#timer = new IdlenessTimer(clock, timeoutMs, trace);
  }

  onEvent(event: T, timestamp: number, output: WatermarkOutput): void {
    this.#generator.onEvent(event, timestamp, output);
    this.#timer.activity();
  }

  /** Emits the watermark between two looks. */
  emitNow(output: WatermarkOutput): void {
    this.#generator.onPeriodicEmit(output);
  }

  onPeriodicEmit(output: WatermarkOutput): void {
    if (!this.#timer.checkIfIdle()) {
      this.#generator.onPeriodicEmit(output);
    } else if (this.#idleAtEvents !== this.#trace[TRACE_EVENTS]) {
      output.markIdle();
      this.#idleAtEvents = this.#trace[TRACE_EVENTS]!;
    }
  }
}
