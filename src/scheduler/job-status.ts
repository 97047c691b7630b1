/**
 * The life of a job, with Flink's names and its transitions (flink.md §2.4). The coordinator owns the
 * only machine; everybody else reads the status from a word of the job board. A transition that is
 * not in the table is a bug of the engine and trips an assert.
 *
 *   INITIALIZING ─► CREATED ─► RUNNING ─► FINISHED
 *        │             │          │  ▲
 *        │             ├──────────┤  └──── RESTARTING ◄─┐
 *        │             ▼          ▼                     │
 *        │        CANCELLING   FAILING ─────────────────┤
 *        ▼             ▼          ▼
 *     FAILED       CANCELED    FAILED
 *
 * A failure while a job is being cancelled does not change where it ends: CANCELED, as in Flink. A
 * cancel while it is failing wins over a restart that might have followed.
 */
import {assert} from '../base/assert.ts';

/** In the order of their codes on the job board; the order is part of no published format. */
export const JOB_STATUSES = [
  'INITIALIZING',
  'CREATED',
  'RUNNING',
  'FAILING',
  'FAILED',
  'CANCELLING',
  'CANCELED',
  'FINISHED',
  'RESTARTING',
  'SUSPENDED',
  'RECONCILING',
] as const;
export type JobStatus = (typeof JOB_STATUSES)[number];

const NEXT: Record<JobStatus, readonly JobStatus[]> = {
  INITIALIZING: ['CREATED', 'FAILED', 'CANCELLING', 'SUSPENDED'],
  CREATED: ['RUNNING', 'FAILING', 'CANCELLING', 'SUSPENDED'],
  RUNNING: ['FAILING', 'CANCELLING', 'FINISHED', 'RESTARTING', 'SUSPENDED'],
  FAILING: ['FAILED', 'CANCELLING', 'RESTARTING', 'SUSPENDED'],
  FAILED: [],
  CANCELLING: ['CANCELED', 'SUSPENDED'],
  CANCELED: [],
  FINISHED: [],
  RESTARTING: ['CREATED', 'RUNNING', 'FAILING', 'CANCELLING', 'SUSPENDED'],
  SUSPENDED: ['RESTARTING'],
  RECONCILING: ['CREATED', 'RUNNING', 'FAILING', 'CANCELLING', 'SUSPENDED'],
};

/** Whether a job in this status will never change again. */
export function isTerminalJobStatus(status: JobStatus): boolean {
  return NEXT[status].length === 0;
}

/** Whether Flink's table has an arrow between the two. */
export function canJobMove(from: JobStatus, to: JobStatus): boolean {
  return NEXT[from].includes(to);
}

/** The status of one job, with the time of each transition (wall clock, ms). */
export class JobStatusMachine {
  #status: JobStatus = 'INITIALIZING';
  readonly #listener: (status: JobStatus) => void;

  /** `listener` hears of each transition after it was made; in particular it writes the board. */
  constructor(listener: (status: JobStatus) => void = () => {}) {
    this.#listener = listener;
  }

  get status(): JobStatus {
    return this.#status;
  }

  get isTerminal(): boolean {
    return isTerminalJobStatus(this.#status);
  }

  /** Moves along an arrow of the table. */
  moveTo(next: JobStatus): void {
    assert(canJobMove(this.#status, next), 'a job made a transition that its life cycle lacks');
    this.#status = next;
    this.#listener(next);
  }

  /** Moves if there is an arrow; says whether there was. For events that may come too late. */
  tryMoveTo(next: JobStatus): boolean {
    if (!canJobMove(this.#status, next)) return false;
    this.moveTo(next);
    return true;
  }
}
