/**
 * A job with one operator that throws, at the place that `args.where` names, on record 42. The operator is
 * called Bad, its uid is `bad`. Records are `{i, k, text}`; `text` is long, so that it is cut when shown.
 */
import {
  END_OF_SPLITS,
  MORE_AVAILABLE,
  OutputTag,
  job,
  type DataStream,
  type Sink,
  type Source,
  type SourceSplit,
  type StreamExecutionEnvironment,
} from '../../../src/index.ts';

export const PLACES = [
  'generate',
  'map',
  'map object',
  'filter',
  'flatMap collector',
  'flatMap array',
  'flatMap generator',
  'process',
  'process side output',
  'process finish',
  'reduce',
  'aggregate',
  'keyBy',
  'partition',
  'coMap first',
  'coMap second',
  'coFlatMap',
  'coProcess',
  'open',
  'close',
  'sink createWriter',
  'sink open',
  'sink write',
  'sink flush',
  'sink close',
  'sink prepare',
  'source enumerate',
  'source create',
  'source open',
  'source poll',
  'source close',
] as const;
export type Place = (typeof PLACES)[number];

export interface UserFunctionArgs {
  readonly where: Place;
  /** What is thrown: an error, or a value that is none. */
  readonly what?: 'error' | 'text' | 'undefined';
}

interface Item {
  readonly i: number;
  readonly k: number;
  readonly text: string;
}

const COUNT = 100;
const TEXT = 'lorem ipsum '.repeat(100);
const SIDE = new OutputTag<Item>('side');

export default job<UserFunctionArgs>((env, args) => {
  env.setParallelism(1);
  const bad = () => fail(args.what ?? 'error');
  const check = (item: Item) => (item.i === 42 ? bad() : item);
  if (args.where === 'generate') {
    env
      .generate((i): Item => check(item(i)), {count: COUNT, name: 'Bad'})
      .uid('bad')
      .discard();
    return;
  }
  if (args.where.startsWith('source')) {
    env.fromSource(badSource(args.where, bad)).name('Bad').uid('bad').discard();
    return;
  }
  const items = env.generate(item, {count: COUNT, name: 'Items'});
  if (args.where.startsWith('sink')) {
    items.sinkTo(badSink(args.where, bad)).name('Bad').uid('bad');
    return;
  }
  if (args.where === 'keyBy' || args.where === 'partition') {
    keyed(env, items, args.where, check).name('Bad').uid('bad').discard();
    return;
  }
  operator(items, args.where, check, bad).name('Bad').uid('bad').discard();
});

function item(i: number): Item {
  return {i, k: 0, text: TEXT};
}

function fail(what: NonNullable<UserFunctionArgs['what']>): never {
  switch (what) {
    case 'text':
      throw 'only a text';
    case 'undefined':
      throw undefined;
    default:
      throw new RangeError('enough');
  }
}

function operator(
  items: DataStream<Item>,
  where: Place,
  check: (item: Item) => Item,
  bad: () => never,
): DataStream<any> {
  const other = () => items.map(record => record);
  switch (where) {
    case 'map':
      return items.map(record => check(record));
    case 'map object':
      return items.map({map: record => check(record)});
    case 'filter':
      return items.filter(record => check(record).i > 0);
    case 'flatMap collector':
      return items.flatMap((record, out) => {
        out.collect(record);
        out.collect(check(record));
      });
    case 'flatMap array':
      return items.flatMap(record => [record, check(record)]);
    case 'flatMap generator':
      return items.flatMap(function* (record) {
        yield record;
        yield check(record);
      });
    case 'process':
      return items.process({processElement: (record, _context, out) => out.collect(check(record))});
    case 'process side output': {
      const main = items.process<Item>({
        processElement: (record, context, out) => {
          context.output(SIDE, check(record));
          out.collect(record);
        },
      });
      main.getSideOutput(SIDE).discard();
      return main;
    }
    case 'process finish':
      return items.process({
        processElement: (record: Item, _context, out) => out.collect(record),
        finish: () => bad(),
      });
    case 'reduce':
      return items.keyBy('k').reduce((_sum, record) => check(record));
    case 'aggregate':
      return items.keyBy('k').aggregate({
        createAccumulator: () => ({sum: 0}),
        add: (record, sum) => ({sum: sum.sum + check(record).i}),
        getResult: sum => sum.sum,
      });
    case 'coMap first':
      return items.connect(other()).map({map1: check, map2: record => record});
    case 'coMap second':
      return items.connect(other()).map({map1: record => record, map2: check});
    case 'coFlatMap':
      return items.connect(other()).flatMap({
        flatMap1: (record, out) => out.collect(check(record)),
        flatMap2: () => {},
      });
    case 'coProcess':
      return items.connect(other()).process({
        processElement1: (record, _context, out) => out.collect(check(record)),
        processElement2: () => {},
      });
    case 'open':
      return items.map({open: () => bad(), map: record => record});
    case 'close':
      return items.map({close: () => bad(), map: record => record});
    default:
      throw new Error(`no such place: ${where}`);
  }
}

/** Key and partition functions run in the operator in front of the exchange: it is the one called Bad. */
function keyed(
  env: StreamExecutionEnvironment,
  items: DataStream<Item>,
  where: Place,
  check: (item: Item) => Item,
): DataStream<Item> {
  env.setParallelism(2);
  const sender = items.map(record => record).setParallelism(1);
  if (where === 'keyBy') {
    sender
      .keyBy(record => check(record).k)
      .reduce(sum => sum)
      .discard();
  } else {
    sender
      .partitionCustom((_key, count) => (_key === 42 ? check(item(42)).i : 0) % count, 'i')
      .discard();
  }
  return sender;
}

function badSink(where: Place, bad: () => never): Sink<Item> {
  return {
    name: 'Bad',
    ...(where === 'sink prepare' ? {prepare: () => bad()} : {}),
    createWriter: () => {
      if (where === 'sink createWriter') bad();
      return {
        open: () => (where === 'sink open' ? bad() : undefined),
        write: record => {
          if (where === 'sink write' && record.i === 42) bad();
        },
        flush: () => (where === 'sink flush' ? bad() : undefined),
        close: () => (where === 'sink close' ? bad() : undefined),
      };
    },
  };
}

function badSource(where: Place, bad: () => never): Source<Item> {
  const all = Array.from({length: COUNT}, (_, i) => item(i));
  return {
    name: 'Bad',
    isBounded: true,
    assignment: 'static',
    enumerateSplits: () => (where === 'source enumerate' ? bad() : [{splitId: '0'}]),
    createReader: () => {
      if (where === 'source create') bad();
      let splits: SourceSplit[] = [];
      return {
        open: () => (where === 'source open' ? bad() : undefined),
        addSplit: split => void splits.push(split),
        poll: () => {
          if (splits.length === 0) return END_OF_SPLITS;
          if (where === 'source poll') bad();
          splits = [];
          return MORE_AVAILABLE;
        },
        batch: {kind: 'values', values: all, count: COUNT},
        wakeAtMs: Infinity,
        snapshotSplits: () => splits,
        close: () => (where === 'source close' ? bad() : undefined),
      };
    },
  };
}
