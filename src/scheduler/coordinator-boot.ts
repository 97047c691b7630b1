/**
 * Where the coordinator's thread begins. Nothing takes as long as the workers' threads to come up, so
 * their pool is started before anything else is loaded; the coordinator follows while they boot.
 *
 * What V8 compiles on the way is kept for the next process, in Node's own cache directory
 * (NODE_DISABLE_COMPILE_CACHE=1: not). Only in the job's threads: the host's thread belongs to the user.
 */
import {enableCompileCache} from 'node:module';
import {workerData} from 'node:worker_threads';
import type {CoordinatorBoot} from './coordinator-main.ts';

enableCompileCache();
const boot = workerData as CoordinatorBoot;
const {startWorkers} = await import('./worker-pool.ts');
const pool = startWorkers(boot.request, boot.board, boot.settings.workerHeapMb);
const {coordinate} = await import('./coordinator-main.ts');
coordinate(boot, pool);
