/**
 * The engine's only source of time. Everything that waits, measures or stamps is given a `Clock`,
 * so that tests and the simulator can drive time by hand. Reading costs 40 ns: once per batch,
 * never per record.
 */

/** Milliseconds, as float64. */
export interface Clock {
  /** Wall clock: milliseconds since 1970 with a fraction. Processing time is this. */
  now(): number;
  /** A clock that never goes back, for durations: milliseconds since some start. */
  monotonicNow(): number;
}

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  monotonicNow: () => performance.now(),
};

/** A clock that moves only when it is told to. */
export class ManualClock implements Clock {
  #nowMs: number;

  constructor(startMs = 0) {
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  monotonicNow(): number {
    return this.#nowMs;
  }

  /** Moves the clock forward by `ms` milliseconds. */
  advance(ms: number): void {
    this.#nowMs += ms;
  }

  /** Sets the clock to `ms`. */
  set(ms: number): void {
    this.#nowMs = ms;
  }
}
