/**
 * Where a worker's thread begins, which piscina has started: with what V8 has compiled in earlier
 * processes (see coordinator-boot.ts).
 */
import {enableCompileCache} from 'node:module';
import type {WorkerEnd, WorkerTask} from './worker-main.ts';

enableCompileCache();
/** Begins before there is a task. Not awaited here, because piscina also tries `require`. */
const loading = import('./worker-main.ts');
// The task hears of a failure.
loading.catch(() => {});

/** The endless task of the thread. */
export async function run(task: WorkerTask): Promise<WorkerEnd> {
  return await (await loading).run(task);
}
