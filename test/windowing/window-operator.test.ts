/**
 * The window operator against a naive one, on random elements, watermarks and times, for all assigners,
 * triggers and evictors.
 */
import test from 'ava';
import fc from 'fast-check';
import type {DataStream} from '../../src/api/data-stream.ts';
import * as millrace from '../../src/index.ts';
import {isRecord} from '../../src/testing/harness-output.ts';
import {OperatorHarness} from '../../src/testing/operator-harness.ts';
import {TimeWindow} from '../../src/time/time-window.ts';
import {WindowOracle, type Fired} from '../support/window-oracle.ts';
import {steps, type Element, type Step} from '../support/window-steps.ts';

const {
  ContinuousEventTimeTrigger,
  ContinuousProcessingTimeTrigger,
  CountEvictor,
  CountTrigger,
  CumulativeEventTimeWindows,
  DeltaEvictor,
  DeltaTrigger,
  EventTimeSessionWindows,
  EventTimeTrigger,
  GlobalWindows,
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
} = millrace;

/** Windows of an element, by counting: every candidate is looked at. */
function windowsBetween(
  timestamp: number,
  candidates: Iterable<readonly [start: number, end: number]>,
): TimeWindow[] {
  return [...candidates]
    .filter(([start, end]) => start <= timestamp && timestamp < end)
    .map(([start, end]) => new TimeWindow(start, end));
}

function* tumbling(size: number, offset: number): Iterable<[number, number]> {
  for (let n = -40; n < 60; n += 1) yield [n * size + offset, n * size + offset + size];
}

function* sliding(size: number, slide: number, offset: number): Iterable<[number, number]> {
  for (let n = 60; n > -60; n -= 1) yield [n * slide + offset, n * slide + offset + size];
}

function* cumulative(size: number, step: number, offset: number): Iterable<[number, number]> {
  for (let n = -40; n < 60; n += 1) {
    const start = n * size + offset;
    for (let end = start + step; end <= start + size; end += step) yield [start, end];
  }
}

interface Case {
  readonly name: string;
  readonly assigner: millrace.WindowAssigner<Element>;
  readonly windowsOf: (element: Element, timestamp: number, now: number) => readonly TimeWindow[];
  readonly merges?: true;
}

const EVENT_TIME: readonly Case[] = [
  {
    name: 'tumbling',
    assigner: TumblingEventTimeWindows.of(10),
    windowsOf: (_element, timestamp) => windowsBetween(timestamp, tumbling(10, 0)),
  },
  {
    name: 'tumbling with an offset',
    assigner: TumblingEventTimeWindows.of(7, -3),
    windowsOf: (_element, timestamp) => windowsBetween(timestamp, tumbling(7, -3)),
  },
  {
    name: 'sliding',
    assigner: SlidingEventTimeWindows.of(10, 4),
    windowsOf: (_element, timestamp) => windowsBetween(timestamp, sliding(10, 4, 0)),
  },
  {
    name: 'sliding with an offset',
    assigner: SlidingEventTimeWindows.of(12, 3, 2),
    windowsOf: (_element, timestamp) => windowsBetween(timestamp, sliding(12, 3, 2)),
  },
  {
    name: 'sliding with gaps',
    assigner: SlidingEventTimeWindows.of(3, 5),
    windowsOf: (_element, timestamp) => windowsBetween(timestamp, sliding(3, 5, 0)),
  },
  {
    name: 'cumulative',
    assigner: CumulativeEventTimeWindows.of(12, 4),
    windowsOf: (_element, timestamp) => windowsBetween(timestamp, cumulative(12, 4, 0)),
  },
  {
    name: 'session',
    assigner: EventTimeSessionWindows.withGap(6),
    windowsOf: (_element, timestamp) => [new TimeWindow(timestamp, timestamp + 6)],
    merges: true,
  },
  {
    name: 'session with dynamic gaps',
    assigner: EventTimeSessionWindows.withDynamicGap<Element>(({gap}) => gap),
    windowsOf: ({gap}, timestamp) => [new TimeWindow(timestamp, timestamp + gap)],
    merges: true,
  },
];

const PROCESSING_TIME: readonly Case[] = [
  {
    name: 'tumbling',
    assigner: TumblingProcessingTimeWindows.of(10, 3),
    windowsOf: (_element, _timestamp, now) => windowsBetween(now, tumbling(10, 3)),
  },
  {
    name: 'sliding',
    assigner: SlidingProcessingTimeWindows.of(10, 4),
    windowsOf: (_element, _timestamp, now) => windowsBetween(now, sliding(10, 4, 0)),
  },
  {
    name: 'session',
    assigner: ProcessingTimeSessionWindows.withGap(6),
    windowsOf: (_element, _timestamp, now) => [new TimeWindow(now, now + 6)],
    merges: true,
  },
];

interface Observed {
  /** By step, for each key what fired, in order. */
  readonly fired: Array<Record<string, string[]>>;
  readonly late: number[];
  readonly dropped: number;
}

function describeFired({start, end, elements}: Fired<Element>, isSorted: boolean): string {
  const ids = elements.map(({id}) => id);
  // Where windows merge, the order of what they held is not defined.
  if (isSorted) ids.sort((a, b) => a - b);
  return `[${start}, ${end}) ${ids.join(' ')}`;
}

function byKey(fired: ReadonlyArray<Fired<Element>>, isSorted: boolean): Record<string, string[]> {
  const lists: Record<string, string[]> = {};
  for (const each of fired) (lists[each.key] ??= []).push(describeFired(each, isSorted));
  return lists;
}

const LATE = new OutputTag<Element>('late');

function observe(
  input: readonly Step[],
  build: (elements: DataStream<Element>) => DataStream<Fired<Element>>,
  isSorted: boolean,
  codeGeneration: boolean,
): Observed {
  using harness = OperatorHarness.of(build, {config: {codeGeneration}});
  const fired = input.map(step => {
    if (step.kind === 'element') harness.processElement(step.element, step.timestamp);
    else if (step.kind === 'watermark') harness.processWatermark(step.timestamp);
    else harness.setProcessingTime(step.now);
    return byKey(
      harness
        .takeOutput()
        .filter(isRecord<Fired<Element>>)
        .map(({value}) => value),
      isSorted,
    );
  });
  const late = harness.sideOutput(LATE).map(({value}) => value.id);
  return {fired, late, dropped: harness.counter('numLateRecordsDropped')};
}

function expected(
  input: readonly Step[],
  oracle: WindowOracle<Element>,
  isSorted: boolean,
): Observed {
  const fired = input.map(step => {
    oracle.fired.length = 0;
    if (step.kind === 'element') oracle.element(step.element.key, step.element, step.timestamp);
    else if (step.kind === 'watermark') oracle.watermark(step.timestamp);
    else oracle.processingTime(step.now);
    return byKey(oracle.fired, isSorted);
  });
  return {fired, late: oracle.late.map(({id}) => id), dropped: 0};
}

interface Setting {
  readonly trigger: millrace.Trigger<Element>;
  readonly evictor?: millrace.Evictor<Element> | undefined;
  readonly latenessMs: number;
}

function checkCase(
  {assigner, windowsOf, merges}: Case,
  setting: fc.Arbitrary<Setting>,
  seed: number,
  numRuns: number,
): void {
  fc.assert(
    fc.property(steps, setting, fc.boolean(), (input, {trigger, evictor, latenessMs}, compiled) => {
      const {isEventTime} = assigner;
      const isMerging = merges === true;
      const oracle = new WindowOracle<Element>({
        windowsOf,
        merges: isMerging,
        isEventTime,
        trigger,
        evictor,
        latenessMs,
      });
      const build = (elements: DataStream<Element>): DataStream<Fired<Element>> => {
        const windows = elements
          .keyBy('key')
          .window(assigner)
          .trigger(trigger)
          .allowedLateness(latenessMs)
          .sideOutputLateData(LATE);
        if (evictor !== undefined) windows.evictor(evictor);
        return windows.process((key, {window}, all, out) => {
          out.collect({key, start: window.start, end: window.end, elements: all});
        });
      };
      assertEqual(observe(input, build, isMerging, compiled), expected(input, oracle, isMerging));
    }),
    {seed, numRuns},
  );
}

function assertEqual(found: unknown, wanted: unknown): void {
  const [a, b] = [found, wanted].map(each => JSON.stringify(each, undefined, 1));
  if (a !== b) throw new Error(`found ${a}\nwanted ${b}`);
}

const delta = (a: Element, b: Element): number => b.value - a.value;

const TRIGGERS_THAT_MERGE: ReadonlyArray<millrace.Trigger<Element>> = [
  EventTimeTrigger.create(),
  ProcessingTimeTrigger.create(),
  CountTrigger.of(1),
  CountTrigger.of(3),
  PurgingTrigger.of(CountTrigger.of(2)),
  PurgingTrigger.of(EventTimeTrigger.create()),
  ContinuousEventTimeTrigger.of(3),
  ContinuousProcessingTimeTrigger.of(4),
];

const TRIGGERS: ReadonlyArray<millrace.Trigger<Element>> = [
  ...TRIGGERS_THAT_MERGE,
  DeltaTrigger.of(4, delta),
  ProcessingTimeoutTrigger.of(CountTrigger.of(3), 5),
  ProcessingTimeoutTrigger.of(EventTimeTrigger.create(), 4, {resetTimerOnNewRecord: true}),
  ProcessingTimeoutTrigger.of(PurgingTrigger.of(CountTrigger.of(2)), 3, {
    shouldClearOnTimeout: false,
  }),
];

const evictors = fc.option(
  fc.constantFrom<millrace.Evictor<Element>>(
    CountEvictor.of(2),
    CountEvictor.of(2, {doEvictAfter: true}),
    TimeEvictor.of(5),
    TimeEvictor.of(5, {doEvictAfter: true}),
    DeltaEvictor.of(3, delta),
    DeltaEvictor.of(3, delta, {doEvictAfter: true}),
  ),
  {nil: undefined, freq: 3},
);

const latenesses = fc.constantFrom(0, 0, 3, 10, Infinity);

for (const each of EVENT_TIME) {
  test(`${each.name} windows of event time fire what a naive implementation fires`, t => {
    const setting = fc.record({
      trigger: fc.constant(EventTimeTrigger.create()),
      latenessMs: latenesses,
    });
    t.notThrows(() => checkCase(each, setting, 1, 150));
  });
}

for (const each of [...EVENT_TIME, ...PROCESSING_TIME]) {
  const time = each.assigner.isEventTime ? 'event' : 'processing';
  test(`${each.name} windows of ${time} time do what every trigger and evictor says`, t => {
    const triggers = each.merges === true ? TRIGGERS_THAT_MERGE : TRIGGERS;
    const setting = fc.record({
      trigger: fc.constantFrom(...triggers),
      // A list whose order is open would be evicted in any order.
      evictor: each.merges === true ? fc.constant(undefined) : evictors,
      latenessMs: latenesses,
    });
    t.notThrows(() => checkCase(each, setting, 2, 250));
  });
}

test('a global window does what every trigger and evictor says', t => {
  const windows: Case = {
    name: 'global',
    assigner: GlobalWindows.create(),
    windowsOf: () => [millrace.GLOBAL_WINDOW],
  };
  const setting = fc.record({
    trigger: fc.constantFrom(...TRIGGERS),
    evictor: evictors,
    latenessMs: latenesses,
  });
  t.notThrows(() => checkCase(windows, setting, 3, 250));
});
