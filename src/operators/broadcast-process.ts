/**
 * `process` of a stream beside one that is broadcast: input 0 reads broadcast state, input 1 writes it.
 * Every subtask has a whole copy of the state and sees every record of input 1, so the copies stay equal
 * as long as the function does the same in each. With keys on input 0 there are state and timers per key
 * as well, and input 1 may visit the state of all keys.
 */
import {StreamError} from '../base/errors.ts';
import type {BroadcastState, ReadonlyBroadcastState} from '../state/operator-state-backend.ts';
import {
  MapStateDescriptor,
  StateDescriptor,
  type AnyStateDescriptor,
  type ValueStateDescriptor,
} from '../state/state-descriptors.ts';
import {ElementContext} from './collectors.ts';
import {FunctionContext, checkDescriptor} from './function-context.ts';
import type {
  BroadcastContext,
  BroadcastOnTimerContext,
  BroadcastProcessFunction,
  KeyedBroadcastContext,
  KeyedBroadcastProcessFunction,
  KeyedReadOnlyBroadcastContext,
  ReadOnlyBroadcastContext,
} from './functions.ts';
import {keyReader} from './key.ts';
import type {KeySelector, OperatorSpec} from './operator.ts';
import type {OperatorContext} from './operator-runtime.ts';
import {
  AbstractKeyedProcessOperator,
  AbstractProcessOperator,
  KeyedElementContext,
  TimerContext,
  timestampsOf,
} from './process.ts';
import {UnkeyedTimers} from './user-timers.ts';

type Descriptors = readonly MapStateDescriptor<any, any>[];

/** The operator of `stream.connect(broadcast).process(fn)`; `key` if the stream is keyed. */
export function broadcastProcess(
  fn: BroadcastProcessFunction<any, any, any> | KeyedBroadcastProcessFunction<any, any, any, any>,
  descriptors: Descriptors,
  key?: KeySelector,
): OperatorSpec {
  const parts = [fn, ...descriptors.map(({name}) => name)];
  if (key === undefined) {
    return {
      type: 'custom',
      kind: 'broadcast process',
      inputCount: 2,
      parts,
      timestamps: 'kept',
      create: context => new BroadcastProcessOperator(context, fn, descriptors),
    };
  }
  return {
    type: 'custom',
    kind: 'keyed broadcast process',
    inputCount: 2,
    key,
    parts,
    timestamps: timestampsOf(fn),
    create: context => new KeyedBroadcastProcessOperator(context, fn, descriptors, key),
  };
}

const METHODS = ['processElement', 'processBroadcastElement'] as const;

class BroadcastProcessOperator extends AbstractProcessOperator {
  #watermark = -Infinity;

  constructor(context: OperatorContext, fn: object, descriptors: Descriptors) {
    super(context, fn);
    const timers = new UnkeyedTimers(context.runtime.clock, () => this.#watermark);
    const states = new BroadcastStates(context, descriptors);
    const side = (tag: string) => context.sideOutput(tag);
    this.setInputs([
      {method: METHODS[0], context: new ReaderContext(states, this.collector, side, timers)},
      {method: METHODS[1], context: new WriterContext(states, this.collector, side, timers)},
    ]);
  }

  override processWatermark(watermark: number): boolean {
    this.#watermark = watermark;
    return true;
  }

  override open(): void {
    FunctionContext.open(this.fn, this.context.runtime);
  }

  protected get backend(): undefined {
    return undefined;
  }
}

class KeyedBroadcastProcessOperator extends AbstractKeyedProcessOperator {
  readonly #broadcastStates: BroadcastStates;

  constructor(context: OperatorContext, fn: object, descriptors: Descriptors, key: KeySelector) {
    super(context, fn);
    const states = new BroadcastStates(context, descriptors);
    this.#broadcastStates = states;
    const side = (tag: string) => context.sideOutput(tag);
    const timers = this.userTimers();
    // A record that is broadcast belongs to no key.
    const time = new UnkeyedTimers(context.runtime.clock, () => timers.currentWatermark);
    const backend = () => this.backend!;
    this.setInputs([
      {
        method: METHODS[0],
        context: new KeyedReaderContext(states, this.collector, side, timers, backend),
        key: keyReader(key),
      },
      {
        method: METHODS[1],
        context: new KeyedWriterContext(states, this.collector, side, time, (descriptor, visit) =>
          this.#visitKeys(descriptor, visit),
        ),
      },
    ]);
  }

  protected override createTimerContext(): TimerContext {
    return new BroadcastTimerContext(this.#broadcastStates, this.backend!, this.userTimers(), tag =>
      this.context.sideOutput(tag),
    );
  }

  #visitKeys(descriptor: AnyStateDescriptor, visit: (key: unknown, state: any) => void): void {
    checkDescriptor('applyToKeyedState', descriptor, StateDescriptor);
    const backend = this.backend!;
    const state = backend.getState(descriptor as ValueStateDescriptor<unknown>);
    // The list is made first: what `visit` does may add and remove keys.
    for (const key of [...backend.keys(descriptor.name, undefined)]) {
      backend.setCurrentKey(key);
      visit(key, state);
    }
  }
}

/** The broadcast states of an operator: those that were named when the stream was broadcast. */
class BroadcastStates {
  readonly #context: OperatorContext;
  readonly #descriptors: Descriptors;
  readonly #readers = new Map<string, ReadonlyBroadcastState<unknown, unknown>>();

  constructor(context: OperatorContext, descriptors: Descriptors) {
    this.#context = context;
    this.#descriptors = descriptors;
  }

  writer<K, V>(descriptor: MapStateDescriptor<K, V>): BroadcastState<K, V> {
    checkDescriptor('getBroadcastState', descriptor, MapStateDescriptor);
    if (!this.#descriptors.some(({name}) => name === descriptor.name)) {
      throw new StreamError(
        'E_STATE_BROADCAST',
        'a broadcast state was not announced',
        {
          state: descriptor.name,
          announced: this.#descriptors.map(({name}) => name).join(', '),
        },
        {remedy: 'pass its descriptor to broadcast()'},
      );
    }
    return this.#context.operatorState.getBroadcastState(descriptor);
  }

  reader<K, V>(descriptor: MapStateDescriptor<K, V>): ReadonlyBroadcastState<K, V> {
    let reader = this.#readers.get(descriptor?.name);
    if (reader === undefined) {
      reader = new BroadcastReader(this.writer(descriptor)) as ReadonlyBroadcastState<any, any>;
      this.#readers.set(descriptor.name, reader);
    }
    return reader as ReadonlyBroadcastState<K, V>;
  }
}

/** Shows a broadcast state and has no way to change it. */
class BroadcastReader implements ReadonlyBroadcastState<unknown, unknown> {
  readonly #state: BroadcastState<unknown, unknown>;

  constructor(state: BroadcastState<any, any>) {
    this.#state = state;
  }

  get(key: unknown): unknown {
    return this.#state.get(key);
  }

  contains(key: unknown): boolean {
    return this.#state.contains(key);
  }

  entries(): IterableIterator<[unknown, unknown]> {
    return this.#state.entries();
  }

  keys(): IterableIterator<unknown> {
    return this.#state.keys();
  }

  values(): IterableIterator<unknown> {
    return this.#state.values();
  }

  isEmpty(): boolean {
    return this.#state.isEmpty();
  }
}

/** What both contexts of records know beside the record. */
abstract class SideContext extends ElementContext {
  protected readonly states: BroadcastStates;

  constructor(states: BroadcastStates, ...rest: ConstructorParameters<typeof ElementContext>) {
    super(...rest);
    this.states = states;
  }

  get currentWatermark(): number {
    return this.timerService.currentWatermark;
  }

  currentProcessingTime(): number {
    return this.timerService.currentProcessingTime();
  }
}

class ReaderContext extends SideContext implements ReadOnlyBroadcastContext {
  getBroadcastState<K, V>(descriptor: MapStateDescriptor<K, V>): ReadonlyBroadcastState<K, V> {
    return this.states.reader(descriptor);
  }
}

class WriterContext extends SideContext implements BroadcastContext {
  getBroadcastState<K, V>(descriptor: MapStateDescriptor<K, V>): BroadcastState<K, V> {
    return this.states.writer(descriptor);
  }
}

type Visit = (descriptor: AnyStateDescriptor, visit: (key: unknown, state: any) => void) => void;

class KeyedWriterContext extends WriterContext implements KeyedBroadcastContext<unknown> {
  readonly #visit: Visit;

  constructor(
    states: BroadcastStates,
    collector: ConstructorParameters<typeof ElementContext>[0],
    sideOutput: ConstructorParameters<typeof ElementContext>[1],
    timers: ConstructorParameters<typeof ElementContext>[2],
    visit: Visit,
  ) {
    super(states, collector, sideOutput, timers);
    this.#visit = visit;
  }

  applyToKeyedState(
    descriptor: AnyStateDescriptor,
    visit: (key: unknown, state: any) => void,
  ): void {
    this.#visit(descriptor, visit);
  }
}

class KeyedReaderContext
  extends KeyedElementContext
  implements KeyedReadOnlyBroadcastContext<unknown>
{
  readonly #states: BroadcastStates;

  constructor(states: BroadcastStates, ...rest: ConstructorParameters<typeof KeyedElementContext>) {
    super(...rest);
    this.#states = states;
  }

  get currentWatermark(): number {
    return this.timerService.currentWatermark;
  }

  currentProcessingTime(): number {
    return this.timerService.currentProcessingTime();
  }

  getBroadcastState<K, V>(descriptor: MapStateDescriptor<K, V>): ReadonlyBroadcastState<K, V> {
    return this.#states.reader(descriptor);
  }
}

class BroadcastTimerContext extends TimerContext implements BroadcastOnTimerContext<unknown> {
  readonly #states: BroadcastStates;

  constructor(states: BroadcastStates, ...rest: ConstructorParameters<typeof TimerContext>) {
    super(...rest);
    this.#states = states;
  }

  get currentWatermark(): number {
    return this.timerService.currentWatermark;
  }

  currentProcessingTime(): number {
    return this.timerService.currentProcessingTime();
  }

  getBroadcastState<K, V>(descriptor: MapStateDescriptor<K, V>): ReadonlyBroadcastState<K, V> {
    return this.#states.reader(descriptor);
  }
}
