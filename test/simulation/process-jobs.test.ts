/**
 * Process functions in whole jobs, whose results do not depend on the order of steps: state and timers per
 * key, connected and broadcast streams, and async calls in front of timers, which would drop whatever a
 * watermark has passed by mistake.
 */
import test from 'ava';
import {Random} from '../../src/base/random.ts';
import {
  AsyncDataStream,
  MapStateDescriptor,
  ValueStateDescriptor,
  WatermarkStrategy,
  type Collector,
  type DataStream,
  type KeyedProcessContext,
  type KeyedProcessFunction,
  type MapState,
  type RuntimeContext,
  type StreamExecutionEnvironment,
  type ValueState,
} from '../../src/index.ts';
import {simulate, type SimulatedFault} from '../../src/testing/index.ts';
import {bag} from '../support/random-job.ts';

const SEEDS = Number(process.env['MILLRACE_SEEDS'] ?? 60);
const BUCKET_MS = 50;

interface Event {
  readonly k: number;
  readonly v: number;
  readonly ts: number;
}

interface Draw {
  readonly seed: number;
  readonly count: number;
  readonly keys: number;
  readonly disorderMs: number;
}

function draw(seed: number): Draw {
  const random = new Random(seed);
  return {
    seed,
    count: 1 + random.below(400),
    keys: 1 + random.below(40),
    disorderMs: random.below(120),
  };
}

/** The event of an index: mixes, so that keys and times look random and every thread makes the same. */
function eventOf({seed, keys, disorderMs}: Draw, index: number): Event {
  const mixed = Math.imul(index ^ Math.imul(seed, 0x9e3779b1), 0x85ebca6b) >>> 8;
  return {
    k: mixed % keys,
    v: mixed % 1000,
    ts: index * 7 - (disorderMs === 0 ? 0 : (mixed >>> 5) % disorderMs),
  };
}

function eventsOf(drawn: Draw): Event[] {
  return Array.from({length: drawn.count}, (_, index) => eventOf(drawn, index));
}

function source(env: StreamExecutionEnvironment, drawn: Draw): DataStream<Event> {
  return env
    .generate(index => eventOf(drawn, index), {count: drawn.count})
    .assignTimestampsAndWatermarks(
      WatermarkStrategy.forBoundedOutOfOrderness<Event>(drawn.disorderMs).withTimestampAssigner(
        ({ts}) => ts,
      ),
    );
}

const bucketOf = (ts: number) => Math.floor(ts / BUCKET_MS) * BUCKET_MS;

/** Sums of a key per bucket of time, emitted when the bucket is over; late records are shown as such. */
class BucketSums implements KeyedProcessFunction<number, Event, unknown> {
  #sums!: MapState<number, number>;
  #late!: ValueState<number>;

  open(context: RuntimeContext): void {
    this.#sums = context.getMapState(new MapStateDescriptor<number, number>('sums'));
    this.#late = context.getState(new ValueStateDescriptor<number>('late'));
  }

  processElement(
    {v, ts}: Event,
    {currentKey, timestamp, timerService}: KeyedProcessContext<number>,
    out: Collector<unknown>,
  ): void {
    const bucket = bucketOf(timestamp!);
    if (timestamp !== ts || bucket + BUCKET_MS - 1 <= timerService.currentWatermark) {
      this.#late.update((this.#late.value() ?? 0) + 1);
      out.collect({late: currentKey, ts});
      return;
    }
    this.#sums.put(bucket, (this.#sums.get(bucket) ?? 0) + v);
    timerService.registerEventTimeTimer(bucket + BUCKET_MS - 1);
  }

  onTimer(
    timestamp: number,
    {currentKey}: KeyedProcessContext<number>,
    out: Collector<unknown>,
  ): void {
    const bucket = timestamp - BUCKET_MS + 1;
    out.collect({k: currentKey, bucket, sum: this.#sums.get(bucket)});
    this.#sums.remove(bucket);
  }
}

/** Adds to each record the timestamp that the engine gives it. */
function withTimestamps(stream: DataStream<any>): DataStream<unknown> {
  return stream.process<unknown>({
    processElement(value, {timestamp}, out) {
      out.collect({...value, at: timestamp});
    },
  });
}

function bucketSums(events: readonly Event[]): unknown[] {
  const sums = new Map<string, {k: number; bucket: number; sum: number; at: number}>();
  for (const {k, v, ts} of events) {
    const bucket = bucketOf(ts);
    const name = `${k} ${bucket}`;
    const entry = sums.get(name) ?? {k, bucket, sum: 0, at: bucket + BUCKET_MS - 1};
    sums.set(name, {...entry, sum: entry.sum + v});
  }
  return [...sums.values()];
}

/** Runs `build` for every seed in a drawn environment and compares what was collected. */
function agrees(
  title: string,
  build: (env: StreamExecutionEnvironment, drawn: Draw) => void,
  oracle: (drawn: Draw, parallelism: number) => readonly unknown[],
): void {
  test(title, async t => {
    for (let seed = 0; seed < SEEDS; seed += 1) {
      const random = new Random(seed ^ 0xca5e);
      const drawn = draw(seed);
      const parallelism = 1 + random.below(3);
      const workers = 1 + random.below(parallelism);
      const config = {
        segmentSize: 1024 << random.below(3),
        exclusiveCredits: 1 + random.below(3),
        floatingCredits: random.below(5),
        bufferTimeoutMs: [0, 1, 100, -1][random.below(4)]!,
        codeGeneration: random.below(3) !== 0,
      };
      const faults = Array.from({length: random.below(3)}, (): SimulatedFault => ({
        kind: 'stall',
        atStep: random.below(300),
        worker: random.below(workers),
        steps: random.below(200),
      }));
      const result = await simulate(env => build(env, drawn), {
        seed,
        workers,
        parallelism,
        config,
        faults,
      });
      const expected = oracle(drawn, parallelism);
      if (bag(result.collected['out'] ?? []) !== bag(expected)) {
        t.fail(`seed ${seed}: ${JSON.stringify({drawn, parallelism, workers, config})}`);
        t.deepEqual(bag(result.collected['out'] ?? []), bag(expected));
        return;
      }
    }
    t.pass();
  });
}

agrees(
  'timers fire when their bucket is complete, whatever the order of steps',
  (env, drawn) => {
    withTimestamps(source(env, drawn).keyBy('k').process(new BucketSums())).collect('out');
  },
  drawn => bucketSums(eventsOf(drawn)),
);

for (const mode of ['ordered', 'unordered'] as const) {
  agrees(
    `async calls keep records in front of their watermarks, ${mode}`,
    (env, drawn) => {
      const random = new Random(drawn.seed);
      const call = async (event: Event): Promise<Event[]> => {
        for (let turns = random.below(4); turns > 0; turns -= 1) {
          await new Promise(resolve => {
            setImmediate(resolve);
          });
        }
        return event.v % 5 === 0 ? [] : event.v % 7 === 0 ? [event, event] : [event];
      };
      const options = {timeoutMs: 60_000, capacity: 1 + random.below(20)};
      const answers =
        mode === 'ordered'
          ? AsyncDataStream.orderedWait(source(env, drawn), call, options)
          : AsyncDataStream.unorderedWait(source(env, drawn), call, options);
      withTimestamps(answers.keyBy('k').process(new BucketSums())).collect('out');
    },
    drawn =>
      bucketSums(
        eventsOf(drawn).flatMap(event =>
          event.v % 5 === 0 ? [] : event.v % 7 === 0 ? [event, event] : [event],
        ),
      ),
  );
}

agrees(
  'retries and time limits go by the clock of the engine',
  (env, drawn) => {
    const attempts = new Map<number, number>();
    const answers = AsyncDataStream.unorderedWait(
      source(env, drawn),
      {
        // The first failure comes at once: one that came after the end of input would be the last.
        asyncInvoke(event: Event): Promise<Event[]> {
          const attempt = (attempts.get(event.ts) ?? 0) + 1;
          attempts.set(event.ts, attempt);
          if (event.v % 3 === 0 && attempt === 1) throw new Error('busy');
          return event.v % 11 === 0 ? new Promise(() => {}) : Promise.resolve([event]);
        },
        timeout(event: Event, result: {complete(events: Event[]): void}) {
          result.complete([{...event, v: 0}]);
        },
      },
      {timeoutMs: 500, capacity: 500, retry: {retriesMax: 1, delayMs: 20}},
    );
    withTimestamps(answers.keyBy('k').process(new BucketSums())).collect('out');
  },
  drawn =>
    bucketSums(eventsOf(drawn).map(event => (event.v % 11 === 0 ? {...event, v: 0} : event))),
);

agrees(
  'connected streams meet in the state of their key',
  (env, drawn) => {
    class Totals {
      #totals!: MapState<string, number>;

      open(context: RuntimeContext) {
        this.#totals = context.getMapState(new MapStateDescriptor<string, number>('totals'));
      }

      #add(side: string, {v}: Event, {timerService}: KeyedProcessContext<number>) {
        this.#totals.put(side, (this.#totals.get(side) ?? 0) + v);
        timerService.registerEventTimeTimer(Infinity);
      }

      processElement1(event: Event, context: KeyedProcessContext<number>) {
        this.#add('first', event, context);
      }

      processElement2(event: Event, context: KeyedProcessContext<number>) {
        this.#add('second', event, context);
      }

      onTimer(
        _timestamp: number,
        {currentKey}: KeyedProcessContext<number>,
        out: Collector<unknown>,
      ) {
        const [first, second] = [this.#totals.get('first') ?? 0, this.#totals.get('second') ?? 0];
        out.collect({k: currentKey, first, second});
      }
    }
    const events = source(env, drawn);
    const even = events.filter(({v}) => v % 2 === 0);
    events.keyBy('k').connect(even.keyBy('k')).process<unknown>(new Totals()).collect('out');
  },
  drawn => {
    const totals = new Map<number, {k: number; first: number; second: number}>();
    for (const {k, v} of eventsOf(drawn)) {
      const total = totals.get(k) ?? {k, first: 0, second: 0};
      total.first += v;
      if (v % 2 === 0) total.second += v;
      totals.set(k, total);
    }
    return [...totals.values()];
  },
);

agrees(
  'every subtask has the same broadcast state in the end',
  (env, drawn) => {
    const maxima = new MapStateDescriptor<number, number>('maxima');
    let subtask = 0;
    let state: ReadonlyMap<number, number> = new Map();
    const events = source(env, drawn);
    env
      .sequence(0, 9)
      .connect(events.broadcast(maxima))
      .process<unknown>({
        open(context: RuntimeContext) {
          subtask = context.subtaskIndex;
        },
        processElement() {},
        processBroadcastElement({k, v}, context) {
          const own = context.getBroadcastState(maxima);
          own.put(k, Math.max(own.get(k) ?? -1, v));
          state = new Map(own.entries());
        },
        finish(out) {
          out.collect({subtask, maxima: [...state].sort(([a], [b]) => a - b)});
        },
      })
      .collect('out');
  },
  (drawn, parallelism) => {
    const maxima = new Map<number, number>();
    for (const {k, v} of eventsOf(drawn)) maxima.set(k, Math.max(maxima.get(k) ?? -1, v));
    const sorted = [...maxima].sort(([a], [b]) => a - b);
    return Array.from({length: parallelism}, (_, subtask) => ({subtask, maxima: sorted}));
  },
);

test('at the end of input a call that waits for its retry is made at once, also if nothing else fits', async t => {
  const attempts: number[] = [];
  const result = await simulate(
    env => {
      const call = (n: number): Promise<number[]> => {
        attempts.push(n);
        if (attempts.length === 1) throw new Error('busy');
        return Promise.resolve([n]);
      };
      const retry = {retriesMax: 5, delayMs: 3_600_000};
      AsyncDataStream.orderedWait(env.fromElements(1), call, {
        timeoutMs: 7_200_000,
        // For the record, and for the last watermark.
        capacity: 2,
        retry,
      }).collect('out');
    },
    {seed: 1, parallelism: 1},
  );

  t.deepEqual(attempts, [1, 1]);
  t.deepEqual(result.collected['out'], [1]);
  t.true(result.virtualMs < 60_000, `${result.virtualMs} ms`);
});
