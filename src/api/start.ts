/**
 * Starts a job from a service or a script: `const run = await start(url, options)`. The host's thread
 * starts the coordinator's thread and is not needed afterwards; it may be busy, or write and read
 * records. A thread per job, and none shared between jobs: what user code does to its thread (ends
 * it, fills its memory, changes globals) stays with its job.
 */
import {availableParallelism} from 'node:os';
import {MessageChannel, Worker, type MessagePort} from 'node:worker_threads';
import {systemClock} from '../base/clock.ts';
import {StreamError, showValue, toErrorData} from '../base/errors.ts';
import {resolveConfig} from '../graph/config.ts';
import type {ConfigInput} from '../graph/config.ts';
import {canBeCloned, cloneFaultPath} from '../scheduler/clone-fault.ts';
import {openControlLink} from '../scheduler/control-link.ts';
import type {JobEnd} from '../scheduler/coordinator.ts';
import type {CoordinatorBoot, CoordinatorControl} from '../scheduler/coordinator-main.ts';
import {outputPassedOn} from '../scheduler/drain-output.ts';
import {entryUrl} from '../scheduler/entry-url.ts';
import {JobBoard, allocateJobBoard} from '../scheduler/job-board.ts';
import {importRuntime} from '../scheduler/job-module.ts';
import type {JobRequest} from '../scheduler/runtime-contract.ts';
import type {JobHandle} from './job-handle.ts';
import {jobUrl, type JobReference} from './job-url.ts';

export type {JobReference};

export interface StartOptions {
  /** Passed to the job's builder; anything that can be cloned between threads. Default `{}`. */
  readonly args?: unknown;
  /** Subtasks per operator that says nothing else; default: the cores of the machine. */
  readonly parallelism?: number;
  /** All other options (docs/reference/configuration.md). */
  readonly config?: ConfigInput | Readonly<Record<string, unknown>>;
  /** Limit of the heap of each worker, in MiB; default: V8's own. */
  readonly workerHeapMb?: number;
  /** The start fails if the job is not RUNNING by then, in ms; default 60 000; Infinity: never. */
  readonly startTimeoutMs?: number;
  /**
   * A process warning says so when the job has waited so long for the host to read one of its outputs, in
   * ms; default 10 000; Infinity: never.
   */
  readonly hostReadTimeoutMs?: number;
  /** Cancels the job, also while it is starting. */
  readonly signal?: AbortSignal;
}

const COORDINATOR_ENTRY = entryUrl('scheduler/coordinator-boot');
const ENGINE = entryUrl('api/job-runtime').href;

const START_TIMEOUT_MS = 60_000;
const HOST_READ_TIMEOUT_MS = 10_000;
/** Largest delay of a timer of JavaScript; a longer one would fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;
/** A coordinator that was told to end has ended, with all its workers, so long after its own limit. */
const COORDINATOR_GRACE_MS = 2000;
/** What a job has printed is written at once, unless the process has closed its output. */
const OUTPUT_PATIENCE_MS = 1000;

let startedCount = 0;

/**
 * Starts a job in threads of its own and resolves when it runs.
 *
 * Errors: E_JOB_NOT_FOUND, E_JOB_LOAD, E_JOB_MODULE (the module); whatever its builder throws;
 * E_NONDETERMINISTIC_JOB; E_CONFIG_… (options); E_START_TIMEOUT; E_JOB_CANCELED (by `signal`).
 */
export function start(job: JobReference, options: StartOptions = {}): Promise<JobHandle> {
  return startOn(ENGINE, job, options);
}

/** Like `start`, with another implementation of the runtime contract: for tests of the scheduler. */
export async function startOn(
  runtimeUrl: string,
  job: JobReference,
  options: StartOptions,
): Promise<JobHandle> {
  const requestedAtMs = systemClock.now();
  const {signal} = options;
  const startTimeoutMs = timeout('startTimeoutMs', options.startTimeoutMs, START_TIMEOUT_MS);
  const hostReadTimeoutMs = timeout(
    'hostReadTimeoutMs',
    options.hostReadTimeoutMs,
    HOST_READ_TIMEOUT_MS,
  );
  const workerHeapMb = heapLimit(options.workerHeapMb);
  if (signal?.aborted === true) throw canceledBy(signal, jobUrl(job));
  const config = resolveConfig({
    ...options.config,
    ...(options.parallelism === undefined ? {} : {parallelism: options.parallelism}),
  });
  startedCount += 1;
  const request: JobRequest = {
    jobId: `${process.pid.toString(36)}-${startedCount}`,
    jobUrl: jobUrl(job),
    runtimeUrl,
    args: options.args ?? {},
    config,
    // Threads that outnumber the cores only take turns, and each costs 25 ms to start.
    workerCount: config.workers ?? Math.min(config.parallelism, availableParallelism()),
  };
  const board = allocateJobBoard(request.workerCount);
  const {port1, port2} = new MessageChannel();
  const boot: CoordinatorBoot = {
    request,
    settings: {
      taskTimeoutMs: config.taskTimeoutMs,
      cancelTimeoutMs: config.cancellationTimeoutMs,
      workerHeapMb,
    },
    board,
    port: port2,
  };
  const thread = startThread(boot, port1);
  const link = openControlLink<CoordinatorControl>(port1, {});
  // The thread keeps the process alive as long as the job runs; the port need not.
  link.unref();
  const death = new Promise<StreamError>(resolve => {
    let cause: unknown;
    thread.on('error', thrown => {
      cause = thrown;
    });
    thread.once('exit', exitCode => {
      const error = coordinatorDeath(request, exitCode, cause);
      link.abandon(error);
      link.close();
      resolve(error);
    });
  });
  /** A port that closes is the first sign of a thread that died; why it did, comes next. */
  const orDeath = async <T>(call: Promise<T>): Promise<T> => {
    try {
      return await call;
    } catch (thrown) {
      throw (thrown as StreamError).code === 'E_LINK_CLOSED' ? await death : thrown;
    }
  };

  const end = settle();
  end.catch(() => {});
  async function settle(): Promise<JobEnd> {
    try {
      return await orDeath(link.remote.done());
    } finally {
      await thread.terminate();
      await death;
      await outputPassedOn([thread], OUTPUT_PATIENCE_MS);
    }
  }

  // Until the coordinator's thread is up, this one has time to load what a running job needs of it.
  const loading = Promise.all([
    import('./job-handle.ts'),
    importRuntime(runtimeUrl).then(runtime => runtime.host()),
  ]);
  loading.catch(() => {});

  let cancelTimer: NodeJS.Timeout | undefined;
  const cancel = (): Promise<void> => {
    // User code may keep the coordinator's thread from hearing anything: then it is ended from here.
    const limitMs = config.cancellationTimeoutMs + COORDINATOR_GRACE_MS;
    cancelTimer ??= setTimeout(
      () => link.abandon(coordinatorSilence(request, limitMs)),
      Math.min(limitMs, TIMER_MS_MAX),
    ).unref();
    return ignoreIfGone(link.remote.cancel(), end);
  };
  const onAbort = (): void => {
    cancel().catch(() => {});
  };
  signal?.addEventListener('abort', onAbort, {once: true});
  const onEnd = (): void => {
    clearTimeout(cancelTimer);
    signal?.removeEventListener('abort', onAbort);
  };
  end.then(onEnd, onEnd);

  let startTimer: NodeJS.Timeout | undefined;
  if (startTimeoutMs !== Infinity) {
    startTimer = setTimeout(() => {
      link.abandon(startTimedOut(request, startTimeoutMs));
    }, startTimeoutMs);
  }
  try {
    const started = await orDeath(link.remote.started());
    clearTimeout(startTimer);
    const [handle, runtime] = await loading;
    return new handle.JobHandle({
      jobId: request.jobId,
      started,
      runtime,
      board: new JobBoard(board),
      requestedAtMs,
      end,
      hostReadTimeoutMs,
      cancel,
      readState: query => orDeath(link.remote.readState(query)),
      stop: () => ignoreIfGone(link.remote.stop(), end),
      fail: reason => {
        ignoreIfGone(link.remote.fail(toErrorData(reason)), end).catch(() => {});
      },
    });
  } catch (thrown) {
    // Nothing of a job that did not start may stay behind.
    await end.catch(() => {});
    const wasCanceled = (thrown as {code?: unknown}).code === 'E_JOB_CANCELED';
    throw wasCanceled && options.signal?.aborted
      ? canceledBy(options.signal, request.jobUrl)
      : thrown;
  } finally {
    clearTimeout(startTimer);
  }
}

/** Starts the coordinator's thread. Errors: `E_JOB_ARGS` if the job's arguments cannot go there. */
function startThread(boot: CoordinatorBoot, hostPort: MessagePort): Worker {
  try {
    return new Worker(COORDINATOR_ENTRY, {
      name: 'millrace-coordinator',
      workerData: boot,
      transferList: [boot.port],
    });
  } catch (thrown) {
    hostPort.close();
    const {args, jobUrl: module} = boot.request;
    if (canBeCloned(args)) throw thrown;
    throw new StreamError(
      'E_JOB_ARGS',
      'the arguments of a job cannot be handed to its threads',
      {module, field: cloneFaultPath(args) || '(all)'},
      {remedy: 'give plain data: no functions, no symbols', cause: thrown},
    );
  }
}

/** A control call to a job that ends at this very moment is no error of the caller. */
async function ignoreIfGone(call: Promise<void>, end: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch {
    await end;
  }
}

function timeout(option: string, value: number | undefined, byDefault: number): number {
  if (value === undefined) return byDefault;
  if (value === Infinity || (value > 0 && value <= TIMER_MS_MAX)) return value;
  throw badOption(option, value, `give milliseconds from 1 to ${TIMER_MS_MAX}, or Infinity`);
}

function heapLimit(value: number | undefined): number | undefined {
  if (value === undefined || (Number.isFinite(value) && value > 0)) return value;
  throw badOption('workerHeapMb', value, 'give a number of MiB, such as 512');
}

function badOption(option: string, value: unknown, remedy: string): StreamError {
  return new StreamError(
    'E_CONFIG_VALUE',
    'an option has a value that does not suit it',
    {key: option, value: showValue(value)},
    {remedy},
  );
}

function canceledBy(signal: AbortSignal, module: string): StreamError {
  return new StreamError(
    'E_JOB_CANCELED',
    'the job was cancelled before it ran',
    {module},
    {cause: signal.reason},
  );
}

function startTimedOut({jobUrl: module}: JobRequest, timeoutMs: number): StreamError {
  return new StreamError(
    'E_START_TIMEOUT',
    'the job did not start in time',
    {module, timeoutMs},
    {remedy: 'look for an endless loop or a wait in the module, or raise startTimeoutMs'},
  );
}

function coordinatorSilence({jobUrl: module}: JobRequest, silentMs: number): StreamError {
  return new StreamError(
    'E_COORDINATOR_NOT_RESPONDING',
    "the job's coordinator thread did not obey and was ended",
    {module, silentMs},
    {remedy: 'look for an endless loop in a timer or callback of the job module'},
  );
}

function coordinatorDeath(request: JobRequest, exitCode: number, cause: unknown): StreamError {
  const details = {module: request.jobUrl, exitCode};
  return cause === undefined
    ? new StreamError('E_COORDINATOR_EXIT', "the job's coordinator thread ended", details, {
        remedy: 'a job module must not call process.exit',
      })
    : new StreamError('E_COORDINATOR_DIED', "the job's coordinator thread died", details, {cause});
}
