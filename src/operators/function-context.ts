/**
 * The context that a user function object is opened with: where it runs, its state per key if its stream is
 * keyed, and, before that, the state that its subtask keeps for itself. One per operator; used by
 * the task's thread.
 */
import type {Clock} from '../base/clock.ts';
import {StreamError, showValue} from '../base/errors.ts';
import type {Counter} from '../metrics/counter.ts';
import type {
  AggregatingState,
  ListState,
  MapState,
  ReducingState,
  ValueState,
} from '../state/keyed-state.ts';
import type {BroadcastState, OperatorStateBackend} from '../state/operator-state-backend.ts';
import {
  ListStateDescriptor,
  MapStateDescriptor,
  type AggregatingStateDescriptor,
  type ReducingStateDescriptor,
  type ValueStateDescriptor,
} from '../state/state-descriptors.ts';
import type {
  KeyedStateStore,
  RichFunction,
  RuntimeContext,
  StateInitializationContext,
  TaskContext,
} from './functions.ts';

/** What a context gives beside the facts of the task. */
export interface FunctionState {
  /** Absent: the stream is not keyed. */
  readonly keyed?: KeyedStateStore;
  /** Makes the subtask's own state when it is first asked for. */
  readonly operator: () => OperatorStateBackend;
  readonly isRestored: boolean;
}

export class FunctionContext implements RuntimeContext {
  readonly jobName: string;
  readonly operatorName: string;
  readonly uid: string;
  readonly subtaskIndex: number;
  readonly parallelism: number;
  readonly maxParallelism: number;
  readonly attemptNumber: number;
  readonly clock: Clock;
  readonly #task: TaskContext;
  readonly #state: FunctionState;

  constructor(task: TaskContext, state: FunctionState) {
    this.#task = task;
    this.#state = state;
    this.jobName = task.jobName;
    this.operatorName = task.operatorName;
    this.uid = task.uid;
    this.subtaskIndex = task.subtaskIndex;
    this.parallelism = task.parallelism;
    this.maxParallelism = task.maxParallelism;
    this.attemptNumber = task.attemptNumber;
    this.clock = task.clock;
  }

  /** Runs the first two steps of a function's life in its context, whatever made that. */
  static open(fn: RichFunction, runtime: RuntimeContext): void {
    if (fn.initializeState !== undefined) {
      if (!(#state in runtime)) {
        throw new StreamError('E_STATE_CONTEXT', 'a function with state was opened without any');
      }
      fn.initializeState(new InitializationContext(runtime.#state));
    }
    fn.open?.(runtime);
  }

  /** The same context with state per key. */
  static keyed(runtime: RuntimeContext, keyed: KeyedStateStore): RuntimeContext {
    if (!(#state in runtime))
      throw new StreamError('E_STATE_CONTEXT', 'a context is not the engine’s');
    return new FunctionContext(runtime.#task, {...runtime.#state, keyed});
  }

  addToAccumulator(name: string, amount: number): void {
    this.#task.addToAccumulator(name, amount);
  }

  counter(name: string): Counter {
    return this.#task.counter(name);
  }

  getState<T>(descriptor: ValueStateDescriptor<T>): ValueState<T> {
    return this.#keyedStore(descriptor).getState(descriptor);
  }

  getListState<T>(descriptor: ListStateDescriptor<T>): ListState<T> {
    return this.#keyedStore(descriptor).getListState(descriptor);
  }

  getMapState<K, V>(descriptor: MapStateDescriptor<K, V>): MapState<K, V> {
    return this.#keyedStore(descriptor).getMapState(descriptor);
  }

  getReducingState<T>(descriptor: ReducingStateDescriptor<T>): ReducingState<T> {
    return this.#keyedStore(descriptor).getReducingState(descriptor);
  }

  getAggregatingState<I, A, O>(
    descriptor: AggregatingStateDescriptor<I, A, O>,
  ): AggregatingState<I, O> {
    return this.#keyedStore(descriptor).getAggregatingState(descriptor);
  }

  #keyedStore(descriptor: unknown): KeyedStateStore {
    const {keyed} = this.#state;
    if (keyed !== undefined) return keyed;
    throw new StreamError(
      'E_STATE_NOT_KEYED',
      'state per key was asked for where there are no keys',
      {operator: this.operatorName, state: nameOf(descriptor)},
      {
        remedy:
          'call keyBy() directly in front of the operator; ' +
          'state of a whole subtask is asked for in initializeState()',
      },
    );
  }
}

class InitializationContext implements StateInitializationContext {
  readonly #state: FunctionState;

  constructor(state: FunctionState) {
    this.#state = state;
  }

  get isRestored(): boolean {
    return this.#state.isRestored;
  }

  getListState<T>(descriptor: ListStateDescriptor<T>): ListState<T> {
    checkDescriptor('getListState', descriptor, ListStateDescriptor);
    return this.#state.operator().getListState(descriptor);
  }

  getUnionListState<T>(descriptor: ListStateDescriptor<T>): ListState<T> {
    checkDescriptor('getUnionListState', descriptor, ListStateDescriptor);
    return this.#state.operator().getUnionListState(descriptor);
  }

  getBroadcastState<K, V>(descriptor: MapStateDescriptor<K, V>): BroadcastState<K, V> {
    checkDescriptor('getBroadcastState', descriptor, MapStateDescriptor);
    return this.#state.operator().getBroadcastState(descriptor);
  }
}

/** Refuses what is not a descriptor of the right kind. */
export function checkDescriptor(
  operation: string,
  descriptor: unknown,
  expected: abstract new (...args: any) => object,
): void {
  if (descriptor instanceof expected) return;
  throw new StreamError(
    'E_STATE_DESCRIPTOR',
    `${operation} needs a ${expected.name}`,
    {descriptor: nameOf(descriptor)},
    {remedy: `pass new ${expected.name}('a name')`},
  );
}

function nameOf(descriptor: unknown): string {
  const name = (descriptor as {name?: unknown} | null | undefined)?.name;
  return showValue(typeof name === 'string' ? name : descriptor);
}
