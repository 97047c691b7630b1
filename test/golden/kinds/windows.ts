/** Windows of keyed streams and of whole streams: assigners, triggers, evictors, functions. */
import {
  ContinuousEventTimeTrigger,
  ContinuousProcessingTimeTrigger,
  CountEvictor,
  CountTrigger,
  DeltaEvictor,
  DeltaTrigger,
  EndOfStreamTrigger,
  EventTimeSessionWindows,
  EventTimeTrigger,
  GlobalWindows,
  NeverTrigger,
  OutputTag,
  ProcessingTimeSessionWindows,
  ProcessingTimeTrigger,
  ProcessingTimeoutTrigger,
  PurgingTrigger,
  SlidingEventTimeWindows,
  SlidingProcessingTimeWindows,
  TimeEvictor,
  TumblingEventTimeWindows,
  TumblingProcessingTimeWindows,
  ValueStateDescriptor,
  type DataStream,
  type Evictor,
  type ProcessWindowFunction,
  type Trigger,
  type WindowAssigner,
  type WindowContext,
  type WindowedStream,
} from '../../../src/index.ts';
import {numberAt, parseCall, shapeOf, type Call} from '../shape.ts';
import {runOne} from '../steps.ts';
import {Unsupported, type Operator, type Outcome, type Vector} from '../vector.ts';

export interface Element {
  readonly key: string;
  readonly value: number;
}

const LATE = new OutputTag<Element>('late');

export function assignerOf(operator: Operator): WindowAssigner {
  const size = Number(operator.size);
  const offset = Number(operator.offset ?? 0);
  switch (operator.assigner) {
    case 'tumbling-event':
      return TumblingEventTimeWindows.of(size, offset);
    case 'tumbling-processing':
      return TumblingProcessingTimeWindows.of(size, offset);
    case 'sliding-event':
      return SlidingEventTimeWindows.of(size, Number(operator.slide), offset);
    case 'sliding-processing':
      return SlidingProcessingTimeWindows.of(size, Number(operator.slide), offset);
    case 'session-event':
      return EventTimeSessionWindows.withGap(Number(operator.gap));
    case 'session-processing':
      return ProcessingTimeSessionWindows.withGap(Number(operator.gap));
    case 'session-event-dynamic':
      return EventTimeSessionWindows.withDynamicGap(gapOf(operator));
    case 'session-processing-dynamic':
      return ProcessingTimeSessionWindows.withDynamicGap(gapOf(operator));
    case 'global':
      return operator.trigger === 'end-of-stream'
        ? GlobalWindows.createWithEndOfStreamTrigger()
        : GlobalWindows.create();
    default:
      throw new Unsupported(`assigner ${String(operator.assigner)}`);
  }
}

function gapOf({gapFrom}: Operator): (element: Element) => number {
  return element => Number((element as unknown as Record<string, unknown>)[String(gapFrom)]);
}

export function triggerOf(call: Call): Trigger {
  switch (call.name) {
    case 'continuous-event':
      return ContinuousEventTimeTrigger.of(numberAt(call, 0));
    case 'continuous-processing':
      return ContinuousProcessingTimeTrigger.of(numberAt(call, 0));
    case 'count':
      return CountTrigger.of(numberAt(call, 0));
    case 'delta':
      return DeltaTrigger.of<Element>(numberAt(call, 0), (a, b) => b.value - a.value);
    case 'purging':
      return PurgingTrigger.of(triggerOf(call.args[0]!));
    case 'event-time':
      return EventTimeTrigger.create();
    case 'processing-time':
      return ProcessingTimeTrigger.create();
    case 'processing-timeout':
      return ProcessingTimeoutTrigger.of(triggerOf(call.args[0]!), numberAt(call, 1));
    case 'end-of-stream':
      return EndOfStreamTrigger.create();
    case 'never':
      return NeverTrigger.create();
    default:
      throw new Unsupported(`trigger ${call.name}`);
  }
}

export function evictorOf(call: Call): Evictor {
  const doEvictAfter = call.args[1]?.name === 'after';
  switch (call.name) {
    case 'count':
      return CountEvictor.of(numberAt(call, 0), {doEvictAfter});
    case 'delta':
      return DeltaEvictor.of<Element>(numberAt(call, 0), (a, b) => b.value - a.value, {
        doEvictAfter,
      });
    case 'time':
      return TimeEvictor.of(numberAt(call, 0), {doEvictAfter});
    default:
      throw new Unsupported(`evictor ${call.name}`);
  }
}

/** Settings that windows of keyed and of whole streams, and of joins, have alike. */
interface WindowSettings<Self> {
  trigger(trigger: Trigger): Self;
  evictor(evictor: Evictor): Self;
  allowedLateness(ms: number): Self;
}

export function withSettings<W extends WindowSettings<W>>(windows: W, operator: Operator): W {
  let set = windows;
  if (operator.trigger !== undefined)
    set = set.trigger(triggerOf(parseCall(String(operator.trigger))));
  if (operator.evictor !== undefined)
    set = set.evictor(evictorOf(parseCall(String(operator.evictor))));
  const {allowedLateness} = operator;
  if (allowedLateness !== undefined) {
    set = set.allowedLateness(typeof allowedLateness === 'number' ? allowedLateness : Infinity);
  }
  return set;
}

const AVERAGE = {
  createAccumulator: () => ({sum: 0, count: 0}),
  add: ({value}: Element, {sum, count}: {sum: number; count: number}) => ({
    sum: sum + value,
    count: count + 1,
  }),
  getResult: ({sum, count}: {sum: number; count: number}) => sum / count,
  merge: (a: {sum: number; count: number}, b: {sum: number; count: number}) => ({
    sum: a.sum + b.sum,
    count: a.count + b.count,
  }),
};

const sumOf = (a: Element, b: Element): Element => ({...a, value: a.value + b.value});

/** Writes down a firing as the vector does. */
function describeFiring(vector: Vector) {
  const shape = shapeOf(vector);
  return (
    key: unknown,
    {window, currentWatermark, currentProcessingTime}: WindowContext,
    elements: readonly unknown[],
  ) => {
    const values = elements.map(element =>
      typeof element === 'object' ? (element as Element).value : element,
    );
    return shape([
      ['key', () => key],
      ['window', () => (window.start === -Infinity ? 'global' : [window.start, window.end])],
      ['values', () => values],
      ['currentWatermark', () => currentWatermark],
      ['processingTime', () => currentProcessingTime],
      [/count|size/i, () => values.length],
      [/value|sum|avg|average|result|reduced/i, () => values[0]],
    ]);
  };
}

export async function runWindow(vector: Vector): Promise<Outcome> {
  const {operator} = vector;
  const isAll = operator.kind === 'windowAll';
  const build = (elements: DataStream<Element>) => {
    if (isAll) {
      let all = withSettings(elements.windowAll(assignerOf(operator)), operator);
      if (operator.sideOutputLate === true) all = all.sideOutputLateData(LATE);
      return applyToAll(all, vector);
    }
    let windows = withSettings(elements.keyBy('key').window(assignerOf(operator)), operator);
    if (operator.sideOutputLate === true) windows = windows.sideOutputLateData(LATE);
    return applyToKeyed(windows, vector);
  };
  return await runOne(vector, build, {sides: ['late']});
}

function applyToKeyed(windows: WindowedStream<Element, string>, vector: Vector): DataStream<any> {
  const describe = describeFiring(vector);
  const process: ProcessWindowFunction<any, any, string> = (key, context, elements, out) => {
    out.collect(describe(key, context, elements));
  };
  const call = parseCall(String(vector.operator.function ?? 'none'));
  switch (call.name) {
    case 'none':
      return windows.process(process);
    case 'reduce':
    case 'reduce-sum':
      return windows.reduce(sumOf);
    case 'reduce+process':
    case 'reduce-sum+process':
      return windows.reduce(sumOf, process);
    case 'sum':
      return windows.sum(fieldOf(call));
    case 'min':
      return windows.min(fieldOf(call));
    case 'max':
      return windows.max(fieldOf(call));
    case 'minBy':
      return windows.minBy(fieldOf(call), {first: call.args[1]?.name !== 'last'});
    case 'maxBy':
      return windows.maxBy(fieldOf(call), {first: call.args[1]?.name !== 'last'});
    case 'aggregate-avg':
      return windows.aggregate(AVERAGE);
    case 'aggregate-avg+process':
      return windows.aggregate(AVERAGE, process);
    case 'fire-counters':
      return windows.process(fireCounters(vector));
    default:
      throw new Unsupported(`function ${call.name}`);
  }
}

function fieldOf({args}: Call): 'value' {
  return (args[0]?.name ?? 'value') as 'value';
}

/** Counts firings of a window, and of all windows of its key. */
function fireCounters(vector: Vector) {
  const shape = shapeOf(vector);
  const ofWindow = new ValueStateDescriptor<number>('window-firings');
  const ofKey = new ValueStateDescriptor<number>('key-firings');
  return {
    process(
      key: string,
      context: WindowContext,
      elements: readonly Element[],
      out: {collect(value: unknown): void},
    ) {
      const {window, currentWatermark, windowState, globalState} = context;
      const inWindow = windowState.getState(ofWindow);
      const inKey = globalState.getState(ofKey);
      inWindow.update((inWindow.value() ?? 0) + 1);
      inKey.update((inKey.value() ?? 0) + 1);
      out.collect(
        shape([
          ['key', () => key],
          ['window', () => (window.start === -Infinity ? 'global' : [window.start, window.end])],
          ['values', () => elements.map(({value}) => value)],
          ['currentWatermark', () => currentWatermark],
          [/global|key/i, () => inKey.value()],
          [/window|fir/i, () => inWindow.value()],
        ]),
      );
    },
    clear({windowState}: WindowContext) {
      windowState.getState(ofWindow).clear();
    },
  };
}

function applyToAll(windows: any, vector: Vector): DataStream<any> {
  const describe = describeFiring(vector);
  const process = (
    context: WindowContext,
    elements: readonly unknown[],
    out: {collect(value: unknown): void},
  ) => out.collect(describe(null, context, elements));
  const call = parseCall(String(vector.operator.function ?? 'none'));
  switch (call.name) {
    case 'none':
      return windows.process(process);
    case 'reduce':
    case 'reduce-sum':
      return windows.reduce(sumOf);
    case 'reduce+process':
    case 'reduce-sum+process':
      return windows.reduce(sumOf, process);
    case 'sum':
    case 'min':
    case 'max':
      return windows[call.name](fieldOf(call));
    case 'minBy':
    case 'maxBy':
      return windows[call.name](fieldOf(call), {first: call.args[1]?.name !== 'last'});
    case 'aggregate-avg':
      return windows.aggregate(AVERAGE);
    case 'aggregate-avg+process':
      return windows.aggregate(AVERAGE, process);
    default:
      throw new Unsupported(`function ${call.name}`);
  }
}

export async function runCountWindow(vector: Vector): Promise<Outcome> {
  const {operator} = vector;
  const describe = describeFiring(vector);
  const size = Number(operator.size);
  const build = (elements: DataStream<Element>): DataStream<any> => {
    const keyed = elements.keyBy('key');
    const windows =
      operator.slide === undefined
        ? keyed.countWindow(size)
        : keyed.countWindow(size, Number(operator.slide));
    if (String(operator.function).startsWith('reduce')) return windows.reduce(sumOf);
    return windows.process((key, context, values, out) => {
      out.collect(describe(key, context, values));
    });
  };
  return await runOne(vector, build);
}
