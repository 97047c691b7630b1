/** What a run came to, put together from the job's result and from what the process has used. */
import type {Clock} from '../base/clock.ts';
import type {ErrorData} from '../base/errors.ts';
import type {JobMetrics} from '../scheduler/runtime-contract.ts';
import {isSource, sum, verticesOf} from './progress-meter.ts';

export interface OperatorOutcome {
  readonly name: string;
  readonly uid: string;
  readonly recordsIn: number;
  readonly recordsOut: number;
}

export interface VertexOutcome {
  readonly id: string;
  readonly parallelism: number;
  /** Sums over the subtasks. */
  readonly busyMs: number;
  readonly backpressuredMs: number;
  readonly idleMs: number;
  readonly isSource: boolean;
  readonly operators: readonly OperatorOutcome[];
}

export interface RunOutcome {
  readonly job: string;
  readonly jobId: string;
  readonly state: 'FINISHED' | 'CANCELED' | 'FAILED';
  /** Why it was cancelled: a signal, or that nobody reads the output any more. */
  readonly canceledBy: string | undefined;
  /** From the begin of the start to RUNNING. */
  readonly startMs: number;
  /** From RUNNING to the end. */
  readonly durationMs: number;
  /** Records that sources have emitted. */
  readonly records: number;
  readonly recordsPerSecond: number;
  /** Of all threads of the process, its start included. */
  readonly cpuSeconds: number;
  /** Since the process began. */
  readonly processSeconds: number;
  readonly peakMemoryBytes: number;
  readonly vertices: readonly VertexOutcome[];
  readonly accumulators: Readonly<Record<string, number>>;
  /** Named counters of user functions and connectors, summed over subtasks. */
  readonly counters: Readonly<Record<string, number>>;
  readonly collected: Readonly<Record<string, readonly unknown[]>>;
  /** Root cause first. */
  readonly failures: readonly ErrorData[];
}

/** What the last metrics of a job say; the rest of the outcome is the caller's. */
export function outcomeOfMetrics(
  metrics: JobMetrics,
  durationMs: number,
): Pick<RunOutcome, 'records' | 'recordsPerSecond' | 'vertices' | 'counters'> {
  const vertices = verticesOf(metrics).map(tasks => ({
    id: tasks[0]!.vertexId,
    parallelism: tasks.length,
    busyMs: sum(tasks, task => task.busyMs),
    backpressuredMs: sum(tasks, task => task.backpressuredMs),
    idleMs: sum(tasks, task => task.idleMs),
    isSource: isSource(tasks),
    operators: tasks[0]!.operators.map(({name, uid}, index) => ({
      name,
      uid,
      recordsIn:
        index === 0 && isSource(tasks) ? 0 : sum(tasks, task => task.operators[index]!.recordsIn),
      recordsOut: sum(tasks, task => task.operators[index]!.recordsOut),
    })),
  }));
  const records = sum(
    vertices.filter(vertex => vertex.isSource),
    vertex => vertex.operators[0]!.recordsOut,
  );
  const counters: Record<string, number> = {};
  for (const task of metrics.tasks) {
    for (const [name, value] of Object.entries(task.counters)) {
      counters[name] = (counters[name] ?? 0) + value;
    }
  }
  return {
    records,
    recordsPerSecond: durationMs > 0 ? (records / durationMs) * 1000 : 0,
    vertices,
    counters,
  };
}

/** What the process has used so far. */
export function usageOfProcess(
  clock: Clock,
): Pick<RunOutcome, 'cpuSeconds' | 'processSeconds' | 'peakMemoryBytes'> {
  const {userCPUTime, systemCPUTime, maxRSS} = process.resourceUsage();
  return {
    cpuSeconds: (userCPUTime + systemCPUTime) / 1e6,
    // The monotonic clock of a process begins with it.
    processSeconds: clock.monotonicNow() / 1000,
    peakMemoryBytes: maxRSS * 1024,
  };
}

/** The outcome of a job that never ran, or not for long enough to be watched. */
export function outcomeOfFailedStart(
  job: string,
  startMs: number,
  failures: readonly ErrorData[],
  clock: Clock,
): RunOutcome {
  return {
    job,
    jobId: '',
    state: 'FAILED',
    canceledBy: undefined,
    startMs,
    durationMs: 0,
    ...outcomeOfMetrics({tasks: []}, 0),
    ...usageOfProcess(clock),
    accumulators: {},
    collected: {},
    failures,
  };
}
