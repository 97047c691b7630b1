/** What triggers and evictors see of the operator. One object per operator; the window changes. */
import {StreamError} from '../base/errors.ts';
import type {Counter} from '../metrics/counter.ts';
import type {TaskContext} from '../operators/functions.ts';
import type {KeyedStateBackend} from '../state/keyed-state-backend.ts';
import type {InternalState, Mergeable} from '../state/keyed-state.ts';
import type {AnyStateDescriptor} from '../state/state-descriptors.ts';
import type {TimerService} from '../state/timer-service.ts';
import {GLOBAL_WINDOW, type TimeWindow} from '../time/time-window.ts';
import type {EvictorContext} from './evictor.ts';
import type {OnMergeContext} from './trigger.ts';

export class WindowTriggerContext implements OnMergeContext, EvictorContext {
  /** What all calls are about, besides the current key of the backend. */
  window: TimeWindow = GLOBAL_WINDOW;
  /** In `onMerge`: the windows that have become one. */
  mergedWindows: readonly TimeWindow[] = [];
  readonly #runtime: TaskContext;
  readonly #backend: KeyedStateBackend;
  readonly #timers: TimerService<TimeWindow>;

  constructor(runtime: TaskContext, backend: KeyedStateBackend, timers: TimerService<TimeWindow>) {
    this.#runtime = runtime;
    this.#backend = backend;
    this.#timers = timers;
  }

  get currentWatermark(): number {
    return this.#timers.currentWatermark;
  }

  get currentProcessingTime(): number {
    return this.#timers.currentProcessingTime();
  }

  counter(name: string): Counter {
    return this.#runtime.counter(name);
  }

  registerEventTimeTimer(time: number): void {
    this.#timers.registerEventTimeTimer(this.window, time);
  }

  registerProcessingTimeTimer(time: number): void {
    this.#timers.registerProcessingTimeTimer(this.window, time);
  }

  deleteEventTimeTimer(time: number): void {
    this.#timers.deleteEventTimeTimer(this.window, time);
  }

  deleteProcessingTimeTimer(time: number): void {
    this.#timers.deleteProcessingTimeTimer(this.window, time);
  }

  getPartitionedState(descriptor: AnyStateDescriptor): any {
    const state: InternalState = this.#backend.getState(descriptor);
    state.setNamespace(this.window);
    return state;
  }

  mergePartitionedState(descriptor: AnyStateDescriptor): void {
    const state = this.#backend.getState(descriptor) as Partial<Mergeable>;
    if (state.mergeNamespaces === undefined) {
      throw new StreamError(
        'E_STATE_MERGE',
        'a trigger wanted to merge state that cannot be merged',
        {state: descriptor.name, kind: descriptor.kind},
        {remedy: 'use list, reducing or aggregating state'},
      );
    }
    state.mergeNamespaces(this.window, this.mergedWindows);
  }
}
