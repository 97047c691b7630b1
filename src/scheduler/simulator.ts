/**
 * A whole job on one thread: the same tasks, channels and doorbells as in worker threads, stepped in an
 * order that is drawn from a seed, under a clock that moves only when the simulator moves it. Every run
 * can be repeated exactly, so a property of the engine can be tried over thousands of orders.
 *
 *   worker   AWAKE ──nothing moves──► DROWSY ──nothing moves again──► PARKED
 *              ▲                        │ rung, or something moves      │ rung, or its time has come
 *              └────────────────────────┴───────────────────────────────┘
 *
 * Workers park by the protocol of the doorbell, with the steps of other workers in between. A real
 * worker never sleeps longer than 10 ms; here it sleeps until it is rung. So a wake-up that the engine
 * owes and forgets does not cost a few milliseconds that nobody notices, it fails the run.
 *
 * What is not simulated: torn or reordered memory (test/stress has real threads for that), and the
 * promises of connectors, whose order V8 decides.
 */
import {InvariantError} from '../base/assert.ts';
import {ManualClock} from '../base/clock.ts';
import {StreamError} from '../base/errors.ts';
import {Random} from '../base/random.ts';
import type {JobPlan} from '../graph/plan.ts';
import {Arena} from '../memory/arena.ts';
import {Doorbell} from '../memory/doorbell.ts';
import {SegmentPool} from '../memory/segment-pool.ts';
import type {EngineDeployment} from './deployment.ts';
import {JobMetricsReader} from './job-metrics.ts';
import {FINISHED, PROGRESSED, type Tasklet} from './progress.ts';
import {mergeResults} from './results.ts';
import type {JobMetrics, WorkerResults, WorkerRuntime} from './runtime-contract.ts';
import {createWorkerTasks} from './task-factory.ts';

/** Something that happens to the job at a step. */
export type SimulatedFault =
  /** A worker (modulo their number) makes no step for so many steps of the others. */
  | {
      readonly kind: 'stall';
      readonly atStep: number;
      readonly worker: number;
      readonly steps: number;
    }
  /** A task fails, as if a user function had thrown. */
  | {readonly kind: 'fail'; readonly atStep: number; readonly task: number}
  /** The job is cancelled, or its sources are ended. */
  | {readonly kind: 'cancel' | 'stop'; readonly atStep: number};

export interface SimulationOptions {
  readonly seed: number;
  /** The job as each worker has built it; one plan per worker, as user functions may keep state. */
  readonly plans: readonly JobPlan[];
  /** For workers with several subtasks of one operator. */
  readonly planAgain?: (() => JobPlan) | undefined;
  readonly deployment: EngineDeployment;
  readonly faults?: readonly SimulatedFault[];
  /** Steps after which the run counts as endless; default 10 million. */
  readonly stepsMax?: number;
  /** Sees each step of each task; for traces and for checks that must hold at any time. */
  readonly onStep?: (step: SimulatedStep) => void;
}

export interface SimulatedStep {
  readonly step: number;
  readonly nowMs: number;
  readonly worker: number;
  readonly task: string;
  readonly progress: number;
}

export interface SimulationResult extends WorkerResults {
  readonly status: 'FINISHED' | 'CANCELED' | 'FAILED';
  readonly failure: unknown;
  readonly metrics: JobMetrics;
  readonly steps: number;
  readonly virtualMs: number;
  /** The most segments that were in use, or cached, at one time; and how many there are. */
  readonly segmentsUsedMax: number;
  readonly segmentCount: number;
}

const STEPS_MAX = 10_000_000;
/** Turns of the event loop for promises before time goes on without them. */
const QUIET_TURNS_MAX = 16;
/** A step takes up to so much of virtual time. */
const STEP_MS_MAX = 0.2;
/** How often in-use segments are counted; it takes a nanosecond per segment. */
const AUDIT_STEPS = 16;

class SimulatedTask {
  readonly index: number;
  readonly tasklet: Tasklet;
  /** Has done nothing since the worker last did something. */
  isQuiet = false;
  isLive = true;

  constructor(index: number, tasklet: Tasklet) {
    this.index = index;
    this.tasklet = tasklet;
  }
}

class SimulatedWorker {
  readonly index: number;
  readonly bell: Doorbell;
  readonly runtime: WorkerRuntime;
  live: SimulatedTask[];
  state: 'AWAKE' | 'DROWSY' | 'PARKED' = 'AWAKE';
  /** What the bell said when the worker became drowsy. */
  seen = 0;
  stalledUntilStep = 0;

  constructor(index: number, bell: Doorbell, runtime: WorkerRuntime, tasks: SimulatedTask[]) {
    this.index = index;
    this.bell = bell;
    this.runtime = runtime;
    this.live = tasks;
  }

  get wakeAtMs(): number {
    return Math.min(Infinity, ...this.live.map(({tasklet}) => tasklet.wakeAtMs));
  }

  isRung(): boolean {
    return this.bell.park(this.seen, 0) === 'rung';
  }

  awaken(): void {
    this.bell.awake();
    this.state = 'AWAKE';
    for (const task of this.live) task.isQuiet = false;
  }
}

/** Runs a deployed job to its end. Rejects for a lost wake-up, a job that is stuck, or an endless one. */
export async function runSimulation(options: SimulationOptions): Promise<SimulationResult> {
  const simulation = new Simulation(options);
  try {
    const result = await simulation.run();
    simulation.close();
    if (result.status === 'FINISHED') simulation.checkReturned();
    return result;
  } finally {
    simulation.close();
  }
}

class Simulation {
  readonly #options: SimulationOptions;
  readonly #random: Random;
  readonly #clock = new ManualClock(1_000_000);
  readonly #arena: Arena;
  readonly #pool: SegmentPool;
  readonly #workers: SimulatedWorker[] = [];
  readonly #faults: SimulatedFault[];
  #step = 0;
  /** Turns of the event loop since a task last did something. */
  #quietTurns = 0;
  #status: SimulationResult['status'] | undefined;
  #failure: unknown;
  #segmentsUsedMax = 0;

  constructor(options: SimulationOptions) {
    const {deployment, plans, planAgain, seed, faults = []} = options;
    this.#options = options;
    this.#random = new Random(seed);
    this.#arena = new Arena(deployment.buffer);
    this.#pool = new SegmentPool(this.#arena, deployment.plan.layout.pool);
    this.#faults = [...faults].sort((a, b) => a.atStep - b.atStep);
    for (const [workerIndex, plan] of plans.entries()) {
      const runtime = createWorkerTasks({
        plan,
        planAgain,
        deployment,
        arena: this.#arena,
        workerIndex,
        clock: this.#clock,
        random: new Random(this.#random.nextUint32()),
      });
      const places = deployment.plan.tasks.filter(task => task.workerIndex === workerIndex);
      const tasks = runtime.tasklets.map(
        (tasklet, place) => new SimulatedTask(places[place]!.taskIndex, tasklet),
      );
      const bell = new Doorbell(this.#arena, deployment.plan.layout.doorbells, workerIndex);
      this.#workers.push(new SimulatedWorker(workerIndex, bell, runtime, tasks));
    }
  }

  async run(): Promise<SimulationResult> {
    const {deployment, stepsMax = STEPS_MAX} = this.#options;
    while (this.#status === undefined) {
      if (this.#step >= stepsMax) throw this.#endless(stepsMax);
      this.#applyFaults();
      if (this.#status !== undefined) break;
      const worker = this.#choose();
      if (worker !== undefined) this.#stepWorker(worker);
      else await this.#wakeLater();
      if (this.#workers.every(({live}) => live.length === 0)) this.#status ??= 'FINISHED';
    }
    this.#audit();
    return {
      status: this.#status,
      failure: this.#failure,
      metrics: new JobMetricsReader(this.#arena, deployment.plan).read(),
      steps: this.#step,
      virtualMs: this.#clock.now() - 1_000_000,
      segmentsUsedMax: this.#segmentsUsedMax,
      segmentCount: this.#pool.segmentCount,
      ...mergeResults(this.#workers.map(({runtime}) => runtime.results())),
    };
  }

  close(): void {
    for (const worker of this.#workers) {
      for (const {tasklet} of worker.live) {
        try {
          tasklet.dispose();
        } catch (thrown) {
          this.#failure ??= thrown;
        }
      }
      worker.live = [];
      worker.runtime.dispose();
    }
  }

  /** A job that has finished holds no segment. */
  checkReturned(): void {
    const held = this.#pool.segmentCount - this.#pool.freeCount();
    if (held > 0) {
      throw new InvariantError(
        `segments were not given back: segments=${held}, seed=${this.#options.seed}`,
      );
    }
  }

  /** A worker that may step now, drawn by chance; undefined if all sleep. */
  #choose(): SimulatedWorker | undefined {
    const ready: SimulatedWorker[] = [];
    let isAnyStalled = false;
    for (const worker of this.#workers) {
      if (worker.live.length === 0) continue;
      if (worker.state === 'PARKED') {
        if (!worker.isRung() && worker.wakeAtMs > this.#clock.now()) continue;
        worker.awaken();
      }
      if (worker.stalledUntilStep > this.#step) isAnyStalled = true;
      else ready.push(worker);
    }
    if (ready.length > 0) return ready[this.#random.below(ready.length)];
    if (!isAnyStalled) return undefined;
    // Nobody else can go on: the stall is over.
    for (const worker of this.#workers) worker.stalledUntilStep = 0;
    return this.#choose();
  }

  #stepWorker(worker: SimulatedWorker): void {
    const candidates = worker.live.filter(task => !task.isQuiet);
    if (candidates.length === 0) {
      this.#becomeQuieter(worker);
      return;
    }
    const task = candidates[this.#random.below(candidates.length)]!;
    const nowMs = this.#clock.now();
    this.#step += 1;
    let progress;
    try {
      progress = task.tasklet.step(nowMs);
    } catch (thrown) {
      this.#fail(thrown);
      return;
    }
    this.#clock.advance(this.#random.next() * STEP_MS_MAX);
    this.#options.onStep?.({
      step: this.#step,
      nowMs,
      worker: worker.index,
      task: task.tasklet.name,
      progress,
    });
    if (this.#step % AUDIT_STEPS === 0) this.#audit();
    if (progress === PROGRESSED) {
      this.#quietTurns = 0;
      worker.awaken();
    } else if (progress === FINISHED) {
      try {
        task.tasklet.dispose();
      } catch (thrown) {
        this.#fail(thrown);
      }
      worker.live = worker.live.filter(other => other !== task);
      worker.awaken();
    } else {
      task.isQuiet = true;
    }
  }

  /** All tasks of a worker had nothing to do: it looks once more, and then sleeps. */
  #becomeQuieter(worker: SimulatedWorker): void {
    if (worker.state === 'AWAKE') {
      worker.seen = worker.bell.prepareToPark();
      worker.state = 'DROWSY';
      for (const task of worker.live) task.isQuiet = false;
    } else {
      worker.state = 'PARKED';
    }
  }

  /**
   * Everybody sleeps: a promise settles, or time goes on, or something is wrong. Promises come first, for
   * some turns of the event loop: what takes no time must not run into a time limit.
   */
  async #wakeLater(): Promise<void> {
    const wakeAtMs = Math.min(...this.#workers.map(worker => worker.wakeAtMs));
    const awaitsPromises = this.#workers.some(({live}) =>
      live.some(({tasklet}) => tasklet.awaitsPromises),
    );
    if (wakeAtMs < Infinity && (!awaitsPromises || this.#quietTurns >= QUIET_TURNS_MAX)) {
      this.#quietTurns = 0;
      this.#clock.set(Math.max(this.#clock.now(), wakeAtMs));
      return;
    }
    if (awaitsPromises) {
      this.#quietTurns += 1;
      await new Promise(resolve => {
        setImmediate(resolve);
      });
      for (const worker of this.#workers) worker.awaken();
      this.#step += 1;
      return;
    }
    const names: string[] = [];
    for (const {live} of this.#workers) {
      for (const {tasklet} of live) {
        names.push(tasklet.name);
        const progress = tasklet.step(this.#clock.now());
        if (progress === PROGRESSED || progress === FINISHED) {
          throw new InvariantError(
            `a wake-up was lost: task=${tasklet.name}, seed=${this.#options.seed}, step=${this.#step}`,
          );
        }
      }
    }
    throw new StreamError('E_SIMULATION_STUCK', 'no task can go on', {
      tasks: names.join(', '),
      seed: this.#options.seed,
      step: this.#step,
    });
  }

  #applyFaults(): void {
    while (this.#faults.length > 0 && this.#faults[0]!.atStep <= this.#step) {
      const fault = this.#faults.shift()!;
      switch (fault.kind) {
        case 'stall':
          this.#workers[fault.worker % this.#workers.length]!.stalledUntilStep =
            this.#step + fault.steps;
          break;
        case 'fail':
          this.#fail(
            new StreamError('E_SIMULATED_FAULT', 'a task was made to fail', {task: fault.task}),
          );
          break;
        case 'cancel':
          this.#status = 'CANCELED';
          break;
        case 'stop':
          for (const worker of this.#workers) {
            for (const {tasklet} of worker.live) tasklet.stop();
            worker.awaken();
          }
          break;
      }
    }
  }

  #fail(thrown: unknown): void {
    this.#status = 'FAILED';
    this.#failure ??= thrown;
  }

  #audit(): void {
    const used = this.#pool.segmentCount - this.#pool.freeCount();
    this.#segmentsUsedMax = Math.max(this.#segmentsUsedMax, used);
  }

  #endless(stepsMax: number): StreamError {
    return new StreamError(
      'E_SIMULATION_ENDLESS',
      'the job did not end',
      {steps: stepsMax, seed: this.#options.seed},
      {remedy: 'bound its sources, add a fault that stops it, or raise stepsMax'},
    );
  }
}
