/**
 * The interval join against Flink's way of doing it, written down as slowly as it can be: a list of elements
 * for each side, all of them looked at for each element, and a clean-up time for each.
 */
import test from 'ava';
import fc from 'fast-check';
import {OutputTag, ValueStateDescriptor, type DataStream} from '../../src/index.ts';
import {
  ManualClock,
  OperatorHarness,
  isRecord,
  type HarnessOptions,
  type HarnessSnapshot,
} from '../../src/testing/index.ts';
import {MemoryBackend} from '../../src/state/memory-backend.ts';
import {HeapJoinBuffers} from '../../src/windowing/heap-join-buffers.ts';
import {put} from '../../src/windowing/join-buffers.ts';
import {foreignBackends} from '../support/foreign-backend.ts';

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

function memoryBackendOf(): MemoryBackend {
  const keyGroupRange = {first: 0, last: 127};
  return new MemoryBackend({keyGroupRange, maxParallelism: 128, clock: new ManualClock()});
}

/** How a join may run. */
const WAYS: Readonly<Record<string, HarnessOptions>> = {
  compiled: {},
  interpreted: {config: {codeGeneration: false}},
  'in a foreign backend': {config: {codeGeneration: false}, stateBackends: foreignBackends},
};

/** What comes out of each step: pairs and late elements, sorted. */
function joined(bounds: Bounds, steps: readonly Step[], options: HarnessOptions): string[][] {
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

for (const [way, options] of Object.entries(WAYS)) {
  test(`pairs and late elements are those of the oracle, ${way}, seed 41`, t => {
    fc.assert(
      fc.property(boundsArbitrary, stepsArbitrary, (bounds, steps) => {
        t.deepEqual(joined(bounds, steps, options), oracle(bounds, steps));
      }),
      {seed: 41, numRuns: way === 'compiled' ? 100 : 1000},
    );
  });
}

test('in a backend, elements that nobody can join any more go, and their timers', t => {
  const harness = OperatorHarness.ofTwo(build({lower: -20, upper: 30}), {
    stateBackends: foreignBackends,
  });
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

test('on the heap, elements that nobody can join any more go, and their keys', t => {
  const lives = [30, 20] as const;
  const heap = new HeapJoinBuffers(memoryBackendOf(), lives);
  let sizeMax = 0;
  for (let ts = 0; ts < 5000; ts += 1) {
    const buffers = heap.open(ts % 7);
    put(buffers, ts % 2, ts, ts);
    heap.keep(buffers, ts + lives[ts % 2]!);
    const other = heap.open(`once ${ts}`);
    put(other, 0, ts, ts);
    heap.keep(other, ts + lives[0]);
    heap.advance(ts, () => true);
    sizeMax = Math.max(sizeMax, buffers.left?.timestamps.length ?? 0);
  }

  t.true(sizeMax < 100, `a buffer grew to ${sizeMax}`);
  t.true(heap.keyCount < 7 + 40, `${heap.keyCount} keys are kept`);
  for (let ts = 5000; ts < 5040; ts += 1) heap.advance(ts, () => true);

  t.is(heap.keyCount, 0);
});

test('on the heap, dropping what is too old may stop and go on', t => {
  const heap = new HeapJoinBuffers(memoryBackendOf(), [3, 3]);
  for (let key = 0; key < 10; key += 1) {
    const buffers = heap.open(key);
    put(buffers, 0, key, key);
    heap.keep(buffers, key + 3);
  }
  let steps = 0;
  let stops = 0;
  while (!heap.advance(Infinity, () => (steps += 1) % 3 !== 0)) stops += 1;

  t.is(stops, 4);
  t.is(heap.keyCount, 0);
  t.true(heap.advance(Infinity, () => true));
});

test('on the heap, what comes after a snapshot is not in it', t => {
  const backend = memoryBackendOf();
  const heap = new HeapJoinBuffers(backend, [3, 3]);
  const buffers = heap.open(1);
  put(buffers, 0, 10, 'first');
  heap.keep(buffers, 13);
  heap.prepareSnapshot();
  const snapshot = backend.snapshot();
  put(buffers, 0, 11, 'second');

  t.regex(JSON.stringify(snapshot), /first/);
  t.notRegex(JSON.stringify(snapshot), /second/);
  heap.advance(1, () => true);
  t.deepEqual(backend.snapshot().groups, []);
});

test('on the heap, a key can be looked at', t => {
  const heap = new HeapJoinBuffers(memoryBackendOf(), [3, 3]);
  const buffers = heap.open('a');
  put(buffers, 0, 10, 'left');
  heap.keep(buffers, 13);

  t.deepEqual(heap.readKey('a'), {
    'interval-join-buffers': {
      left: {timestamps: [10], values: ['left'], head: 0},
      right: undefined,
    },
  });
  t.is(heap.readKey('b'), undefined);
});

for (const [way, options] of Object.entries(WAYS)) {
  test(`an element past its life stays until the next watermark, also restored, ${way}`, t => {
    const bounds = {lower: -5, upper: 0};
    const before = OperatorHarness.ofTwo(build(bounds), options);
    before.processWatermark(10);
    before.processElement2({key: 1, id: 1}, 10);
    before.processElement1({key: 1, id: 2}, 10);
    const after = OperatorHarness.restoreTwo(build(bounds), [before.snapshot()], options);
    after.processWatermark(10);
    after.processElement2({key: 1, id: 3}, 10);

    t.deepEqual(before.values, ['2 1 10 10 10']);
    t.deepEqual(after.values, []);
  });

  test(`a snapshot can be restored in the other kind of state, ${way}`, t => {
    const bounds = {lower: -5, upper: 5};
    const other = options.stateBackends === undefined ? WAYS['in a foreign backend']! : {};
    const before = OperatorHarness.ofTwo(build(bounds), options);
    before.processElement1({key: 1, id: 1}, 10);
    before.processElement1({key: 1, id: 2}, 20);
    before.processWatermark(15);
    const after = OperatorHarness.restoreTwo(build(bounds), [before.snapshot()], other);
    after.processElement2({key: 1, id: 3}, 15);
    after.processWatermark(24);
    after.processElement2({key: 1, id: 4}, 25);
    after.processWatermark(25);

    t.deepEqual(after.values, ['2 3 20 15 20', '2 4 20 25 25']);
    t.is(after.eventTimeTimerCount > 0, other.stateBackends !== undefined);
  });
}

test('keys of all kinds are told apart on the heap', t => {
  const harness = OperatorHarness.ofTwo((a: DataStream<any>, b: DataStream<any>) =>
    a
      .keyBy((value: any) => value.key)
      .intervalJoin(b.keyBy((value: any) => value.key))
      .between(0, 0)
      .process<unknown>((left, _right, _context, out) => out.collect(left.key)),
  );
  const keys = [1, '1', true, 1n, new Date(1), [1], ['1'], 0, -0, 0.5];
  for (const key of keys) harness.processElement1({key}, 1);
  for (const key of keys) harness.processElement2({key: structuredClone(key)}, 1);

  t.deepEqual(harness.values, keys);
  const restored = harness.snapshot();
  t.is(
    Object.values(restored.operators).flatMap(({keyed}) => keyed?.groups ?? []).length > 0,
    true,
  );
  t.throws(() => harness.processElement1({key: null}, 1), {code: 'E_KEY_NULL'});
  t.throws(() => harness.processElement1({key: {}}, 1), {code: 'E_KEY_TYPE'});
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
