/**
 * The fast operator for sessions gives what the general one gives, on random elements and watermarks. How
 * two sessions are merged has no order, so the functions here do not depend on it.
 */
import test from 'ava';
import fc from 'fast-check';
import type {DataStream} from '../../src/api/data-stream.ts';
import type {WindowedStream} from '../../src/api/windowed-stream.ts';
import {
  EventTimeSessionWindows,
  EventTimeTrigger,
  OutputTag,
  ValueStateDescriptor,
  type WindowContext,
} from '../../src/index.ts';
import {isRecord, type HarnessOutput} from '../../src/testing/harness-output.ts';
import {OperatorHarness} from '../../src/testing/operator-harness.ts';
import {SessionWindowOperator} from '../../src/windowing/session-window-operator.ts';
import {steps, type Element, type Step} from '../support/window-steps.ts';

const LATE = new OutputTag<Element>('late');
const firings = new ValueStateDescriptor<number>('firings');

type Windows = WindowedStream<Element, string>;

const FUNCTIONS: Readonly<Record<string, (windows: Windows) => DataStream<any>>> = {
  reduce: windows =>
    windows.reduce((a, b) => ({
      ...a,
      id: Math.min(a.id, b.id),
      value: a.value + b.value,
      gap: Math.max(a.gap, b.gap),
    })),
  aggregate: windows =>
    windows.aggregate({
      createAccumulator: () => ({sum: 0, count: 0}),
      add: ({value}, {sum, count}) => ({sum: sum + value, count: count + 1}),
      getResult: ({sum, count}) => sum / count,
      merge: (a, b) => ({sum: a.sum + b.sum, count: a.count + b.count}),
    }),
  'aggregate to a number': windows =>
    windows.aggregate({
      createAccumulator: () => 0,
      add: ({value}, sum) => sum + value,
      getResult: sum => (sum % 2 === 0 ? null : sum),
      merge: (a, b) => a + b,
    }),
  'aggregate in a set': windows =>
    windows.aggregate({
      createAccumulator: () => new Set<number>(),
      add: ({id}, ids) => ids.add(id),
      getResult: ids => [...ids].sort((a, b) => a - b),
      merge: (a, b) => new Set([...a, ...b]),
    }),
  'reduce and process': windows =>
    windows.reduce((a, b) => ({...a, id: Math.min(a.id, b.id), value: a.value + b.value, gap: 0}), {
      process(
        key: string,
        {window, currentWatermark, globalState}: WindowContext,
        [element]: readonly Element[],
        out: {collect(value: unknown): void},
      ) {
        const state = globalState.getState(firings);
        state.update((state.value() ?? 0) + 1);
        const {start, end} = window;
        out.collect({key, start, end, element, currentWatermark, firing: state.value()});
      },
    }),
};

function described(output: ReadonlyArray<HarnessOutput<any>>): string[] {
  return output
    .map(each =>
      isRecord(each) ? `${each.timestamp} ${JSON.stringify(each.value)}` : JSON.stringify(each),
    )
    .sort();
}

function push(harness: OperatorHarness, step: Step): string[] {
  if (step.kind === 'element') harness.processElement(step.element, step.timestamp);
  else if (step.kind === 'watermark') harness.processWatermark(step.timestamp);
  return described(harness.takeOutput());
}

function builder(name: string, isDynamic: boolean, isGeneral: boolean) {
  return (elements: DataStream<Element>): DataStream<any> => {
    const assigner = isDynamic
      ? EventTimeSessionWindows.withDynamicGap<Element>(({gap}) => gap)
      : EventTimeSessionWindows.withGap(6);
    const windows = elements.keyBy('key').window(assigner).sideOutputLateData(LATE);
    if (isGeneral) windows.trigger(EventTimeTrigger.create());
    return FUNCTIONS[name]!(windows);
  };
}

for (const isDynamic of [false, true]) {
  const kind = isDynamic ? 'dynamic gaps' : 'a fixed gap';
  test(`sessions with ${kind} are those of the general operator`, t => {
    const functions = fc.constantFrom(...Object.keys(FUNCTIONS));
    const property = fc.property(steps, functions, fc.boolean(), (input, name, isCompiled) => {
      const [fast, general] = [false, true].map(isGeneral => {
        using harness = OperatorHarness.of(builder(name, isDynamic, isGeneral), {
          config: {codeGeneration: isCompiled},
        });
        const outputs = input.map(step => push(harness, step));
        harness.processWatermark(Infinity);
        const late = harness.sideOutput(LATE).map(({value}) => value.id);
        return {outputs, last: described(harness.takeOutput()), late};
      });
      t.deepEqual(fast, general, name);
    });
    t.notThrows(() => fc.assert(property, {seed: 6, numRuns: 400}));
  });

  test(`sessions with ${kind} go on from a snapshot as those of the general operator`, t => {
    const functions = fc.constantFrom(...Object.keys(FUNCTIONS));
    const property = fc.property(steps, steps, functions, (before, after, name) => {
      const [fast, general] = [false, true].map(isGeneral => {
        const build = builder(name, isDynamic, isGeneral);
        using first = OperatorHarness.of(build);
        for (const step of before) push(first, step);
        first.snapshot();
        using second = OperatorHarness.restore(build, [structuredClone(first.snapshot())]);
        const outputs = after.map(step => push(second, step));
        second.processWatermark(Infinity);
        return {outputs, last: described(second.takeOutput())};
      });
      t.deepEqual(fast, general, name);
    });
    t.notThrows(() => fc.assert(property, {seed: 7, numRuns: 150}));
  });
}

test('the fast operator runs where sessions need nothing else', t => {
  const {generate} = SessionWindowOperator.prototype;
  let isFast = false;
  SessionWindowOperator.prototype.generate = function (...args) {
    isFast = true;
    return generate.apply(this, args);
  };
  t.teardown(() => {
    SessionWindowOperator.prototype.generate = generate;
  });

  for (const isGeneral of [false, true]) {
    isFast = false;
    using harness = OperatorHarness.of(builder('reduce', false, isGeneral));
    harness.processElement({key: 'a', id: 0, value: 1, gap: 1}, 1);
    t.is(isFast, !isGeneral);
  }
});
