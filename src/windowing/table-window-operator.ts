/**
 * What the fast operators for windows have in common: the values of windows lie in tables of typed rows
 * (keyed-operator.ts), not in the state backend; windows fire once, when event time has passed them, and
 * are dropped with that. The backend is there for the state that a window's function asks for, and holds
 * the windows themselves in a snapshot.
 */
import type {Counter} from '../metrics/counter.ts';
import {TimestampedCollector} from '../operators/collectors.ts';
import {FunctionContext} from '../operators/function-context.ts';
import type {KeyedOperator} from '../operators/keyed-operator.ts';
import {KeyedStates} from '../operators/keyed-states.ts';
import {BaseOperator, type OperatorContext} from '../operators/operator-runtime.ts';
import type {KeyedStateBackend} from '../state/keyed-state-backend.ts';
import type {InternalMapState} from '../state/keyed-state.ts';
import {MapStateDescriptor} from '../state/state-descriptors.ts';
import {MIN_WATERMARK} from '../time/watermark.ts';
import type {TimeWindow} from '../time/time-window.ts';
import {FiringContext} from './firing-context.ts';
import {checkTimestamp} from './window-assigner.ts';
import type {WindowOptions} from './window-operator.ts';

/** The state that windows are saved in. */
export const SAVED_WINDOWS = 'saved-windows';

export abstract class TableWindowOperator<Saved> extends BaseOperator {
  protected readonly options: WindowOptions;
  /** Keeps a value per key; whose tables these are, the subclass says. */
  protected readonly inner: KeyedOperator;
  protected readonly collector: TimestampedCollector;
  protected watermark = MIN_WATERMARK;
  readonly #backend: KeyedStateBackend;
  readonly #firing: FiringContext;
  /** In a snapshot: what each key has, under numbers. */
  readonly #saved: InternalMapState<number, Saved>;
  /** Whether the window's function may use state of its key that it has asked for before. */
  readonly #needsKey: boolean;
  #lateRecordsDropped: Counter | undefined;

  constructor(
    context: OperatorContext,
    options: WindowOptions,
    inner: KeyedOperator,
    hasWindowState: boolean,
  ) {
    super(context);
    this.options = options;
    this.inner = inner;
    this.collector = new TimestampedCollector(context.output);
    this.#backend = context.createKeyedBackend();
    this.#saved = this.#backend.getState(new MapStateDescriptor<number, Saved>(SAVED_WINDOWS));
    const {clock} = context.runtime;
    const operator = this;
    this.#firing = new FiringContext({
      backend: this.#backend,
      time: {
        get currentWatermark() {
          return operator.watermark;
        },
        currentProcessingTime: () => Math.floor(clock.now()),
      },
      collector: this.collector,
      sideOutput: tag => context.sideOutput(tag),
      hasWindowState,
      call: options.call,
      isKeySet: false,
    });
    const fn = options.call?.fn;
    this.#needsKey = typeof fn === 'object' && fn !== null && 'open' in fn;
  }

  override open(): void {
    this.#lateRecordsDropped = this.context.runtime.counter('numLateRecordsDropped');
    this.inner.open();
    const states = new KeyedStates(() => this.#backend);
    this.#firing.function?.open(FunctionContext.keyed(this.context.runtime, states));
  }

  override close(): void {
    this.inner.close();
    this.#firing.function?.close();
  }

  process(value: unknown, timestamp: number): void {
    this.collector.interpret(timestamp);
    this.processOne(value, timestamp);
  }

  /** Puts the windows into the state of their keys; what an earlier snapshot left there goes. */
  override prepareSnapshot(): void {
    this.#firing.function?.snapshotState();
    for (const key of this.#savedKeys()) {
      this.#backend.setCurrentKey(key);
      this.#saved.clear();
    }
    this.eachSaved((key, number, saved) => {
      this.#backend.setCurrentKey(key);
      this.#saved.put(number, saved);
    });
  }

  /** Hands what was restored to `take`; for constructors. */
  protected restore(take: (key: unknown, saved: Saved) => void): void {
    for (const key of this.#savedKeys()) {
      this.#backend.setCurrentKey(key);
      const all = [...this.#saved.values()];
      this.#saved.clear();
      for (const saved of all) take(key, saved);
    }
  }

  /** Calls `visit` for all that there is to save; `number` is unique for a key. */
  protected abstract eachSaved(visit: (key: unknown, number: number, saved: Saved) => void): void;

  /** Takes one element, in the general way. */
  protected abstract processOne(value: unknown, timestamp: number): void;

  /** An element that is too late for all its windows, or has no time. */
  protected refuse(value: unknown, timestamp: number): void {
    checkTimestamp(this.options.assigner.name, value, timestamp);
    const {lateTag} = this.options;
    if (timestamp > this.watermark) return;
    if (lateTag === undefined) {
      this.#lateRecordsDropped!.add();
      return;
    }
    const emit = this.collector.sides.get(lateTag);
    if (emit === undefined) this.context.sideOutput(lateTag).emit(value, timestamp);
    else emit(value, timestamp);
  }

  /** Emits the result of a window, which is dropped with that; undefined: it has none. */
  protected fire(key: unknown, window: TimeWindow, result: unknown): void {
    if (this.options.call === undefined) {
      if (result === undefined) return;
      this.collector.timestamp = window.maxTimestamp;
      this.collector.collect(result);
      return;
    }
    if (this.#needsKey) this.#backend.setCurrentKey(key);
    if (result !== undefined) this.#firing.fire(key, window, [result]);
    this.#firing.clear(key, window);
  }

  #savedKeys(): unknown[] {
    return [...this.#backend.keys(SAVED_WINDOWS, undefined)];
  }
}
