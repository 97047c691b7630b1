/**
 * Spreads records evenly over time. Record k of a subtask is due at
 *
 *   begin + (k × parallelism + subtask) × 1000 / rate   milliseconds
 *
 * so all subtasks together give one record each 1000 / rate milliseconds, without talking to each
 * other. Each poll gives what has become due since the last one: whoever polls late loses nothing.
 * Whoever is held up for longer, by backpressure, catches up with one second at most, so that a rate
 * stays a rate. (Flink's rate limiter also saves up for a second.) Nothing here reads a clock.
 */

/** What may be caught up. */
const BACKLOG_MS_MAX = 1000;

export class Pacer {
  readonly #intervalMs: number;
  readonly #phaseMs: number;
  /** When record 0 was due, moved by what was not caught up; NaN before the first call. */
  #beginMs = NaN;
  /** Records given; times are computed from it, not added up, so that a rate is kept for days. */
  #given = 0;

  /** `ratePerSecond` is that of all subtasks together. */
  constructor(ratePerSecond: number, subtaskIndex: number, parallelism: number) {
    this.#intervalMs = (1000 * parallelism) / ratePerSecond;
    this.#phaseMs = (1000 * subtaskIndex) / ratePerSecond;
  }

  /** When the next record is due, on the clock of `take`; after the first call of that. */
  get nextAtMs(): number {
    return this.#beginMs + this.#given * this.#intervalMs;
  }

  /** How many records are due at `nowMs`, at most `countMax`; they count as given. */
  take(countMax: number, nowMs: number): number {
    if (Number.isNaN(this.#beginMs)) this.#beginMs = nowMs + this.#phaseMs;
    let lateMs = nowMs - this.nextAtMs;
    if (lateMs < 0) return 0;
    if (lateMs > BACKLOG_MS_MAX) {
      this.#beginMs += lateMs - BACKLOG_MS_MAX;
      lateMs = BACKLOG_MS_MAX;
    }
    const count = Math.min(1 + Math.floor(lateMs / this.#intervalMs), countMax);
    this.#given += count;
    return count;
  }
}
