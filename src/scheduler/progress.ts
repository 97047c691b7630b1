/**
 * What a step of a tasklet did, and the contract of what the worker loop runs. A step is short
 * (about one batch, well below a millisecond) and never blocks; it tells the loop whether another
 * one is worth while.
 */

/** The tasklet did something; step it again. */
export const PROGRESSED = 0;
/** No input; ring, wake-up or `wakeAtMs` will change that. */
export const IDLE = 1;
/** Output has no room (no credit, a full sink): backpressured. */
export const BACKPRESSURED = 2;
/** Finished for good; never step it again. */
export const FINISHED = 3;
export type Progress = typeof PROGRESSED | typeof IDLE | typeof BACKPRESSURED | typeof FINISHED;

/** One subtask as the worker loop sees it. */
export interface Tasklet {
  /** `name (2/4)`, as shown to users. */
  readonly name: string;
  /**
   * Does one portion of work. `nowMs` is the loop's monotonic clock, read once per round.
   * Throws a `StreamError` when the task fails; the loop then fails the task.
   */
  step(nowMs: number): Progress;
  /** When the next step is worth while without a ring (monotonic ms), or Infinity. */
  readonly wakeAtMs: number;
  /** Whether the tasklet waits for a promise of this thread, so that the thread must not block. */
  readonly awaitsPromises: boolean;
  /** Ends the sources of the tasklet: no more records are fetched, what is in flight is drained. */
  stop(): void;
  /** Releases everything after the last step, or instead of it (cancel, failure). Idempotent. */
  dispose(): void;
}
