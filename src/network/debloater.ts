/**
 * Decides how many rows a batch should have, so that what is in flight to a gate is worth a target
 * time and not more: Flink's buffer debloating, counted in rows instead of bytes. Pure arithmetic.
 *
 *   throughput = rows of the period / its active time      idle time says nothing about the speed
 *   wanted     = throughput × target / batches in flight   at most twice the last value
 *   last       moves towards it by 2 / (samples + 1)
 *
 * The limit is announced when it has moved by the threshold, or has reached one of its ends. It is
 * never below one row; at the upper end, the largest batch seen so far, it is lifted.
 *
 * A limit makes batches smaller, and so takes memory from nobody and gives none back: a segment is
 * a segment. What it buys is a short way through the queue, which is what a barrier waits for.
 */

export interface DebloaterOptions {
  /** How long what is in flight should take to be processed. */
  readonly targetMs?: number;
  /** Time between two decisions. */
  readonly periodMs?: number;
  /** Decisions over which the limit is smoothed. */
  readonly samples?: number;
  /** How far the limit moves before it is announced, as a part of the last one announced. */
  readonly threshold?: number;
}

/** No limit. */
export const ANY_ROWS = 0;

const TARGET_MS_DEFAULT = 1_000;
const PERIOD_MS_DEFAULT = 200;
const SAMPLES_DEFAULT = 20;
const THRESHOLD_DEFAULT = 0.25;

export class Debloater {
  readonly targetMs: number;
  readonly periodMs: number;
  readonly #weight: number;
  readonly #threshold: number;
  #rowsMax = 1;
  /** NaN until the first sample. */
  #last = NaN;
  #announced = ANY_ROWS;
  #rowsPerMs = 0;

  constructor(options: DebloaterOptions = {}) {
    this.targetMs = options.targetMs ?? TARGET_MS_DEFAULT;
    this.periodMs = options.periodMs ?? PERIOD_MS_DEFAULT;
    this.#weight = 2 / ((options.samples ?? SAMPLES_DEFAULT) + 1);
    this.#threshold = options.threshold ?? THRESHOLD_DEFAULT;
  }

  /** The limit announced last; `ANY_ROWS` (0) if there is none. */
  get rowLimit(): number {
    return this.#announced;
  }

  /**
   * Takes note of a period: `rows` were processed in `activeMs`, `batchesInFlight` are under way, and the
   * largest batch had `largestRows`. True if `rowLimit` has changed.
   */
  sample(rows: number, activeMs: number, batchesInFlight: number, largestRows: number): boolean {
    this.#rowsMax = Math.max(this.#rowsMax, largestRows);
    // A period without work has no speed, and one without time none that can be measured.
    if (rows === 0 || activeMs <= 0) return false;
    this.#rowsPerMs = rows / activeMs;
    if (this.#last !== this.#last) this.#last = this.#rowsMax;
    const wanted = (this.#rowsPerMs * this.targetMs) / Math.max(1, batchesInFlight);
    this.#last += this.#weight * (Math.min(wanted, 2 * this.#last) - this.#last);
    this.#last = Math.min(Math.max(this.#last, 1), this.#rowsMax);
    return this.#announce(Math.round(this.#last));
  }

  /** How long `rows` in flight will take at the speed of the last period, in ms; NaN before it. */
  timeToConsumeMs(rows: number): number {
    return this.#rowsPerMs === 0 ? NaN : rows / this.#rowsPerMs;
  }

  #announce(rows: number): boolean {
    const limit = rows >= this.#rowsMax ? ANY_ROWS : rows;
    if (limit === this.#announced) return false;
    const before = this.#announced === ANY_ROWS ? this.#rowsMax : this.#announced;
    const isAtAnEnd = limit === ANY_ROWS || limit === 1;
    if (!isAtAnEnd && Math.abs(rows - before) < this.#threshold * before) return false;
    this.#announced = limit;
    return true;
  }
}
