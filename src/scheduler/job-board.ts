/**
 * The words of a job that are readable at any time from any thread, also while its threads are
 * busy, asleep, or gone: status, task states, and a pulse per worker. The host allocates the board
 * before any thread starts, which is why it is not a part of the arena: that exists only when the
 * job has been planned.
 *
 *   word   0               STATUS        coordinator: code of the job's status (JOB_STATUSES)
 *   word  32               BOOTED        workers: how many threads have begun to build the graph
 *   word  64 + 64·w        PHASE         worker w: what its thread is doing (WORKER_PHASES)
 *                  + 1     CURRENT_TASK  worker w: index of the task it opens or steps; -1 between
 *                  + 2     STEPS         worker w: steps so far (wraps)
 *                  + 3     THREAD_ID     worker w: threadId of the thread
 *
 * Lines of different writers lie 256 bytes apart. A pulse is two plain stores per step (a step is
 * about one batch): they need no order against anything. Whoever looks on (the coordinator's
 * watchdog) wants only that a task which hangs is seen to hang, and a stuck thread has long stored
 * what it stored.
 */
import {assert} from '../base/assert.ts';
import {JOB_STATUSES} from './job-status.ts';
import type {JobStatus} from './job-status.ts';

const STATUS = 0;
const BOOTED = 32;
const WORKER_BASE = 64;
const WORKER_STRIDE = 64;
const PHASE = 0;
const CURRENT_TASK = 1;
const STEPS = 2;
const THREAD_ID = 3;

/** No task is being stepped. */
export const NO_TASK = -1;

/** What a worker's thread is doing, in the order of the codes. */
export const WORKER_PHASES = ['BOOTING', 'BUILDING', 'DEPLOYING', 'RUNNING', 'ENDED'] as const;
export type WorkerPhase = (typeof WORKER_PHASES)[number];

export function allocateJobBoard(workerCount: number): SharedArrayBuffer {
  assert(Number.isSafeInteger(workerCount) && workerCount > 0, 'a job needs at least one worker');
  return new SharedArrayBuffer((WORKER_BASE + workerCount * WORKER_STRIDE) * 4);
}

/** A handle on the board, for readers in any thread and for the coordinator, who writes STATUS. */
export class JobBoard {
  readonly workerCount: number;
  readonly #words: Int32Array;

  constructor(buffer: SharedArrayBuffer) {
    this.#words = new Int32Array(buffer);
    this.workerCount = (this.#words.length - WORKER_BASE) / WORKER_STRIDE;
  }

  status(): JobStatus {
    return JOB_STATUSES[Atomics.load(this.#words, STATUS)]!;
  }

  setStatus(status: JobStatus): void {
    Atomics.store(this.#words, STATUS, JOB_STATUSES.indexOf(status));
  }

  /** True for as many threads as the job has workers, false for those that come later. */
  claimBoot(): boolean {
    return Atomics.add(this.#words, BOOTED, 1) < this.workerCount;
  }

  phase(workerIndex: number): WorkerPhase {
    return WORKER_PHASES[Atomics.load(this.#words, this.#at(workerIndex) + PHASE)]!;
  }

  /** The task that the worker opens or steps now, or `NO_TASK`. */
  currentTask(workerIndex: number): number {
    const phase = this.phase(workerIndex);
    if (phase !== 'DEPLOYING' && phase !== 'RUNNING') return NO_TASK;
    return Atomics.load(this.#words, this.#at(workerIndex) + CURRENT_TASK);
  }

  steps(workerIndex: number): number {
    return Atomics.load(this.#words, this.#at(workerIndex) + STEPS);
  }

  /** The thread of the worker, or 0 before it has begun. */
  threadId(workerIndex: number): number {
    return Atomics.load(this.#words, this.#at(workerIndex) + THREAD_ID);
  }

  #at(workerIndex: number): number {
    assert(workerIndex >= 0 && workerIndex < this.workerCount, 'there is no such worker');
    return WORKER_BASE + workerIndex * WORKER_STRIDE;
  }
}

/** The writing end of one worker's line; belongs to that worker's thread. */
export class WorkerPulse {
  readonly #words: Int32Array;
  readonly #base: number;

  constructor(buffer: SharedArrayBuffer, workerIndex: number) {
    this.#words = new Int32Array(buffer);
    this.#base = WORKER_BASE + workerIndex * WORKER_STRIDE;
    assert(workerIndex >= 0 && this.#base < this.#words.length, 'there is no such worker');
  }

  begin(threadId: number): void {
    Atomics.store(this.#words, this.#base + THREAD_ID, threadId);
  }

  enterPhase(phase: WorkerPhase): void {
    Atomics.store(this.#words, this.#base + CURRENT_TASK, NO_TASK);
    Atomics.store(this.#words, this.#base + PHASE, WORKER_PHASES.indexOf(phase));
  }

  /** A step of `taskIndex`, or its opening, begins. */
  beginStep(taskIndex: number): void {
    this.#words[this.#base + CURRENT_TASK] = taskIndex;
    this.#words[this.#base + STEPS] = (this.#words[this.#base + STEPS]! + 1) | 0;
  }

  /** No step runs: the round is over. */
  endRound(): void {
    this.#words[this.#base + CURRENT_TASK] = NO_TASK;
  }
}
