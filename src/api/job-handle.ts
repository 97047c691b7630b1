/**
 * What `start` returns: a running job as its host sees it. Belongs to the host's thread. Status and
 * counters come straight from shared memory, so asking for them disturbs nobody; cancel and stop
 * are control calls to the coordinator.
 */
import {systemClock} from '../base/clock.ts';
import {StreamError, toErrorData} from '../base/errors.ts';
import type {ErrorData} from '../base/errors.ts';
import type {KeyState} from '../operators/key-state.ts';
import type {JobEnd, StartTimes, StartedJob} from '../scheduler/coordinator.ts';
import type {JobBoard} from '../scheduler/job-board.ts';
import {isTerminalJobStatus} from '../scheduler/job-status.ts';
import type {JobStatus} from '../scheduler/job-status.ts';
import type {
  Deployment,
  HostInput,
  HostSide,
  JobMetrics,
  MetricsReader,
  OperatorWatermark,
  StateQuery,
  WatermarkReader,
} from '../scheduler/runtime-contract.ts';
import {TASK_STATES, isTerminalTaskState} from '../scheduler/task-state.ts';
import type {TaskState} from '../scheduler/task-state.ts';
import {HostPump, JobInput, JobOutput} from './host-streams.ts';
import {jobResult, type JobResult} from './job-result.ts';
import {WATERMARK_TIMEOUT_MS, watchWatermarks} from './stalled-watermarks.ts';
import {ReadOutput, watchReaders} from './unread-output.ts';

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
  /** After so long without a read by the host, a job that waits for one says so; Infinity: never. */
  readonly hostReadTimeoutMs: number;
  /** After so long without a larger watermark, timers that wait for one are worth a warning. */
  readonly watermarkTimeoutMs?: number;
  cancel(): Promise<void>;
  stop(): Promise<void>;
  readState(query: StateQuery): Promise<KeyState | undefined>;
  /** Fails the job for a reason that only the host knows. */
  fail(reason: StreamError): void;
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
  #watermarks: WatermarkReader | undefined;
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
    // At once, so that what a short job has sent can be read when it has ended.
    const outputs = this.outputNames.map(name => this.#openOutput(name));
    const unwatch = watchReaders(this.name, outputs, connection.hostReadTimeoutMs);
    connection.end.then(unwatch, unwatch);
    const forget = watchWatermarks(
      this.name,
      () => this.explainWatermarks(),
      connection.watermarkTimeoutMs ?? WATERMARK_TIMEOUT_MS,
    );
    connection.end.then(forget, forget);
    this.#settled = connection.end.then(
      end => this.#ended(end),
      (thrown: unknown) => {
        throw this.#died(thrown as StreamError);
      },
    );
    this.#settled.catch((thrown: unknown) => {
      // A failure that nobody asks for must not vanish, nor end the process of an embedding service. Who
      // hears of it from a stream, which is rejected now, has a turn to ask for it.
      setImmediate(() => {
        if (!this.#isWatched) process.emitWarning(thrown as Error);
      });
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

  /**
   * What went wrong, root cause first; empty while the job runs. A job that was CANCELED may have failures
   * too, from before or from the cancelling itself.
   */
  get failures(): readonly ErrorData[] {
    return this.#failures;
  }

  /** All subtasks with their states. */
  tasks(): readonly TaskStatus[] {
    return this.#tasks.map((task, index) => {
      const state = TASK_STATES[Atomics.load(this.#taskStates, index)]!;
      // A coordinator that dies takes its tasks along, and cannot say so any more.
      const isLost = this.#endStatus !== undefined && !isTerminalTaskState(state);
      return {...task, state: isLost ? 'FAILED' : state};
    });
  }

  /** The counters of all subtasks, now; of an ended job, their last state. */
  metrics(): JobMetrics {
    if (this.#deployment === undefined) return this.#lastMetrics;
    this.#metricsReader ??= this.#connection.runtime.openMetrics(this.#deployment);
    return this.#metricsReader.read();
  }

  /**
   * Where event time stands in each operator, what holds it back, and since when: which source, split and
   * channel. Empty when the job has ended. It is read from shared memory, like counters.
   */
  explainWatermarks(): readonly OperatorWatermark[] {
    if (this.#deployment === undefined) return [];
    this.#watermarks ??= this.#connection.runtime.openWatermarks(this.#deployment);
    return this.#watermarks.explain(systemClock.now());
  }

  /**
   * Looks into the state that an operator keeps for a key, between two of its records.
   *
   * Result: by the name of the state: its value, the array of a list, a Map, the result of an aggregate; of
   *         a rolling aggregation `result`. Undefined if the key has no state. What windows hold is not in it.
   * Errors: `E_STATE_QUERY` if no operator has the uid; `E_KEY_…` for a key that is none; `E_JOB_ENDED`;
   *         `E_STATE_CLONE` for values that cannot go to this thread.
   * Cost:   a message to the operator's thread and back, which it hears within about 10 ms.
   */
  async state(uid: string, key: unknown): Promise<KeyState | undefined> {
    const deployment = this.#running('uid', uid);
    const query = this.#connection.runtime.stateQuery(deployment, uid, key);
    try {
      return await this.#connection.readState(query);
    } catch (thrown) {
      // A job that ends meanwhile closes the way.
      if ((thrown as StreamError).code !== 'E_LINK_CLOSED') throw thrown;
      throw new StreamError('E_JOB_ENDED', 'the job has ended', {job: this.name, uid});
    }
  }

  /** Ends the job as soon as possible and drops what is in flight. Resolves as `done`. */
  async cancel(): Promise<JobResult> {
    const done = this.done;
    if (!isTerminalJobStatus(this.status)) await this.#connection.cancel();
    return await done;
  }

  /**
   * Ends the sources; everything in flight is processed, and so is everything that was written into an
   * input. Resolves as `done`. Errors: that of a record in an input that could not be carried.
   */
  async stop(): Promise<JobResult> {
    const done = this.done;
    // Inputs first: a record that waits for room has been taken, and must not be left behind.
    const inputs = [...this.#inputs.values()];
    let refusal: unknown;
    for (const input of inputs) {
      try {
        input.end();
      } catch (thrown) {
        refusal ??= thrown;
      }
    }
    await Promise.race([
      Promise.allSettled(inputs.map(input => input.ready)),
      this.#connection.end,
    ]);
    if (!isTerminalJobStatus(this.status)) await this.#connection.stop();
    const result = await done;
    if (refusal !== undefined) throw refusal;
    return result;
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
      const fail = (reason: StreamError) => this.#connection.fail(reason.at({job: this.name}));
      input = new JobInput({name, channel, pump: this.#pump, fail});
      this.#inputs.set(name, input);
    }
    return input as JobInput<T>;
  }

  /**
   * The reading end of the host sink `name` (`stream.toHost`). The job waits for it to be read. What is left
   * of a job that has FINISHED can still be read.
   * Errors: E_HOST_STREAM if the job has no such sink.
   */
  output<T = unknown>(name: string): JobOutput<T> {
    const output = this.#outputs.get(name);
    if (output !== undefined) return output as JobOutput<T>;
    throw new StreamError(
      'E_HOST_STREAM',
      'the job has no host output of this name',
      {job: this.name, output: name, known: this.outputNames.join(', ') || '(none)'},
      {remedy: 'give a name that the job passed to stream.toHost'},
    );
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

  #openOutput(name: string): ReadOutput {
    const {runtime, started} = this.#connection;
    const channel = new ReadOutput(name, runtime.openHostOutput(started.deployment, name));
    this.#outputs.set(name, new JobOutput(name, channel, this.#pump));
    return channel;
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
    if (this.#failures.length === 0) this.#failures = [toErrorData(failure)];
    this.#release(failure);
    return failure;
  }

  #release(reason: StreamError): void {
    this.#deployment = undefined;
    this.#metricsReader = undefined;
    this.#watermarks = undefined;
    this.#pump.fail(reason);
  }
}
