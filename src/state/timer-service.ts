/**
 * The timers of a keyed operator. A timer is (key, namespace, timestamp): registered twice it is one,
 * and deleting one that is not there does nothing. Due timers fire in the order of their timestamps; equal
 * ones in the order in which they were registered, which Flink leaves open. One thread.
 *
 * Time advances first, then timers fire; a timer that is registered meanwhile and is due fires in the
 * same advance, even if it lies before the one that has just fired. Timers are part of the snapshots of
 * the backend; the watermark is not: a restored operator begins at the start of time.
 */
import type {Clock} from '../base/clock.ts';
import {MIN_WATERMARK} from '../time/watermark.ts';
import type {KeyedStateBackend} from './keyed-state-backend.ts';
import type {StateNamespace} from './keyed-state.ts';
import type {TimerQueue} from './timer-queue.ts';

/** Takes a timer that fires; the backend's current key is `key`. */
export type OnTimer<N extends StateNamespace> = (
  key: unknown,
  namespace: N,
  timestamp: number,
) => void;

export interface TimerServiceOptions<N extends StateNamespace> {
  readonly backend: KeyedStateBackend;
  /** Unique within the operator. */
  readonly name: string;
  readonly clock: Clock;
  readonly onEventTime: OnTimer<N>;
  readonly onProcessingTime: OnTimer<N>;
}

const ALWAYS = () => true;

export class TimerService<N extends StateNamespace = StateNamespace> {
  readonly #backend: KeyedStateBackend;
  readonly #clock: Clock;
  readonly #eventTimers: TimerQueue;
  readonly #processingTimers: TimerQueue;
  readonly #onEventTime: OnTimer<N>;
  readonly #onProcessingTime: OnTimer<N>;
  #currentWatermark = MIN_WATERMARK;

  constructor({backend, name, clock, onEventTime, onProcessingTime}: TimerServiceOptions<N>) {
    this.#backend = backend;
    this.#clock = clock;
    this.#onEventTime = onEventTime;
    this.#onProcessingTime = onProcessingTime;
    this.#eventTimers = backend.timerQueue(name, 'event');
    this.#processingTimers = backend.timerQueue(name, 'processing');
  }

  get currentWatermark(): number {
    return this.#currentWatermark;
  }

  /** Whole milliseconds, as in Flink. */
  currentProcessingTime(): number {
    return Math.floor(this.#clock.now());
  }

  /** For the current key of the backend, as the next three. */
  registerEventTimeTimer(namespace: N, timestamp: number): void {
    this.#eventTimers.add(namespace, timestamp);
  }

  deleteEventTimeTimer(namespace: N, timestamp: number): void {
    this.#eventTimers.delete(namespace, timestamp);
  }

  registerProcessingTimeTimer(namespace: N, timestamp: number): void {
    this.#processingTimers.add(namespace, timestamp);
  }

  deleteProcessingTimeTimer(namespace: N, timestamp: number): void {
    this.#processingTimers.delete(namespace, timestamp);
  }

  /** How many timers wait. */
  get eventTimerCount(): number {
    return this.#eventTimers.size;
  }

  get processingTimerCount(): number {
    return this.#processingTimers.size;
  }

  /**
   * Fires all event-time timers up to `watermark`, which is the current one from now on, and returns
   * whether that is done. Stops between two timers when `canGoOn` says no; call it again then.
   */
  advanceWatermark(watermark: number, canGoOn: () => boolean = ALWAYS): boolean {
    this.#currentWatermark = watermark;
    return this.#fire(this.#eventTimers, this.#onEventTime, watermark, canGoOn);
  }

  /** The same for timers of processing time. */
  advanceProcessingTime(nowMs: number, canGoOn: () => boolean = ALWAYS): boolean {
    return this.#fire(this.#processingTimers, this.#onProcessingTime, nowMs, canGoOn);
  }

  /** When the first timer of processing time is due, or Infinity. */
  get nextProcessingTimeMs(): number {
    return this.#processingTimers.nextTimestamp;
  }

  #fire(queue: TimerQueue, onTimer: OnTimer<N>, until: number, canGoOn: () => boolean): boolean {
    while (queue.size > 0 && queue.nextTimestamp <= until) {
      if (!canGoOn()) return false;
      queue.poll();
      onTimer(this.#backend.currentKey, queue.polledNamespace as N, queue.polledTimestamp);
    }
    return true;
  }
}
