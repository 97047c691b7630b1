/**
 * Turns counters that only grow, read a few times per second, into what a person wants to see: records
 * per second, shares of time, queue fill, over the last second. Pure: time and readings are given to it.
 */
import type {JobMetrics, TaskMetrics} from '../scheduler/runtime-contract.ts';
import type {TaskState} from '../scheduler/task-state.ts';

/** One operator, summed over its subtasks. */
export interface OperatorProgress {
  readonly name: string;
  /** Records that it has taken; of a source, records that it has emitted. */
  readonly records: number;
  readonly recordsPerSecond: number;
}

/** One vertex of the job graph: a chain of operators, with all its subtasks. */
export interface VertexProgress {
  readonly parallelism: number;
  readonly operators: readonly OperatorProgress[];
  /** Shares of the last second, 0 to 1, averaged over subtasks; they sum to 1 while tasks run. */
  readonly busy: number;
  readonly backpressured: number;
  readonly idle: number;
  /** Batches that wait in front of it, and how many may. Undefined for sources. */
  readonly queue: {readonly length: number; readonly lengthMax: number} | undefined;
  readonly isFinished: boolean;
}

/** A job as it stands. */
export interface JobProgress {
  readonly elapsedMs: number;
  /** Records that sources have emitted. */
  readonly records: number;
  readonly recordsPerSecond: number;
  /** Cores that the whole process keeps busy. */
  readonly cores: number;
  readonly peakMemoryBytes: number;
  readonly vertices: readonly VertexProgress[];
}

/** What is read at one moment. */
export interface Reading {
  readonly atMs: number;
  readonly metrics: JobMetrics;
  /** By task index. */
  readonly states: readonly TaskState[];
  /** CPU time that all threads of the process have used. */
  readonly cpuMs: number;
  readonly peakMemoryBytes: number;
}

const WINDOW_MS = 1000;

export class ProgressMeter {
  readonly #startMs: number;
  /** The last one that is at least a window old, and all that came after it. */
  #readings: Reading[] = [];

  constructor(startMs: number) {
    this.#startMs = startMs;
  }

  /** Takes a reading in; readings come in the order of their time. */
  add(reading: Reading): void {
    this.#readings.push(reading);
    const old = this.#readings.findLastIndex(({atMs}) => reading.atMs - atMs >= WINDOW_MS);
    if (old > 0) this.#readings = this.#readings.slice(old);
  }

  /** The state at the last reading. */
  progress(): JobProgress {
    const [first] = this.#readings;
    const last = this.#readings.at(-1)!;
    const elapsedMs = last.atMs - first!.atMs;
    const perSecond = (amount: number): number => (elapsedMs > 0 ? (amount / elapsedMs) * 1000 : 0);
    const vertices = verticesOf(last.metrics).map(tasks => {
      const before = tasks.map(task => first!.metrics.tasks[task.taskIndex]!);
      return {tasks, before, isSource: isSource(tasks)};
    });
    let records = 0;
    let recordsBefore = 0;
    for (const {tasks, before, isSource} of vertices) {
      if (!isSource) continue;
      records += sum(tasks, task => task.operators[0]!.recordsOut);
      recordsBefore += sum(before, task => task.operators[0]!.recordsOut);
    }
    return {
      elapsedMs: last.atMs - this.#startMs,
      records,
      recordsPerSecond: perSecond(records - recordsBefore),
      cores: perSecond(last.cpuMs - first!.cpuMs) / 1000,
      peakMemoryBytes: last.peakMemoryBytes,
      vertices: vertices.map(({tasks, before, isSource}) => {
        const isFinished = tasks.every(({taskIndex}) => last.states[taskIndex] === 'FINISHED');
        return {
          parallelism: tasks.length,
          operators: tasks[0]!.operators.map(({name}, index) => {
            const read = ({operators}: TaskMetrics): number =>
              isSource && index === 0 ? operators[0]!.recordsOut : operators[index]!.recordsIn;
            const now = sum(tasks, read);
            return {name, records: now, recordsPerSecond: perSecond(now - sum(before, read))};
          }),
          ...timeShares(tasks, before, elapsedMs, last.states),
          queue: isSource
            ? undefined
            : {
                length: sum(tasks, task => task.inputQueueLength),
                lengthMax: sum(tasks, task => task.inputQueueLengthMax),
              },
          isFinished,
        };
      }),
    };
  }
}

/** A job that has no counters yet. */
export function notYetRunning(elapsedMs: number): JobProgress {
  return {
    elapsedMs,
    records: 0,
    recordsPerSecond: 0,
    cores: 0,
    peakMemoryBytes: 0,
    vertices: [],
  };
}

/** The tasks of each vertex, in the order of the graph. */
export function verticesOf({tasks}: JobMetrics): TaskMetrics[][] {
  const vertices = new Map<string, TaskMetrics[]>();
  for (const task of tasks) {
    const subtasks = vertices.get(task.vertexId);
    if (subtasks === undefined) vertices.set(task.vertexId, [task]);
    else subtasks.push(task);
  }
  return [...vertices.values()];
}

/** Whether the head of a vertex is a source: nothing can wait in front of it. */
export function isSource(tasks: readonly TaskMetrics[]): boolean {
  return tasks[0]!.inputQueueLengthMax === 0;
}

export function sum<T>(items: readonly T[], read: (item: T) => number): number {
  let total = 0;
  for (const item of items) total += read(item);
  return total;
}

/**
 * How the tasks spent their time between two readings. Tasks account for time at the end of a step; what
 * is missing of a live one is spent in a step that has not come back yet, which is being busy.
 */
function timeShares(
  tasks: readonly TaskMetrics[],
  before: readonly TaskMetrics[],
  elapsedMs: number,
  states: readonly TaskState[],
): {busy: number; backpressured: number; idle: number} {
  let busy = 0;
  let backpressured = 0;
  let idle = 0;
  for (const [index, task] of tasks.entries()) {
    const earlier = before[index]!;
    const spent = {
      busy: task.busyMs - earlier.busyMs,
      backpressured: task.backpressuredMs - earlier.backpressuredMs,
      idle: task.idleMs - earlier.idleMs,
    };
    const accounted = spent.busy + spent.backpressured + spent.idle;
    const isLive = states[task.taskIndex] === 'RUNNING';
    if (isLive && accounted < elapsedMs) spent.busy += elapsedMs - accounted;
    const whole = Math.max(elapsedMs, accounted) * tasks.length;
    if (whole === 0) continue;
    busy += spent.busy / whole;
    backpressured += spent.backpressured / whole;
    idle += spent.idle / whole;
  }
  return {busy, backpressured, idle};
}
