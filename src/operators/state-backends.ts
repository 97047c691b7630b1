/**
 * Who makes the state of operators. The chain asks for it, the scheduler says which implementation it
 * is, and what was restored. Used by the task's thread.
 */
import type {KeyedStateBackend} from '../state/keyed-state-backend.ts';
import type {OperatorStateBackend} from '../state/operator-state-backend.ts';
import type {OperatorSnapshot} from '../state/redistribute.ts';
import type {TaskContext} from './functions.ts';

/** What a backend has to know about its operator: `context` says which subtask of how many it is. */
export interface StateBackendRequest<Part extends keyof OperatorSnapshot> {
  readonly context: TaskContext;
  /** What the state begins with; undefined: empty. */
  readonly restored: OperatorSnapshot[Part] | undefined;
}

export interface StateBackends {
  createKeyed(request: StateBackendRequest<'keyed'>): KeyedStateBackend;
  createOperator(request: StateBackendRequest<'operator'>): OperatorStateBackend;
}
