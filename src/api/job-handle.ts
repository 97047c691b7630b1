/**
 * What `start` returns: a running job as its host sees it. Belongs to the host's thread. Status and
 * counters come straight from shared memory, so asking for them disturbs nobody; cancel and stop
 * are control calls to the coordinator.
 */
import {StreamError} from '../base/errors.ts';
import type {ErrorData} from '../base/errors.ts';
import type {JobEnd, StartTimes, StartedJob} from '../scheduler/coordinator.ts';
import type {JobBoard} from '../scheduler/job-board.ts';
import {isTerminalJobStatus} from '../scheduler/job-status.ts';
import type {JobStatus} from '../scheduler/job-status.ts';
import type {
  Deployment,
  HostInput,
  HostOutput,
  HostSide,
  JobMetrics,
  MetricsReader,
} from '../scheduler/runtime-contract.ts';
import {TASK_STATES} from '../scheduler/task-state.ts';
import type {TaskState} from '../scheduler/task-state.ts';
import {HostPump, JobInput, JobOutput} from './host-streams.ts';
import {jobResult, type JobResult} from './job-result.ts';

/** A subtask and its state. */
export interface TaskStatus {
  readonly name: string;
  readonly vertexId: string;
  readonly subtaskIndex: number;
  readonly workerIndex: number;
  readonly state: TaskState;
}

/** Where the time between `start` and RUNNING went: milliseconds since the call of `start`. */
export type StartProfile = Record<keyof StartTimes, number>;

/** What the handle stands on; `start` puts it together. */
export interface JobConnection {
  readonly jobId: string;
  readonly started: StartedJob;
  readonly runtime: HostSide;
  readonly board: JobBoard;
  /** Wall clock when `start` was called. */
  readonly requestedAtMs: number;
  /** Settles when all threads of the job are gone; rejects only if the coordinator died. */
  readonly end: Promise<JobEnd>;
  cancel(): Promise<void>;
  stop(): Promise<void>;
}

export class JobHandle implements AsyncDisposable {
  readonly id: string;
  readonly name: string;
  /** The names that the job gave to `fromHost`: it waits for somebody to write and end each of them. */
  readonly inputNames: readonly string[];
  /** The names that the job gave to `toHost`: it waits for somebody to read each of them. */
  readonly outputNames: readonly string[];
  /** Where the start has spent its time. */
  readonly startProfile: StartProfile;
  readonly #connection: JobConnection;
  readonly #pump = new HostPump();
  readonly #inputs = new Map<string, JobInput>();
  readonly #outputs = new Map<string, JobOutput>();
  readonly #taskStates: Int32Array;
  readonly #tasks: readonly Omit<TaskStatus, 'state'>[];
  readonly #settled: Promise<JobResult>;
  /** Undefined once the job has ended: the arena is not kept alive by a handle. */
  #deployment: Deployment | undefined;
  #metricsReader: MetricsReader | undefined;
  #lastMetrics: JobMetrics = {tasks: []};
  #failures: readonly ErrorData[] = [];
  #endStatus: JobStatus | undefined;
  #isWatched = false;

  constructor(connection: JobConnection) {
    const {started, requestedAtMs} = connection;
    this.#connection = connection;
    this.#deployment = started.deployment;
    this.#taskStates = new Int32Array(started.taskStates);
    this.#tasks = started.deployment.plan.tasks.map(
      ({name, vertexId, subtaskIndex, workerIndex}) => ({
        name,
        vertexId,
        subtaskIndex,
        workerIndex,
      }),
    );
    this.id = connection.jobId;
    this.name = started.deployment.plan.jobName;
    this.inputNames = started.deployment.plan.hostInputs;
    this.outputNames = started.deployment.plan.hostOutputs;
    this.startProfile = Object.fromEntries(
      Object.entries(started.times).map(([step, at]) => [step, at - requestedAtMs]),
    ) as StartProfile;
    this.#settled = connection.end.then(
      end => this.#ended(end),
      (thrown: unknown) => {
        throw this.#died(thrown as StreamError);
      },
    );
    this.#settled.catch((thrown: unknown) => {
      // A failure that nobody asks for must not vanish, nor end the process of an embedding service.
      if (!this.#isWatched) process.emitWarning(thrown as Error);
    });
  }

  /**
   * How the job ends. Resolves when it has FINISHED or was CANCELED, and all its threads are gone;
   * rejects with the root cause when it FAILED.
   */
  get done(): Promise<JobResult> {
    this.#isWatched = true;
    return this.#settled;
  }

  get status(): JobStatus {
    return this.#endStatus ?? this.#connection.board.status();
  }

  /** All failures so far ended jobs have noticed, root cause first; empty while it runs. */
  get failures(): readonly ErrorData[] {
    return this.#failures;
  }

  /** All subtasks with their states. */
  tasks(): readonly TaskStatus[] {
    return this.#tasks.map((task, index) => ({
      ...task,
      state: TASK_STATES[Atomics.load(this.#taskStates, index)]!,
    }));
  }

  /** The counters of all subtasks, now; of an ended job, their last state. */
  metrics(): JobMetrics {
    if (this.#deployment === undefined) return this.#lastMetrics;
    this.#metricsReader ??= this.#connection.runtime.openMetrics(this.#deployment);
    return this.#metricsReader.read();
  }

  /** Ends the job as soon as possible and drops what is in flight. Resolves as `done`. */
  async cancel(): Promise<JobResult> {
    const done = this.done;
    if (!isTerminalJobStatus(this.status)) await this.#connection.cancel();
    return await done;
  }

  /** Ends the sources; everything in flight is processed. Resolves as `done`. */
  async stop(): Promise<JobResult> {
    const done = this.done;
    if (!isTerminalJobStatus(this.status)) await this.#connection.stop();
    return await done;
  }

  /**
   * The writing end of the host source `name` (`env.fromHost`).
   * Errors: E_HOST_STREAM if the job has no such source.
   */
  input<T = unknown>(name: string): JobInput<T> {
    let input = this.#inputs.get(name);
    if (input === undefined) {
      const {runtime} = this.#connection;
      const channel: HostInput = runtime.openHostInput(this.#running('input', name), name);
      input = new JobInput(name, channel, this.#pump);
      this.#inputs.set(name, input);
    }
    return input as JobInput<T>;
  }

  /**
   * The reading end of the host sink `name` (`stream.toHost`). Open it before the job ends; it can
   * be read to its end afterwards.
   * Errors: E_HOST_STREAM if the job has no such sink.
   */
  output<T = unknown>(name: string): JobOutput<T> {
    let output = this.#outputs.get(name);
    if (output === undefined) {
      const {runtime} = this.#connection;
      const channel: HostOutput = runtime.openHostOutput(this.#running('output', name), name);
      output = new JobOutput(name, channel, this.#pump);
      this.#outputs.set(name, output);
    }
    return output as JobOutput<T>;
  }

  /** Cancels the job if it still runs. Throws its failure if nobody has asked for it. */
  async [Symbol.asyncDispose](): Promise<void> {
    const wasWatched = this.#isWatched;
    try {
      await this.cancel();
    } catch (thrown) {
      if (!wasWatched) throw thrown;
    }
  }

  #running(kind: string, name: string): Deployment {
    if (this.#deployment !== undefined) return this.#deployment;
    throw new StreamError('E_JOB_ENDED', 'the job has ended', {job: this.name, [kind]: name});
  }

  #ended(end: JobEnd): JobResult {
    this.#lastMetrics = end.metrics;
    this.#failures = end.failures;
    this.#endStatus = end.status;
    if (end.status === 'FAILED') throw this.#died(StreamError.from(end.failures[0]!));
    this.#release(
      end.status === 'FINISHED'
        ? new StreamError('E_JOB_ENDED', 'the job has ended', {job: this.name})
        : new StreamError('E_JOB_CANCELED', 'the job was cancelled', {job: this.name}),
    );
    const {status: state, durationMs, metrics} = end;
    return jobResult({jobId: this.id, jobName: this.name, state, durationMs, metrics}, end);
  }

  #died(failure: StreamError): StreamError {
    this.#endStatus = 'FAILED';
    this.#release(failure);
    return failure;
  }

  #release(reason: StreamError): void {
    this.#deployment = undefined;
    this.#metricsReader = undefined;
    this.#pump.fail(reason);
  }
}
