/** Window joins and co-groups against lists of windows that are searched from end to end. */
import test from 'ava';
import fc from 'fast-check';
import {
  CountTrigger,
  EventTimeSessionWindows,
  SlidingEventTimeWindows,
  TimeEvictor,
  TumblingEventTimeWindows,
  type DataStream,
  type WindowAssigner,
} from '../../src/index.ts';
import {OperatorHarness, isRecord, type HarnessOptions} from '../../src/testing/index.ts';
import {foreignBackends} from '../support/foreign-backend.ts';

interface Element {
  readonly key: string;
  readonly id: number;
}

type Step =
  | {readonly input: 0 | 1; readonly key: string; readonly ts: number}
  | {readonly watermark: number}
  | {readonly restore: true};

interface Group {
  readonly key: string;
  readonly left: readonly number[];
  readonly right: readonly number[];
  readonly timestamp: number;
}

type Shape =
  | {readonly kind: 'sliding'; readonly size: number; readonly slide: number}
  | {readonly kind: 'session'; readonly gap: number};

function assignerOf(shape: Shape): WindowAssigner {
  if (shape.kind === 'session') return EventTimeSessionWindows.withGap(shape.gap);
  const {size, slide} = shape;
  return size === slide
    ? TumblingEventTimeWindows.of(size)
    : SlidingEventTimeWindows.of(size, slide);
}

/** How a co-group may run; restored by the next of them. */
const WAYS: Readonly<Record<string, readonly HarnessOptions[]>> = {
  compiled: [{}],
  interpreted: [{config: {codeGeneration: false}}],
  'in a foreign backend': [{stateBackends: foreignBackends, config: {codeGeneration: false}}],
  'in turns': [
    {config: {codeGeneration: false}},
    {stateBackends: foreignBackends, config: {codeGeneration: false}},
  ],
};

function coGrouped(
  shape: Shape,
  lateness: number,
  steps: readonly Step[],
  ways: readonly HarnessOptions[],
): Group[][] {
  const build = (a: DataStream<Element>, b: DataStream<Element>) => {
    const windows = a
      .coGroup(b)
      .where('key')
      .equalTo(({key}) => key)
      .window(assignerOf(shape));
    if (lateness > 0) windows.allowedLateness(lateness);
    return windows.apply<Omit<Group, 'timestamp'>>((left, right, out) => {
      out.collect({
        key: (left[0] ?? right[0]!).key,
        left: left.map(({id}) => id),
        right: right.map(({id}) => id),
      });
    });
  };
  let harness = OperatorHarness.ofTwo(build, ways[0]!);
  let runs = 0;
  const result = steps.map((step, id) => {
    if ('watermark' in step) {
      harness.processWatermark(step.watermark);
    } else if ('restore' in step) {
      const snapshot = harness.snapshot();
      harness.close();
      runs += 1;
      harness = OperatorHarness.restoreTwo(build, [snapshot], ways[runs % ways.length]!);
    } else if (step.input === 0) {
      harness.processElement1({key: step.key, id}, step.ts);
    } else {
      harness.processElement2({key: step.key, id}, step.ts);
    }
    const records = harness.takeOutput().filter(isRecord);
    return records.map(({value, timestamp}) => ({...value, timestamp: timestamp!}));
  });
  harness.close();
  return result.map(groups => inOrder(shape, groups));
}

interface OracleWindow {
  readonly key: string;
  start: number;
  end: number;
  elements: Array<{input: 0 | 1; id: number}>;
}

function oracle(shape: Shape, lateness: number, steps: readonly Step[]): Group[][] {
  let windows: OracleWindow[] = [];
  let watermark = -Infinity;
  const groupOf = ({key, end, elements}: OracleWindow): Group => ({
    key,
    left: elements.filter(({input}) => input === 0).map(({id}) => id),
    right: elements.filter(({input}) => input === 1).map(({id}) => id),
    timestamp: end - 1,
  });
  const isOver = ({end}: {end: number}) => end - 1 + lateness <= watermark;
  return steps.map((step, id) => {
    const groups: Group[] = [];
    if ('restore' in step) {
      watermark = -Infinity;
      return groups;
    }
    if ('watermark' in step) {
      if (step.watermark > watermark) {
        const due = windows.filter(({end}) => end - 1 > watermark && end - 1 <= step.watermark);
        watermark = step.watermark;
        groups.push(...due.map(groupOf));
        windows = windows.filter(window => !isOver(window));
      }
      return inOrder(shape, groups);
    }
    const {key, ts, input} = step;
    for (const {start, end} of windowsOf(shape, ts)) {
      let window: OracleWindow = {key, start, end, elements: []};
      const others = windows.filter(
        other =>
          other.key === key &&
          (shape.kind === 'session'
            ? other.start <= end && other.end >= start
            : other.start === start),
      );
      if (others.length > 0) {
        window = {
          key,
          start: Math.min(start, ...others.map(other => other.start)),
          end: Math.max(end, ...others.map(other => other.end)),
          elements: others.flatMap(other => other.elements),
        };
      }
      if (isOver(window)) continue;
      window.elements.push({input, id});
      windows = [...windows.filter(other => !others.includes(other)), window];
      if (window.end - 1 <= watermark) groups.push(groupOf(window));
    }
    return inOrder(shape, groups);
  });
}

function windowsOf(shape: Shape, ts: number): Array<{start: number; end: number}> {
  if (shape.kind === 'session') return [{start: ts, end: ts + shape.gap}];
  const {size, slide} = shape;
  const windows: Array<{start: number; end: number}> = [];
  for (let start = Math.floor(ts / slide) * slide; start > ts - size; start -= slide) {
    windows.push({start, end: start + size});
  }
  return windows;
}

/** Keys have no order in a step, and the contents of sessions have none. */
function inOrder(shape: Shape, groups: readonly Group[]): Group[] {
  const sort = (ids: readonly number[]) =>
    shape.kind === 'session' ? [...ids].sort((a, b) => a - b) : ids;
  return groups
    .map(group => ({...group, left: sort(group.left), right: sort(group.right)}))
    .sort((a, b) => a.timestamp - b.timestamp || (a.key < b.key ? -1 : 1));
}

const shapeArbitrary: fc.Arbitrary<Shape> = fc.oneof(
  fc
    .tuple(fc.integer({min: 1, max: 4}), fc.integer({min: 1, max: 3}))
    .map(([slide, factor]) => ({kind: 'sliding' as const, size: slide * factor, slide})),
  fc.integer({min: 1, max: 4}).map(gap => ({kind: 'session' as const, gap})),
);

const stepsArbitrary = fc
  .array(
    fc.oneof(
      {
        weight: 16,
        arbitrary: fc.record({
          input: fc.constantFrom(0 as const, 1 as const),
          key: fc.constantFrom('a', 'b'),
          ahead: fc.integer({min: -6, max: 8}),
        }),
      },
      {weight: 4, arbitrary: fc.record({advance: fc.integer({min: 1, max: 6})})},
      {weight: 1, arbitrary: fc.record({back: fc.integer({min: 0, max: 8})})},
    ),
    {maxLength: 50, size: 'max'},
  )
  .map(moves => {
    let watermark = 0;
    return moves.map((move): Step => {
      if ('advance' in move) return {watermark: (watermark += move.advance)};
      if ('back' in move) {
        watermark -= move.back;
        return {restore: true};
      }
      return {input: move.input, key: move.key, ts: watermark + move.ahead};
    });
  });

for (const [way, ways] of Object.entries(WAYS)) {
  test(`co-groups are those of the oracle, ${way}, seed 43`, t => {
    fc.assert(
      fc.property(
        shapeArbitrary,
        fc.oneof(fc.constant(0), fc.integer({min: 0, max: 5})),
        stepsArbitrary,
        (shape, allowedLateness, moves) => {
          // With sessions that are over but still wait for late elements, merging has rules of its own.
          const lateness = shape.kind === 'session' ? 0 : allowedLateness;
          // What has fired and waits for late elements fires anew only for those.
          const steps = lateness === 0 ? moves : moves.filter(step => !('restore' in step));
          t.deepEqual(coGrouped(shape, lateness, steps, ways), oracle(shape, lateness, steps));
        },
      ),
      {seed: 43, numRuns: way === 'compiled' ? 60 : 300},
    );
  });
}

function joinHarness(apply: (left: Element, right: Element) => string | undefined) {
  return OperatorHarness.ofTwo((a: DataStream<Element>, b: DataStream<Element>) =>
    a.join(b).where('key').equalTo('key').window(TumblingEventTimeWindows.of(10)).apply(apply),
  );
}

test('a window join emits each pair, and nothing for an element without partner', t => {
  const harness = joinHarness((left, right) => `${left.id}-${right.id}`);
  harness.processElement1({key: 'a', id: 1}, 1);
  harness.processElement1({key: 'a', id: 2}, 2);
  harness.processElement2({key: 'a', id: 3}, 9);
  harness.processElement2({key: 'a', id: 4}, 10);
  harness.processElement1({key: 'b', id: 5}, 3);
  harness.processWatermark(20);

  t.deepEqual(harness.output, [
    {value: '1-3', timestamp: 9},
    {value: '2-3', timestamp: 9},
    {watermark: 20},
  ]);
});

test('a join function that returns undefined emits nothing', t => {
  const harness = joinHarness(left => (left.id === 1 ? undefined : 'kept'));
  harness.processElement1({key: 'a', id: 1}, 1);
  harness.processElement1({key: 'a', id: 2}, 2);
  harness.processElement2({key: 'a', id: 3}, 3);
  harness.processWatermark(9);

  t.deepEqual(harness.values, ['kept']);
});

test('triggers and evictors see the elements of both streams', t => {
  const harness = OperatorHarness.ofTwo((a: DataStream<Element>, b: DataStream<Element>) =>
    a
      .coGroup(b)
      .where('key')
      .equalTo('key')
      .window(TumblingEventTimeWindows.of(100))
      .trigger(CountTrigger.of(3))
      .evictor(TimeEvictor.of(10))
      .apply<number[][]>((left, right, out) =>
        out.collect([left, right].map(side => side.map(({id}) => id))),
      ),
  );
  harness.processElement1({key: 'a', id: 1}, 1);
  harness.processElement2({key: 'a', id: 2}, 2);
  harness.processElement1({key: 'a', id: 3}, 12);

  t.deepEqual(harness.values, [[[3], []]]);
});

test('what is wrong with a join is said where it is built', t => {
  const build = (change: (join: any) => unknown) => () =>
    OperatorHarness.ofTwo((a: any, b: any) => change(a.join(b)) as DataStream<unknown>);

  t.throws(
    build(join =>
      join
        .where('key')
        .equalTo('key')
        .window({})
        .apply(() => 1),
    ),
    {code: 'E_WINDOW_ASSIGNER'},
  );
  t.throws(
    build(join =>
      join.where('key').equalTo('key').window(TumblingEventTimeWindows.of(1)).allowedLateness(-1),
    ),
    {code: 'E_WINDOW_LATENESS'},
  );
  t.throws(
    build(join => join.where('key').equalTo('key').window(TumblingEventTimeWindows.of(1)).apply()),
    {code: 'E_API_FUNCTION'},
  );
  t.throws(
    build(join => join.where().equalTo('key')),
    {code: 'E_API_PATH'},
  );
});

test('a rich function lives as long as its operator', t => {
  const calls: string[] = [];
  const harness = OperatorHarness.ofTwo((a: DataStream<Element>, b: DataStream<Element>) =>
    a
      .coGroup(b)
      .where('key')
      .equalTo('key')
      .window(TumblingEventTimeWindows.of(10))
      .apply<number>({
        open: ({operatorName}) => calls.push(`open ${operatorName}`),
        coGroup: (left, right) => [left.length + right.length],
        snapshotState: () => calls.push('snapshot'),
        close: () => calls.push('close'),
      }),
  );
  harness.processElement1({key: 'a', id: 1}, 1);
  harness.processWatermark(9);
  harness.snapshot();
  harness.close();

  t.deepEqual(harness.values, [1]);
  t.deepEqual(calls, ['open Co-Group', 'snapshot', 'close']);
});

test('tumbling windows with more keys than a task fires in a step are fired to the end', t => {
  const harness = joinHarness((left, right) => `${left.id}-${right.id}`);
  for (let id = 0; id < 5000; id += 1) {
    harness.processElement1({key: `k${id}`, id}, id % 10);
    harness.processElement2({key: `k${id}`, id}, id % 10);
  }
  harness.processWatermark(9);

  t.deepEqual(
    harness.values,
    Array.from({length: 5000}, (_, id) => `${id}-${id}`),
  );
  t.deepEqual(harness.output.at(-1), {watermark: 9});
});

test('keys of all kinds are told apart, and what is no key is refused', t => {
  const harness = OperatorHarness.ofTwo((a: DataStream<any>, b: DataStream<any>) =>
    a
      .join(b)
      .where((value: any) => value.key)
      .equalTo((value: any) => value.key)
      .window(TumblingEventTimeWindows.of(10))
      .apply((left: any) => left.key as unknown),
  );
  const keys = [1, '1', true, 1n, new Date(1), [1], ['1'], 0, -0, 0.5];
  for (const key of keys) harness.processElement1({key}, 1);
  for (const key of keys) harness.processElement2({key: structuredClone(key)}, 1);
  harness.processWatermark(9);

  t.deepEqual(harness.values, keys);
  t.throws(() => harness.processElement1({key: null}, 11), {code: 'E_KEY_NULL'});
  t.throws(() => harness.processElement1({key: 'x'}), {code: 'E_WINDOW_TIMESTAMP'});
});

test('late elements are counted, and what comes after a snapshot is not in it', t => {
  const harness = joinHarness((left, right) => `${left.id}-${right.id}`);
  harness.processElement1({key: 'a', id: 1}, 11);
  harness.processWatermark(9);
  harness.processElement1({key: 'a', id: 2}, 9);
  harness.processElement1({key: 'a', id: 2}, 8);
  const snapshot = harness.snapshot();
  harness.processElement2({key: 'a', id: 3}, 11);
  harness.processWatermark(19);

  harness.processElement1({key: 'a', id: 4}, 11);

  t.is(harness.counter('numLateRecordsDropped'), 3);
  t.deepEqual(harness.values, ['1-3']);
  t.regex(JSON.stringify(snapshot), /"id":1/);
  t.notRegex(JSON.stringify(snapshot), /"id":3/);
});

test('windows that are over at once are fired by their times, not in the order of arrival', t => {
  const harness = joinHarness((left, right) => `${left.id}-${right.id}`);
  for (const ts of [25, 5, 15]) {
    harness.processElement1({key: 'a', id: ts}, ts);
    harness.processElement2({key: 'a', id: ts}, ts);
  }
  harness.processWatermark(Infinity);

  t.deepEqual(harness.values, ['5-5', '15-15', '25-25']);
});

test('on the heap nothing is left of the timers of another backend', t => {
  const build = (a: DataStream<Element>, b: DataStream<Element>) =>
    a
      .join(b)
      .where('key')
      .equalTo('key')
      .window(TumblingEventTimeWindows.of(10))
      .apply((left, right) => `${left.id}-${right.id}`);
  const before = OperatorHarness.ofTwo(build, {stateBackends: foreignBackends});
  before.processElement1({key: 'a', id: 1}, 5);
  const after = OperatorHarness.restoreTwo(build, [before.snapshot()]);
  after.processElement2({key: 'a', id: 2}, 6);

  t.is(before.eventTimeTimerCount, 1);
  t.is(after.eventTimeTimerCount, 0);
  after.processWatermark(9);
  t.deepEqual(after.values, ['1-2']);
});
