/**
 * The worker threads of one job. The home of piscina: as many threads as the job has workers, from
 * the first moment to the last, each with one endless task. Belongs to the coordinator's thread.
 *
 * `atomics: 'disabled'`, because a thread between tasks must serve messages; idleTimeout Infinity,
 * because no thread may leave. Piscina replaces a thread that died; the coordinator ends the job
 * then and with it the pool, so that the replacement never gets a task.
 */
import {createRequire} from 'node:module';
import type {MessagePort} from 'node:worker_threads';
import type {Piscina as Pool} from 'piscina';
import {outputPassedOn, type OutputOfThread} from './drain-output.ts';
import type {JobRequest} from './runtime-contract.ts';
import type {WorkerBoot} from './worker-main.ts';

/** Required, not imported: the package is CommonJS, and the way around costs 5 ms of a cold start. */
const {Piscina} = createRequire(import.meta.url)('piscina') as typeof import('piscina');

/** Lies beside this module, in the sources as in the published package. */
const WORKER_ENTRY = new URL(
  `./worker-boot${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`,
  import.meta.url,
).href;

export interface WorkerPoolOptions {
  readonly workerCount: number;
  /** The module with the task: `run(task)`. It is imported as soon as the thread is up. */
  readonly entryUrl: string;
  /** Plain data that the entry module finds as `workerData` while it is imported. */
  readonly bootData: unknown;
  /** Limit of each thread's heap in MiB; absent: V8's own. Shared memory does not count. */
  readonly heapMb?: number | undefined;
}

export class WorkerPool {
  readonly #pool: Pool;
  /** Those that the pool has begun with; others never get a task. */
  readonly #threads: readonly OutputOfThread[];

  /** Starts the threads at once. */
  constructor(options: WorkerPoolOptions) {
    this.#pool = new Piscina({
      filename: options.entryUrl,
      name: 'run',
      minThreads: options.workerCount,
      maxThreads: options.workerCount,
      idleTimeout: Infinity,
      atomics: 'disabled',
      recordTiming: false,
      workerData: options.bootData,
      ...(options.heapMb === undefined
        ? {}
        : {resourceLimits: {maxOldGenerationSizeMb: options.heapMb}}),
    });
    this.#threads = this.#pool.threads;
    // The error of a thread without a task (it died before or after it): the task's promise says
    // all there is to say, and an 'error' event without listener would kill the coordinator.
    this.#pool.on('error', () => {});
  }

  /**
   * Runs the endless task on a thread of its own. Rejects when the thread dies: with the error that
   * killed it, or with one that names the exit code.
   */
  async run<R>(task: unknown, ports: readonly MessagePort[]): Promise<R> {
    return (await this.#pool.run(task, {transferList: [...ports]})) as R;
  }

  /** Ends all threads, also those that loop or sleep; rejects their tasks. No `finally` runs. */
  async destroy(): Promise<void> {
    await this.#pool.destroy();
  }

  /** After the end: resolves when what the threads have printed has been passed on. */
  async outputPassedOn(): Promise<void> {
    await outputPassedOn(this.#threads);
  }
}

/** Starts the threads of a job; `heapMb` as in `WorkerPoolOptions`. */
export function startWorkers(
  request: JobRequest,
  board: SharedArrayBuffer,
  heapMb: number | undefined,
): WorkerPool {
  const bootData: WorkerBoot = {request, board};
  return new WorkerPool({
    workerCount: request.workerCount,
    entryUrl: WORKER_ENTRY,
    bootData,
    heapMb,
  });
}
