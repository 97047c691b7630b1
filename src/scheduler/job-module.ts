/**
 * Imports a job's module, in whichever thread needs its graph. What goes wrong on the way gets an
 * error that tells a missing file from one that is there but cannot be loaded.
 */
import {StreamError} from '../base/errors.ts';
import type {JobRuntime} from './runtime-contract.ts';

/** Errors: E_JOB_NOT_FOUND (no such module), E_JOB_LOAD (it cannot be loaded, or threw). */
export async function importJobModule(jobUrl: string): Promise<Record<string, unknown>> {
  try {
    return (await import(jobUrl)) as Record<string, unknown>;
  } catch (thrown) {
    const {code, url} = (thrown ?? {}) as {code?: unknown; url?: unknown};
    if (
      // A package or a file that the module itself imports may be missing as well.
      (code === 'ERR_MODULE_NOT_FOUND' && url === jobUrl) ||
      code === 'ERR_UNSUPPORTED_DIR_IMPORT'
    ) {
      throw new StreamError(
        'E_JOB_NOT_FOUND',
        'there is no such job module',
        {module: jobUrl},
        {remedy: 'give the path or URL of a module that exports a job by default', cause: thrown},
      );
    }
    throw new StreamError(
      'E_JOB_LOAD',
      'the job module could not be loaded',
      {module: jobUrl, reason: thrown instanceof Error ? thrown.message : String(thrown)},
      {cause: thrown},
    );
  }
}

/** Imports the module that plugs the engine into the scheduler. */
export async function importRuntime(runtimeUrl: string): Promise<JobRuntime> {
  const {jobRuntime} = (await import(runtimeUrl)) as {jobRuntime: JobRuntime};
  return jobRuntime;
}
