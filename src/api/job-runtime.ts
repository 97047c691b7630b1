/**
 * What every thread of a job imports: the scheduler's contract, kept with the DataStream API. It has no
 * logic of its own; it joins what the layers below do.
 */
import {Random, systemSeed} from '../base/random.ts';
import {fingerprintGraph, fingerprintLines} from '../graph/graph-hash.ts';
import type {JobPlan} from '../graph/plan.ts';
import {Arena} from '../memory/arena.ts';
import {Doorbell} from '../memory/doorbell.ts';
import {deploy, type EngineDeployment} from '../scheduler/deployment.ts';
import {Host} from '../scheduler/host-channels.ts';
import {JobMetricsReader} from '../scheduler/job-metrics.ts';
import type {Deployment, JobRuntime, PlannedJob} from '../scheduler/runtime-contract.ts';
import {createWorkerTasks} from '../scheduler/task-factory.ts';
import {planJob} from './plan-job.ts';

/** A graph with the plan that was made of it. */
interface PlannedEngineJob extends PlannedJob {
  readonly plan: JobPlan;
}

/** Plans a job module as all threads do. */
export function planModule(
  jobModule: unknown,
  args: unknown,
  config: Parameters<typeof planJob>[2],
  workers: number,
): PlannedEngineJob {
  const plan = planJob(jobModule, args, config, {workers});
  const fingerprint = fingerprintGraph(plan.jobGraph);
  return {
    jobName: plan.jobGraph.settings.jobName,
    fingerprint: {hash: fingerprint.hash, lines: fingerprintLines(fingerprint)},
    plan,
  };
}

/** One set of the host's ends per job: they share a doorbell and a cache of segments. */
const hosts = new WeakMap<Deployment, Host>();

function hostOf(deployment: Deployment): Host {
  let host = hosts.get(deployment);
  if (host === undefined) {
    const {plan, buffer} = deployment as EngineDeployment;
    host = new Host({
      arena: new Arena(buffer),
      layout: plan.layout,
      jobName: plan.jobName,
      workerCount: plan.workerCount,
      workerOfTask: plan.tasks.map(task => task.workerIndex),
      floatingCredits: plan.config.floatingCredits,
      recordSizeBytesMax: plan.config.memory,
      debug: plan.config.debug,
      interpret: !plan.config.codeGeneration,
      inputSchemas: plan.hostSchemas,
    });
    hosts.set(deployment, host);
  }
  return host;
}

export const jobRuntime: JobRuntime = {
  plan: (jobModule, {args, config, workerCount}) =>
    Promise.resolve().then(() => planModule(jobModule['default'], args, config, workerCount)),

  deploy: (planned, {config, jobId}) => deploy((planned as PlannedEngineJob).plan, config, jobId),

  createWorker: ({deployment, workerIndex, planned, clock}) =>
    createWorkerTasks({
      plan: (planned as PlannedEngineJob).plan,
      deployment: deployment as EngineDeployment,
      arena: new Arena(deployment.buffer),
      workerIndex,
      clock,
      random: new Random(systemSeed()),
    }),

  openBell: (deployment, workerIndex) =>
    new Doorbell(
      new Arena(deployment.buffer),
      (deployment as EngineDeployment).plan.layout.doorbells,
      workerIndex,
    ),

  openMetrics: deployment =>
    new JobMetricsReader(new Arena(deployment.buffer), (deployment as EngineDeployment).plan),

  openHostInput: (deployment, name) => hostOf(deployment).openInput(name),
  openHostOutput: (deployment, name) => hostOf(deployment).openOutput(name),
};
