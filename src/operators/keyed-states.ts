/**
 * The states of a keyed operator by kind, as user functions ask for them. The backend is made with the
 * first state: most functions on a keyed stream keep none, and for them no key is ever set.
 */
import {StreamError} from '../base/errors.ts';
import type {KeyedStateBackend} from '../state/keyed-state-backend.ts';
import type {
  AggregatingState,
  ListState,
  MapState,
  ReducingState,
  ValueState,
} from '../state/keyed-state.ts';
import {
  AggregatingStateDescriptor,
  ListStateDescriptor,
  MapStateDescriptor,
  ReducingStateDescriptor,
  ValueStateDescriptor,
} from '../state/state-descriptors.ts';
import {checkDescriptor} from './function-context.ts';
import type {KeyedStateStore} from './functions.ts';

export class KeyedStates implements KeyedStateStore {
  readonly #create: () => KeyedStateBackend;
  #backend: KeyedStateBackend | undefined;
  #isSealed = false;

  constructor(create: () => KeyedStateBackend) {
    this.#create = create;
  }

  /** Made now, if it has not been. */
  get backend(): KeyedStateBackend {
    if (this.#backend === undefined) {
      if (this.#isSealed) {
        throw new StreamError(
          'E_STATE_LATE',
          'a function asked for its first state while records are processed',
          {},
          {remedy: 'ask for every state in open()'},
        );
      }
      this.#backend = this.#create();
    }
    return this.#backend;
  }

  /** Whether anybody has asked for state: only then keys are set. */
  get isUsed(): boolean {
    return this.#backend !== undefined;
  }

  /** The functions are open: who has asked for nothing so far gets nothing. */
  seal(): void {
    this.#isSealed = true;
  }

  getState<T>(descriptor: ValueStateDescriptor<T>): ValueState<T> {
    checkDescriptor('getState', descriptor, ValueStateDescriptor);
    return this.backend.getState(descriptor);
  }

  getListState<T>(descriptor: ListStateDescriptor<T>): ListState<T> {
    checkDescriptor('getListState', descriptor, ListStateDescriptor);
    return this.backend.getState(descriptor);
  }

  getMapState<K, V>(descriptor: MapStateDescriptor<K, V>): MapState<K, V> {
    checkDescriptor('getMapState', descriptor, MapStateDescriptor);
    return this.backend.getState(descriptor);
  }

  getReducingState<T>(descriptor: ReducingStateDescriptor<T>): ReducingState<T> {
    checkDescriptor('getReducingState', descriptor, ReducingStateDescriptor);
    return this.backend.getState(descriptor);
  }

  getAggregatingState<I, A, O>(
    descriptor: AggregatingStateDescriptor<I, A, O>,
  ): AggregatingState<I, O> {
    checkDescriptor('getAggregatingState', descriptor, AggregatingStateDescriptor);
    return this.backend.getState(descriptor);
  }
}
