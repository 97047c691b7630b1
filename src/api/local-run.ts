/**
 * Runs a job in the calling thread, for `runInThread`: the same tasks, channels and loops as
 * with workers, without any thread to start. The builder may be any function, also one that closes
 * over variables of the caller. The event loop goes on meanwhile.
 */
import {systemClock} from '../base/clock.ts';
import {Random, systemSeed} from '../base/random.ts';
import {StreamError} from '../base/errors.ts';
import {Arena} from '../memory/arena.ts';
import {Doorbell} from '../memory/doorbell.ts';
import {deployFailure, taskFailure} from '../scheduler/failure.ts';
import {JobBoard, NO_TASK, WorkerPulse, allocateJobBoard} from '../scheduler/job-board.ts';
import {JobMetricsReader} from '../scheduler/job-metrics.ts';
import type {Progress, Tasklet} from '../scheduler/progress.ts';
import type {WorkerRuntime} from '../scheduler/runtime-contract.ts';
import {createWorkerTasks, type TaskFactoryOptions} from '../scheduler/task-factory.ts';
import {CONTROL_CANCEL, WorkerLoop} from '../scheduler/worker-loop.ts';
import type {JobBuilder, JobModule} from './job.ts';
import {jobResult, type JobResult} from './job-result.ts';
import {prepareLocalJob} from './local-job.ts';
import type {RunInThreadOptions} from './run-in-thread.ts';

/** Nobody but this thread is there to keep it alive while it waits. */
const KEEP_ALIVE_MS = 1 << 30;

let count = 0;

/** Runs a job to its end in this thread: see `runInThread`. */
export async function runLocally<Args>(
  builder: JobBuilder<Args> | JobModule<Args>,
  options: RunInThreadOptions<Args>,
): Promise<JobResult> {
  const {signal} = options;
  if (signal?.aborted === true) {
    throw new StreamError(
      'E_JOB_CANCELED',
      'the job was cancelled before it ran',
      {},
      {cause: signal.reason},
    );
  }
  count += 1;
  const jobId = `thread-${count}`;
  const {plans, planAgain, deployment, jobName} = await prepareLocalJob(
    builder,
    {parallelism: 1, ...options},
    1,
    jobId,
  );
  const {plan} = deployment;
  refuseHostStreams(jobName, [...plan.layout.hostInputs, ...plan.layout.hostOutputs]);
  const arena = new Arena(deployment.buffer);
  const startMs = systemClock.monotonicNow();
  const runtime = createTasks({
    plan: plans[0],
    planAgain,
    deployment,
    arena,
    workerIndex: 0,
    clock: systemClock,
    random: new Random(systemSeed()),
  });
  const bell = new Doorbell(arena, plan.layout.doorbells, 0);
  let failure: unknown;
  const board = allocateJobBoard(1);
  new JobBoard(board).setStatus('RUNNING');
  const loop = new WorkerLoop({
    tasks: runtime.tasklets.map((tasklet, index) => ({
      taskIndex: plan.tasks[index].taskIndex,
      tasklet: new UnblockingTasklet(tasklet),
    })),
    bell,
    pulse: new WorkerPulse(board, 0),
    clock: systemClock,
    listener: {
      taskFinished: () => {},
      taskCanceled: () => {},
      taskFailed: (taskIndex, thrown) => {
        const task = taskIndex === NO_TASK ? undefined : plan.tasks[taskIndex];
        failure = taskFailure(thrown, {jobName, workerIndex: 0, task});
      },
      disposeFailed: () => {},
    },
  });
  const onAbort = () => bell.setControl(CONTROL_CANCEL);
  signal?.addEventListener('abort', onAbort, {once: true});
  // While the job was prepared nobody has listened.
  if (options.signal?.aborted === true) onAbort();
  const keepAlive = setInterval(() => {}, KEEP_ALIVE_MS);
  try {
    const outcome = await loop.run();
    if (outcome === 'FAILED') throw failure;
    return jobResult(
      {
        jobId,
        jobName,
        state: outcome,
        durationMs: systemClock.monotonicNow() - startMs,
        metrics: new JobMetricsReader(arena, plan).read(),
      },
      runtime.results(),
    );
  } finally {
    clearInterval(keepAlive);
    signal?.removeEventListener('abort', onAbort);
    runtime.dispose();
  }
}

/** Errors: as from a worker's thread, with the name of the job. */
function createTasks(options: TaskFactoryOptions): WorkerRuntime {
  try {
    return createWorkerTasks(options);
  } catch (thrown) {
    throw deployFailure(thrown, {jobName: options.deployment.plan.jobName, workerIndex: 0});
  }
}

function refuseHostStreams(job: string, streams: ReadonlyArray<{readonly name: string}>): void {
  if (streams.length === 0) return;
  throw new StreamError(
    'E_HOST_STREAM',
    'a job with host streams cannot run in the calling thread',
    {job, streams: streams.map(({name}) => name).join(', ')},
    {remedy: 'use start(), whose handle has the other ends; or fromCollection() and collect()'},
  );
}

/** A tasklet whose worker never blocks its thread, because that thread is the caller's. */
class UnblockingTasklet implements Tasklet {
  readonly #tasklet: Tasklet;
  readonly awaitsPromises = true;

  constructor(tasklet: Tasklet) {
    this.#tasklet = tasklet;
  }

  get name(): string {
    return this.#tasklet.name;
  }

  get wakeAtMs(): number {
    return this.#tasklet.wakeAtMs;
  }

  step(nowMs: number): Progress {
    return this.#tasklet.step(nowMs);
  }

  stop(): void {
    this.#tasklet.stop();
  }

  dispose(): void {
    this.#tasklet.dispose();
  }
}
