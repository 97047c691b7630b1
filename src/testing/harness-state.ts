/**
 * The state behind a harness: makes the backends of its operators and keeps hold of them, so that a test
 * can count timers, look into state, take snapshots and begin from them.
 */
import type {TaskContext} from '../operators/functions.ts';
import type {StateBackends} from '../operators/state-backends.ts';
import type {KeyedStateBackend} from '../state/keyed-state-backend.ts';
import {redistribute, type OperatorSnapshot} from '../state/redistribute.ts';
import type {TimerQueue} from '../state/timer-queue.ts';
import type {HarnessTask} from './harness-task.ts';

/** The state of one subtask of a piece, by the uids of its operators; plain data. */
export interface HarnessSnapshot {
  readonly operators: Readonly<Record<string, OperatorSnapshot>>;
}

export class HarnessState {
  readonly backends: StateBackends;
  readonly #snapshots: readonly HarnessSnapshot[];
  readonly #keyed: KeyedStateBackend[] = [];
  readonly #queues = {event: new Set<TimerQueue>(), processing: new Set<TimerQueue>()};

  constructor(snapshots: readonly HarnessSnapshot[], backends: StateBackends) {
    this.#snapshots = snapshots;
    this.backends = {
      createKeyed: request => this.#watch(backends.createKeyed(request)),
      createOperator: request => backends.createOperator(request),
    };
  }

  /** Those of the operators that are keyed. */
  get keyed(): readonly KeyedStateBackend[] {
    return this.#keyed;
  }

  timerCount(domain: 'event' | 'processing'): number {
    let count = 0;
    for (const queue of this.#queues[domain]) count += queue.size;
    return count;
  }

  /** The part of the snapshots that an operator's subtask begins with. */
  restoredFor(context: TaskContext): OperatorSnapshot | undefined {
    const {uid, parallelism, maxParallelism, subtaskIndex} = context;
    const parts = this.#snapshots.map(({operators}) => operators[uid] ?? {});
    if (parts.every(({keyed, operator}) => keyed === undefined && operator === undefined)) {
      return undefined;
    }
    return redistribute(structuredClone(parts), parallelism, maxParallelism)[subtaskIndex];
  }

  snapshot(tasks: readonly HarnessTask[]): HarnessSnapshot {
    const operators: Record<string, OperatorSnapshot> = {};
    for (const task of tasks) {
      const snapshots = task.snapshot();
      for (const [index, {uid}] of task.vertex.operators.entries()) {
        operators[uid] = snapshots[index]!;
      }
    }
    // A copy: operators may go on changing what is theirs.
    return structuredClone({operators});
  }

  #watch(backend: KeyedStateBackend): KeyedStateBackend {
    this.#keyed.push(backend);
    const timerQueue = backend.timerQueue.bind(backend);
    backend.timerQueue = (service, domain) => {
      const queue = timerQueue(service, domain);
      this.#queues[domain].add(queue);
      return queue;
    };
    return backend;
  }
}
