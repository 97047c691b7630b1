/**
 * Batch mode against streaming mode: the same bounded jobs, drawn at random, give the same final results.
 * Watermarks allow for the disorder of records, so that in streaming mode nothing is late; in batch mode
 * nothing ever is. The sorts of batch mode have from one kilobyte to all the memory that they want.
 */
import {readdirSync} from 'node:fs';
import {deepStrictEqual} from 'node:assert';
import test from 'ava';
import fc from 'fast-check';
import {
  EventTimeSessionWindows,
  EventTimeTrigger,
  MapStateDescriptor,
  SlidingEventTimeWindows,
  TumblingEventTimeWindows,
  ValueStateDescriptor,
  WatermarkStrategy,
  type Collector,
  type DataStream,
  type KeyedProcessContext,
  type KeyedStream,
  type MapState,
  type RuntimeContext,
  type StreamExecutionEnvironment,
  type ValueState,
  type WindowAssigner,
} from '../../src/index.ts';
import {simulate, type SimulatedFault, type SimulationResult} from '../../src/testing/index.ts';
import {temporaryDirectory} from '../support/temporary-directory.ts';

const RUNS = Number(process.env['MILLRACE_SEEDS'] ?? 12);
const DISORDER_MS = 20;

interface Event {
  readonly k: number;
  readonly name: string;
  readonly v: number;
  readonly ts: number;
}

type KeyKind = 'number' | 'text' | 'composite' | 'function';

interface Draw {
  readonly events: readonly Event[];
  readonly others: readonly Event[];
  readonly key: KeyKind;
  readonly factor: number;
  readonly divisor: number;
  readonly parallelism: number;
  readonly segmentSize: number;
  readonly batchSortMemory: number;
  readonly codeGeneration: boolean;
  readonly seed: number;
}

/** Times go up, save for some disorder. */
const events = fc
  .array(
    fc.record({
      k: fc.oneof(fc.integer({min: 0, max: 4}), fc.integer()),
      name: fc.constantFrom('', 'a', 'b', 'AaAa', 'BBBB', 'AaBB'),
      v: fc.integer({min: -99, max: 99}),
      delayMs: fc.nat({max: DISORDER_MS}),
    }),
    {maxLength: 160, size: 'max'},
  )
  .map(drawn => drawn.map(({k, name, v, delayMs}, at) => ({k, name, v, ts: at * 3 - delayMs})));

const draws: fc.Arbitrary<Draw> = fc.record({
  events,
  others: events,
  key: fc.constantFrom<KeyKind>('number', 'text', 'composite', 'function'),
  factor: fc.integer({min: 1, max: 3}),
  divisor: fc.integer({min: 1, max: 4}),
  parallelism: fc.integer({min: 1, max: 3}),
  segmentSize: fc.constantFrom(1024, 4096, 32768),
  batchSortMemory: fc.constantFrom(1024, 4096, 1 << 26),
  codeGeneration: fc.boolean(),
  seed: fc.nat(),
});

function keyed(stream: DataStream<Event>, key: KeyKind): KeyedStream<Event, unknown> {
  switch (key) {
    case 'number':
      return stream.keyBy('k');
    case 'text':
      return stream.keyBy('name');
    case 'composite':
      return stream.keyBy('k', 'name');
    case 'function':
      return stream.keyBy(({k, name}) => [name, k % 3]);
  }
}

function streamOf(
  env: StreamExecutionEnvironment,
  values: readonly Event[],
  {factor, divisor}: Draw,
): DataStream<Event> {
  return env
    .fromCollection(values)
    .assignTimestampsAndWatermarks(
      WatermarkStrategy.forBoundedOutOfOrderness<Event>(DISORDER_MS).withTimestampAssigner(
        ({ts}) => ts,
      ),
    )
    .map(event => ({...event, v: event.v * factor}))
    .filter(({v}) => v % divisor === 0);
}

type Build = (
  left: KeyedStream<Event, unknown>,
  right: KeyedStream<Event, unknown>,
  env: StreamExecutionEnvironment,
) => DataStream<any>;

async function run(
  drawn: Draw,
  runtimeMode: 'batch' | 'streaming',
  directory: string,
  build: Build,
  faults: readonly SimulatedFault[] = [],
): Promise<SimulationResult> {
  const {parallelism, segmentSize, batchSortMemory, codeGeneration, seed} = drawn;
  return simulate(
    env => {
      const left = keyed(streamOf(env, drawn.events, drawn), drawn.key);
      const right = keyed(streamOf(env, drawn.others, drawn), drawn.key);
      build(left, right, env).collect('out');
      // A build need not read both.
      left.discard();
      right.discard();
    },
    {
      seed,
      parallelism,
      workers: Math.min(parallelism, 2),
      faults,
      config: {
        runtimeMode,
        segmentSize,
        batchSortMemory,
        codeGeneration,
        temporaryDirectory: directory,
        autoWatermarkIntervalMs: seed % 2,
      },
    },
  );
}

type ResultsOf = (result: SimulationResult) => readonly unknown[];

const everything: ResultsOf = ({collected}) =>
  (collected['out'] ?? []).map(value => JSON.stringify(value)).sort();

/** Rolling aggregations: what a key has in the end. */
const lastOfKey: ResultsOf = ({collected}) => {
  const last = new Map<string, unknown>();
  for (const value of collected['out'] ?? []) {
    const {key, ...rest} = value as {key: unknown};
    last.set(JSON.stringify(key), rest);
  }
  return [...last].map(entry => JSON.stringify(entry)).sort();
};

function agrees(title: string, build: Build, resultsOf = everything): void {
  test(`batch and streaming agree: ${title}`, async t => {
    const directory = temporaryDirectory(t);
    let results = 0;
    let spilledBytes = 0;
    await fc.assert(
      fc.asyncProperty(draws, async drawn => {
        const streaming = await run(drawn, 'streaming', directory, build);
        const batch = await run(drawn, 'batch', directory, build);
        const expected = resultsOf(streaming);
        results += expected.length;
        spilledBytes += spilled(batch);
        deepStrictEqual(resultsOf(batch), expected);
        deepStrictEqual(readdirSync(directory), []);
      }),
      {numRuns: RUNS, seed: 4711, includeErrorInReport: true},
    );
    t.true(results > 2 * RUNS);
    t.log(`${results} results, ${spilledBytes} bytes spilled`);
  });
}

function spilled({metrics}: SimulationResult): number {
  let bytes = 0;
  for (const {counters} of metrics.tasks) bytes += counters['sortSpilledBytes'] ?? 0;
  return bytes;
}

interface Summed {
  readonly key: number;
  readonly v: number;
}

for (const emits of ['sum', 'reduce'] as const) {
  agrees(
    `a keyed ${emits}, by its last value for each key`,
    left => {
      const values = left.map(({k, v}): Summed => ({key: Math.abs(k % 5), v})).keyBy('key');
      return emits === 'sum'
        ? values.sum('v')
        : values.reduce((a, b) => ({key: a.key, v: a.v + b.v}));
    },
    lastOfKey,
  );
}

const WINDOWS: ReadonlyArray<readonly [name: string, assigner: () => WindowAssigner<Event>]> = [
  ['tumbling', () => TumblingEventTimeWindows.of(30)],
  ['sliding', () => SlidingEventTimeWindows.of(40, 10)],
  ['session', () => EventTimeSessionWindows.withGap(12)],
];

for (const [name, assigner] of WINDOWS) {
  agrees(`${name} windows that aggregate`, left =>
    left.window(assigner()).aggregate(
      {
        createAccumulator: () => ({count: 0, sum: 0}),
        add: ({v}: Event, {count, sum}) => ({count: count + 1, sum: sum + v}),
        getResult: accumulator => accumulator,
        merge: (a, b) => ({count: a.count + b.count, sum: a.sum + b.sum}),
      },
      (key, {window}, [result]) => [{key, start: window.start, end: window.end, ...result!}],
    ),
  );

  agrees(`${name} windows that are handed all elements`, left =>
    left
      .window(assigner())
      .apply((key, {start, end}, elements) => [
        {key, start, end, vs: elements.map(({v, ts}) => `${ts} ${v}`).sort()},
      ]),
  );
}

/** State and timers per key; what it emits does not depend on the order of a key's records. */
class Buckets {
  #sums!: MapState<number, number>;
  #count!: ValueState<number>;

  open(context: RuntimeContext): void {
    this.#sums = context.getMapState(new MapStateDescriptor<number, number>('sums'));
    this.#count = context.getState(new ValueStateDescriptor<number>('count'));
  }

  processElement({v, ts}: Event, {timerService}: KeyedProcessContext<unknown>): void {
    const bucket = Math.floor(ts / 25) * 25;
    this.#count.update((this.#count.value() ?? 0) + 1);
    this.#sums.put(bucket, (this.#sums.get(bucket) ?? 0) + v);
    timerService.registerEventTimeTimer(bucket + 24 + DISORDER_MS);
    timerService.registerEventTimeTimer(Infinity);
    timerService.registerEventTimeTimer(ts + 10_000);
    timerService.deleteEventTimeTimer(ts + 10_000);
  }

  processElement1(event: Event, context: KeyedProcessContext<unknown>): void {
    this.processElement(event, context);
  }

  processElement2(event: Event, context: KeyedProcessContext<unknown>): void {
    this.processElement({...event, v: -1000 * event.v}, context);
  }

  onTimer(
    timestamp: number,
    {currentKey}: KeyedProcessContext<unknown>,
    out: Collector<unknown>,
  ): void {
    if (timestamp === Infinity) {
      out.collect({key: currentKey, count: this.#count.value(), left: [...this.#sums.keys()]});
      return;
    }
    const bucket = timestamp - 24 - DISORDER_MS;
    out.collect({key: currentKey, bucket, sum: this.#sums.get(bucket)});
    this.#sums.remove(bucket);
  }
}

agrees('a process function with state and timers', left => left.process(new Buckets()));

agrees('a process function of two keyed streams', (left, right) =>
  left.connect(right).process<unknown>(new Buckets()),
);

agrees('a process function of a stream that meets itself', left =>
  left.connect(left).process<unknown>(new Buckets()),
);

agrees(
  'a function with state on a keyed stream',
  left => {
    let count: ValueState<number>;
    return left.map({
      open(context: RuntimeContext) {
        count = context.getState(new ValueStateDescriptor<number>('count'));
      },
      map({name}: Event) {
        count.update((count.value() ?? 0) + 1);
        return {isNamed: name !== '', nth: count.value()};
      },
    });
  },
  ({collected}) =>
    (collected['out'] ?? []).map(value => (value as {nth: number}).nth).sort((a, b) => a - b),
);

agrees('an interval join', (left, right) =>
  left
    .intervalJoin(right)
    .between(-15, 20)
    .process<unknown>((a, b, {timestamp}, out) => out.collect({a, b, timestamp})),
);

agrees('a window join and a co-group', (left, right) => {
  const windows = () => TumblingEventTimeWindows.of(40);
  const pairs = left
    .join(right)
    .where(({name}) => name)
    .equalTo(({name}) => name)
    .window(windows())
    .apply((a: Event, b: Event) => [a.ts, a.v, b.ts, b.v]);
  const groups = left
    .coGroup(right)
    .where(({k}) => k % 4)
    .equalTo(({k}) => k % 4)
    .window(windows())
    .apply((as: readonly Event[], bs: readonly Event[], out: Collector<number[]>) =>
      out.collect([as.length, bs.length]),
    );
  return pairs.union(groups);
});

agrees('whole partitions of keys, and windows over all keys', left => {
  const partitions = left
    .fullWindowPartition()
    .mapPartition((values: readonly Event[]) => [
      {count: values.length, names: [...new Set(values.map(({name}) => name))].sort()},
    ]);
  const all = left
    .windowAll(TumblingEventTimeWindows.of(50))
    .apply(({start}, values) => [{start, count: values.length}]);
  return (partitions as DataStream<any>).union(all);
});

agrees('windows with a trigger of their own and lateness', left =>
  left
    .window(TumblingEventTimeWindows.of(40))
    .trigger(EventTimeTrigger.create())
    .allowedLateness(30)
    .reduce((a: Event, b: Event) => ({...a, v: a.v + b.v, name: '', ts: 0, k: 0}))
    .map(({v}) => v),
);

agrees('keyed operators behind keyed operators', (left, right) =>
  left
    .process<any>(new Buckets())
    .filter(({sum}) => sum !== undefined)
    .keyBy('bucket')
    .connect(right.keyBy(({ts}) => Math.floor(ts / 25) * 25))
    .process<unknown>({
      processElement1: ({sum}, {currentKey}, out) => out.collect({currentKey, sum}),
      processElement2: ({v}, {currentKey}, out) => out.collect({currentKey, v}),
    }),
);

test('broadcast state is complete before the other input is read, keyed or not', async t => {
  const directory = temporaryDirectory(t);
  const rules = new MapStateDescriptor<string, number>('rules');
  let results = 0;
  await fc.assert(
    fc.asyncProperty(draws, fc.boolean(), async (drawn, isKeyed) => {
      const {collected} = await run(drawn, 'batch', directory, (left, right) => {
        const fn = {
          processElement({name}: Event, context: any, out: Collector<unknown>) {
            out.collect([...context.getBroadcastState(rules).keys()].length);
            void name;
          },
          processBroadcastElement({k, name}: Event, context: any) {
            context.getBroadcastState(rules).put(`${k} ${name}`, 1);
          },
        };
        const broadcast = right.broadcast(rules);
        return isKeyed
          ? left.connect(broadcast).process<unknown>(fn)
          : left.rebalance().connect(broadcast).process<unknown>(fn);
      });
      const {events: all, others, factor, divisor} = drawn;
      const kept = ({v}: Event) => (v * factor) % divisor === 0;
      const size = new Set(others.filter(kept).map(({k, name}) => `${k} ${name}`)).size;
      deepStrictEqual(
        collected['out'] ?? [],
        all.filter(kept).map(() => size),
      );
      results += all.length;
    }),
    {numRuns: RUNS, seed: 4712, includeErrorInReport: true},
  );
  t.true(results > 10 * RUNS);
});

function drawnOf(count: number, changes: Partial<Draw> = {}): Draw {
  const values = Array.from({length: count}, (_, at) => ({
    k: (at * 7) % 50,
    name: `n${at % 11}`,
    v: 1,
    ts: at,
  }));
  return {
    events: values,
    others: values,
    key: 'number',
    factor: 1,
    divisor: 1,
    parallelism: 2,
    segmentSize: 1024,
    batchSortMemory: 2048,
    codeGeneration: true,
    seed: 5,
    ...changes,
  };
}

test('a key ends before the next one begins, and its state with it', async t => {
  const seen: string[] = [];
  let value: ValueState<number>;
  const result = await run(drawnOf(400, {parallelism: 1}), 'batch', temporaryDirectory(t), left =>
    left.process<unknown>({
      open(context: RuntimeContext) {
        value = context.getState(new ValueStateDescriptor<number>('value'));
      },
      processElement({k}: Event, {timerService}, out) {
        if (value.value() === undefined) seen.push(`begin ${k}`);
        value.update(k);
        out.collect(timerService.currentWatermark);
        timerService.registerEventTimeTimer(77);
      },
      onTimer(timestamp, {currentKey, timerService}) {
        seen.push(`end ${currentKey}`);
        if (timerService.currentWatermark !== Infinity) seen.push('the watermark is not the last');
        // Nothing comes of it: the key is over.
        timerService.registerEventTimeTimer(timestamp + 1);
      },
    }),
  );

  t.is(result.collected['out']!.length, 400);
  t.true(result.collected['out']!.every(watermark => watermark === -Infinity));
  const keys = seen.filter(each => each.startsWith('begin')).map(each => each.slice(6));
  t.is(new Set(keys).size, 50);
  t.deepEqual(
    seen,
    keys.flatMap(key => [`begin ${key}`, `end ${key}`]),
  );
  t.true(spilled(result) > 0);
});

test('timers of processing time fire when their key ends, and not before', async t => {
  const result = await run(drawnOf(300), 'batch', temporaryDirectory(t), left =>
    left.process<unknown>({
      processElement({k}: Event, {timerService}, out) {
        out.collect(`record ${k}`);
        timerService.registerProcessingTimeTimer(timerService.currentProcessingTime() - 1);
      },
      onTimer(_timestamp, {currentKey, timerService}, out) {
        out.collect(`timer ${currentKey}`);
        timerService.registerProcessingTimeTimer(0);
      },
    }),
  );

  const ended = new Set<string>();
  let timers = 0;
  for (const each of result.collected['out'] as string[]) {
    const [what, key] = each.split(' ') as [string, string];
    if (what === 'timer') {
      ended.add(key);
      timers += 1;
    } else t.false(ended.has(key), each);
  }
  t.is(ended.size, 50);
  t.true(timers >= 50);
});

const fails: Build = left => {
  let count = 0;
  return left.process<unknown>({
    processElement() {
      count += 1;
      if (count === 100) throw new Error('the hundredth');
    },
  });
};

test('no file is left when a function throws, when the job is cancelled, and when it fails', async t => {
  const directory = temporaryDirectory(t);
  await t.throwsAsync(run(drawnOf(400), 'batch', directory, fails), {code: 'E_USER_FUNCTION'});
  t.deepEqual(readdirSync(directory), []);
  let mostSpilled = 0;
  for (const kind of ['cancel', 'fail'] as const) {
    for (let atStep = 20; atStep < 500; atStep += 80) {
      const fault = kind === 'cancel' ? {kind, atStep} : {kind, atStep, task: 0};
      const result = await run(
        drawnOf(400),
        'batch',
        directory,
        left => left.process(new Buckets()),
        [fault],
      );
      mostSpilled = Math.max(mostSpilled, spilled(result));
      t.deepEqual(readdirSync(directory), []);
    }
  }
  t.true(mostSpilled > 0);
});

test('a key that cannot be one fails the job with its record', async t => {
  const error = await t.throwsAsync(
    run(drawnOf(30), 'batch', temporaryDirectory(t), left =>
      left.keyBy(({k}) => (k === 21 ? Number.NaN : k)).process(new Buckets()),
    ),
    {code: 'E_KEY_NAN'},
  );
  t.regex(String(error), /21/);
});
