/**
 * Jobs drawn from a seed, as data: `buildRandomJob` makes the job of them, `oracle` says what must come
 * out, by loops over arrays. Only what does not depend on the order of records is drawn, so results are
 * compared as bags.
 */
import {OutputTag} from '../../src/operators/functions.ts';
import type {DataStream} from '../../src/api/data-stream.ts';
import type {StreamExecutionEnvironment} from '../../src/api/environment.ts';
import {Random} from '../../src/base/random.ts';
import type {WatermarkStrategy} from '../../src/time/watermark-strategy.ts';

export interface Item {
  readonly k: number;
  readonly v: number;
  /** Absent at first; of any length, also longer than a segment. */
  readonly s?: string;
}

type Step =
  | {readonly op: 'source'; readonly count: number; readonly keys: number}
  | {readonly op: 'map' | 'filter' | 'text' | 'copies' | 'count'; readonly input: number}
  | {readonly op: 'even' | 'odd'; readonly input: number}
  | {readonly op: 'union' | 'connect'; readonly input: number; readonly other: number}
  | {readonly op: 'spread'; readonly input: number; readonly how: Spread}
  | {readonly op: 'broadcast'; readonly input: number};

type Spread = 'rebalance' | 'rescale' | 'shuffle' | 'global' | 'custom';

export interface RandomJob {
  readonly steps: ReadonlyArray<Step & {readonly parallelism: number}>;
  /** Places of the steps whose streams nobody else reads: they are collected. */
  readonly ends: readonly number[];
}

const SPREADS: readonly Spread[] = ['rebalance', 'rescale', 'shuffle', 'global', 'custom'];
const ODD = new OutputTag<Item>('odd');

/** Draws a job of up to `stepsMax` operators over records that are few enough for a simulation. */
export function drawJob(seed: number, stepsMax = 9): RandomJob {
  const random = new Random(seed);
  const steps: Array<Step & {parallelism: number}> = [];
  const read = new Set<number>();
  /** How many records a step gives at most, so that copies and broadcasts do not explode. */
  const sizes: number[] = [];
  const parallelism = () => 1 + random.below(3);
  const add = (step: Step, size: number, of = parallelism()) => {
    sizes.push(size);
    return steps.push({...step, parallelism: of}) - 1;
  };
  const sources = 1 + random.below(3);
  for (let i = 0; i < sources; i += 1) {
    const count = random.below(4) === 0 ? random.below(3) : random.below(600);
    add({op: 'source', count, keys: 1 + random.below(20)}, count);
  }
  for (let i = random.below(stepsMax); i > 0; i -= 1) {
    const input = random.below(steps.length);
    const other = random.below(steps.length);
    const size = sizes[input];
    const isSmall = size < 3000;
    read.add(input);
    switch (random.below(10)) {
      case 0:
        add({op: 'map', input}, size);
        break;
      case 1:
        add({op: 'filter', input}, size);
        break;
      case 2:
        add({op: 'text', input}, size);
        break;
      case 3:
        add({op: isSmall ? 'copies' : 'map', input}, isSmall ? 2 * size : size);
        break;
      case 4:
      case 5:
        add({op: 'count', input}, size);
        break;
      case 6: {
        // Both outputs of one operator, so both have its parallelism.
        const of = parallelism();
        add({op: 'even', input}, size, of);
        add({op: 'odd', input: steps.length - 1}, size, of);
        break;
      }
      case 7:
        read.add(other);
        add({op: random.below(2) === 0 ? 'union' : 'connect', input, other}, size + sizes[other]);
        break;
      case 8:
        add({op: 'spread', input, how: SPREADS[random.below(SPREADS.length)]}, size);
        break;
      default: {
        const of = parallelism();
        if (isSmall) add({op: 'broadcast', input}, size * of, of);
        else add({op: 'map', input}, size);
      }
    }
  }
  const ends = steps.flatMap((_, index) => (read.has(index) ? [] : [index]));
  return {steps, ends};
}

const mapped = ({v, ...rest}: Item): Item => ({...rest, v: (v * 7 + 3) % 1009});
const isKept = ({v}: Item): boolean => v % 3 !== 0;
/** Most texts are short; some are longer than a segment of 1 KiB, and some need two bytes per unit. */
const withText = (item: Item): Item => ({
  ...item,
  s: item.v % 97 === 0 ? 'x'.repeat(3000 + item.v) : `${item.v % 5 === 0 ? 'ŧ' : 't'}${item.v}`,
});
const copiesOf = (item: Item): Item[] => (item.v % 2 === 0 ? [item, mapped(item)] : []);

/** What a job gets beside its steps. */
export interface RandomJobParts {
  /** Of all sources. */
  readonly watermarks?: WatermarkStrategy<Item>;
  /** Put behind each step. */
  readonly behind?: (stream: DataStream<Item>) => DataStream<Item>;
}

/** Builds the job of a drawn graph; the streams at its ends are collected under their places. */
export function buildRandomJob(
  env: StreamExecutionEnvironment,
  {steps, ends}: RandomJob,
  {watermarks, behind = stream => stream}: RandomJobParts = {},
): void {
  const streams: DataStream<Item>[] = [];
  for (const step of steps) {
    const stream = buildStep(env, step, streams, watermarks);
    // A side output is read from the operator itself.
    const isSplit = step.op === 'even';
    streams.push(isSplit ? stream : behind(stream));
  }
  for (const end of ends) streams[end].collect(String(end));
}

function buildStep(
  env: StreamExecutionEnvironment,
  step: RandomJob['steps'][number],
  streams: readonly DataStream<Item>[],
  watermarks: WatermarkStrategy<Item> | undefined,
): DataStream<Item> {
  const {parallelism} = step;
  switch (step.op) {
    case 'source': {
      const {keys} = step;
      return env
        .generate((i): Item => ({k: i % keys, v: i}), {count: step.count, watermarks})
        .setParallelism(parallelism);
    }
    case 'map':
      return streams[step.input].map(mapped).setParallelism(parallelism);
    case 'filter':
      return streams[step.input].filter(isKept).setParallelism(parallelism);
    case 'text':
      return streams[step.input].map(withText).setParallelism(parallelism);
    case 'copies':
      return streams[step.input].flatMap(copiesOf).setParallelism(parallelism);
    case 'count':
      return streams[step.input]
        .map(({k}): Item => ({k, v: 1}))
        .keyBy('k')
        .sum('v')
        .setParallelism(parallelism);
    case 'even':
      return streams[step.input]
        .process<Item>({
          processElement(item, context, out) {
            if (item.v % 2 === 0) out.collect(item);
            else context.output(ODD, item);
          },
        })
        .setParallelism(parallelism);
    case 'odd':
      return streams[step.input].getSideOutput(ODD).map(item => item);
    case 'union':
      return streams[step.input]
        .union(streams[step.other])
        .map(item => item)
        .setParallelism(parallelism);
    case 'connect':
      return streams[step.input]
        .connect(streams[step.other])
        .map<Item>({map1: mapped, map2: item => item})
        .setParallelism(parallelism);
    case 'spread':
      return spread(streams[step.input], step.how)
        .map(item => item)
        .setParallelism(parallelism);
    case 'broadcast':
      return streams[step.input]
        .broadcast()
        .map(item => item)
        .setParallelism(parallelism);
  }
}

function spread(stream: DataStream<Item>, how: Spread): DataStream<Item> {
  if (how === 'custom') return stream.partitionCustom((k: number, count) => k % count, 'k');
  return stream[how]();
}

/** What each end must collect, in any order. */
export function oracle({steps, ends}: RandomJob): Map<string, Item[]> {
  const results: Item[][] = [];
  for (const step of steps) results.push(evaluate(step, results, steps));
  return new Map(ends.map(end => [String(end), results[end]]));
}

function evaluate(
  step: RandomJob['steps'][number],
  results: readonly Item[][],
  steps: RandomJob['steps'],
): Item[] {
  switch (step.op) {
    case 'source':
      return Array.from({length: step.count}, (_, i) => ({k: i % step.keys, v: i}));
    case 'map':
      return results[step.input].map(mapped);
    case 'filter':
      return results[step.input].filter(isKept);
    case 'text':
      return results[step.input].map(withText);
    case 'copies':
      return results[step.input].flatMap(copiesOf);
    case 'count': {
      const counts = new Map<number, number>();
      return results[step.input].map(({k}) => {
        const v = (counts.get(k) ?? 0) + 1;
        counts.set(k, v);
        return {k, v};
      });
    }
    case 'even':
      return results[step.input].filter(({v}) => v % 2 === 0);
    case 'odd': {
      // The side output of the step in front, which reads the input of that step.
      const even = steps[step.input] as {readonly input: number};
      return results[even.input].filter(({v}) => v % 2 !== 0);
    }
    case 'union':
      return [...results[step.input], ...results[step.other]];
    case 'connect':
      return [...results[step.input].map(mapped), ...results[step.other]];
    case 'spread':
      return results[step.input];
    case 'broadcast':
      return results[step.input].flatMap(item =>
        Array.from({length: step.parallelism}, () => item),
      );
  }
}

/** A bag of records as one text, for comparison. */
export function bag(items: readonly unknown[]): string {
  return items
    .map(item => {
      const {k, v, s} = item as Item;
      return `${k} ${v} ${s ?? '-'}`;
    })
    .sort()
    .join('\n');
}
