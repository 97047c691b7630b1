/**
 * A job is a module whose default export is made by `job()`. The module is imported by every thread that
 * runs a part of the job, and each builds the graph anew: functions never cross threads, and closures
 * over the module's state and the job's arguments just work. The price is that a builder must be
 * deterministic; graph-hash.ts finds out when it is not.
 *
 * Only the mark is made here; plan-job.ts runs the builder. So a host that starts a job loads nothing of
 * what builds one.
 */
import {StreamError, showValue} from '../base/errors.ts';
import type {StreamExecutionEnvironment} from './environment.ts';

/** Known to every copy of the package, so that a job made by one copy is a job for another. */
const JOB_BRAND = Symbol.for('millrace.job');

/** Builds the graph of a job: makes sources from `env`, transforms them, ends them in sinks. */
export type JobBuilder<Args> = (env: StreamExecutionEnvironment, args: Args) => void;

/** What a job module exports as default. */
export interface JobModule<Args = any> {
  readonly [JOB_BRAND]: true;
  readonly build: JobBuilder<Args>;
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

/** What `job()` and the planner say to a builder that is async. */
export function asyncBuilder(): StreamError {
  return new StreamError(
    'E_JOB_BUILDER',
    'the builder of a job must not be async',
    {},
    {remedy: 'load what it needs with `await` at the top of the module'},
  );
}
