/**
 * The coordinator of one job: starts the workers, plans, deploys, watches, and ends the job, whatever
 * happens. It runs in a thread of its own, so that neither a busy host nor busy workers keep it
 * from noticing that something is wrong. It is the only owner of the job's status and of the states
 * of all tasks.
 *
 *   start ──► pool up ─┬─► module imported, graph planned, arena allocated ─┬─► deployed ─► RUNNING
 *                      └─► the workers import and build the same ───────────┘
 *
 *   RUNNING ─► every worker has finished ───────────────────────────────► FINISHED
 *           ─► a failure (step, death, silence) ─► FAILING ─► all ended ─► FAILED
 *           ─► cancel ──────────────────────────► CANCELLING ─► all ended ─► CANCELED
 *
 * Ending never hangs: workers that have not ended `cancelTimeoutMs` after they were told to are
 * terminated. The first failure is the root cause; later ones are kept in the history. A step that
 * takes longer than `taskTimeoutMs` is a failure too: the watchdog compares the pulses of the
 * workers, and counts its own ticks instead of reading a clock, so that a machine that slept for an
 * hour has aged by one tick.
 */
import {MessageChannel} from 'node:worker_threads';
import {assert} from '../base/assert.ts';
import type {Clock} from '../base/clock.ts';
import {StreamError} from '../base/errors.ts';
import type {ErrorData} from '../base/errors.ts';
import {openControlLink} from './control-link.ts';
import type {ControlLink} from './control-link.ts';
import {FailureHistory, taskNotResponding, uncaught, workerDeath} from './failure.ts';
import type {ThreadPlace} from './failure.ts';
import {JobBoard, NO_TASK} from './job-board.ts';
import {importJobModule, importRuntime} from './job-module.ts';
import {JobStatusMachine} from './job-status.ts';
import {mergeResults} from './results.ts';
import type {JobStatus} from './job-status.ts';
import type {
  ControlBell,
  CoordinatorSide,
  Deployment,
  JobMetrics,
  JobRequest,
  PlannedJob,
  StateQuery,
  WorkerResults,
} from './runtime-contract.ts';
import type {LoopOutcome} from './worker-loop.ts';
import {TASK_STATES, TaskStateMachine, isTerminalTaskState} from './task-state.ts';
import {CONTROL_CANCEL, CONTROL_STOP} from './worker-loop.ts';
import type {WorkerControl, WorkerEnd, WorkerReports, WorkerTask} from './worker-main.ts';
import {startWorkers, type WorkerPool} from './worker-pool.ts';

/** Limits of one job; the API fills in the defaults. */
export interface CoordinatorSettings {
  /** A step that takes longer fails the job. Infinity: never. */
  readonly taskTimeoutMs: number;
  /** Workers that have not ended by then are terminated. */
  readonly cancelTimeoutMs: number;
  /** Limit of each worker's heap in MiB; undefined: V8's own. */
  readonly workerHeapMb: number | undefined;
}

/** Wall-clock times of the steps of the start (ms since 1970), to see where a start spends its time. */
export type StartTimes = Record<
  | 'coordinatorUpAt'
  | 'poolStartedAt'
  | 'moduleImportedAt'
  | 'plannedAt'
  | 'deployingAt'
  | 'runningAt',
  number
>;

/** What the host learns when the job runs. */
export interface StartedJob {
  readonly deployment: Deployment;
  /** One word per task: the code of its state. */
  readonly taskStates: SharedArrayBuffer;
  readonly times: StartTimes;
}

/** What the job came to. Plain data. */
export interface JobEnd {
  readonly status: 'FINISHED' | 'CANCELED' | 'FAILED';
  readonly jobName: string | undefined;
  /**
   * Root cause first. Not empty if the status is FAILED; if it is CANCELED, what went wrong before and
   * while the job was cancelled.
   */
  readonly failures: readonly ErrorData[];
  /** From RUNNING to the end; 0 if the job never ran. */
  readonly durationMs: number;
  readonly metrics: JobMetrics;
  readonly accumulators: Readonly<Record<string, number>>;
  readonly collected: Readonly<Record<string, readonly unknown[]>>;
}

/** One worker as the coordinator sees it. */
interface WorkerSeat {
  readonly index: number;
  readonly link: ControlLink<WorkerControl>;
  /** Settles, never rejects, when the thread's endless task is over, for whatever reason. */
  readonly ended: Promise<void>;
  /** What its tasks have left behind; has come before it ends as FINISHED. */
  results: WorkerResults | undefined;
  /** How its loop ended; undefined while it runs, and of a thread that died. */
  outcome: LoopOutcome | undefined;
  hasEnded: boolean;
  /** The watchdog has given it up; `lost` resolves then, and nobody waits for the worker any more. */
  isLost: boolean;
  readonly lost: Promise<void>;
  readonly giveUp: () => void;
  /** For the watchdog: the pulse at its last look, and for how many looks it has not moved. */
  seenSteps: number;
  silentTicks: number;
}

/** How long a job that ends waits for a worker to build its graph and hear of it. */
const BUILD_PATIENCE_MS = 2000;

export class Coordinator {
  readonly #request: JobRequest;
  readonly #settings: CoordinatorSettings;
  readonly #clock: Clock;
  readonly #board: JobBoard;
  readonly #boardBuffer: SharedArrayBuffer;
  readonly #status: JobStatusMachine;
  readonly #failures = new FailureHistory();
  readonly #done = Promise.withResolvers<JobEnd>();
  /** Resolves when the job begins to end, for whoever waits for something that may never come. */
  readonly #endBegun = Promise.withResolvers<void>();
  #pool: WorkerPool | undefined;
  #seats: WorkerSeat[] = [];
  #runtime: CoordinatorSide | undefined;
  #planned: PlannedJob | undefined;
  #deployment: Deployment | undefined;
  #bells: ControlBell[] = [];
  #tasks: TaskStateMachine[] = [];
  #taskStates = new SharedArrayBuffer(4);
  #watchdog: NodeJS.Timeout | undefined;
  #ending: Promise<void> | undefined;
  #isDestroying = false;
  /** Whether what failed the job did so while it was running, not while it was being set up. */
  #hasFailedRunning = false;
  #runningSinceMs: number | undefined;
  readonly #times: StartTimes;

  constructor(options: {
    readonly request: JobRequest;
    readonly settings: CoordinatorSettings;
    readonly board: SharedArrayBuffer;
    readonly clock: Clock;
    /** The workers' threads, if they have been started already; `destroy` falls to the coordinator. */
    readonly pool?: WorkerPool;
  }) {
    this.#pool = options.pool;
    this.#request = options.request;
    this.#settings = options.settings;
    this.#clock = options.clock;
    this.#boardBuffer = options.board;
    this.#board = new JobBoard(options.board);
    this.#status = new JobStatusMachine(status => {
      this.#board.setStatus(status);
    });
    this.#board.setStatus(this.#status.status);
    const now = this.#clock.now();
    this.#times = {
      coordinatorUpAt: now,
      poolStartedAt: now,
      moduleImportedAt: now,
      plannedAt: now,
      deployingAt: now,
      runningAt: now,
    };
  }

  get status(): JobStatus {
    return this.#status.status;
  }

  /** Resolves when all threads of the job are gone; rejects only if the engine has a bug. */
  get done(): Promise<JobEnd> {
    return this.#done.promise;
  }

  /** The lines of this thread's graph, for workers that built another one. */
  get graphLines(): readonly string[] {
    return this.#planned?.fingerprint.lines ?? [];
  }

  /**
   * Brings the job to RUNNING. Rejects with the root cause if it cannot be set up, or is cancelled before.
   * A job whose tasks run has started, however soon they fail: that is for `done` to say.
   */
  async start(): Promise<StartedJob> {
    assert(this.#seats.length === 0, 'a coordinator starts one job, once');
    try {
      this.#seatWorkers();
      // A module may take for ever to load; whoever cancels the job does not wait for it.
      await Promise.race([this.#planAndDeploy(), this.#endBegun.promise]);
    } catch (thrown) {
      this.#fail(thrown);
    }
    if (this.#ending !== undefined && !this.#hasFailedRunning) {
      await this.#ending;
      throw this.#endError();
    }
    this.#times.runningAt = this.#clock.now();
    return {deployment: this.#deployment!, taskStates: this.#taskStates, times: this.#times};
  }

  /** Ends the job as soon as possible; what is in flight is dropped. Idempotent. */
  cancel(): void {
    if (!this.#status.tryMoveTo('CANCELLING')) return;
    this.#tellWorkersToEnd();
    this.#beginEnd();
  }

  /** Fails the job for a reason that only its host knows. */
  fail(reason: StreamError): void {
    this.#fail(reason);
  }

  /** Fails the job because of what its module has thrown in this thread, outside of all calls. */
  failUncaught(thrown: unknown): void {
    const jobName = this.#planned?.jobName ?? this.#request.jobUrl;
    this.#fail(uncaught(thrown, {jobName, workerIndex: undefined}));
  }

  /** Ends the sources; the job is FINISHED when everything in flight has been processed. */
  stop(): void {
    if (this.#status.status !== 'RUNNING') return;
    for (const bell of this.#bells) bell.setControl(CONTROL_STOP);
  }

  #seatWorkers(): void {
    const {workerCount} = this.#request;
    this.#pool ??= startWorkers(this.#request, this.#boardBuffer, this.#settings.workerHeapMb);
    for (let index = 0; index < workerCount; index += 1) this.#seats.push(this.#seat(index));
    this.#times.poolStartedAt = this.#clock.now();
  }

  #seat(index: number): WorkerSeat {
    const {port1, port2} = new MessageChannel();
    const lost = Promise.withResolvers<void>();
    const reports: WorkerReports = {
      initializing: workerIndex => {
        for (const task of this.#tasksOf(workerIndex)) {
          if (task.state === 'DEPLOYING') task.moveTo('INITIALIZING');
        }
      },
      taskFinished: taskIndex => {
        this.#tasks[taskIndex]!.moveTo('FINISHED');
      },
      taskCanceled: taskIndex => {
        const task = this.#tasks[taskIndex]!;
        task.cancel();
        if (!task.isTerminal) task.moveTo('CANCELED');
      },
      taskFailed: (workerIndex, taskIndex, error) => {
        if (taskIndex === NO_TASK) {
          for (const task of this.#tasksOf(workerIndex))
            if (!task.isTerminal) task.moveTo('FAILED');
        } else {
          this.#tasks[taskIndex]!.moveTo('FAILED');
        }
        this.#fail(StreamError.from(error), this.#seats[workerIndex]);
      },
      disposeFailed: (_taskIndex, error) => {
        this.#failures.addSecondary(error);
      },
      results: (workerIndex, results) => {
        this.#seats[workerIndex]!.results = results;
      },
      graphLines: () => this.graphLines,
    };
    const link = openControlLink<WorkerControl>(port1, reports);
    const task: WorkerTask = {workerIndex: index, port: port2};
    const running = this.#pool!.run<WorkerEnd>(task, [port2]);
    const seat: WorkerSeat = {
      index,
      link,
      ended: running.then(
        end => {
          this.#workerEnded(seat, end);
        },
        (thrown: unknown) => {
          this.#workerDied(seat, thrown);
        },
      ),
      results: undefined,
      outcome: undefined,
      hasEnded: false,
      isLost: false,
      lost: lost.promise,
      giveUp: () => {
        seat.isLost = true;
        lost.resolve();
      },
      seenSteps: -1,
      silentTicks: 0,
    };
    return seat;
  }

  async #planAndDeploy(): Promise<void> {
    const request = this.#request;
    const [runtime, jobModule] = await Promise.all([
      importRuntime(request.runtimeUrl).then(runtime => runtime.coordinator()),
      importJobModule(request.jobUrl),
    ]);
    this.#runtime = runtime;
    this.#times.moduleImportedAt = this.#clock.now();
    this.#planned = await runtime.plan(jobModule, request);
    // A job that has been cancelled meanwhile makes no directories.
    if (this.#ending !== undefined) return;
    const deployment = await runtime.deploy(this.#planned, request);
    this.#times.plannedAt = this.#clock.now();
    await this.#deploy(deployment);
  }

  async #deploy(deployment: Deployment): Promise<void> {
    if (this.#ending !== undefined) return;
    const {plan} = deployment;
    assert(plan.workerCount <= this.#seats.length, 'the plan wants more workers than there are');
    this.#deployment = deployment;
    this.#taskStates = new SharedArrayBuffer(Math.max(1, plan.tasks.length) * 4);
    const words = new Int32Array(this.#taskStates);
    this.#tasks = plan.tasks.map(
      ({taskIndex}) =>
        new TaskStateMachine(state => {
          Atomics.store(words, taskIndex, TASK_STATES.indexOf(state));
        }),
    );
    this.#status.moveTo('CREATED');
    const seats = this.#seats.filter(seat => this.#hasTasks(seat));
    this.#bells = seats.map(seat => this.#runtime!.openBell(deployment, seat.index));
    for (const task of this.#tasks) task.moveTo('SCHEDULED');

    this.#status.moveTo('RUNNING');
    this.#runningSinceMs = this.#clock.monotonicNow();
    this.#times.deployingAt = this.#clock.now();
    this.#startWatchdog();
    for (const task of this.#tasks) task.moveTo('DEPLOYING');
    await Promise.all(
      seats.map(async seat => {
        try {
          await seat.link.remote.deploy(deployment);
        } catch (thrown) {
          // A port that closes is the first sign of a thread that died; why it did, comes next.
          if ((thrown as StreamError).code === 'E_LINK_CLOSED') await seat.ended;
          // A job that is ending has closed its links; what ended it is known already.
          if (this.#ending === undefined) throw thrown;
        }
        for (const task of this.#tasksOf(seat.index)) {
          if (task.state === 'INITIALIZING') task.moveTo('RUNNING');
        }
      }),
    );
  }

  /** What an operator keeps for a key, asked of its worker. Undefined: nothing. */
  async readState(query: StateQuery): Promise<Readonly<Record<string, unknown>> | undefined> {
    const seat = this.#seats.find(each => each.index === query.workerIndex);
    if (seat === undefined || seat.hasEnded || this.#status.status !== 'RUNNING') {
      throw new StreamError('E_JOB_ENDED', 'the job does not run any more', {
        job: this.#deployment?.plan.jobName,
      });
    }
    return await seat.link.remote.readState(query);
  }

  #tasksOf(workerIndex: number): TaskStateMachine[] {
    const tasks = this.#deployment?.plan.tasks ?? [];
    return tasks
      .filter(task => task.workerIndex === workerIndex)
      .map(task => this.#tasks[task.taskIndex]!);
  }

  /** A worker's endless task has returned. */
  #workerEnded(seat: WorkerSeat, {outcome}: WorkerEnd): void {
    seat.hasEnded = true;
    seat.outcome = outcome;
    seat.link.close();
    if (outcome === 'FAILED') {
      // The failure itself has been reported. This is for a worker that did not get to its loop.
      for (const task of this.#tasksOf(seat.index)) if (!task.isTerminal) task.moveTo('FAILED');
    }
    if (this.#status.status !== 'RUNNING') return;
    // Not as soon as all tasks are FINISHED: a worker can still be lost with the results of its own.
    if (this.#seats.every(other => other.outcome === 'FINISHED' || !this.#hasTasks(other))) {
      this.#beginEnd();
    } else if (outcome === 'CANCELED') {
      this.#fail(
        new StreamError('E_WORKER_EXIT', 'a worker ended its tasks without having been told to', {
          worker: seat.index,
        }),
      );
    }
  }

  /** A worker's thread is gone. */
  #workerDied(seat: WorkerSeat, thrown: unknown): void {
    seat.hasEnded = true;
    const error = workerDeath(thrown, this.#placeOf(seat));
    seat.link.abandon(error);
    seat.link.close();
    const wasKilled = this.#isDestroying;
    for (const task of this.#tasksOf(seat.index)) {
      if (task.isTerminal) continue;
      task.moveTo(task.state === 'CANCELING' && wasKilled ? 'CANCELED' : 'FAILED');
    }
    if (!wasKilled) this.#fail(error, seat);
  }

  /** Takes note of a failure, and of the worker that it comes from; the first one ends the job. */
  #fail(thrown: unknown, seat?: WorkerSeat): void {
    const {status} = this.#status;
    if (status === 'CANCELLING' || this.#status.isTerminal) {
      // Whatever breaks while a job is being cancelled does not matter any more.
      return;
    }
    this.#failures.add(thrown);
    if (this.#ending !== undefined) return;
    // Its own word, not its answer: that may still be on the way when the news of its death is here.
    const phase = seat === undefined ? 'BOOTING' : this.#board.phase(seat.index);
    this.#hasFailedRunning = phase === 'RUNNING' || phase === 'ENDED';
    if (status !== 'INITIALIZING') this.#status.moveTo('FAILING');
    this.#tellWorkersToEnd();
    this.#beginEnd();
  }

  #tellWorkersToEnd(): void {
    for (const task of this.#tasks) task.cancel();
    for (const bell of this.#bells) bell.setControl(CONTROL_CANCEL);
  }

  #beginEnd(): void {
    if (this.#ending !== undefined) return;
    this.#ending = this.#end();
    this.#ending.catch((thrown: unknown) => {
      this.#done.reject(thrown);
    });
    this.#endBegun.resolve();
  }

  /** Waits for the workers, terminates those that are late, and settles `done`. */
  async #end(): Promise<void> {
    const seats = this.#seats.filter(seat => this.#isInvolved(seat));
    const timers: NodeJS.Timeout[] = [];
    await Promise.all(
      seats.map(seat => {
        // What still builds its graph has nothing to close, and may do so for ever.
        const isBuilding = this.#board.phase(seat.index) === 'BUILDING';
        const patienceMs = Math.min(
          this.#settings.cancelTimeoutMs,
          isBuilding ? BUILD_PATIENCE_MS : Infinity,
        );
        const late = new Promise<void>(resolve => timers.push(setTimeout(resolve, patienceMs)));
        return Promise.race([seat.ended, seat.lost, late]);
      }),
    );
    for (const timer of timers) clearTimeout(timer);
    clearInterval(this.#watchdog);
    this.#isDestroying = true;
    await this.#pool?.destroy();
    await Promise.all(this.#seats.map(seat => seat.ended));
    const metrics = this.#readMetrics();

    const {status} = this.#status;
    if (status === 'CANCELLING') this.#status.moveTo('CANCELED');
    else if (status === 'RUNNING') this.#status.moveTo('FINISHED');
    else this.#status.moveTo('FAILED');
    assert(
      this.#tasks.every(task => isTerminalTaskState(task.state)),
      'a job ended while one of its tasks had not',
    );
    this.#done.resolve({
      status: this.#status.status as JobEnd['status'],
      jobName: this.#planned?.jobName,
      failures: this.#failures.toArray(),
      durationMs:
        this.#runningSinceMs === undefined ? 0 : this.#clock.monotonicNow() - this.#runningSinceMs,
      metrics,
      ...mergeResults(this.#seats.map(seat => seat.results)),
    });
  }

  /** Whether a worker has tasks, and hope that it ends by itself. */
  #isInvolved(seat: WorkerSeat): boolean {
    if (seat.hasEnded || seat.isLost) return false;
    return this.#board.phase(seat.index) !== 'BOOTING' && this.#hasTasks(seat);
  }

  #hasTasks(seat: WorkerSeat): boolean {
    return this.#tasksOf(seat.index).length > 0;
  }

  #readMetrics(): JobMetrics {
    if (this.#deployment === undefined) return {tasks: []};
    return this.#runtime!.openMetrics(this.#deployment).read();
  }

  #endError(): StreamError {
    const {root} = this.#failures;
    if (root !== undefined && this.#status.status === 'FAILED') return StreamError.from(root);
    return new StreamError('E_JOB_CANCELED', 'the job was cancelled before it ran', {
      job: this.#planned?.jobName ?? this.#request.jobUrl,
    });
  }

  #placeOf(seat: WorkerSeat): ThreadPlace {
    const current = this.#board.currentTask(seat.index);
    return {
      jobName: this.#planned?.jobName ?? this.#request.jobUrl,
      workerIndex: seat.index,
      task: current === NO_TASK ? undefined : this.#deployment?.plan.tasks[current],
    };
  }

  #startWatchdog(): void {
    const {taskTimeoutMs} = this.#settings;
    if (taskTimeoutMs === Infinity) return;
    const tickMs = Math.min(1000, Math.max(10, taskTimeoutMs / 5));
    this.#watchdog = setInterval(() => {
      for (const seat of this.#seats) this.#watch(seat, tickMs);
    }, tickMs);
  }

  /**
   * A worker that opens or steps its tasks counts steps, also while it has nothing to do: it never sleeps
   * longer than a few milliseconds. So a count that stands still means a thread that is stuck, in a
   * task or between two steps (in a timer of user code).
   */
  #watch(seat: WorkerSeat, tickMs: number): void {
    const steps = this.#board.steps(seat.index);
    const phase = this.#board.phase(seat.index);
    const isWatched = phase === 'DEPLOYING' || phase === 'RUNNING';
    if (seat.hasEnded || seat.isLost || !isWatched || steps !== seat.seenSteps) {
      seat.seenSteps = steps;
      seat.silentTicks = 0;
      return;
    }
    seat.silentTicks += 1;
    const silentMs = seat.silentTicks * tickMs;
    if (silentMs < this.#settings.taskTimeoutMs) return;
    const place = this.#placeOf(seat);
    const error = taskNotResponding(silentMs, place);
    seat.link.abandon(error);
    const stuck =
      place.task === undefined ? this.#tasksOf(seat.index) : [this.#tasks[place.task.taskIndex]!];
    for (const task of stuck) if (!task.isTerminal) task.moveTo('FAILED');
    this.#fail(error, seat);
    seat.giveUp();
  }
}
