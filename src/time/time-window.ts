/**
 * A window of time, `[start, end)`, and the global window, which is all of time. Plain immutable values:
 * they are namespaces of state, so two windows with the same ends are the same window.
 */

/** Milliseconds; `end` is not part of the window. */
export class TimeWindow {
  readonly start: number;
  readonly end: number;

  constructor(start: number, end: number) {
    this.start = start;
    this.end = end;
  }

  /** The largest timestamp that belongs to the window. */
  get maxTimestamp(): number {
    return this.end - 1;
  }

  /** Whether the windows overlap or touch. */
  intersects(other: TimeWindow): boolean {
    return this.start <= other.end && this.end >= other.start;
  }

  /** The smallest window that holds both. */
  cover(other: TimeWindow): TimeWindow {
    return new TimeWindow(Math.min(this.start, other.start), Math.max(this.end, other.end));
  }

  equals(other: TimeWindow): boolean {
    return this.start === other.start && this.end === other.end;
  }
}

/** The window of the global assigner. Its last timestamp is the end of time. */
export const GLOBAL_WINDOW = new TimeWindow(-Infinity, Infinity);
