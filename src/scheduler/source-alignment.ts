/**
 * Keeps the subtasks of a group of sources close together in event time. Each writes its watermark into a
 * word of its own in shared memory and looks at those of the others, at intervals; nobody is asked. Who is
 * further ahead of the slowest than the drift that the group allows waits until the next look.
 *
 *   word of a source   NaN        has no watermark yet: holds nobody back
 *                      Infinity   idle, or has ended: holds nobody back
 *
 * Source: Flink's watermark alignment, where the coordinator of the group compares (flink.md §3).
 */
import type {Arena, ArenaPlan, Region} from '../memory/arena.ts';
import {MAX_WATERMARK, MIN_WATERMARK} from '../time/watermark.ts';

/** A word per task; those of tasks that read no aligned source are not used. */
export function planSourceAlignment(plan: ArenaPlan, taskCount: number): Region {
  return plan.reserve('source alignment', taskCount * Float64Array.BYTES_PER_ELEMENT);
}

/** Before the first step of any task: nobody has a watermark. */
export function resetSourceAlignment(arena: Arena, region: Region): void {
  const first = region.offsetBytes >> 3;
  arena.doubles.fill(NaN, first, first + (region.sizeBytes >> 3));
}

export interface SourceAlignmentOptions {
  readonly arena: Arena;
  readonly region: Region;
  readonly taskIndex: number;
  /** Indexes of all tasks of the group, this one included. */
  readonly group: readonly number[];
  readonly maxDriftMs: number;
  readonly updateIntervalMs: number;
}

/** One source subtask in its group. */
export class SourceAlignment {
  readonly #options: SourceAlignmentOptions;
  readonly #doubles: Float64Array;
  readonly #first: number;
  #limit = MAX_WATERMARK;
  #nextUpdateMs = -Infinity;

  constructor(options: SourceAlignmentOptions) {
    this.#options = options;
    this.#doubles = options.arena.doubles;
    this.#first = options.region.offsetBytes >> 3;
  }

  /** When the group is looked at again (monotonic clock). */
  get nextUpdateMs(): number {
    return this.#nextUpdateMs;
  }

  /** Event time that nobody of the group may pass, as of the last look. */
  get limit(): number {
    return this.#limit;
  }

  /** Whether a source whose last watermark is `watermark` has to wait. Looks at the group if it is time. */
  mustWait(watermark: number, isIdle: boolean, nowMs: number): boolean {
    if (nowMs >= this.#nextUpdateMs) {
      this.#nextUpdateMs = nowMs + this.#options.updateIntervalMs;
      this.#publish(isIdle ? MAX_WATERMARK : watermark);
      this.#limit = this.#smallest() + this.#options.maxDriftMs;
    }
    return watermark > this.#limit;
  }

  /** The source has ended. */
  end(): void {
    this.#publish(MAX_WATERMARK);
  }

  #publish(watermark: number): void {
    if (watermark === MIN_WATERMARK) return;
    this.#doubles[this.#first + this.#options.taskIndex] = watermark;
  }

  #smallest(): number {
    let smallest = MAX_WATERMARK;
    for (const task of this.#options.group) {
      const watermark = this.#doubles[this.#first + task]!;
      if (watermark < smallest) smallest = watermark;
    }
    return smallest;
  }
}
