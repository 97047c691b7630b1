/** What a job came to that did not fail. */
import type {JobMetrics, OperatorMetrics, WorkerResults} from '../scheduler/runtime-contract.ts';

export interface JobResult {
  readonly jobId: string;
  readonly jobName: string;
  readonly state: 'FINISHED' | 'CANCELED';
  /** Milliseconds from RUNNING to the end. */
  readonly durationMs: number;
  /** Records in and out of each operator, summed over its subtasks, in the order of the graph. */
  readonly operators: readonly OperatorMetrics[];
  /** Sums of the accumulators over all subtasks, by name. */
  readonly accumulators: Readonly<Record<string, number>>;
  /** Records of `collect` sinks, by name. */
  readonly collected: Readonly<Record<string, readonly unknown[]>>;
  /** The last state of all counters. */
  readonly metrics: JobMetrics;
}

/** Puts a result together; the sums over subtasks are made here. */
export function jobResult(
  job: Pick<JobResult, 'jobId' | 'jobName' | 'state' | 'durationMs' | 'metrics'>,
  {accumulators, collected}: WorkerResults,
): JobResult {
  return {...job, operators: sumOperators(job.metrics), accumulators, collected};
}

function sumOperators(metrics: JobMetrics): OperatorMetrics[] {
  const sums = new Map<string, OperatorMetrics>();
  for (const task of metrics.tasks) {
    for (const operator of task.operators) {
      const sum = sums.get(operator.uid);
      sums.set(operator.uid, {
        ...operator,
        recordsIn: operator.recordsIn + (sum?.recordsIn ?? 0),
        recordsOut: operator.recordsOut + (sum?.recordsOut ?? 0),
      });
    }
  }
  return [...sums.values()];
}
