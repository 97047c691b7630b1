/**
 * The one loop of a worker thread. It steps its tasklets in rounds; after the drain budget it
 * lets the event loop turn once, so that promises, timers and messages are served; when nothing
 * moves it spins briefly and then parks on the thread's doorbell.
 *
 *   round    control flags, then one step of every live tasklet
 *   slice    rounds until the drain budget (1.5 ms) is used up, or nothing moved
 *   run      slice, park if nothing moved, yield if the last yield was a budget ago, …
 *
 * Parking blocks the thread (Atomics.wait wakes in 2 µs) unless a tasklet waits for a promise of
 * this thread, which only a turning event loop can settle (waitAsync wakes in 25–35 µs). A parked
 * thread is deaf to messages: cancel and stop are flags beside the bell.
 *
 * No wake-up is lost: the loop says that it is about to sleep, then looks once more at the flags
 * and at every tasklet, and only then sleeps (doorbell.ts has the proof).
 *
 * Everything here happens on one thread. `slice` and `park` can be called by hand in tests.
 */
import {assert} from '../base/assert.ts';
import type {Clock} from '../base/clock.ts';
import {IdleStrategy, PARK} from './idle-strategy.ts';
import {NO_TASK} from './job-board.ts';
import type {WorkerPulse} from './job-board.ts';
import {FINISHED, PROGRESSED} from './progress.ts';
import type {Tasklet} from './progress.ts';

/** Control flag: end every task now, whatever is in flight. */
export const CONTROL_CANCEL = 1;
/** Control flag: end the sources; what is in flight is processed. */
export const CONTROL_STOP = 2;

/** What the loop needs of a doorbell (memory/doorbell.ts). */
export interface LoopBell {
  control(): number;
  clearControl(flags: number): void;
  prepareToPark(): number;
  park(seen: number, timeoutMs: number): unknown;
  parkAsync(seen: number, timeoutMs: number): unknown;
  awake(): void;
}

/** A tasklet with its place in the deployment plan. */
export interface PlacedTasklet {
  readonly taskIndex: number;
  readonly tasklet: Tasklet;
}

/** Hears what becomes of tasks. Called on the worker's thread, after the tasklet was disposed. */
export interface LoopListener {
  taskFinished(taskIndex: number): void;
  taskCanceled(taskIndex: number): void;
  /** At most once per loop; the other tasks are cancelled afterwards. */
  taskFailed(taskIndex: number, thrown: unknown): void;
  /** `dispose` threw while the task was being cancelled, which changes nothing any more. */
  disposeFailed(taskIndex: number, thrown: unknown): void;
}

export type LoopOutcome = 'FINISHED' | 'CANCELED' | 'FAILED';
/** DRAINED: the budget is used up. QUIET: nothing moves. ENDED: no task is left. */
export type SliceResult = 'DRAINED' | 'QUIET' | 'ENDED';

export interface LoopOptions {
  readonly tasks: readonly PlacedTasklet[];
  readonly bell: LoopBell;
  readonly pulse: WorkerPulse;
  readonly clock: Clock;
  readonly listener: LoopListener;
  /** Milliseconds of work between two turns of the event loop; default 1.5. */
  readonly drainBudgetMs?: number;
  /** Rounds without work before the thread parks; default 30, about 20 µs. */
  readonly spinCountMax?: number;
  /** The longest sleep, in ms; default 10: as long may a message wait. */
  readonly parkMsMax?: number;
}

interface LiveTask extends PlacedTasklet {
  /** False from the moment that it has finished or failed; it leaves the list after the round. */
  isLive: boolean;
}

export class WorkerLoop {
  readonly #bell: LoopBell;
  readonly #pulse: WorkerPulse;
  readonly #clock: Clock;
  readonly #listener: LoopListener;
  readonly #drainBudgetMs: number;
  readonly #parkMsMax: number;
  readonly #idle: IdleStrategy;
  #live: LiveTask[];
  #outcome: LoopOutcome | undefined;
  #pendingFailure: {taskIndex: number; thrown: unknown} | undefined;
  /** When the last step that did something was over. */
  #nowMs = 0;

  constructor(options: LoopOptions) {
    this.#live = options.tasks.map(({taskIndex, tasklet}) => ({taskIndex, tasklet, isLive: true}));
    this.#bell = options.bell;
    this.#pulse = options.pulse;
    this.#clock = options.clock;
    this.#listener = options.listener;
    this.#drainBudgetMs = options.drainBudgetMs ?? 1.5;
    this.#parkMsMax = options.parkMsMax ?? 10;
    this.#idle = new IdleStrategy(options.spinCountMax ?? 30);
    if (this.#live.length === 0) this.#outcome = 'FINISHED';
  }

  /** How the loop ended; undefined while it has tasks. */
  get outcome(): LoopOutcome | undefined {
    return this.#outcome;
  }

  /** Runs until no task is left. Rejects only if the engine has a bug. */
  async run(): Promise<LoopOutcome> {
    let yieldedAtMs = this.#clock.monotonicNow();
    for (;;) {
      const result = this.slice();
      if (result === 'ENDED') return this.#outcome!;
      if (result === 'QUIET') {
        const waiting = this.park();
        if (waiting !== undefined) await waiting;
      }
      if (this.#clock.monotonicNow() - yieldedAtMs >= this.#drainBudgetMs) {
        await eventLoopTurn();
        yieldedAtMs = this.#clock.monotonicNow();
      }
    }
  }

  /** Rounds until the drain budget is used up, nothing moves, or no task is left. */
  slice(): SliceResult {
    const startMs = this.#clock.monotonicNow();
    let nowMs = startMs;
    while (!this.#hasEnded()) {
      if (this.#round(nowMs)) {
        this.#idle.reset();
        nowMs = this.#nowMs;
        if (this.#outcome === undefined && nowMs - startMs >= this.#drainBudgetMs) return 'DRAINED';
      } else if (this.#idle.idle() === PARK) {
        this.#idle.reset();
        return 'QUIET';
      }
    }
    return 'ENDED';
  }

  /** Sleeps until the bell rings or a tasklet wants to be stepped. Returns a promise if it must. */
  park(): Promise<void> | undefined {
    const bell = this.#bell;
    const seen = bell.prepareToPark();
    const nowMs = this.#clock.monotonicNow();
    if (bell.control() !== 0 || this.#pendingFailure !== undefined || this.#round(nowMs)) {
      bell.awake();
      return undefined;
    }
    let timeoutMs = this.#parkMsMax;
    let awaitsPromises = false;
    for (const {tasklet} of this.#live) {
      timeoutMs = Math.min(timeoutMs, tasklet.wakeAtMs - nowMs);
      awaitsPromises ||= tasklet.awaitsPromises;
    }
    if (!(timeoutMs > 0)) {
      bell.awake();
      return undefined;
    }
    if (!awaitsPromises) {
      bell.park(seen, timeoutMs);
      bell.awake();
      return undefined;
    }
    const waiting = bell.parkAsync(seen, timeoutMs);
    if (!(waiting instanceof Promise)) {
      bell.awake();
      return undefined;
    }
    return waiting.then(() => bell.awake());
  }

  /**
   * Fails the loop from outside a step: an exception that user code threw in a timer or a promise
   * that nobody awaited. `NO_TASK`, because nobody knows whose it was.
   */
  failFromOutside(thrown: unknown): void {
    this.#pendingFailure ??= {taskIndex: NO_TASK, thrown};
  }

  /** Obeys the flags, then says whether any task is left to be stepped. */
  #hasEnded(): boolean {
    if (this.#outcome !== undefined) return true;
    if (this.#pendingFailure !== undefined) {
      const {taskIndex, thrown} = this.#pendingFailure;
      this.#listener.taskFailed(taskIndex, thrown);
      this.#disposeAll();
      this.#outcome = 'FAILED';
      return true;
    }
    const control = this.#bell.control();
    if (control === 0) return false;
    if ((control & CONTROL_CANCEL) !== 0) {
      this.#disposeAll();
      this.#outcome = 'CANCELED';
      return true;
    }
    this.#bell.clearControl(control);
    if ((control & CONTROL_STOP) !== 0) {
      for (const {taskIndex, tasklet} of this.#live) {
        try {
          tasklet.stop();
        } catch (thrown) {
          this.#pendingFailure ??= {taskIndex, thrown};
        }
      }
      if (this.#pendingFailure !== undefined) return this.#hasEnded();
    }
    return false;
  }

  /** One step of every live tasklet. Returns whether anything moved. */
  #round(nowMs: number): boolean {
    assert(this.#outcome === undefined, 'a round was run after the loop had ended');
    const pulse = this.#pulse;
    let moved = false;
    let hasFinished = false;
    for (const task of this.#live) {
      const {taskIndex, tasklet} = task;
      pulse.beginStep(taskIndex);
      try {
        const progress = tasklet.step(nowMs);
        if (progress === PROGRESSED) {
          moved = true;
          // Each task is told when its own step begins: 40 ns, once per batch.
          nowMs = this.#clock.monotonicNow();
        } else if (progress === FINISHED) {
          // Disposing still runs user code (close), so what it throws fails the task.
          tasklet.dispose();
          task.isLive = false;
          hasFinished = true;
          this.#listener.taskFinished(taskIndex);
        }
      } catch (thrown) {
        task.isLive = false;
        this.#fail(task, thrown);
        return true;
      }
    }
    pulse.endRound();
    this.#nowMs = nowMs;
    if (hasFinished) {
      this.#live = this.#live.filter(task => task.isLive);
      if (this.#live.length === 0) this.#outcome = 'FINISHED';
    }
    return moved || hasFinished;
  }

  #fail({taskIndex, tasklet}: LiveTask, thrown: unknown): void {
    try {
      tasklet.dispose();
    } catch (second) {
      if (second !== thrown) this.#listener.disposeFailed(taskIndex, second);
    }
    this.#listener.taskFailed(taskIndex, thrown);
    this.#disposeAll();
    this.#outcome = 'FAILED';
  }

  #disposeAll(): void {
    for (const {taskIndex, tasklet, isLive} of this.#live) {
      if (!isLive) continue;
      this.#pulse.beginStep(taskIndex);
      try {
        tasklet.dispose();
      } catch (thrown) {
        this.#listener.disposeFailed(taskIndex, thrown);
      }
      this.#listener.taskCanceled(taskIndex);
    }
    this.#pulse.endRound();
    this.#live = [];
  }
}

/** One turn of the event loop: 1.7 µs, and promises, timers and messages have been served. */
function eventLoopTurn(): Promise<void> {
  return new Promise(resolve => {
    setImmediate(resolve);
  });
}
