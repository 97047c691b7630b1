/**
 * The life of one attempt to run a subtask, with Flink's names and transitions (`ExecutionState`).
 * The coordinator owns the machines of all tasks and mirrors them, one word per task, on the job
 * board; workers only report.
 *
 *   CREATED ► SCHEDULED ► DEPLOYING ► INITIALIZING ► RUNNING ► FINISHED
 *      │          │           │            │           │
 *      ├──────────┘           └────────────┴───────────┴──► CANCELING ► CANCELED
 *      └──► CANCELED                    (from any of these) ──► FAILED
 *
 * DEPLOYING: the worker has been sent the plan. INITIALIZING: it builds its operators and, later,
 * restores their state. RUNNING: the worker loop steps the task.
 */
import {assert} from '../base/assert.ts';

/** In the order of their codes on the job board. */
export const TASK_STATES = [
  'CREATED',
  'SCHEDULED',
  'DEPLOYING',
  'INITIALIZING',
  'RUNNING',
  'FINISHED',
  'CANCELING',
  'CANCELED',
  'FAILED',
  'RECONCILING',
] as const;
export type TaskState = (typeof TASK_STATES)[number];

const NEXT: Record<TaskState, readonly TaskState[]> = {
  CREATED: ['SCHEDULED', 'CANCELED', 'FAILED'],
  SCHEDULED: ['DEPLOYING', 'CANCELED', 'FAILED'],
  DEPLOYING: ['INITIALIZING', 'CANCELING', 'FAILED'],
  INITIALIZING: ['RUNNING', 'CANCELING', 'FAILED'],
  RUNNING: ['FINISHED', 'CANCELING', 'FAILED'],
  FINISHED: [],
  // A task may come to its end, or fail, before it hears that it was to be cancelled.
  CANCELING: ['CANCELED', 'FINISHED', 'FAILED'],
  CANCELED: [],
  FAILED: [],
  RECONCILING: ['INITIALIZING', 'RUNNING', 'FINISHED', 'CANCELED', 'FAILED'],
};

/** Whether a task in this state will never change again. */
export function isTerminalTaskState(state: TaskState): boolean {
  return NEXT[state].length === 0;
}

/** Whether the table has an arrow between the two. */
export function canTaskMove(from: TaskState, to: TaskState): boolean {
  return NEXT[from].includes(to);
}

/** The state of one subtask. */
export class TaskStateMachine {
  #state: TaskState = 'CREATED';
  readonly #listener: (state: TaskState) => void;

  constructor(listener: (state: TaskState) => void = () => {}) {
    this.#listener = listener;
  }

  get state(): TaskState {
    return this.#state;
  }

  get isTerminal(): boolean {
    return isTerminalTaskState(this.#state);
  }

  /** Moves along an arrow of the table. */
  moveTo(next: TaskState): void {
    assert(canTaskMove(this.#state, next), 'a task made a transition that its life cycle lacks');
    this.#state = next;
    this.#listener(next);
  }

  /** Asks the task to end: what has not begun is CANCELED at once, the rest is CANCELING. */
  cancel(): void {
    if (this.isTerminal || this.#state === 'CANCELING') return;
    this.moveTo(canTaskMove(this.#state, 'CANCELING') ? 'CANCELING' : 'CANCELED');
  }
}
