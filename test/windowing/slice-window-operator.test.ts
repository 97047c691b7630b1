/**
 * The operator for slices gives what the general one gives, on random elements, watermarks and times. The
 * general one runs wherever a trigger is set by hand, also the default one.
 */
import test from 'ava';
import fc from 'fast-check';
import type {DataStream} from '../../src/api/data-stream.ts';
import type {WindowedStream} from '../../src/api/windowed-stream.ts';
import {
  CumulativeEventTimeWindows,
  EventTimeTrigger,
  OutputTag,
  SlidingEventTimeWindows,
  TumblingEventTimeWindows,
  ValueStateDescriptor,
  type WindowAssigner,
  type WindowContext,
} from '../../src/index.ts';
import {isRecord, type HarnessOutput} from '../../src/testing/harness-output.ts';
import type {HarnessSnapshot} from '../../src/testing/harness-state.ts';
import {OperatorHarness} from '../../src/testing/operator-harness.ts';
import {SliceWindowOperator} from '../../src/windowing/slice-window-operator.ts';
import {steps, type Element, type Step} from '../support/window-steps.ts';

const LATE = new OutputTag<Element>('late');
const SIDE = new OutputTag<string>('side');
const firings = new ValueStateDescriptor<number>('firings');

const average = {
  createAccumulator: () => ({sum: 0, count: 0}),
  add: ({value}: Element, accumulator: {sum: number; count: number}) => {
    accumulator.sum += value;
    accumulator.count += 1;
    return accumulator;
  },
  getResult: ({sum, count}: {sum: number; count: number}) => sum / count,
  merge: (a: {sum: number; count: number}, b: {sum: number; count: number}) => ({
    sum: a.sum + b.sum,
    count: a.count + b.count,
  }),
};

/** Windows whose result is null are not emitted. */
const oddOnly = {
  createAccumulator: () => 0,
  add: ({value}: Element, sum: number) => sum + value,
  getResult: (sum: number) => (sum % 2 === 0 ? null : sum),
  merge: (a: number, b: number) => a + b,
};

const addValues = (a: Element, b: Element): Element => ({...a, value: a.value + b.value});

/** As a user writes it who adds to the object that he was given. */
const addInPlace = (a: Element, b: Element): Element => {
  (a as {value: number}).value += b.value;
  return a;
};

/** Counts what it sees in the state of its key, and of its window. */
const process = {
  process(
    key: string,
    context: WindowContext,
    [element]: readonly unknown[],
    out: {collect(value: unknown): void},
  ) {
    const ofKey = context.globalState.getState(firings);
    ofKey.update((ofKey.value() ?? 0) + 1);
    context.output(SIDE, `${key} ${context.window.start}`);
    const {window, currentWatermark} = context;
    const {start, end} = window;
    out.collect({key, start, end, element, currentWatermark, count: ofKey.value()});
  },
};

type Build = (windows: WindowedStream<Element, string>) => DataStream<any>;

const FUNCTIONS: Readonly<Record<string, Build>> = {
  reduce: windows => windows.reduce(addValues),
  'reduce in place': windows => windows.reduce(addInPlace),
  'reduce and process': windows => windows.reduce(addValues, process),
  'reduce and apply': windows =>
    windows.reduce(addValues, {
      apply: (key, window, elements) => [{key, start: window.start, elements}],
    }),
  sum: windows => windows.sum('value'),
  min: windows => windows.min('value'),
  max: windows => windows.max('value'),
  minBy: windows => windows.minBy('value'),
  'last minBy': windows => windows.minBy('value', {first: false}),
  maxBy: windows => windows.maxBy('value'),
  'last maxBy': windows => windows.maxBy('value', {first: false}),
  aggregate: windows => windows.aggregate(average),
  'aggregate and process': windows => windows.aggregate(average, process),
  'aggregate to nothing': windows => windows.aggregate(oddOnly),
};

const ASSIGNERS: Readonly<Record<string, () => WindowAssigner<Element>>> = {
  tumbling: () => TumblingEventTimeWindows.of(10),
  'tumbling with an offset': () => TumblingEventTimeWindows.of(7, -3),
  sliding: () => SlidingEventTimeWindows.of(10, 4),
  'sliding with an offset': () => SlidingEventTimeWindows.of(12, 3, 2),
  'sliding without overlap': () => SlidingEventTimeWindows.of(6, 6, 1),
  'sliding by one': () => SlidingEventTimeWindows.of(9, 1),
  cumulative: () => CumulativeEventTimeWindows.of(12, 4),
  'cumulative with an offset': () => CumulativeEventTimeWindows.of(15, 3, 4),
};

function builder(assigner: WindowAssigner<Element>, apply: Build, isGeneral: boolean) {
  return (elements: DataStream<Element>): DataStream<any> => {
    const windows = elements.keyBy('key').window(assigner).sideOutputLateData(LATE);
    if (isGeneral) windows.trigger(EventTimeTrigger.create());
    return apply(windows);
  };
}

/** What came out of one step: of each key in order, of different keys in any. */
function described(output: ReadonlyArray<HarnessOutput<unknown>>): string[] {
  return output
    .map(each =>
      isRecord(each) ? `${each.timestamp} ${JSON.stringify(each.value)}` : JSON.stringify(each),
    )
    .sort();
}

function push(harness: OperatorHarness, step: Step): string[] {
  if (step.kind === 'element') harness.processElement(step.element, step.timestamp);
  else if (step.kind === 'watermark') harness.processWatermark(step.timestamp);
  else harness.setProcessingTime(step.now);
  return described(harness.takeOutput());
}

function sides(harness: OperatorHarness): unknown {
  return {
    late: harness.sideOutput(LATE).map(({value, timestamp}) => [value, timestamp]),
    side: harness
      .sideOutput(SIDE)
      .map(({value, timestamp}) => `${value} ${timestamp}`)
      .sort(),
  };
}

function run(
  input: readonly Step[],
  build: (elements: DataStream<Element>) => DataStream<any>,
  codeGeneration: boolean,
): unknown {
  using harness = OperatorHarness.of(build, {config: {codeGeneration}});
  const outputs = input.map(step => push(harness, step));
  harness.processWatermark(Infinity);
  return {outputs, last: described(harness.takeOutput()), ...(sides(harness) as object)};
}

for (const [windowName, assigner] of Object.entries(ASSIGNERS)) {
  test(`slices give what the general operator gives: ${windowName} windows`, t => {
    const functions = fc.constantFrom(...Object.keys(FUNCTIONS));
    const property = fc.property(steps, functions, fc.boolean(), (input, name, isCompiled) => {
      const apply = FUNCTIONS[name]!;
      const fast = run(input, builder(assigner(), apply, false), isCompiled);
      const general = run(input, builder(assigner(), apply, true), isCompiled);
      t.deepEqual(fast, general, name);
    });
    t.notThrows(() => fc.assert(property, {seed: 4, numRuns: 300}));
  });
}

for (const [windowName, assigner] of Object.entries(ASSIGNERS)) {
  test(`slices go on from a snapshot as the general operator does: ${windowName} windows`, t => {
    const functions = fc.constantFrom('reduce', 'max', 'last minBy', 'aggregate and process');
    const property = fc.property(steps, steps, functions, (before, after, name) => {
      const restored = [false, true].map(isGeneral => {
        const build = builder(assigner(), FUNCTIONS[name]!, isGeneral);
        let snapshot: HarnessSnapshot;
        {
          using harness = OperatorHarness.of(build);
          for (const step of before) push(harness, step);
          // Twice: the second must not hold what the first had left behind.
          harness.snapshot();
          snapshot = harness.snapshot();
        }
        using harness = OperatorHarness.restore(build, [structuredClone(snapshot)]);
        const outputs = after.map(step => push(harness, step));
        harness.processWatermark(Infinity);
        return [outputs, described(harness.takeOutput())];
      });
      t.deepEqual(restored[0], restored[1], name);
    });
    t.notThrows(() => fc.assert(property, {seed: 5, numRuns: 100}));
  });
}

test('the operator for slices runs where nothing needs the general one', t => {
  const runsSlices = (apply: (windows: WindowedStream<Element, string>) => unknown): boolean => {
    let isFast = false;
    const {process: original} = SliceWindowOperator.prototype;
    const {generate} = SliceWindowOperator.prototype;
    SliceWindowOperator.prototype.generate = function (...args) {
      isFast = true;
      return generate.apply(this, args);
    };
    t.teardown(() => {
      SliceWindowOperator.prototype.process = original;
      SliceWindowOperator.prototype.generate = generate;
    });
    using harness = OperatorHarness.of(
      (elements: DataStream<Element>) =>
        apply(elements.keyBy('key').window(SlidingEventTimeWindows.of(10, 5))) as DataStream<any>,
    );
    harness.processElement({key: 'a', id: 0, value: 1, gap: 1}, 1);
    SliceWindowOperator.prototype.generate = generate;
    return isFast;
  };

  t.true(runsSlices(windows => windows.reduce(addValues)));
  t.true(runsSlices(windows => windows.aggregate(average)));
  t.true(runsSlices(windows => windows.sum('value')));
  t.false(runsSlices(windows => windows.process((_key, _context, all) => all)));
  t.false(runsSlices(windows => windows.trigger(EventTimeTrigger.create()).sum('value')));
  t.false(runsSlices(windows => windows.allowedLateness(1).sum('value')));
  const {merge: _merge, ...unmergeable} = average;
  t.false(runsSlices(windows => windows.aggregate(unmergeable)));
  const nested = {...average, createAccumulator: () => ({sum: 0, count: 0, list: []})};
  t.false(runsSlices(windows => windows.aggregate(nested)));
});

test('windows that the other kind of operator has saved are refused', t => {
  for (const isGeneral of [false, true]) {
    const assigner = TumblingEventTimeWindows.of(10);
    using first = OperatorHarness.of(builder(assigner, FUNCTIONS['sum']!, isGeneral));
    first.processElement({key: 'a', id: 0, value: 1, gap: 1}, 1);
    const snapshots = [first.snapshot()];

    const error = t.throws(() =>
      OperatorHarness.restore(builder(assigner, FUNCTIONS['sum']!, !isGeneral), snapshots),
    );

    t.regex(error.message, /E_WINDOW_RESTORE/);
  }
});
