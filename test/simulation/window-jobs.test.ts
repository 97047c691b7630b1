/**
 * Jobs with windows in the simulator, over many seeds: records out of order, several sources, keys of several
 * kinds, small segments, compiled loops and the interpreter, state in memory and on disk. What comes out is what a naive evaluation
 * of all records at once says. Watermarks allow for the disorder, so that nothing is late.
 */
import test from 'ava';
import type {KeyedStream} from '../../src/api/data-stream.ts';
import {Random} from '../../src/base/random.ts';
import {
  CumulativeEventTimeWindows,
  EventTimeSessionWindows,
  EventTimeTrigger,
  SlidingEventTimeWindows,
  TumblingEventTimeWindows,
  WatermarkStrategy,
  type DataStream,
  type WindowAssigner,
  type WindowedStream,
} from '../../src/index.ts';
import {simulate} from '../../src/testing/index.ts';

const SEEDS = Number(process.env['MILLRACE_SEEDS'] ?? 240);
const PER_TEST = 40;

interface Entry {
  readonly id: number;
  readonly key: string | number;
  readonly value: number;
  readonly text: string;
  readonly ts: number;
}

interface Result {
  readonly key: unknown;
  readonly start: number;
  readonly end: number;
  readonly result: unknown;
}

interface Drawn {
  readonly entries: readonly Entry[];
  readonly disorderMs: number;
  readonly windows: WindowKind;
  readonly fn: keyof typeof FUNCTIONS;
  readonly isPunctuated: boolean;
  readonly isGeneral: boolean;
  readonly keyBy: 'field' | 'function' | 'composite';
}

interface WindowKind {
  readonly name: string;
  readonly assigner: () => WindowAssigner<Entry>;
  /** The windows of the records of one key. */
  readonly group: (entries: readonly Entry[]) => Array<[start: number, end: number, Entry[]]>;
}

function byWindow(
  starts: (ts: number) => ReadonlyArray<readonly [start: number, end: number]>,
): WindowKind['group'] {
  return entries => {
    const windows = new Map<string, [number, number, Entry[]]>();
    for (const entry of entries) {
      for (const [start, end] of starts(entry.ts)) {
        const name = `${start} ${end}`;
        if (!windows.has(name)) windows.set(name, [start, end, []]);
        windows.get(name)![2].push(entry);
      }
    }
    return [...windows.values()];
  };
}

const WINDOWS: readonly WindowKind[] = [
  {
    name: 'tumbling',
    assigner: () => TumblingEventTimeWindows.of(20, 5),
    group: byWindow(ts => {
      const start = Math.floor((ts - 5) / 20) * 20 + 5;
      return [[start, start + 20]];
    }),
  },
  {
    name: 'sliding',
    assigner: () => SlidingEventTimeWindows.of(30, 10),
    group: byWindow(ts => {
      const last = Math.floor(ts / 10) * 10;
      return [last, last - 10, last - 20].map(start => [start, start + 30] as const);
    }),
  },
  {
    name: 'sliding unevenly',
    assigner: () => SlidingEventTimeWindows.of(25, 10),
    group: byWindow(ts => {
      const last = Math.floor(ts / 10) * 10;
      return [last, last - 10, last - 20]
        .filter(start => start + 25 > ts)
        .map(start => [start, start + 25] as const);
    }),
  },
  {
    name: 'cumulative',
    assigner: () => CumulativeEventTimeWindows.of(40, 10),
    group: byWindow(ts => {
      const start = Math.floor(ts / 40) * 40;
      return [10, 20, 30, 40]
        .map(length => [start, start + length] as const)
        .filter(([, end]) => end > ts);
    }),
  },
  {
    name: 'session',
    assigner: () => EventTimeSessionWindows.withGap(8),
    group: entries => {
      const sessions: Array<[number, number, Entry[]]> = [];
      for (const entry of [...entries].sort((a, b) => a.ts - b.ts)) {
        const last = sessions.at(-1);
        if (last !== undefined && entry.ts <= last[1]) {
          last[1] = entry.ts + 8;
          last[2].push(entry);
        } else sessions.push([entry.ts, entry.ts + 8, [entry]]);
      }
      return sessions;
    },
  },
];

interface Counted {
  readonly key: string | number;
  readonly count: number;
  readonly sum: number;
}

type Windowed = WindowedStream<Entry, unknown>;
type Emit = (
  key: unknown,
  context: {window: {start: number; end: number}},
  elements: readonly any[],
) => Result[];

/** Adds the window to the one element that a function makes of it. */
const withWindow: Emit = (key, {window}, [result]) => [
  {key, start: window.start, end: window.end, result},
];

/** Each with what it makes of the records of a window; none cares about their order. */
const FUNCTIONS = {
  count: {
    build: (windows: Windowed) =>
      windows.aggregate(
        {
          createAccumulator: (): Counted => ({key: 0, count: 0, sum: 0}),
          add: (entry, {count, sum}) => ({
            key: entry.key,
            count: count + 1,
            sum: sum + entry.value,
          }),
          getResult: accumulator => accumulator,
          merge: (a, b) => ({key: a.key, count: a.count + b.count, sum: a.sum + b.sum}),
        },
        withWindow,
      ),
    naive: (entries: readonly Entry[]) => ({
      key: entries[0]!.key,
      count: entries.length,
      sum: entries.reduce((sum, {value}) => sum + value, 0),
    }),
  },
  number: {
    build: (windows: Windowed) =>
      windows.aggregate(
        {
          createAccumulator: () => 0,
          add: ({value}, sum) => sum + value,
          getResult: sum => sum,
          merge: (a, b) => a + b,
        },
        withWindow,
      ),
    naive: (entries: readonly Entry[]) => entries.reduce((sum, {value}) => sum + value, 0),
  },
  distinct: {
    build: (windows: Windowed) =>
      windows.aggregate(
        {
          createAccumulator: () => new Set<string>(),
          add: ({text}, texts) => texts.add(text),
          getResult: texts => [...texts].sort(),
          merge: (a, b) => new Set([...a, ...b]),
        },
        withWindow,
      ),
    naive: (entries: readonly Entry[]) => [...new Set(entries.map(({text}) => text))].sort(),
  },
  longest: {
    // Texts lie in cells; of equally long ones the smaller wins.
    build: (windows: Windowed) =>
      windows.aggregate(
        {
          createAccumulator: () => ({text: '', seen: 0}),
          add: ({text}, best) => ({text: longer(text, best.text), seen: best.seen + 1}),
          getResult: best => best,
          merge: (a, b) => ({text: longer(a.text, b.text), seen: a.seen + b.seen}),
        },
        withWindow,
      ),
    naive: (entries: readonly Entry[]) => ({
      text: entries.map(({text}) => text).reduce(longer),
      seen: entries.length,
    }),
  },
  reduce: {
    build: (windows: Windowed) =>
      windows.reduce(
        (a, b) => ({
          id: Math.max(a.id, b.id),
          key: a.key,
          value: a.value + b.value,
          text: longer(a.text, b.text),
          ts: Math.min(a.ts, b.ts),
        }),
        withWindow,
      ),
    naive: (entries: readonly Entry[]) => ({
      id: Math.max(...entries.map(({id}) => id)),
      key: entries[0]!.key,
      value: entries.reduce((sum, {value}) => sum + value, 0),
      text: entries.map(({text}) => text).reduce(longer),
      ts: Math.min(...entries.map(({ts}) => ts)),
    }),
  },
  process: {
    build: (windows: Windowed) =>
      windows.process((key, {window}, elements): Result[] => [
        {
          key,
          start: window.start,
          end: window.end,
          result: elements.map(({id}) => id).sort((a, b) => a - b),
        },
      ]),
    naive: (entries: readonly Entry[]) => entries.map(({id}) => id).sort((a, b) => a - b),
  },
} satisfies Record<
  string,
  {
    build: (windows: Windowed) => DataStream<Result>;
    naive: (entries: readonly Entry[]) => unknown;
  }
>;

function longer(a: string, b: string): string {
  return a.length > b.length || (a.length === b.length && a <= b) ? a : b;
}

function pick<T>(random: Random, items: readonly T[]): T {
  return items[random.below(items.length)]!;
}

function draw(seed: number): Drawn {
  const random = new Random(seed);
  const disorderMs = pick(random, [0, 5, 40]);
  const keyKind = pick(random, ['int', 'float', 'text', 'mixed'] as const);
  const keyCount = pick(random, [1, 3, 40]);
  const count = random.below(500);
  const keyOf = (n: number): string | number => {
    if (keyKind === 'int') return n;
    if (keyKind === 'float') return n / 2 - 1;
    return keyKind === 'text' || n % 2 === 0 ? `key ${n}` : n;
  };
  // Values become wider on the way: whole numbers, fractions, then very large ones.
  const entries = Array.from({length: count}, (_, id): Entry => {
    const value = random.below(100);
    return {
      id,
      key: keyOf(random.below(keyCount)),
      value: id < count / 2 ? value : id < (count * 3) / 4 ? value / 4 : value * 2 ** 34,
      text: 'x'.repeat(random.below(4)) + String(random.below(5)),
      ts: Math.max(0, Math.floor(id / 3) - random.below(disorderMs + 1)),
    };
  });
  return {
    entries,
    disorderMs,
    windows: pick(random, WINDOWS),
    fn: pick(random, Object.keys(FUNCTIONS) as Array<keyof typeof FUNCTIONS>),
    isPunctuated: random.below(2) === 0,
    isGeneral: random.below(4) === 0,
    keyBy: pick(random, ['field', 'field', 'function', 'composite'] as const),
  };
}

/** A watermark behind each record, so that windows fire all the time. */
function punctuated(disorderMs: number): WatermarkStrategy<Entry> {
  return WatermarkStrategy.forGenerator<Entry>(() => {
    let largest = -Infinity;
    return {
      onEvent(_entry, timestamp, output) {
        if (timestamp <= largest) return;
        largest = timestamp;
        output.emitWatermark(largest - disorderMs - 2);
      },
      onPeriodicEmit() {},
    };
  });
}

function keyed(stream: DataStream<Entry>, kind: Drawn['keyBy']): KeyedStream<Entry, unknown> {
  if (kind === 'field') return stream.keyBy('key') as KeyedStream<Entry, unknown>;
  if (kind === 'composite') {
    return stream.keyBy('key', 'text') as unknown as KeyedStream<Entry, unknown>;
  }
  return stream.keyBy(entry => `${entry.key}`) as KeyedStream<Entry, unknown>;
}

function keyOf(entry: Entry, kind: Drawn['keyBy']): unknown {
  if (kind === 'field') return entry.key;
  return kind === 'composite' ? [entry.key, entry.text] : String(entry.key);
}

function expected({entries, windows, fn, keyBy}: Drawn): string[] {
  const byKey = new Map<string, Entry[]>();
  for (const entry of entries) {
    const name = JSON.stringify(keyOf(entry, keyBy));
    byKey.set(name, [...(byKey.get(name) ?? []), entry]);
  }
  return [...byKey.values()]
    .flatMap(own =>
      windows.group(own).map(([start, end, held]) =>
        JSON.stringify({
          key: keyOf(own[0]!, keyBy),
          start,
          end,
          result: FUNCTIONS[fn].naive(held),
        }),
      ),
    )
    .sort();
}

for (let first = 0; first < SEEDS; first += PER_TEST) {
  test(`windows of jobs hold what they should, seeds ${first} to ${first + PER_TEST - 1}`, async t => {
    for (let seed = first; seed < first + PER_TEST; seed += 1) {
      const drawn = draw(seed);
      const random = new Random(seed ^ 0x3157);
      const {entries, disorderMs, windows, fn, isPunctuated, isGeneral, keyBy} = drawn;

      const result = await simulate(
        env => {
          const strategy = (
            isPunctuated
              ? punctuated(disorderMs)
              : WatermarkStrategy.forBoundedOutOfOrderness<Entry>(disorderMs + 1)
          ).withTimestampAssigner(({ts}) => ts);
          const timed = env.generate(i => entries[i]!, {
            count: entries.length,
            watermarks: strategy,
          });
          const windowed = keyed(timed, keyBy).window(windows.assigner());
          if (isGeneral) windowed.trigger(EventTimeTrigger.create());
          FUNCTIONS[fn].build(windowed).collect('out');
        },
        {
          seed,
          parallelism: 1 + random.below(3),
          config: {
            segmentSize: 1024 << random.below(3),
            bufferTimeoutMs: pick(random, [0, 1, 100]),
            codeGeneration: random.below(4) !== 0,
            // On disk the general operator runs, whatever the windows.
            stateBackend: random.below(10) === 0 ? 'lmdb' : 'memory',
          },
        },
      );

      const found = result.collected['out']!.map(each => JSON.stringify(each)).sort();
      const wanted = expected(drawn);
      if (JSON.stringify(found) !== JSON.stringify(wanted)) {
        const missing = wanted.filter(each => !found.includes(each)).slice(0, 5);
        const extra = found.filter(each => !wanted.includes(each)).slice(0, 5);
        const setting = {windows: windows.name, fn, keyBy, isPunctuated, isGeneral, disorderMs};
        t.fail(`seed ${seed}: ${JSON.stringify({setting, missing, extra}, undefined, 1)}`);
        return;
      }
    }
    t.pass();
  });
}
