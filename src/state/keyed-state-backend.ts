/**
 * The contract of keyed state: who keeps the state of a keyed operator's subtask, whatever it lies in.
 * An operator sets the current key before each record and each timer; handles, timers and snapshots
 * all work on the one backend. `memory-backend.ts` and `lmdb-backend.ts` implement it, and one
 * contract test (test/state/keyed-state-contract.ts) holds both to it. One thread.
 */
import type {Clock} from '../base/clock.ts';
import type {KeyGroupRange} from '../base/key-group.ts';
import type {KeyedSnapshot} from './keyed-snapshot.ts';
import type {
  InternalAggregatingState,
  InternalListState,
  InternalMapState,
  InternalReducingState,
  InternalState,
  InternalValueState,
  StateNamespace,
} from './keyed-state.ts';
import type {
  AggregatingStateDescriptor,
  AnyStateDescriptor,
  ListStateDescriptor,
  MapStateDescriptor,
  ReducingStateDescriptor,
  ValueStateDescriptor,
} from './state-descriptors.ts';
import type {TimerQueue} from './timer-queue.ts';

export interface KeyedBackendOptions {
  /** The key groups of the subtask. */
  readonly keyGroupRange: KeyGroupRange;
  readonly maxParallelism: number;
  /** For TTL. */
  readonly clock: Clock;
  /** What a snapshot held; key groups outside of the range are left out. */
  readonly restored?: KeyedSnapshot | undefined;
}

/** Makes the backend of one operator of one subtask. */
export type CreateKeyedBackend = (options: KeyedBackendOptions) => KeyedStateBackend;

export interface KeyedStateBackend {
  readonly keyGroupRange: KeyGroupRange;
  readonly maxParallelism: number;
  /** Undefined before the first one. */
  readonly currentKey: unknown;
  /**
   * All handles and timers are about this key from now on. The cost of a state access is here: one
   * look-up. Errors: `E_KEY_NULL`, `E_KEY_NAN`, `E_KEY_TYPE`, as `hashKey`.
   */
  setCurrentKey(key: unknown): void;
  /**
   * Whether it pays to touch keys before they are set, many in a row: the state is larger than the caches,
   * so that each key would wait for memory by itself. Absent: never.
   */
  readonly paysToTouch?: boolean;
  /** Reads something of the state of a key that is a number. What it returns means nothing. */
  touchKey?(key: number): number;

  /**
   * The state of this name; the same handle for the same name. Errors: `E_STATE_DESCRIPTOR` if a state
   * of this name has another kind.
   */
  getState<T>(descriptor: ValueStateDescriptor<T>): InternalValueState<T>;
  getState<T>(descriptor: ListStateDescriptor<T>): InternalListState<T>;
  getState<K, V>(descriptor: MapStateDescriptor<K, V>): InternalMapState<K, V>;
  getState<T>(descriptor: ReducingStateDescriptor<T>): InternalReducingState<T>;
  getState<I, A, O>(
    descriptor: AggregatingStateDescriptor<I, A, O>,
  ): InternalAggregatingState<I, A, O>;
  getState(descriptor: AnyStateDescriptor): InternalState;

  /** The keys that have something in this state and namespace. Do not change the state meanwhile. */
  keys(stateName: string, namespace: StateNamespace): IterableIterator<unknown>;
  /** What the state of this name was asked for with; undefined if nobody has. */
  descriptorOf(stateName: string): AnyStateDescriptor | undefined;
  /** The names of all states, restored ones that nobody has asked for yet included. */
  stateNames(): readonly string[];

  /** The timers of a service; for `TimerService` only. The same name gives the same queue. */
  timerQueue(service: string, domain: 'event' | 'processing'): TimerQueue;

  /** Timers of event time, of all services. */
  readonly eventTimeTimerCount: number;

  /** How many distinct keys have state or timers. */
  readonly keyCount: number;
  /** Bytes of typed arrays and caches; values on the JavaScript heap come on top. */
  readonly sizeBytes: number;

  /** Everything, as it is now. Later changes do not reach it, save changes inside user objects. */
  snapshot(): KeyedSnapshot;
  close(): void;
}
