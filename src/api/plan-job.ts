/**
 * Runs the builder of a job, and plans what it recorded. In the threads of a job, and in any thread for
 * `explain` and `runInThread`.
 */
import {StreamError, showValue} from '../base/errors.ts';
import {resolveConfig, type Config, type ConfigInput} from '../graph/config.ts';
import type {ExecutionOptions} from '../graph/execution-graph.ts';
import {planGraph, type JobPlan} from '../graph/plan.ts';
import {fingerprintGraph, fingerprintLines} from '../graph/graph-hash.ts';
import type {GraphSettings} from '../graph/stream-graph.ts';
import type {Transformation} from '../graph/transformation.ts';
import type {JobRequest, PlannedJob} from '../scheduler/runtime-contract.ts';
import {StreamExecutionEnvironment} from './environment.ts';
import {asyncBuilder, isJob} from './job.ts';

/** What a builder has recorded. */
export interface BuiltJob {
  readonly transformations: readonly Transformation[];
  readonly settings: GraphSettings;
}

/**
 * Runs a builder once and gives what it recorded.
 *
 * Errors: `E_JOB_MODULE` if `jobModule` was not made by `job()`; `E_JOB_BUILD`, with the cause, if the
 *         builder throws anything but a `StreamError`, which passes unchanged; `E_JOB_BUILDER` if it
 *         returns a promise.
 */
export function buildTransformations(jobModule: unknown, args: unknown, config: Config): BuiltJob {
  if (!isJob(jobModule)) {
    throw new StreamError(
      'E_JOB_MODULE',
      'this is not a job',
      {value: showValue(jobModule)},
      {remedy: 'write `export default job((env, args) => { … })` in the module'},
    );
  }
  const env = new StreamExecutionEnvironment(config);
  let result: unknown;
  try {
    result = jobModule.build(env, args);
  } catch (error) {
    if (error instanceof StreamError) throw error;
    const message = error instanceof Error ? error.message : showValue(error);
    throw new StreamError(
      'E_JOB_BUILD',
      'the builder of the job threw an error',
      {job: config.name, error: message},
      {cause: error},
    );
  }
  if (typeof (result as {then?: unknown} | null | undefined)?.then === 'function') {
    // What it rejects with is of no interest any more, but must not end the process.
    void Promise.resolve(result as PromiseLike<unknown>).catch(() => {});
    throw asyncBuilder();
  }
  return env.finish();
}

/**
 * Builds and plans a job.
 *
 * Default: each option that `config` leaves out.
 * Errors:  those of `buildTransformations`; `E_CONFIG_…` for options, `E_GRAPH_…` for graphs that are
 *          wrong (graph/validate.ts).
 */
export function planJob(
  jobModule: unknown,
  args: unknown = [],
  config: Config | ConfigInput = {},
  options: ExecutionOptions = {},
): JobPlan {
  const resolved = resolveConfig(config);
  const {transformations, settings} = buildTransformations(jobModule, args, resolved);
  return planGraph(transformations, settings, {workers: options.workers ?? resolved.workers});
}

/** A graph with the plan that was made of it. */
export interface PlannedEngineJob extends PlannedJob {
  readonly plan: JobPlan;
  /** The same with function objects of its own: runs the builder once more. */
  readonly planAgain: () => JobPlan;
}

/** Plans a job module as all threads do. */
export function planModule(
  jobModule: unknown,
  args: unknown,
  config: Parameters<typeof planJob>[2],
  workers: number,
): PlannedEngineJob {
  const planAgain = () => planJob(jobModule, args, config, {workers});
  const plan = planAgain();
  const fingerprint = fingerprintGraph(plan.jobGraph);
  return {
    planAgain,
    jobName: plan.jobGraph.settings.jobName,
    fingerprint: {hash: fingerprint.hash, lines: fingerprintLines(fingerprint)},
    plan,
  };
}

/** Plans the job of a request: the scheduler's contract. */
export async function planRequest(
  jobModule: Readonly<Record<string, unknown>>,
  {args, config, workerCount, jobUrl}: JobRequest,
): Promise<PlannedEngineJob> {
  const {default: exported, ...others} = jobModule;
  if (isJob(exported)) return planModule(exported, args, config, workerCount);
  const jobs = Object.keys(others).filter(name => isJob(others[name]));
  throw new StreamError(
    'E_JOB_MODULE',
    'the module does not export a job by default',
    {
      module: jobUrl,
      default: 'default' in jobModule ? showValue(exported) : '(nothing)',
      ...(jobs.length === 0 ? {} : {jobs: jobs.join(', ')}),
    },
    {remedy: 'write `export default job((env, args) => { … })` in the module'},
  );
}
