/**
 * The numbers of one task in shared memory: written by the task's thread with plain stores, a few per
 * step, read by anyone at any time. A step is about one batch, so this costs nothing per record.
 *
 *   double 0  BUSY_MS  1  BACKPRESSURED_MS  2  IDLE_MS      time in each state so far
 *          3  RECORDS_IN  4  RECORDS_OUT  5  BYTES_IN  6  BYTES_OUT
 *          7  reserved
 *          8 + 2i, 9 + 2i                                   records into and out of operator i
 *
 * Aligned float64 stores are not torn on any machine that Node runs on, and every number has one writer,
 * so a reader sees each number as it was at some moment; two numbers may be of different moments.
 *
 * Time is accounted without a clock of its own: the worker loop reads its clock once per round, and
 * the time since the last step belongs to the state in which that step left the task. So a task that
 * waits for its turn while another one runs counts as busy, as in Flink a thread does that waits for a core.
 */
import type {Arena, ArenaPlan, Region} from '../memory/arena.ts';

const RECORDS_IN = 3;
const RECORDS_OUT = 4;
const BYTES_IN = 5;
const BYTES_OUT = 6;
const OPERATORS = 8;

/** What a task did in its last step; also the place of the time that it spends so. */
export const TASK_BUSY = 0;
export const TASK_BACKPRESSURED = 1;
export const TASK_IDLE = 2;
export type TaskActivity = typeof TASK_BUSY | typeof TASK_BACKPRESSURED | typeof TASK_IDLE;

/** Reserves the numbers of a task with so many operators. */
export function planTaskMetrics(plan: ArenaPlan, name: string, operatorCount: number): Region {
  return plan.reserve(name, (OPERATORS + 2 * operatorCount) * Float64Array.BYTES_PER_ELEMENT);
}

/** The writing end; belongs to the task's thread. */
export class TaskMetricsWriter {
  readonly #doubles: Float64Array;
  readonly #base: number;
  #activity: TaskActivity = TASK_IDLE;
  #sinceMs = NaN;

  constructor(arena: Arena, region: Region) {
    this.#doubles = arena.doubles;
    this.#base = region.offsetBytes >> 3;
  }

  /** Accounts the time up to `nowMs`; called at the begin of a step. */
  advance(nowMs: number): void {
    // The first step has nothing behind it; NaN compares false.
    if (nowMs > this.#sinceMs) {
      this.#doubles[this.#base + this.#activity] += nowMs - this.#sinceMs;
    }
    this.#sinceMs = nowMs;
  }

  /** Milliseconds without input so far. */
  get idleMs(): number {
    return this.#doubles[this.#base + TASK_IDLE];
  }

  /** From now on time counts as `activity`. */
  enter(activity: TaskActivity): void {
    this.#activity = activity;
  }

  /** Publishes the counters as they are now; `operators` has in and out of each operator. */
  publish(
    recordsIn: number,
    bytesIn: number,
    recordsOut: number,
    bytesOut: number,
    operators: Float64Array,
  ): void {
    const doubles = this.#doubles;
    const base = this.#base;
    doubles[base + RECORDS_IN] = recordsIn;
    doubles[base + BYTES_IN] = bytesIn;
    doubles[base + RECORDS_OUT] = recordsOut;
    doubles[base + BYTES_OUT] = bytesOut;
    for (let i = 0; i < operators.length; i += 1) doubles[base + OPERATORS + i] = operators[i];
  }
}

/** One reading of a task's numbers. */
export interface TaskNumbers {
  readonly busyMs: number;
  readonly backpressuredMs: number;
  readonly idleMs: number;
  readonly recordsIn: number;
  readonly recordsOut: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Records into and out of operator i: places 2i and 2i + 1. */
  readonly operators: readonly number[];
}

/** Reads the numbers of a task, from any thread. */
export function readTaskMetrics(arena: Arena, region: Region): TaskNumbers {
  const {doubles} = arena;
  const base = region.offsetBytes >> 3;
  const end = base + (region.sizeBytes >> 3);
  return {
    busyMs: doubles[base + TASK_BUSY],
    backpressuredMs: doubles[base + TASK_BACKPRESSURED],
    idleMs: doubles[base + TASK_IDLE],
    recordsIn: doubles[base + RECORDS_IN],
    recordsOut: doubles[base + RECORDS_OUT],
    bytesIn: doubles[base + BYTES_IN],
    bytesOut: doubles[base + BYTES_OUT],
    operators: [...doubles.subarray(base + OPERATORS, end)],
  };
}
