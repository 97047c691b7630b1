/**
 * A job is a module whose default export is made by `job()`. The module is imported by every thread that
 * runs a part of the job, and each builds the graph anew: functions never cross threads, and closures
 * over the module's state and the job's arguments just work. The price is that a builder must be
 * deterministic; graph-hash.ts finds out when it is not.
 */
import {StreamError, showValue} from '../base/errors.ts';
import {resolveConfig, type Config, type ConfigInput} from '../graph/config.ts';
import type {ExecutionOptions} from '../graph/execution-graph.ts';
import {planGraph, type JobPlan} from '../graph/plan.ts';
import type {GraphSettings} from '../graph/stream-graph.ts';
import type {Transformation} from '../graph/transformation.ts';
import {StreamExecutionEnvironment} from './environment.ts';

/** Known to every copy of the package, so that a job made by one copy is a job for another. */
const JOB_BRAND = Symbol.for('millrace.job');

/** Builds the graph of a job: makes sources from `env`, transforms them, ends them in sinks. */
export type JobBuilder<Args> = (env: StreamExecutionEnvironment, args: Args) => void;

/** What a job module exports as default. */
export interface JobModule<Args = any> {
  readonly [JOB_BRAND]: true;
  readonly build: JobBuilder<Args>;
}

/** What a builder has recorded. */
export interface BuiltJob {
  readonly transformations: readonly Transformation[];
  readonly settings: GraphSettings;
}

/**
 * Marks a builder as a job; make it the default export of a module.
 *
 *     export default job((env, args) => {
 *       env.readText(args).flatMap(line => line.split(' ')).print();
 *     });
 *
 * Shape:  `args` is what the job was started with: the words behind `--` on the command line, or
 *         the value of the option `args`, which must be plain data, because it crosses threads.
 * Rules:  the builder is synchronous, and gives the same graph every time for the same arguments.
 * Errors: `E_JOB_BUILDER` if `build` is not a function, or is async.
 */
export function job<Args = readonly string[]>(build: JobBuilder<Args>): JobModule<Args> {
  if (typeof build !== 'function') {
    throw new StreamError('E_JOB_BUILDER', 'job() needs a function', {value: showValue(build)});
  }
  if (Object.prototype.toString.call(build) === '[object AsyncFunction]') throw asyncBuilder();
  return Object.freeze({[JOB_BRAND]: true as const, build});
}

/** Whether a value was made by `job()`, also by that of another copy of this package. */
export function isJob(value: unknown): value is JobModule {
  return (
    typeof value === 'object' &&
    value !== null &&
    (value as Partial<JobModule>)[JOB_BRAND] === true &&
    typeof (value as Partial<JobModule>).build === 'function'
  );
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

function asyncBuilder(): StreamError {
  return new StreamError(
    'E_JOB_BUILDER',
    'the builder of a job must not be async',
    {},
    {remedy: 'load what it needs with `await` at the top of the module'},
  );
}
