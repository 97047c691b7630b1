/** Time and timers as user functions get them: for the present key, or, without keys, time alone. */
import type {Clock} from '../base/clock.ts';
import {StreamError, showValue} from '../base/errors.ts';
import type {TimerService as InternalTimerService} from '../state/timer-service.ts';
import type {TimerService} from './functions.ts';

/** User timers have no namespace: they belong to the key alone. */
const NO_NAMESPACE = undefined;

/** Timers of the present key. */
export class KeyedTimers implements TimerService {
  readonly #timersOf: () => InternalTimerService;

  /** `timersOf` is called when the operator is open. */
  constructor(timersOf: () => InternalTimerService) {
    this.#timersOf = timersOf;
  }

  get currentWatermark(): number {
    return this.#timersOf().currentWatermark;
  }

  currentProcessingTime(): number {
    return Math.floor(this.#timersOf().currentProcessingTime());
  }

  registerEventTimeTimer(timestamp: number): void {
    if (!isTime(timestamp)) throw timeError('registerEventTimeTimer', timestamp);
    this.#timersOf().registerEventTimeTimer(NO_NAMESPACE, timestamp);
  }

  deleteEventTimeTimer(timestamp: number): void {
    if (!isTime(timestamp)) throw timeError('deleteEventTimeTimer', timestamp);
    this.#timersOf().deleteEventTimeTimer(NO_NAMESPACE, timestamp);
  }

  registerProcessingTimeTimer(timestamp: number): void {
    if (!isTime(timestamp)) throw timeError('registerProcessingTimeTimer', timestamp);
    this.#timersOf().registerProcessingTimeTimer(NO_NAMESPACE, timestamp);
  }

  deleteProcessingTimeTimer(timestamp: number): void {
    if (!isTime(timestamp)) throw timeError('deleteProcessingTimeTimer', timestamp);
    this.#timersOf().deleteProcessingTimeTimer(NO_NAMESPACE, timestamp);
  }
}

/** Time where there is no key, and so no timers. */
export class UnkeyedTimers implements TimerService {
  readonly #clock: Clock;
  readonly #watermarkOf: () => number;

  constructor(clock: Clock, watermarkOf: () => number) {
    this.#clock = clock;
    this.#watermarkOf = watermarkOf;
  }

  get currentWatermark(): number {
    return this.#watermarkOf();
  }

  currentProcessingTime(): number {
    return Math.floor(this.#clock.now());
  }

  registerEventTimeTimer(): never {
    throw unkeyedError('registerEventTimeTimer');
  }

  deleteEventTimeTimer(): never {
    throw unkeyedError('deleteEventTimeTimer');
  }

  registerProcessingTimeTimer(): never {
    throw unkeyedError('registerProcessingTimeTimer');
  }

  deleteProcessingTimeTimer(): never {
    throw unkeyedError('deleteProcessingTimeTimer');
  }
}

function isTime(timestamp: unknown): boolean {
  return typeof timestamp === 'number' && timestamp === timestamp;
}

function timeError(operation: string, timestamp: unknown): StreamError {
  return new StreamError(
    'E_TIMER_TIME',
    `${operation} needs a time in milliseconds`,
    {timestamp: showValue(timestamp)},
    {remedy: 'a record without timestamp has none: assign timestamps, or test for undefined'},
  );
}

function unkeyedError(operation: string): StreamError {
  return new StreamError(
    'E_TIMER_NOT_KEYED',
    'a timer belongs to a key, and the stream has none',
    {operation},
    {remedy: 'call keyBy() directly in front of process()'},
  );
}
