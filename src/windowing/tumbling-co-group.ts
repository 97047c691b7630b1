/**
 * Co-groups and window joins in tumbling windows of event time, the common case, on the JavaScript heap: both
 * lists of a key lie in a Map of its window. The results are those of the general form in co-group.ts; there
 * is no timer, because the windows that are due follow from those that are open.
 *
 *   element ──► open window ──► key ──► its left or right list
 *   watermark ──► windows that are over, by time ──► function, for each key in the order of arrival
 *
 * It is state only in a snapshot: then it is written into the backend, per key a map from the start of a
 * window to both lists, and taken from there when restored. Runs in the task's thread.
 */
import {hashKey} from '../base/key-group.ts';
import type {Counter} from '../metrics/counter.ts';
import type {ChainCode, RecordText} from '../operators/chain-code.ts';
import {TimestampedCollector} from '../operators/collectors.ts';
import {FunctionContext} from '../operators/function-context.ts';
import type {Collector, RichFunction} from '../operators/functions.ts';
import {keyReader, keyText, type KeyReader} from '../operators/key.ts';
import {KeyedStates} from '../operators/keyed-states.ts';
import type {KeySelector} from '../operators/operator.ts';
import {BaseOperator, type OperatorContext} from '../operators/operator-runtime.ts';
import {compositeKeyText, isPlainKey, ownKey} from '../state/any-key-table.ts';
import type {KeyedStateBackend} from '../state/keyed-state-backend.ts';
import {ownTexts} from '../state/own-texts.ts';
import {ListStateDescriptor, MapStateDescriptor} from '../state/state-descriptors.ts';
import type {TimeWindow} from '../time/time-window.ts';
import {MIN_WATERMARK} from '../time/watermark.ts';
import type {TumblingEventTimeWindows} from './tumbling-windows.ts';
import {checkTimestamp, windowStart} from './window-assigner.ts';
import {WINDOW_CONTENTS, WINDOW_TIMERS} from './window-contents.ts';

/** What a co-group calls for each key and window. */
export type OnBothLists = (
  left: readonly unknown[],
  right: readonly unknown[],
  out: Collector<unknown>,
) => Iterable<unknown> | void;

/** By the start of a window: both lists. */
export const SAVED_GROUPS = new MapStateDescriptor<number, [left: unknown[], right: unknown[]]>(
  'co-group-windows',
);

/** An element as the general form keeps it. */
interface Tagged {
  readonly input: 1 | 2;
  readonly value: unknown;
}

interface Group {
  readonly key: unknown;
  readonly left: unknown[];
  readonly right: unknown[];
}

interface OpenWindow {
  readonly start: number;
  readonly end: number;
  readonly groups: Map<unknown, Group>;
}

const NO_WINDOW: OpenWindow = {start: NaN, end: NaN, groups: new Map()};

export interface TumblingCoGroupOptions {
  readonly key: readonly [KeySelector, KeySelector];
  readonly assigner: TumblingEventTimeWindows;
  /** For its life: `onBothLists` calls it. */
  readonly fn: unknown;
  readonly onBothLists: OnBothLists;
}

export class TumblingCoGroupOperator extends BaseOperator {
  readonly #options: TumblingCoGroupOptions;
  readonly #keys: readonly KeyReader[];
  readonly #rich: RichFunction;
  readonly #collector: TimestampedCollector;
  /** By start. */
  readonly #windows = new Map<number, OpenWindow>();
  /** The window of the last element. */
  #last = NO_WINDOW;
  #watermark = MIN_WATERMARK;
  /** Whether the backend has what was written for a snapshot. */
  #isSaved = false;
  /** A window that is being fired, and the groups that are left of it. */
  #firing: {readonly window: OpenWindow; readonly rest: Iterator<Group>} | undefined;
  /* From `open` on. */
  #backend!: KeyedStateBackend;
  #states!: KeyedStates;
  #lateDropped!: Counter;

  constructor(context: OperatorContext, options: TumblingCoGroupOptions) {
    super(context);
    const {key, fn} = options;
    this.#options = options;
    this.#keys = key.map(selector => keyReader(selector));
    this.#rich = typeof fn === 'function' ? {} : (fn as RichFunction);
    this.#collector = new TimestampedCollector(context.output);
  }

  override open(): void {
    const {runtime} = this.context;
    const backend = this.context.createKeyedBackend();
    this.#backend = backend;
    this.#states = new KeyedStates(() => backend);
    this.#lateDropped = runtime.counter('numLateRecordsDropped');
    FunctionContext.open(this.#rich, FunctionContext.keyed(runtime, this.#states));
    this.#states.seal();
    for (const [key, start, [left, right]] of savedGroups(backend)) {
      const group = this.#groupOf(this.#windowAt(start), key);
      group.left.push(...left);
      group.right.push(...right);
    }
    clearSaved(backend);
    for (const [key, window, {input, value}] of takeWindowContents(backend)) {
      const group = this.#groupOf(this.#windowAt(window.start), key);
      (input === 1 ? group.left : group.right).push(value);
    }
  }

  process(value: unknown, timestamp: number, inputIndex: number): void {
    this.#take(this.#keys[inputIndex]!.select(value), value, timestamp, inputIndex);
  }

  generate(code: ChainCode, record: RecordText, inputIndex: number): void {
    const take = code.bind((key: unknown, value: unknown, timestamp: number) => {
      this.#take(key, value, timestamp, inputIndex);
    });
    const key = keyText(code, record, this.#keys[inputIndex]!);
    code.line(`${take}(${key}, ${record.value()}, ${record.timestamp});`);
  }

  override processWatermark(watermark: number): boolean {
    this.#watermark = watermark;
    if (this.#isSaved) {
      // The snapshot has been taken long since.
      this.#isSaved = false;
      clearSaved(this.#backend);
    }
    for (;;) {
      this.#firing ??= this.#nextDue();
      if (this.#firing === undefined) return true;
      if (!this.#fire(this.#firing)) return false;
      this.#windows.delete(this.#firing.window.start);
      if (this.#last === this.#firing.window) this.#last = NO_WINDOW;
      this.#firing = undefined;
    }
  }

  override get waitsForEventTime(): boolean {
    return this.#windows.size > 0;
  }

  readKey(key: unknown): Readonly<Record<string, unknown>> | undefined {
    const kept = new Map<number, readonly [unknown[], unknown[]]>();
    for (const {start, groups} of this.#windows.values()) {
      const group = groups.get(isPlainKey(key) ? key : compositeKeyText(key));
      if (group !== undefined) kept.set(start, [[...group.left], [...group.right]]);
    }
    return kept.size === 0 ? undefined : {[SAVED_GROUPS.name]: kept};
  }

  override prepareSnapshot(): void {
    this.#rich.snapshotState?.();
    const backend = this.#backend;
    clearSaved(backend);
    this.#isSaved = true;
    const saved = backend.getState(SAVED_GROUPS);
    for (const {start, groups} of this.#windows.values()) {
      for (const {key, left, right} of groups.values()) {
        backend.setCurrentKey(key);
        // Copies: these here go on growing while the snapshot is written.
        saved.put(start, [[...left], [...right]]);
      }
    }
  }

  override close(): void {
    this.#rich.close?.();
  }

  #take(key: unknown, value: unknown, timestamp: number, inputIndex: number): void {
    let window = this.#last;
    if (!(timestamp >= window.start && timestamp < window.end)) {
      const {name, sizeMs, offsetMs} = this.#options.assigner;
      checkTimestamp(name, value, timestamp);
      const start = windowStart(timestamp, offsetMs, sizeMs);
      if (start + sizeMs - 1 <= this.#watermark) {
        this.#lateDropped.add(1);
        return;
      }
      window = this.#windowAt(start);
      this.#last = window;
    }
    const group =
      window.groups.get(isPlainKey(key) ? key : compositeKeyText(key)) ??
      this.#groupOf(window, key);
    (inputIndex === 0 ? group.left : group.right).push(ownTexts(value));
  }

  #windowAt(start: number): OpenWindow {
    let window = this.#windows.get(start);
    if (window === undefined) {
      window = {start, end: start + this.#options.assigner.sizeMs, groups: new Map()};
      this.#windows.set(start, window);
    }
    return window;
  }

  #groupOf({groups}: OpenWindow, key: unknown): Group {
    // Refuses what is no key.
    hashKey(key);
    const kept = ownKey(key);
    const name = isPlainKey(kept) ? kept : compositeKeyText(kept);
    let group = groups.get(name);
    if (group === undefined) {
      group = {key: kept, left: [], right: []};
      groups.set(name, group);
    }
    return group;
  }

  /** The first window that is over. */
  #nextDue() {
    let next: OpenWindow | undefined;
    for (const window of this.#windows.values()) {
      if (window.end - 1 > this.#watermark) continue;
      if (next === undefined || window.start < next.start) next = window;
    }
    return next === undefined ? undefined : {window: next, rest: next.groups.values()};
  }

  /** Hands the groups of a window to the function; false if it has to go on later. */
  #fire({window, rest}: {readonly window: OpenWindow; readonly rest: Iterator<Group>}): boolean {
    const collector = this.#collector;
    const {onBothLists} = this.#options;
    collector.interpret(window.end - 1);
    while (this.context.canEmit()) {
      const next = rest.next();
      if (next.done === true) return true;
      const {key, left, right} = next.value;
      if (this.#states.isUsed) this.#backend.setCurrentKey(key);
      const results = onBothLists(left, right, collector);
      if (results === undefined || results === null) continue;
      for (const result of results) collector.collect(result);
    }
    return false;
  }
}

/**
 * What the general form has saved, in another backend: the contents of its windows, which are found by their
 * timers. Both are gone from the backend then.
 */
function takeWindowContents(backend: KeyedStateBackend) {
  const contents = backend.getState(new ListStateDescriptor<Tagged>(WINDOW_CONTENTS));
  const timers = backend.timerQueue(WINDOW_TIMERS, 'event');
  const elements: Array<[key: unknown, window: TimeWindow, element: Tagged]> = [];
  for (const [key, namespace, timestamp] of [...timers.entries()]) {
    const window = namespace as TimeWindow;
    backend.setCurrentKey(key);
    contents.setNamespace(window);
    for (const element of contents.get()) elements.push([key, window, element]);
    contents.clear();
    timers.delete(window, timestamp);
  }
  return elements;
}

/** What a snapshot held: keys, starts of windows, lists. */
export function savedGroups(
  backend: KeyedStateBackend,
): Array<[key: unknown, start: number, lists: [unknown[], unknown[]]]> {
  const saved = backend.getState(SAVED_GROUPS);
  const groups: ReturnType<typeof savedGroups> = [];
  for (const key of [...backend.keys(SAVED_GROUPS.name, undefined)]) {
    backend.setCurrentKey(key);
    for (const [start, lists] of saved.entries()) groups.push([key, start, lists]);
  }
  return groups;
}

export function clearSaved(backend: KeyedStateBackend): void {
  const saved = backend.getState(SAVED_GROUPS);
  for (const key of [...backend.keys(SAVED_GROUPS.name, undefined)]) {
    backend.setCurrentKey(key);
    saved.clear();
  }
}
