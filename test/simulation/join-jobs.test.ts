/**
 * Joins in whole jobs, under many orders of steps: several subtasks, out-of-order sources, skewed keys, a
 * side that is silent. Nothing is late, so the result is that of loops over arrays, in any order.
 */
import test from 'ava';
import {Random} from '../../src/base/random.ts';
import {
  EventTimeSessionWindows,
  SlidingEventTimeWindows,
  WatermarkStrategy,
  type DataStream,
  type StreamExecutionEnvironment,
} from '../../src/index.ts';
import {simulate, type SimulatedFault} from '../../src/testing/index.ts';

const SEEDS = Number(process.env['MILLRACE_SEEDS'] ?? 150);

interface Event {
  readonly k: number;
  readonly id: number;
  readonly ts: number;
}

interface Draw {
  readonly seed: number;
  readonly counts: readonly [number, number];
  readonly keys: number;
  readonly disorderMs: number;
  readonly lower: number;
  readonly upper: number;
  readonly size: number;
  readonly slide: number;
  readonly gap: number;
}

function draw(seed: number): Draw {
  const random = new Random(seed);
  const lower = random.below(60) - 30;
  const slide = 1 + random.below(60);
  const isSilent = random.below(10) === 0;
  return {
    seed,
    counts: [1 + random.below(150), isSilent ? 0 : 1 + random.below(150)],
    keys: 1 + random.below(12),
    disorderMs: random.below(80),
    lower,
    upper: lower + random.below(60),
    size: slide * (1 + random.below(3)),
    slide,
    gap: 1 + random.below(40),
  };
}

/** The events of a side: times and keys look random, small keys are more frequent. */
function eventOf({seed, keys, disorderMs}: Draw, side: number, index: number): Event {
  const mixed = Math.imul(2 * index + side + Math.imul(seed, 0x9e3779b1), 0x85ebca6b) >>> 8;
  const delayMs = disorderMs === 0 ? 0 : (mixed >>> 5) % disorderMs;
  return {k: (mixed % keys) >> (mixed % 3), id: index, ts: index * (3 + side) - delayMs};
}

function eventsOf(drawn: Draw, side: 0 | 1): Event[] {
  return Array.from({length: drawn.counts[side]}, (_, index) => eventOf(drawn, side, index));
}

function streamOf(env: StreamExecutionEnvironment, drawn: Draw, side: 0 | 1): DataStream<Event> {
  return env
    .generate(index => eventOf(drawn, side, index), {count: drawn.counts[side]})
    .assignTimestampsAndWatermarks(
      // Subtasks take pieces of the indexes: each of them is in order but for the delay.
      WatermarkStrategy.forBoundedOutOfOrderness<Event>(drawn.disorderMs)
        .withTimestampAssigner(({ts}) => ts)
        .withEmitStrategy(drawn.seed % 2 === 0 ? 'on-event' : 'on-periodic'),
    );
}

/** Runs a job over both streams under a seed, and gives what it collects. */
async function run(
  drawn: Draw,
  join: (left: DataStream<Event>, right: DataStream<Event>) => DataStream<any>,
): Promise<readonly unknown[]> {
  const {seed} = drawn;
  const faults: SimulatedFault[] = [{kind: 'stall', atStep: 20, worker: seed % 3, steps: 200}];
  const {collected, status} = await simulate(
    env => {
      join(streamOf(env, drawn, 0), streamOf(env, drawn, 1)).collect('joined');
    },
    {
      seed,
      parallelism: 1 + (seed % 3),
      faults,
      config: {autoWatermarkIntervalMs: 1, codeGeneration: seed % 5 !== 0},
    },
  );
  if (status !== 'FINISHED') throw new Error(`the job ended as ${status}`);
  return collected['joined'] ?? [];
}

/** The same items in an order that does not depend on the run. */
function bag(items: readonly unknown[]): unknown[] {
  return [...items].sort();
}

test(`interval joins find every pair, over ${SEEDS} seeds`, async t => {
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const drawn = draw(seed);
    const {lower, upper} = drawn;
    const expected = eventsOf(drawn, 0).flatMap(a =>
      eventsOf(drawn, 1)
        .filter(b => b.k === a.k && b.ts >= a.ts + lower && b.ts <= a.ts + upper)
        .map(b => `${a.id} ${b.id}`),
    );

    const found = await run(drawn, (left, right) =>
      left
        .keyBy('k')
        .intervalJoin(right.keyBy('k'))
        .between(lower, upper)
        .process<string>((a, b, _context, out) => out.collect(`${a.id} ${b.id}`)),
    );

    t.deepEqual(bag(found), bag(expected), `seed ${seed}`);
  }
});

test(`window joins find every pair of a sliding window, over ${SEEDS} seeds`, async t => {
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const drawn = draw(seed);
    const {size, slide} = drawn;
    const startsOf = ({ts}: Event) => {
      const starts: number[] = [];
      for (let start = Math.floor(ts / slide) * slide; start > ts - size; start -= slide) {
        starts.push(start);
      }
      return starts;
    };
    const expected = eventsOf(drawn, 0).flatMap(a =>
      eventsOf(drawn, 1)
        .filter(b => b.k === a.k)
        .flatMap(b =>
          startsOf(a)
            .filter(start => startsOf(b).includes(start))
            .map(() => `${a.id} ${b.id}`),
        ),
    );

    const found = await run(drawn, (left, right) =>
      left
        .join(right)
        .where('k')
        .equalTo('k')
        .window(SlidingEventTimeWindows.of(size, slide))
        .apply((a, b) => `${a.id} ${b.id}`),
    );

    t.deepEqual(bag(found), bag(expected), `seed ${seed}`);
  }
});

test(`co-groups put sessions of both sides together, over ${SEEDS} seeds`, async t => {
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const drawn = draw(seed);
    const {gap} = drawn;
    const all = [0 as const, 1 as const].flatMap(side =>
      eventsOf(drawn, side).map(event => ({...event, side})),
    );
    const sessions: Array<typeof all> = [];
    for (const event of all.sort((a, b) => a.k - b.k || a.ts - b.ts)) {
      const last = sessions.at(-1)?.at(-1);
      if (last !== undefined && last.k === event.k && event.ts <= last.ts + gap) {
        sessions.at(-1)!.push(event);
      } else {
        sessions.push([event]);
      }
    }
    const shown = (left: readonly Event[], right: readonly Event[]) =>
      [left, right].map(side => side.map(({id}) => id).sort((a, b) => a - b)).join(' | ');
    const expected = sessions.map(session =>
      shown(
        session.filter(({side}) => side === 0),
        session.filter(({side}) => side === 1),
      ),
    );

    const found = await run(drawn, (left, right) =>
      left
        .coGroup(right)
        .where('k')
        .equalTo('k')
        .window(EventTimeSessionWindows.withGap(gap))
        .apply<string>((a, b, out) => out.collect(shown(a, b))),
    );

    t.deepEqual(bag(found), bag(expected), `seed ${seed}`);
  }
});
