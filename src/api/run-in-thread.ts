/**
 * Runs a job in the calling thread, for tests and small scripts: the same tasks, channels and loops as
 * with workers, without any thread to start. The builder may be any function, also one that closes
 * over variables of the caller. The event loop goes on meanwhile.
 */
import type {JobBuilder, JobModule} from './job.ts';
import type {JobResult} from './job-result.ts';
import type {LocalJobOptions} from './local-job.ts';

export interface RunInThreadOptions<Args> extends LocalJobOptions<Args> {
  /** Cancels the job. */
  readonly signal?: AbortSignal;
}

/**
 * Runs a job to its end in this thread.
 *
 * Default: parallelism 1.
 * Errors:  rejects with what `start` would reject with, or `done` of its handle; `E_HOST_STREAM` if the
 *          job has a `fromHost` or `toHost`: those need a handle, which only `start` gives.
 */
export async function runInThread<Args = Record<string, unknown>>(
  builder: JobBuilder<Args> | JobModule<Args>,
  options: RunInThreadOptions<Args> = {},
): Promise<JobResult> {
  // Loaded only now: whoever imports the package to start a job in threads needs none of it.
  const {runLocally} = await import('./local-run.ts');
  return await runLocally(builder, options);
}
