/** Starts jobs of test/…/jobs for one test; what still runs when the test ends is cancelled. */
import type {ExecutionContext} from 'ava';
import type {JobHandle, StartOptions} from '../../src/index.ts';
import {start} from '../../src/index.ts';

/** The URL of a module below test/. */
export const testModule = (path: string): URL => new URL(`../${path}`, import.meta.url);

/** Starts the job of the module `path` below test/, with one worker if nothing else is said. */
export async function runJob(
  t: ExecutionContext,
  path: string,
  options: StartOptions = {},
): Promise<JobHandle> {
  const run = await start(testModule(path), {parallelism: 1, ...options});
  t.teardown(() => run.cancel().catch(() => {}));
  return run;
}
