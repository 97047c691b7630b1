/**
 * Calls the function of a window that fires, in the form that it has, and is the context that it gets. One
 * object per operator; the window changes. Results carry the last timestamp of their window.
 */
import {StreamError} from '../base/errors.ts';
import type {TimestampedCollector} from '../operators/collectors.ts';
import type {Collector, KeyedStateStore, OutputTag} from '../operators/functions.ts';
import type {Emitter} from '../operators/operator-runtime.ts';
import {UserFunction} from '../operators/user-function.ts';
import type {KeyedStateBackend} from '../state/keyed-state-backend.ts';
import type {StateNamespace} from '../state/keyed-state.ts';
import type {AnyStateDescriptor} from '../state/state-descriptors.ts';
import {GLOBAL_WINDOW, type TimeWindow} from '../time/time-window.ts';
import type {WindowContext} from './window-function.ts';

/** How a window's function is called; the forms of window-function.ts. */
export interface WindowCall {
  readonly kind: 'process' | 'processAll' | 'apply' | 'applyAll';
  /** A function, or an object with `process` or `apply`. */
  readonly fn: unknown;
}

export interface FiringOptions {
  readonly backend: KeyedStateBackend;
  readonly time: {readonly currentWatermark: number; currentProcessingTime(): number};
  readonly collector: TimestampedCollector;
  readonly sideOutput: (tag: string) => Emitter;
  readonly hasWindowState: boolean;
  /** Undefined: the elements are the results. */
  readonly call: WindowCall | undefined;
  /** Whether the backend has the key of a window that fires; else it gets it when state is used. */
  readonly isKeySet: boolean;
}

export class FiringContext implements WindowContext {
  key: unknown;
  window: TimeWindow = GLOBAL_WINDOW;
  readonly windowState: KeyedStateStore;
  readonly globalState: KeyedStateStore;
  readonly function: UserFunction | undefined;
  readonly #options: FiringOptions;

  constructor(options: FiringOptions) {
    const {call, backend} = options;
    this.#options = options;
    if (call !== undefined) {
      this.function = new UserFunction(
        call.fn,
        call.kind.startsWith('process') ? 'process' : 'apply',
      );
    }
    const setKey = (): void => {
      if (!options.isKeySet) backend.setCurrentKey(this.key);
    };
    this.globalState = new NamespacedStates(backend, setKey);
    this.windowState = new NamespacedStates(backend, () => {
      setKey();
      if (options.hasWindowState) return this.window;
      throw new StreamError(
        'E_WINDOW_STATE',
        'state of a window was asked for where windows merge',
        {start: this.window.start, end: this.window.end},
        {remedy: 'use globalState, with the window in what is kept there'},
      );
    });
  }

  get currentWatermark(): number {
    return this.#options.time.currentWatermark;
  }

  get currentProcessingTime(): number {
    return this.#options.time.currentProcessingTime();
  }

  output<S>(tag: OutputTag<S>, value: S): void {
    const {collector, sideOutput} = this.#options;
    const emit = collector.sides.get(tag.id);
    if (emit === undefined) sideOutput(tag.id).emit(value, this.window.maxTimestamp);
    else emit(value, this.window.maxTimestamp);
  }

  /** Hands the elements of `window` to the function, or emits them if there is none. */
  fire(key: unknown, window: TimeWindow, elements: readonly unknown[]): void {
    const {call, collector} = this.#options;
    this.key = key;
    this.window = window;
    collector.timestamp = window.maxTimestamp;
    if (call === undefined) {
      for (const element of elements) collector.collect(element);
      return;
    }
    const {call: run} = this.function!;
    const results = (
      call.kind === 'process'
        ? run(key, this, elements, collector)
        : call.kind === 'processAll'
          ? run(this, elements, collector)
          : call.kind === 'apply'
            ? run(key, window, elements, collector)
            : run(window, elements, collector)
    ) as Iterable<unknown> | undefined;
    if (results === undefined || results === null) return;
    for (const result of results) collector.collect(result);
  }

  /** The window is dropped: lets the function drop its state. */
  clear(key: unknown, window: TimeWindow): void {
    const {call} = this.#options;
    if (call === undefined || typeof call.fn === 'function') return;
    this.key = key;
    this.window = window;
    (call.fn as {clear?(context: WindowContext): void}).clear?.(this);
  }
}

/** Hands out states of the current key under one namespace, which is set anew each time. */
class NamespacedStates implements KeyedStateStore {
  readonly #backend: KeyedStateBackend;
  readonly #namespace: () => StateNamespace | void;

  constructor(backend: KeyedStateBackend, namespace: () => StateNamespace | void) {
    this.#backend = backend;
    this.#namespace = namespace;
  }

  getState = (descriptor: AnyStateDescriptor): any => this.#get(descriptor);
  getListState = (descriptor: AnyStateDescriptor): any => this.#get(descriptor);
  getMapState = (descriptor: AnyStateDescriptor): any => this.#get(descriptor);
  getReducingState = (descriptor: AnyStateDescriptor): any => this.#get(descriptor);
  getAggregatingState = (descriptor: AnyStateDescriptor): any => this.#get(descriptor);

  #get(descriptor: AnyStateDescriptor): unknown {
    const namespace = this.#namespace() ?? undefined;
    const state = this.#backend.getState(descriptor);
    state.setNamespace(namespace);
    return state;
  }
}
