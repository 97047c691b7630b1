/**
 * Sets a job up without threads: plans it once for each worker, as threads would, and allocates its arena.
 * The way in for `runInThread` and for the simulator.
 */
import {resolveConfig, type Config, type ConfigInput} from '../graph/config.ts';
import type {JobPlan} from '../graph/plan.ts';
import {deploy, type EngineDeployment} from '../scheduler/deployment.ts';
import {job, type JobBuilder, type JobModule} from './job.ts';
import {planModule} from './plan-job.ts';

export interface LocalJobOptions<Args> {
  /** Passed to the job's builder. Default `{}`. */
  readonly args?: Args;
  /** Subtasks per operator that says nothing else. */
  readonly parallelism?: number;
  readonly config?: ConfigInput | Readonly<Record<string, unknown>>;
}

/** A job whose tasks can be created. */
export interface LocalJob {
  readonly jobName: string;
  readonly config: Config;
  /** One plan per worker. */
  readonly plans: readonly JobPlan[];
  /** For workers with several subtasks of one operator. */
  readonly planAgain: () => JobPlan;
  readonly deployment: EngineDeployment;
}

/** Plans and deploys a job, given as a builder or as what `job()` makes of one. */
export async function prepareLocalJob<Args>(
  builder: JobBuilder<Args> | JobModule<Args>,
  options: LocalJobOptions<Args>,
  workers: number,
  jobId: string,
): Promise<LocalJob> {
  const jobModule = typeof builder === 'function' ? job(builder) : builder;
  const config = resolveConfig({
    ...options.config,
    ...(options.parallelism === undefined ? {} : {parallelism: options.parallelism}),
  });
  const args = options.args ?? {};
  const first = planModule(jobModule, args, config, workers);
  const plans = [first.plan];
  while (plans.length < first.plan.executionGraph.workerCount) {
    plans.push(planModule(jobModule, args, config, workers).plan);
  }
  const deployment = await deploy(first.plan, config, jobId);
  return {jobName: first.jobName, config, plans, planAgain: first.planAgain, deployment};
}
