/**
 * What a user says about a keyed state: its name, its kind, and how values are kept. A descriptor is
 * what state is asked for with (`getState(descriptor)` of a runtime context); the same name within one
 * operator is the same state. Immutable; any thread.
 *
 * A descriptor with a `schema` of numbers keeps them in typed arrays (memory-backend.ts); without one
 * the shape is found out from the first values, and nothing is lost when it turns out to be wrong.
 */
import {StreamError, showValue} from '../base/errors.ts';
import type {Schema} from '../records/schema.ts';
import type {StateTtlConfig} from './state-ttl.ts';

export type {
  AggregatingState,
  ListState,
  MapState,
  ReducingState,
  ValueState,
} from './keyed-state.ts';

export type StateKind = 'value' | 'list' | 'map' | 'reducing' | 'aggregating';

export interface StateOptions<T> {
  /** The shape of a value (of an element of a list, of a value of a map). */
  readonly schema?: Schema<T> | undefined;
  /** How long a value lives; default: until it is cleared. */
  readonly ttl?: StateTtlConfig | undefined;
}

/** Combines two values of one type. */
export type StateReduce<T> = ((a: T, b: T) => T) | {reduce(a: T, b: T): T};

/** Folds values into an accumulator; `AggregateFunction` of the operators fits. */
export interface StateAggregate<I, A, O> {
  createAccumulator(): A;
  add(value: I, accumulator: A): A;
  getResult(accumulator: A): O;
  /** Only for windows that merge. */
  merge?(a: A, b: A): A;
}

/** What all descriptors have. Errors: `E_STATE_DESCRIPTOR` for a name that is empty or no text. */
export abstract class StateDescriptor<T> {
  abstract readonly kind: StateKind;
  readonly name: string;
  readonly schema: Schema<T> | undefined;
  readonly ttl: StateTtlConfig | undefined;

  constructor(name: string, options: StateOptions<T> = {}) {
    if (typeof name !== 'string' || name === '') {
      throw new StreamError(
        'E_STATE_DESCRIPTOR',
        'a state has no name',
        {name: showValue(name)},
        {remedy: 'give each state of an operator a name of its own'},
      );
    }
    this.name = name;
    this.schema = options.schema;
    this.ttl = options.ttl;
  }
}

/** One value per key. */
export class ValueStateDescriptor<T> extends StateDescriptor<T> {
  readonly kind = 'value';
  declare readonly type?: T;
}

/** A list per key. */
export class ListStateDescriptor<T> extends StateDescriptor<T> {
  readonly kind = 'list';
  declare readonly type?: T;
}

/** A map per key. Map keys are told apart as stream keys are: by value, also dates and arrays. */
export class MapStateDescriptor<K, V> extends StateDescriptor<V> {
  readonly kind = 'map';
  declare readonly type?: [K, V];
}

/** One value per key, into which `reduce` takes each value that is added. */
export class ReducingStateDescriptor<T> extends StateDescriptor<T> {
  readonly kind = 'reducing';
  readonly reduce: (a: T, b: T) => T;

  constructor(name: string, reduce: StateReduce<T>, options: StateOptions<T> = {}) {
    super(name, options);
    this.reduce = typeof reduce === 'function' ? reduce : (a, b) => reduce.reduce(a, b);
  }
}

/** An accumulator per key; the schema describes accumulators. */
export class AggregatingStateDescriptor<I, A, O> extends StateDescriptor<A> {
  readonly kind = 'aggregating';
  readonly aggregate: StateAggregate<I, A, O>;

  constructor(name: string, aggregate: StateAggregate<I, A, O>, options: StateOptions<A> = {}) {
    super(name, options);
    this.aggregate = aggregate;
  }
}

/** A descriptor of any kind. */
export type AnyStateDescriptor =
  | ValueStateDescriptor<any>
  | ListStateDescriptor<any>
  | MapStateDescriptor<any, any>
  | ReducingStateDescriptor<any>
  | AggregatingStateDescriptor<any, any, any>;

/** Errors: `E_STATE_DESCRIPTOR` if there is a state of this name and another kind. */
export function refuseOtherKind(
  {name, kind}: AnyStateDescriptor,
  known: StateKind | undefined,
): void {
  if (known === undefined || known === kind) return;
  throw new StreamError(
    'E_STATE_DESCRIPTOR',
    'a state of this name has another kind',
    {state: name, kind, known},
    {remedy: 'give each state of an operator a name of its own'},
  );
}
