/**
 * Runs windows: puts each element into the contents of its windows, asks the trigger, hands what a window
 * holds to its function, and drops windows whose time is over. This is the general form, for every
 * assigner, trigger and evictor; slice-window-operator.ts is the fast one for the common cases.
 *
 *   element ──► windows of its key ──► late? ──► contents ──► trigger ──► function ──► output
 *                                        └──► late output, or counted and dropped
 *   timer ──► trigger ──► function; at the clean-up time the window is dropped
 *
 * A window is late when its clean-up time, the last timestamp plus the allowed lateness, is not behind the
 * watermark. An element is late if all its windows are and it is itself. Clean-up times are timers in the
 * same queue as the trigger's, so a timer at that time first asks the trigger.
 *
 * Source: Flink, WindowOperator and EvictingWindowOperator (flink.md §4.2).
 */
import {StreamError} from '../base/errors.ts';
import type {Counter} from '../metrics/counter.ts';
import type {ChainCode, RecordText} from '../operators/chain-code.ts';
import {TimestampedCollector} from '../operators/collectors.ts';
import {FunctionContext} from '../operators/function-context.ts';
import {ANY_USE} from '../operators/function-text.ts';
import {keyReader, keyText, type KeyReader} from '../operators/key.ts';
import {KeyedStates} from '../operators/keyed-states.ts';
import type {KeySelector} from '../operators/operator.ts';
import {BaseOperator, type OperatorContext} from '../operators/operator-runtime.ts';
import type {UserFunction} from '../operators/user-function.ts';
import type {KeyedStateBackend} from '../state/keyed-state-backend.ts';
import {ValueStateDescriptor} from '../state/state-descriptors.ts';
import {TimerService} from '../state/timer-service.ts';
import {MAX_WATERMARK} from '../time/watermark.ts';
import type {TimeWindow} from '../time/time-window.ts';
import type {Evictor} from './evictor.ts';
import {FiringContext, type WindowCall} from './firing-context.ts';
import {MergingWindowSet, type PlainWindowMap} from './merging-window-set.ts';
import {isFire, isPurge, type Trigger, type TriggerResult} from './trigger.ts';
import {WindowTriggerContext} from './trigger-context.ts';
import {isMerging, type WindowAssigner, type WindowAssignerContext} from './window-assigner.ts';
import {
  WINDOW_TIMERS,
  createContents,
  type ContentsSpec,
  type WindowContents,
} from './window-contents.ts';

/** What a windowed operation is. */
export interface WindowOptions {
  /** Undefined: all elements are of one key, and there is one subtask. */
  readonly key: KeySelector | undefined;
  readonly assigner: WindowAssigner;
  readonly trigger: Trigger;
  readonly evictor?: Evictor | undefined;
  /** Milliseconds of event time; Infinity: never late. */
  readonly allowedLatenessMs: number;
  /** Id of the side output of late elements; undefined: they are dropped. */
  readonly lateTag?: string | undefined;
  readonly contents: ContentsSpec;
  /** The window's function; undefined: what the contents make is the result. */
  readonly call?: WindowCall | undefined;
}

/** The key of elements where there are no keys. */
const NO_KEY = 0;

export class WindowOperator extends BaseOperator {
  readonly #options: WindowOptions;
  readonly #key: KeyReader | undefined;
  readonly #assigner: WindowAssigner;
  readonly #isEventTime: boolean;
  readonly #trigger: Trigger;
  readonly #backend: KeyedStateBackend;
  readonly #timers: TimerService<TimeWindow>;
  readonly #contents: WindowContents;
  readonly #merging: MergingWindowSet | undefined;
  readonly #triggerContext: WindowTriggerContext;
  readonly #assignerContext: WindowAssignerContext;
  readonly #firing: FiringContext;
  readonly #function: UserFunction | undefined;
  readonly #collector: TimestampedCollector;
  #lateRecordsDropped: Counter | undefined;

  constructor(context: OperatorContext, options: WindowOptions) {
    super(context);
    this.#options = options;
    this.#key = options.key === undefined ? undefined : keyReader(options.key);
    this.#assigner = options.assigner.forSubtask?.() ?? options.assigner;
    this.#isEventTime = options.assigner.isEventTime;
    this.#trigger = options.trigger;
    const backend = context.createKeyedBackend();
    this.#backend = backend;
    this.#timers = new TimerService<TimeWindow>({
      backend,
      name: WINDOW_TIMERS,
      clock: context.runtime.clock,
      onEventTime: (_key, window, time) => this.#onTimer(window, time, true),
      onProcessingTime: (_key, window, time) => this.#onTimer(window, time, false),
    });
    this.#triggerContext = new WindowTriggerContext(context.runtime, backend, this.#timers);
    this.#assignerContext = new TimerAssignerContext(this.#timers, context.runtime.subtaskIndex);
    this.#collector = new TimestampedCollector(context.output);
    this.#contents = createContents(
      options.contents,
      backend,
      options.evictor,
      this.#triggerContext,
    );
    const {assigner} = options;
    if (isMerging(assigner)) {
      const descriptor = new ValueStateDescriptor<PlainWindowMap>('merging-window-set');
      this.#merging = new MergingWindowSet(assigner, backend.getState(descriptor));
    }
    this.#firing = new FiringContext({
      backend,
      time: this.#timers,
      collector: this.#collector,
      sideOutput: tag => context.sideOutput(tag),
      hasWindowState: this.#merging === undefined,
      call: options.call,
      isKeySet: true,
    });
    this.#function = this.#firing.function;
  }

  override open(): void {
    this.#lateRecordsDropped = this.context.runtime.counter('numLateRecordsDropped');
    const states = new KeyedStates(() => this.#backend);
    const runtime = FunctionContext.keyed(this.context.runtime, states);
    this.#contents.fn?.open(runtime);
    this.#function?.open(runtime);
  }

  override prepareSnapshot(): void {
    this.#contents.fn?.snapshotState();
    this.#function?.snapshotState();
  }

  override close(): void {
    this.#contents.fn?.close();
    this.#function?.close();
  }

  process(value: unknown, timestamp: number): void {
    this.#collector.interpret(timestamp);
    this.#processKeyed(
      this.#key === undefined ? NO_KEY : this.#key.select(value),
      value,
      timestamp,
    );
  }

  generate(code: ChainCode, record: RecordText): void {
    this.#collector.generate(code);
    const process = code.bind((key: unknown, value: unknown, timestamp: number) => {
      this.#processKeyed(key, value, timestamp);
    });
    const key = this.#key === undefined ? String(NO_KEY) : keyText(code, record, this.#key);
    code.line(`${process}(${key}, ${record.argument(ANY_USE)}, ${record.timestamp});`);
  }

  override processWatermark(watermark: number): boolean {
    this.#collector.interpret(NaN);
    return this.#timers.advanceWatermark(watermark, () => this.context.canEmit());
  }

  override get nextProcessingTimeMs(): number {
    return this.#timers.nextProcessingTimeMs;
  }

  override processTime(nowMs: number): boolean {
    this.#collector.interpret(NaN);
    return this.#timers.advanceProcessingTime(nowMs, () => this.context.canEmit());
  }

  #processKeyed(key: unknown, value: unknown, time: number): void {
    // What has no timestamp lies at the beginning of time, as in Flink.
    const timestamp = time === time ? time : -Infinity;
    this.#backend.setCurrentKey(key);
    const windows = this.#assigner.assignWindows(value, timestamp, this.#assignerContext);
    let isSkipped = true;
    if (this.#merging === undefined) {
      for (const window of windows) {
        if (this.#isLate(window)) continue;
        isSkipped = false;
        this.#addTo(window, window, value, timestamp);
      }
    } else {
      const merging = this.#merging;
      merging.load();
      for (const window of windows) {
        const actual = merging.add(window, this.#onMerged);
        if (this.#isLate(actual)) {
          merging.retire(actual);
          continue;
        }
        isSkipped = false;
        this.#addTo(actual, merging.stateWindow(actual)!, value, timestamp);
      }
      merging.persist();
    }
    if (isSkipped && this.#isElementLate(timestamp)) this.#emitLate(value, time);
  }

  #addTo(window: TimeWindow, stateWindow: TimeWindow, value: unknown, timestamp: number): void {
    this.#contents.state.setNamespace(stateWindow);
    this.#contents.add(value, timestamp);
    const context = this.#triggerContext;
    context.window = window;
    this.#obey(window, stateWindow, this.#trigger.onElement(value, timestamp, window, context));
    this.#registerCleanUp(window);
  }

  #onTimer(window: TimeWindow, time: number, isEventTime: boolean): void {
    let stateWindow = window;
    if (this.#merging !== undefined) {
      this.#merging.load();
      const found = this.#merging.stateWindow(window);
      // The window has merged since; a trigger has left a timer behind.
      if (found === undefined) return;
      stateWindow = found;
    }
    const context = this.#triggerContext;
    context.window = window;
    const result = isEventTime
      ? this.#trigger.onEventTime(time, window, context)
      : this.#trigger.onProcessingTime(time, window, context);
    this.#obey(window, stateWindow, result);
    if (isEventTime === this.#isEventTime && time === this.#cleanUpTime(window)) {
      this.#contents.state.setNamespace(stateWindow);
      this.#contents.clear();
      context.window = window;
      this.#trigger.clear(window, context);
      this.#firing.clear(this.#backend.currentKey, window);
      this.#merging?.retire(window);
    }
    this.#merging?.persist();
  }

  #obey(window: TimeWindow, stateWindow: TimeWindow, result: TriggerResult): void {
    if (result === 0) return;
    const contents = this.#contents;
    contents.state.setNamespace(stateWindow);
    if (isFire(result)) contents.fire(window, elements => this.#fire(window, elements));
    if (isPurge(result)) {
      contents.state.setNamespace(stateWindow);
      contents.clear();
    }
  }

  #fire(window: TimeWindow, elements: readonly unknown[]): void {
    this.#firing.fire(this.#backend.currentKey, window, elements);
  }

  readonly #onMerged = (
    result: TimeWindow,
    merged: readonly TimeWindow[],
    stateWindow: TimeWindow,
    mergedStateWindows: readonly TimeWindow[],
  ): void => {
    this.#checkMerged(result);
    const context = this.#triggerContext;
    context.window = result;
    context.mergedWindows = merged;
    this.#trigger.onMerge!(result, context);
    for (const window of merged) {
      context.window = window;
      this.#trigger.clear(window, context);
      this.#deleteCleanUp(window);
    }
    this.#contents.state.mergeNamespaces(stateWindow, mergedStateWindows);
  };

  /** Windows of a key never move behind the present: only an assigner of somebody's own could do that. */
  #checkMerged(window: TimeWindow): void {
    const now = this.#isEventTime
      ? this.#timers.currentWatermark
      : this.#timers.currentProcessingTime();
    if (this.#cleanUpTime(window) > now || now === MAX_WATERMARK) return;
    throw new StreamError(
      'E_WINDOW_MERGE',
      'windows merged into one that is over already',
      {windows: this.#assigner.name, start: window.start, end: window.end, now},
      {remedy: 'a window that merges must cover the windows that it is made of'},
    );
  }

  #isLate(window: TimeWindow): boolean {
    return this.#isEventTime && this.#cleanUpTime(window) <= this.#timers.currentWatermark;
  }

  #isElementLate(timestamp: number): boolean {
    const {allowedLatenessMs} = this.#options;
    return this.#isEventTime && timestamp + allowedLatenessMs <= this.#timers.currentWatermark;
  }

  #emitLate(value: unknown, timestamp: number): void {
    const {lateTag} = this.#options;
    if (lateTag === undefined) {
      this.#lateRecordsDropped!.add();
      return;
    }
    const emit = this.#collector.sides.get(lateTag);
    if (emit === undefined) this.context.sideOutput(lateTag).emit(value, timestamp);
    else emit(value, timestamp);
  }

  /** Infinity: never. */
  #cleanUpTime({maxTimestamp}: TimeWindow): number {
    return this.#isEventTime ? maxTimestamp + this.#options.allowedLatenessMs : maxTimestamp;
  }

  #registerCleanUp(window: TimeWindow): void {
    const time = this.#cleanUpTime(window);
    if (time === Infinity) return;
    if (this.#isEventTime) this.#timers.registerEventTimeTimer(window, time);
    else this.#timers.registerProcessingTimeTimer(window, time);
  }

  #deleteCleanUp(window: TimeWindow): void {
    const time = this.#cleanUpTime(window);
    if (time === Infinity) return;
    if (this.#isEventTime) this.#timers.deleteEventTimeTimer(window, time);
    else this.#timers.deleteProcessingTimeTimer(window, time);
  }
}

class TimerAssignerContext implements WindowAssignerContext {
  readonly subtaskIndex: number;
  readonly #timers: TimerService<TimeWindow>;

  constructor(timers: TimerService<TimeWindow>, subtaskIndex: number) {
    this.#timers = timers;
    this.subtaskIndex = subtaskIndex;
  }

  get currentProcessingTime(): number {
    return this.#timers.currentProcessingTime();
  }
}
