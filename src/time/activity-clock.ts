/**
 * A clock for idleness: it stands still while a task cannot read because its outputs are full. A stream is
 * idle when nothing comes although somebody looks; under backpressure nobody looks.
 */
import type {Clock} from '../base/clock.ts';

/** Milliseconds since some start. */
export interface ActivityClock {
  now(): number;
}

/** The clock of a task, or of a split, that can be stopped and started. */
export class PausableClock implements ActivityClock {
  readonly #clock: Pick<Clock, 'monotonicNow'>;
  #pausedMs = 0;
  /** NaN while the clock runs. */
  #pausedAtMs = NaN;

  constructor(clock: Pick<Clock, 'monotonicNow'>) {
    this.#clock = clock;
  }

  now(): number {
    const nowMs = this.#isPaused ? this.#pausedAtMs : this.#clock.monotonicNow();
    return nowMs - this.#pausedMs;
  }

  pause(): void {
    if (!this.#isPaused) this.#pausedAtMs = this.#clock.monotonicNow();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#pausedMs += this.#clock.monotonicNow() - this.#pausedAtMs;
    this.#pausedAtMs = NaN;
  }

  get #isPaused(): boolean {
    return this.#pausedAtMs === this.#pausedAtMs;
  }
}
