/**
 * What a window holds, in one of three forms: the list of its elements, their reduction, or an accumulator.
 * A form takes elements in and gives what the window's function gets; the operator decides when. All of
 * it is keyed state under the name `window-contents`, with the window as its namespace.
 *
 * What is kept belongs to the state alone: elements are copied when they come in, and a reduction that
 * stays behind is copied when it goes out, one level deep each (`ownCopy`).
 */
import {checkResult} from '../operators/keyed-operator.ts';
import {UserFunction} from '../operators/user-function.ts';
import type {AggregateFunction, ReduceFunction} from '../operators/functions.ts';
import type {KeyedStateBackend} from '../state/keyed-state-backend.ts';
import type {
  InternalAggregatingState,
  InternalListState,
  InternalReducingState,
  Mergeable,
} from '../state/keyed-state.ts';
import {ownCopy} from '../state/record-table.ts';
import {
  AggregatingStateDescriptor,
  ListStateDescriptor,
  ReducingStateDescriptor,
} from '../state/state-descriptors.ts';
import type {TimeWindow} from '../time/time-window.ts';
import {AggregationReduce} from './aggregation-reduce.ts';
import type {Evictor, EvictorContext, TimestampedValue} from './evictor.ts';

/** What is kept of the elements of a window. */
export type ContentsSpec =
  | {readonly kind: 'list'}
  | {readonly kind: 'reduce'; readonly fn: ReduceFunction<any>}
  | {readonly kind: 'aggregate'; readonly fn: AggregateFunction<any, any, any>};

/** The contents of the window whose state was chosen last, for the current key. */
export interface WindowContents {
  readonly state: Mergeable;
  /** The user's function, if there is one. */
  readonly fn: UserFunction | undefined;
  /** `timestamp` is -Infinity for an element without one. */
  add(value: unknown, timestamp: number): void;
  /** Hands what the window holds to `call`, unless it is empty. */
  fire(window: TimeWindow, call: (elements: readonly unknown[]) => void): void;
  clear(): void;
}

/** The state that windows lie in, with the window as its namespace. */
export const WINDOW_CONTENTS = 'window-contents';

/** The timers of triggers and of clean-up, with the window as their namespace. */
export const WINDOW_TIMERS = 'window-timers';

/** Makes the state of windows in `backend`. */
export function createContents(
  spec: ContentsSpec,
  backend: KeyedStateBackend,
  evictor: Evictor | undefined,
  context: EvictorContext,
): WindowContents {
  if (evictor !== undefined) {
    const state = backend.getState(
      new ListStateDescriptor<TimestampedValue<unknown>>(WINDOW_CONTENTS),
    );
    return new EvictedContents(spec, state, evictor, context);
  }
  switch (spec.kind) {
    case 'list':
      return new ListContents(backend.getState(new ListStateDescriptor<unknown>(WINDOW_CONTENTS)));
    case 'reduce':
      return new ReducedContents(spec.fn, backend);
    case 'aggregate':
      return new AggregatedContents(spec.fn, backend);
  }
}

class ListContents implements WindowContents {
  readonly state: InternalListState<unknown>;
  readonly fn = undefined;

  constructor(state: InternalListState<unknown>) {
    this.state = state;
  }

  add(value: unknown): void {
    this.state.add(ownCopy(value));
  }

  fire(_window: TimeWindow, call: (elements: readonly unknown[]) => void): void {
    const elements = this.state.get();
    // A copy: the list is the state's, and grows under whoever keeps it.
    if (elements.length > 0) call([...elements]);
  }

  clear(): void {
    this.state.clear();
  }
}

class ReducedContents implements WindowContents {
  readonly state: InternalReducingState<unknown>;
  readonly fn: UserFunction;

  readonly #aggregation: AggregationReduce | undefined;

  constructor(fn: ReduceFunction<any>, backend: KeyedStateBackend) {
    this.fn = new UserFunction(fn, 'reduce');
    this.#aggregation = fn instanceof AggregationReduce ? fn : undefined;
    const reduce = (accumulated: unknown, value: unknown): unknown =>
      reduceOnce(this.fn, accumulated, value);
    this.state = backend.getState(new ReducingStateDescriptor(WINDOW_CONTENTS, reduce));
  }

  add(value: unknown): void {
    if (this.state.get() !== undefined) {
      this.state.add(value);
      return;
    }
    if (this.#aggregation !== undefined) this.#aggregation.check(value);
    this.state.add(ownCopy(value));
  }

  fire(_window: TimeWindow, call: (elements: readonly unknown[]) => void): void {
    const reduced = this.state.get();
    if (reduced !== undefined) call([ownCopy(reduced)]);
  }

  clear(): void {
    this.state.clear();
  }
}

class AggregatedContents implements WindowContents {
  readonly state: InternalAggregatingState<unknown, unknown, unknown>;
  readonly fn: UserFunction;

  constructor(fn: AggregateFunction<any, any, any>, backend: KeyedStateBackend) {
    this.fn = new UserFunction(fn, 'add');
    const aggregate = {
      createAccumulator: () => fn.createAccumulator() as unknown,
      add: (value: unknown, accumulator: unknown) => {
        const added: unknown = fn.add(value, accumulator);
        checkResult('add', added);
        // An element that became the accumulator still belongs to whoever else has it.
        return added === value ? ownCopy(value) : added;
      },
      getResult: (accumulator: unknown) => fn.getResult(accumulator) as unknown,
      ...(fn.merge === undefined
        ? {}
        : {merge: (a: unknown, b: unknown) => fn.merge!(a, b) as unknown}),
    };
    this.state = backend.getState(new AggregatingStateDescriptor(WINDOW_CONTENTS, aggregate));
  }

  add(value: unknown): void {
    this.state.add(value);
  }

  fire(_window: TimeWindow, call: (elements: readonly unknown[]) => void): void {
    const result = this.state.get();
    // Flink takes a result of null for an empty window, too.
    if (result === undefined || result === null) return;
    call([result === this.state.getAccumulator() ? ownCopy(result) : result]);
  }

  clear(): void {
    this.state.clear();
  }
}

/** All elements with their timestamps, whatever the function; reduced or aggregated at each firing. */
class EvictedContents implements WindowContents {
  readonly state: InternalListState<TimestampedValue<unknown>>;
  readonly fn: UserFunction | undefined;
  readonly #spec: ContentsSpec;
  readonly #evictor: Evictor;
  readonly #context: EvictorContext;

  constructor(
    spec: ContentsSpec,
    state: InternalListState<TimestampedValue<unknown>>,
    evictor: Evictor,
    context: EvictorContext,
  ) {
    this.state = state;
    this.fn =
      spec.kind === 'list'
        ? undefined
        : new UserFunction(spec.fn, spec.kind === 'reduce' ? 'reduce' : 'add');
    this.#spec = spec;
    this.#evictor = evictor;
    this.#context = context;
  }

  add(value: unknown, timestamp: number): void {
    const known = timestamp === -Infinity ? undefined : timestamp;
    this.state.add({value: ownCopy(value), timestamp: known});
  }

  fire(window: TimeWindow, call: (elements: readonly unknown[]) => void): void {
    const all = this.state.get();
    if (all.length === 0) return;
    const evictor = this.#evictor;
    const before = evictor.evictBefore?.([...all], window, this.#context) ?? all;
    const elements = this.#combine(before.map(({value}) => value));
    if (elements !== undefined) call(elements);
    const after = evictor.evictAfter?.([...before], window, this.#context) ?? before;
    this.state.update([...after]);
  }

  clear(): void {
    this.state.clear();
  }

  /** What the function gets for these elements; undefined if there is nothing to give. */
  #combine(values: unknown[]): readonly unknown[] | undefined {
    const spec = this.#spec;
    if (spec.kind === 'list') return values;
    if (spec.kind === 'reduce') {
      const [first, ...rest] = values;
      if (first === undefined) return undefined;
      return [rest.reduce((a, b) => reduceOnce(this.fn!, a, b), ownCopy(first))];
    }
    const {fn} = spec;
    let accumulator: unknown = fn.createAccumulator();
    for (const value of values) {
      accumulator = fn.add(value, accumulator);
      checkResult('add', accumulator);
    }
    const result: unknown = fn.getResult(accumulator);
    return result === undefined || result === null ? undefined : [result];
  }
}

function reduceOnce(fn: UserFunction, accumulated: unknown, value: unknown): unknown {
  const result = fn.call(accumulated, value);
  checkResult('reduce', result);
  return result === value ? ownCopy(value) : result;
}
