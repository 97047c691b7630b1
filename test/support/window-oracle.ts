/**
 * Windows, slow and obviously right: every window is an object with its elements in a list, timers are a
 * list that is searched, and merging makes a new window of what the old ones hold. Only triggers and
 * evictors are the engine's own; they have tests of their own.
 */
import type {Evictor, TimestampedValue} from '../../src/windowing/evictor.ts';
import {canMerge, type Trigger} from '../../src/windowing/trigger.ts';
import {TimeWindow} from '../../src/time/time-window.ts';

export interface OracleOptions<T> {
  /** The windows of an element, not merged. */
  readonly windowsOf: (element: T, timestamp: number, now: number) => readonly TimeWindow[];
  readonly merges: boolean;
  readonly isEventTime: boolean;
  readonly trigger: Trigger<T>;
  readonly evictor?: Evictor<T> | undefined;
  readonly latenessMs: number;
}

export interface Fired<T> {
  readonly key: string;
  readonly start: number;
  readonly end: number;
  readonly elements: readonly T[];
}

interface OpenWindow<T> {
  readonly window: TimeWindow;
  elements: Array<TimestampedValue<T>>;
  /** By name, what the trigger keeps. */
  readonly state: Map<string, unknown>;
}

interface Timer {
  readonly key: string;
  readonly window: TimeWindow;
  readonly time: number;
  readonly domain: 'event' | 'processing';
}

export class WindowOracle<T> {
  readonly fired: Array<Fired<T>> = [];
  readonly late: T[] = [];
  readonly #options: OracleOptions<T>;
  readonly #windows = new Map<string, Array<OpenWindow<T>>>();
  #timers: Timer[] = [];
  #watermark = -Infinity;
  #now = 0;

  constructor(options: OracleOptions<T>) {
    this.#options = options;
    if (options.merges && !canMerge(options.trigger)) throw new Error('the trigger cannot merge');
  }

  element(key: string, value: T, timestamp: number): void {
    const {windowsOf, merges, latenessMs, isEventTime} = this.#options;
    let isSkipped = true;
    for (const window of windowsOf(value, timestamp, this.#now)) {
      const open = merges ? this.#merge(key, window) : this.#find(key, window);
      if (isEventTime && this.#cleanUpTime(open.window) <= this.#watermark) {
        this.#remove(key, open);
        continue;
      }
      isSkipped = false;
      open.elements.push({value, timestamp});
      const context = this.#context(key, open);
      const result = this.#options.trigger.onElement(value, timestamp, open.window, context);
      this.#obey(key, open, result);
      const time = this.#cleanUpTime(open.window);
      if (time < Infinity) this.#register(key, open.window, time, isEventTime);
    }
    if (isSkipped && isEventTime && timestamp + latenessMs <= this.#watermark)
      this.late.push(value);
  }

  watermark(watermark: number): void {
    this.#watermark = watermark;
    this.#fire('event', watermark);
  }

  processingTime(now: number): void {
    this.#now = now;
    this.#fire('processing', now);
  }

  #fire(domain: Timer['domain'], until: number): void {
    for (;;) {
      const due = this.#timers.filter(timer => timer.domain === domain && timer.time <= until);
      if (due.length === 0) return;
      const timer = due.reduce((a, b) => (b.time < a.time ? b : a));
      this.#timers = this.#timers.filter(other => other !== timer);
      this.#onTimer(timer);
    }
  }

  #onTimer({key, window, time, domain}: Timer): void {
    const {trigger, merges, isEventTime} = this.#options;
    const known = this.#windows.get(key)?.find(each => each.window.equals(window));
    if (known === undefined && merges) return;
    const open = known ?? this.#find(key, window);
    const context = this.#context(key, open);
    const result =
      domain === 'event'
        ? trigger.onEventTime(time, window, context)
        : trigger.onProcessingTime(time, window, context);
    this.#obey(key, open, result);
    if ((domain === 'event') !== isEventTime || time !== this.#cleanUpTime(window)) return;
    trigger.clear(window, context);
    this.#remove(key, open);
  }

  #obey(key: string, open: OpenWindow<T>, result: number): void {
    if ((result & 1) !== 0 && open.elements.length > 0) {
      const {evictor} = this.#options;
      const context = {currentWatermark: this.#watermark, currentProcessingTime: this.#now};
      const {window} = open;
      if (evictor?.evictBefore !== undefined) {
        open.elements = [...evictor.evictBefore(open.elements, window, context)];
      }
      const {start, end} = window;
      this.fired.push({key, start, end, elements: open.elements.map(({value}) => value)});
      if (evictor?.evictAfter !== undefined) {
        open.elements = [...evictor.evictAfter(open.elements, window, context)];
      }
    }
    if ((result & 2) !== 0) open.elements = [];
  }

  #merge(key: string, window: TimeWindow): OpenWindow<T> {
    const present = this.#windows.get(key) ?? [];
    const touched = present.filter(each => each.window.intersects(window));
    if (touched.length === 0) return this.#find(key, window);
    const all = touched.reduce((cover, each) => cover.cover(each.window), window);
    if (touched.length === 1 && touched[0]!.window.equals(all)) return touched[0]!;
    const merged: OpenWindow<T> = {
      window: all,
      elements: touched.flatMap(each => each.elements),
      state: new Map(),
    };
    this.#windows.set(key, [...present.filter(each => !touched.includes(each)), merged]);
    const {trigger, isEventTime} = this.#options;
    const context = {
      ...this.#context(key, merged),
      mergePartitionedState: ({name, reduce}: any) => {
        const values = [...touched, merged].flatMap(each => {
          const value = each.state.get(name);
          each.state.delete(name);
          return value === undefined ? [] : [value];
        });
        if (values.length > 0) merged.state.set(name, values.reduce(reduce));
      },
    };
    trigger.onMerge!(all, context as never);
    for (const each of touched) {
      trigger.clear(each.window, this.#context(key, each));
      this.#delete(key, each.window, this.#cleanUpTime(each.window), isEventTime);
    }
    return merged;
  }

  #find(key: string, window: TimeWindow): OpenWindow<T> {
    let windows = this.#windows.get(key);
    if (windows === undefined) this.#windows.set(key, (windows = []));
    let open = windows.find(each => each.window.equals(window));
    if (open === undefined) windows.push((open = {window, elements: [], state: new Map()}));
    return open;
  }

  #remove(key: string, open: OpenWindow<T>): void {
    const left = this.#windows.get(key)!.filter(each => each !== open);
    this.#windows.set(key, left);
  }

  #cleanUpTime({maxTimestamp}: TimeWindow): number {
    return this.#options.isEventTime ? maxTimestamp + this.#options.latenessMs : maxTimestamp;
  }

  #register(key: string, window: TimeWindow, time: number, isEventTime: boolean): void {
    const domain = isEventTime ? 'event' : 'processing';
    const isThere = this.#timers.some(
      each =>
        each.key === key &&
        each.time === time &&
        each.domain === domain &&
        each.window.equals(window),
    );
    if (!isThere) this.#timers.push({key, window, time, domain});
  }

  #delete(key: string, window: TimeWindow, time: number, isEventTime: boolean): void {
    const domain = isEventTime ? 'event' : 'processing';
    this.#timers = this.#timers.filter(
      each =>
        !(
          each.key === key &&
          each.time === time &&
          each.domain === domain &&
          each.window.equals(window)
        ),
    );
  }

  /** What the trigger gets; its state is a map with the two kinds of handles that triggers use. */
  #context(key: string, open: OpenWindow<T>) {
    const {window, state} = open;
    return {
      currentWatermark: this.#watermark,
      currentProcessingTime: this.#now,
      counter: () => ({value: 0, add: () => {}}),
      registerEventTimeTimer: (time: number) => this.#register(key, window, time, true),
      registerProcessingTimeTimer: (time: number) => this.#register(key, window, time, false),
      deleteEventTimeTimer: (time: number) => this.#delete(key, window, time, true),
      deleteProcessingTimeTimer: (time: number) => this.#delete(key, window, time, false),
      getPartitionedState: ({name, reduce}: any): any => ({
        value: () => state.get(name),
        get: () => state.get(name),
        update: (value: unknown) => state.set(name, value),
        add: (value: unknown) => {
          state.set(name, state.has(name) ? reduce(state.get(name), value) : value);
        },
        clear: () => state.delete(name),
      }),
    };
  }
}
