/**
 * The interval join against Flink's way of doing it, written down as slowly as it can be: a list of elements
 * for each side, all of them looked at for each element, and a clean-up time for each.
 */
import test from 'ava';
import fc from 'fast-check';
import {OutputTag, ValueStateDescriptor, type DataStream} from '../../src/index.ts';
import {OperatorHarness, isRecord, type HarnessSnapshot} from '../../src/testing/index.ts';

interface Element {
  readonly key: number;
  readonly id: number;
}

type Step =
  | {readonly input: 0 | 1; readonly key: number; readonly ts: number}
  | {readonly watermark: number}
  | {readonly restore: true};

interface Bounds {
  readonly lower: number;
  readonly upper: number;
}

const LEFT = new OutputTag<Element>('left');
const RIGHT = new OutputTag<Element>('right');

function build({lower, upper}: Bounds) {
  return (left: DataStream<Element>, right: DataStream<Element>) =>
    left
      .keyBy('key')
      .intervalJoin(right.keyBy('key'))
      .between(lower, upper)
      .sideOutputLeftLateData(LEFT)
      .sideOutputRightLateData(RIGHT)
      .process<string>((a, b, {leftTimestamp, rightTimestamp, timestamp}, out) => {
        out.collect(`${a.id} ${b.id} ${leftTimestamp} ${rightTimestamp} ${timestamp}`);
      });
}

/** What comes out of each step: pairs and late elements, sorted. */
function joined(bounds: Bounds, steps: readonly Step[], codeGeneration: boolean): string[][] {
  const options = {config: {codeGeneration}};
  let harness = OperatorHarness.ofTwo(build(bounds), options);
  const late = {left: 0, right: 0};
  const result: string[][] = [];
  for (const [id, step] of steps.entries()) {
    if ('watermark' in step) {
      harness.processWatermark(step.watermark);
    } else if ('restore' in step) {
      const snapshots: HarnessSnapshot[] = [harness.snapshot()];
      harness.close();
      harness = OperatorHarness.restoreTwo(build(bounds), snapshots, options);
      Object.assign(late, {left: 0, right: 0});
    } else if (step.input === 0) {
      harness.processElement1({key: step.key, id}, step.ts);
    } else {
      harness.processElement2({key: step.key, id}, step.ts);
    }
    const outputs = harness
      .takeOutput()
      .filter(isRecord)
      .map(({value, timestamp}) => {
        if (!value.endsWith(` ${timestamp}`)) throw new Error('a pair has another timestamp');
        return value;
      });
    for (const side of ['left', 'right'] as const) {
      const records = harness.sideOutput<Element>(side);
      for (const {value, timestamp} of records.slice(late[side])) {
        outputs.push(`late ${side} ${value.id} ${timestamp}`);
      }
      late[side] = records.length;
    }
    result.push(outputs.sort());
  }
  harness.close();
  return result;
}

/** The same by going through everything. */
function oracle({lower, upper}: Bounds, steps: readonly Step[]): string[][] {
  let kept: Array<{input: 0 | 1; key: number; id: number; ts: number; cleanUpAt: number}> = [];
  let watermark = -Infinity;
  return steps.map((step, id) => {
    if ('restore' in step) {
      watermark = -Infinity;
      return [];
    }
    if ('watermark' in step) {
      if (step.watermark <= watermark) return [];
      watermark = step.watermark;
      kept = kept.filter(({cleanUpAt}) => cleanUpAt > watermark);
      return [];
    }
    const {input, key, ts} = step;
    if (ts < watermark) return [`late ${input === 0 ? 'left' : 'right'} ${id} ${ts}`];
    const lifeMs = input === 0 ? Math.max(upper, 0) : Math.max(-lower, 0);
    kept.push({input, key, id, ts, cleanUpAt: ts + lifeMs});
    const pairs: string[] = [];
    for (const other of kept) {
      if (other.input === input || other.key !== key) continue;
      const [a, b] = input === 0 ? [{id, ts}, other] : [other, {id, ts}];
      if (b.ts < a.ts + lower || b.ts > a.ts + upper) continue;
      pairs.push(`${a.id} ${b.id} ${a.ts} ${b.ts} ${Math.max(a.ts, b.ts)}`);
    }
    return pairs.sort();
  });
}

const boundsArbitrary = fc
  .tuple(fc.integer({min: -4, max: 4}), fc.integer({min: 0, max: 5}))
  .map(([lower, width]): Bounds => ({lower, upper: lower + width}));

/**
 * Times near the watermark: what is right or wrong is decided where they are equal. A restored run begins
 * again at any time.
 */
const stepsArbitrary = fc
  .array(
    fc.oneof(
      {
        weight: 12,
        arbitrary: fc.record({
          input: fc.constantFrom(0 as const, 1 as const),
          key: fc.integer({min: 0, max: 1}),
          ahead: fc.integer({min: -1, max: 5}),
        }),
      },
      {weight: 4, arbitrary: fc.record({advance: fc.integer({min: 1, max: 4})})},
      {weight: 1, arbitrary: fc.record({back: fc.integer({min: 0, max: 6})})},
    ),
    {maxLength: 60, size: 'max'},
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

for (const codeGeneration of [true, false]) {
  const way = codeGeneration ? 'compiled' : 'interpreted';
  test(`pairs and late elements are those of the oracle, ${way}, seed 41`, t => {
    fc.assert(
      fc.property(boundsArbitrary, stepsArbitrary, (bounds, steps) => {
        t.deepEqual(joined(bounds, steps, codeGeneration), oracle(bounds, steps));
      }),
      {seed: 41, numRuns: codeGeneration ? 100 : 1000},
    );
  });
}

test('elements that nobody can join any more are forgotten, with their timers', t => {
  const harness = OperatorHarness.ofTwo(build({lower: -20, upper: 30}));
  const kept = new ValueStateDescriptor<unknown>('interval-join-buffers');
  for (let ts = 0; ts < 1000; ts += 1) {
    harness.processElement1({key: ts % 7, id: ts}, ts);
    harness.processElement2({key: ts % 7, id: ts}, ts);
    harness.processWatermark(ts);
  }

  t.true(harness.eventTimeTimerCount <= 7);
  t.not(harness.keyedState(999 % 7, kept).value(), undefined);
  for (let ts = 1000; ts <= 999 + 30; ts += 1) harness.processWatermark(ts);

  t.is(harness.eventTimeTimerCount, 0);
  for (let key = 0; key < 7; key += 1) t.is(harness.keyedState(key, kept).value(), undefined);
});

test('an element that comes past its life stays until the next watermark, also in another run', t => {
  const bounds = {lower: -5, upper: 0};
  const before = OperatorHarness.ofTwo(build(bounds));
  before.processWatermark(10);
  before.processElement2({key: 1, id: 1}, 10);
  before.processElement1({key: 1, id: 2}, 10);
  const after = OperatorHarness.restoreTwo(build(bounds), [before.snapshot()]);
  after.processWatermark(10);
  after.processElement2({key: 1, id: 3}, 10);

  t.deepEqual(before.values, ['2 1 10 10 10']);
  t.deepEqual(after.values, []);
});

test('old elements of a key that goes on living are dropped too', t => {
  const harness = OperatorHarness.ofTwo(build({lower: -2, upper: 3}));
  const sizes: number[] = [];
  for (let ts = 0; ts < 5000; ts += 1) {
    harness.processElement1({key: 1, id: ts}, ts);
    harness.processWatermark(ts);
    if (ts % 1000 === 999) sizes.push(JSON.stringify(harness.snapshot()).length);
  }

  t.true(Math.max(...sizes) < 2 * Math.min(...sizes));
});

test('a record without timestamp is refused', t => {
  const harness = OperatorHarness.ofTwo(build({lower: 0, upper: 1}));

  t.throws(() => harness.processElement1({key: 1, id: 1}), {code: 'E_JOIN_TIMESTAMP'});
});

test('late elements without a side output are counted', t => {
  const harness = OperatorHarness.ofTwo((a: DataStream<Element>, b: DataStream<Element>) =>
    a
      .keyBy('key')
      .intervalJoin(b.keyBy('key'))
      .between(0, 1)
      .process<number>((left, _right, _context, out) => out.collect(left.id)),
  );
  harness.processWatermark(10);
  harness.processElement1({key: 1, id: 1}, 9);
  harness.processElement2({key: 1, id: 2}, 10);

  t.is(harness.counter('numLateRecordsDropped'), 1);
});

test('bounds that hold nothing, and streams without keys, are refused', t => {
  const between = (lower: number, upper: number) => () =>
    OperatorHarness.ofTwo((a: DataStream<Element>, b: DataStream<Element>) =>
      a
        .keyBy('key')
        .intervalJoin(b.keyBy('key'))
        .between(lower, upper)
        .lowerBoundExclusive()
        .process<number>(() => {}),
    );

  t.throws(between(2, 1), {code: 'E_JOIN_BOUNDS'});
  t.throws(between(0.5, 1), {code: 'E_JOIN_BOUNDS'});
  t.throws(between(1, 1), {code: 'E_JOIN_BOUNDS'});
  t.throws(
    () => OperatorHarness.ofTwo((a: any, b: any) => a.keyBy('key').intervalJoin(b).between(0, 1)),
    {code: 'E_API_NOT_KEYED'},
  );
  t.throws(
    () => OperatorHarness.ofTwo((a: any, b: any) => a.intervalJoin(b.keyBy('key')).between(0, 1)),
    {code: 'E_API_NOT_KEYED'},
  );
});

test('a rich join function is opened with state per key, and closed', t => {
  const calls: string[] = [];
  const harness = OperatorHarness.ofTwo((a: DataStream<Element>, b: DataStream<Element>) =>
    a
      .keyBy('key')
      .intervalJoin(b.keyBy('key'))
      .between(0, 1)
      .process<number>({
        open: ({operatorName}) => calls.push(`open ${operatorName}`),
        processElement: (left, right, _context, out) => out.collect(left.id + right.id),
        close: () => calls.push('close'),
      }),
  );
  harness.processElement1({key: 1, id: 1}, 1);
  harness.processElement2({key: 1, id: 2}, 2);
  harness.close();

  t.deepEqual(harness.values, [3]);
  t.deepEqual(calls, ['open Interval Join', 'close']);
});
