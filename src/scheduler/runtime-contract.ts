/**
 * What the scheduler needs from the layers above and beside it: how a job module becomes a graph, how
 * a graph is deployed into an arena, and what runs on a worker. The scheduler knows threads and
 * life cycles, and nothing about operators; this contract is what it is plugged into. The module
 * at `JobRequest.runtimeUrl` exports it as `jobRuntime`; every thread of a job imports that module
 * for itself, because functions do not cross threads.
 */
import type {Clock} from '../base/clock.ts';
import type {Config} from '../graph/config.ts';
import type {LoopBell} from './worker-loop.ts';
import type {Tasklet} from './progress.ts';

/** What is to be run. Plain data: goes to every thread of the job. */
export interface JobRequest {
  readonly jobId: string;
  /** The module whose default export builds the graph. */
  readonly jobUrl: string;
  /** The module that exports `jobRuntime`. */
  readonly runtimeUrl: string;
  readonly args: unknown;
  readonly config: Config;
  /** Threads that are started; a plan may leave some of them without tasks. */
  readonly workerCount: number;
}

/** A graph as one thread has built it, user functions included. */
export interface PlannedJob {
  readonly jobName: string;
  /**
   * What must be equal in all threads: a hash of the graph, and the lines that it was made from, so
   * that the first difference can be shown.
   */
  readonly fingerprint: {readonly hash: string; readonly lines: readonly string[]};
}

/** One subtask and its place. */
export interface TaskPlacement {
  readonly taskIndex: number;
  readonly vertexId: string;
  /** `name (2/4)`, as shown to users. */
  readonly name: string;
  readonly subtaskIndex: number;
  readonly workerIndex: number;
}

/** Plain data that crosses threads; the runtime keeps more in it than is named here. */
export interface DeploymentPlan {
  readonly jobId: string;
  readonly jobName: string;
  readonly workerCount: number;
  readonly graphHash: string;
  readonly arenaSizeBytes: number;
  /** In the order of their indexes. */
  readonly tasks: readonly TaskPlacement[];
  /** Names of the host sources and host sinks; somebody has to write and read them. */
  readonly hostInputs: readonly string[];
  readonly hostOutputs: readonly string[];
}

export interface Deployment {
  readonly plan: DeploymentPlan;
  readonly buffer: SharedArrayBuffer;
  /** What the sources are to read; plain data, opaque here. */
  readonly splits: unknown;
}

export interface WorkerRuntimeOptions {
  readonly deployment: Deployment;
  readonly workerIndex: number;
  readonly planned: PlannedJob;
  readonly request: JobRequest;
  readonly clock: Clock;
  /** To be called before user code opens task `taskIndex`, so that one that never returns has a name. */
  readonly opening: (taskIndex: number) => void;
}

/** Which state is asked for: of which operator of which task, and of which key. */
export interface StateQuery {
  readonly workerIndex: number;
  readonly taskIndex: number;
  readonly operatorIndex: number;
  readonly key: unknown;
}

/** The subtasks of one worker. */
export interface WorkerRuntime {
  /** In the order in which the plan names the tasks of this worker. */
  readonly tasklets: readonly Tasklet[];
  /** What is left when all tasks have ended: plain data. */
  results(): WorkerResults;
  /** What an operator keeps for a key, by the names of its states; undefined: nothing. Between two steps. */
  readState(query: StateQuery): Readonly<Record<string, unknown>> | undefined;
  dispose(): void;
}

export interface WorkerResults {
  readonly accumulators: Readonly<Record<string, number>>;
  /** Records of `collect` sinks, by name. */
  readonly collected: Readonly<Record<string, readonly unknown[]>>;
}

/** Counters of one operator; they only grow. */
export interface OperatorMetrics {
  readonly uid: string;
  readonly name: string;
  readonly recordsIn: number;
  readonly recordsOut: number;
}

/** Counters of one subtask; the `…Ms` and `records…` only grow. */
export interface TaskMetrics {
  readonly taskIndex: number;
  readonly vertexId: string;
  readonly name: string;
  readonly subtaskIndex: number;
  readonly workerIndex: number;
  readonly recordsIn: number;
  readonly recordsOut: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly busyMs: number;
  readonly idleMs: number;
  readonly backpressuredMs: number;
  /** Batches that wait in the task's input channels. */
  readonly inputQueueLength: number;
  /** As many may wait there, events not counted; 0 for a task that reads a source. */
  readonly inputQueueLengthMax: number;
  /** Batches on their way to the tasks that read this one. */
  readonly outputQueueLength: number;
  /** The last watermark that came to the task, and that left it; -Infinity before the first one. */
  readonly currentInputWatermark: number;
  readonly currentOutputWatermark: number;
  readonly operators: readonly OperatorMetrics[];
  /** Named counters of user functions and connectors. */
  readonly counters: Readonly<Record<string, number>>;
}

export interface JobMetrics {
  readonly tasks: readonly TaskMetrics[];
}

export interface MetricsReader {
  read(): JobMetrics;
}

/** The bell of a thread as the control plane uses it. */
export interface ControlBell extends LoopBell {
  setControl(flags: number): void;
  wake(): void;
}

/** Where a thread of the host waits for credit or for records. */
export interface HostBell {
  prepareToPark(): number;
  parkAsync(seen: number, timeoutMs: number): Promise<unknown> | unknown;
  awake(): void;
}

/**
 * The writing end of a host source: the host's thread is one more producer. Records that find no room wait
 * in it, as copies, in their order.
 */
export interface HostInput {
  readonly bell: HostBell;
  /**
   * Takes a record. False: something waits for room, this record perhaps; call `settle` after a ring.
   * Throws if this record cannot be carried, which is then not taken.
   */
  offer(value: unknown): boolean;
  /**
   * Whether nothing waits for room any more. Throws if a record that waited turns out to be one that cannot
   * be carried; that record is dropped, and nothing else.
   */
  settle(): boolean;
  /** Hands partly filled batches over too; false: try again after a ring. Throws like `settle`. */
  flush(): boolean;
  /**
   * After the last record: hands over the rest and ends the source; false: try again after a ring.
   * Throws like `settle`.
   */
  close(): boolean;
}

/** The reading end of a host sink: the host's thread is one more consumer. */
export interface HostOutput {
  readonly bell: HostBell;
  /** Records that have arrived; undefined: none now. */
  poll(): readonly unknown[] | undefined;
  /** Whether the producers have ended and everything was polled. */
  readonly isEnded: boolean;
  /** Whether producers wait for the host to read: they have as much in flight as they may. */
  isHoldingBack(): boolean;
  /** The host reads no more: what arrives from now on is dropped. */
  close(): void;
}

/** What the coordinator's thread needs of the engine. */
export interface CoordinatorSide {
  /** Builds the graph. Rejects with what the user must repair. */
  plan(jobModule: Readonly<Record<string, unknown>>, request: JobRequest): Promise<PlannedJob>;
  /** Places the subtasks, sums the memory, allocates the arena, lists the splits. */
  deploy(planned: PlannedJob, request: JobRequest): Promise<Deployment>;
  /** The bell of worker `workerIndex`. */
  openBell(deployment: Deployment, workerIndex: number): ControlBell;
  openMetrics(deployment: Deployment): MetricsReader;
}

/** What a worker's thread needs of the engine. */
export interface WorkerSide {
  /** Builds the same graph again. */
  plan(jobModule: Readonly<Record<string, unknown>>, request: JobRequest): Promise<PlannedJob>;
  createWorker(options: WorkerRuntimeOptions): WorkerRuntime;
  openBell(deployment: Deployment, workerIndex: number): ControlBell;
}

/** Where the watermark that holds an operator back is made. */
export interface WatermarkHolder {
  readonly uid: string;
  readonly operator: string;
  /** `name (2/4)` of the task that runs it. */
  readonly task: string;
  readonly subtaskIndex: number;
  /** Of the splits that it reads the slowest; absent if it has none. */
  readonly split?: string;
  /** The tasks between it and the operator that it holds back, its own included. */
  readonly path: readonly string[];
  /** -Infinity: it has emitted none. */
  readonly watermark: number;
  readonly standsForMs: number;
}

/** Where event time stands in an operator: in the slowest of its subtasks. */
export interface OperatorWatermark {
  readonly uid: string;
  readonly operator: string;
  readonly task: string;
  readonly subtaskIndex: number;
  /** -Infinity: none has come yet. Infinity: the last one has come. */
  readonly watermark: number;
  /** For how long it has not moved. */
  readonly standsForMs: number;
  /** All inputs are idle. */
  readonly isIdle: boolean;
  /** Whether timers of event time wait, in any of its subtasks: open windows, for instance. */
  readonly hasTimers: boolean;
  readonly heldBackBy: WatermarkHolder | undefined;
  /** All of it in a sentence. */
  readonly text: string;
}

export interface WatermarkReader {
  /** By operator. `nowMs` is the wall clock. */
  explain(nowMs: number): readonly OperatorWatermark[];
}

/** What the host's thread needs of the engine. */
export interface HostSide {
  openMetrics(deployment: Deployment): MetricsReader;
  openWatermarks(deployment: Deployment): WatermarkReader;
  /** The question for the state of a key. Errors: `E_STATE_QUERY` for an unknown uid. */
  stateQuery(deployment: Deployment, uid: string, key: unknown): StateQuery;
  openHostInput(deployment: Deployment, name: string): HostInput;
  openHostOutput(deployment: Deployment, name: string): HostOutput;
}

/** Loads the engine's half for a thread of each role, and nothing else. */
export interface JobRuntime {
  coordinator(): Promise<CoordinatorSide>;
  worker(): Promise<WorkerSide>;
  host(): Promise<HostSide>;
}
