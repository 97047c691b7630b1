/**
 * Random chains for the property test: what a chain does, as plain data that fast-check can shrink, and
 * the way from there to operators. Each chain gets functions of its own, because some keep state.
 */
import fc from 'fast-check';
import {Random} from '../../src/base/random.ts';
import {
  broadcastPartitioner,
  hashPartitioner,
  roundRobinPartitioner,
  shufflePartitioner,
} from '../../src/network/partitioner.ts';
import type {ChainEdge} from '../../src/operators/chain-plan.ts';
import {OutputTag} from '../../src/operators/functions.ts';
import {keyReader} from '../../src/operators/key.ts';
import type {KeySelector, OperatorSpec} from '../../src/operators/operator.ts';
import {TimestampsAndWatermarksOperator} from '../../src/operators/timestamps-and-watermarks.ts';
import {WatermarkStrategy} from '../../src/time/watermark-strategy.ts';
import {CollectingSink, to, toWriter, type WriterSpec} from './chain-harness.ts';

/** One operator and where its input comes from: the main output, or a side output, of another one. */
export interface RandomNode {
  readonly kind: keyof typeof FUNCTIONS;
  /** Chooses among the ways to write such an operator. */
  readonly variant: number;
  /** Chooses the operator that feeds this one, among those before it that have an output. */
  readonly parent: number;
  /** 0: main output; else a side output, if the operator has some. */
  readonly output: number;
  readonly key: number;
  readonly emit: 'update' | 'final';
  /** A number that functions use: when to throw, to stop, to drop. */
  readonly number: number;
}

export interface RandomRun {
  readonly mode: 'values' | 'timed' | 'batches' | 'timedBatches' | 'range' | 'one';
  readonly records: readonly unknown[];
  readonly rowsMax: number;
}

export interface RandomChain {
  readonly nodes: readonly RandomNode[];
  readonly runs: readonly RandomRun[];
}

/**
 * What chains can do without ever failing: by kind of operator, the variants that are left. Half of the
 * chains are calm, so that state grows and batches fill; the others fail at the first odd record.
 */
const CALM: Readonly<Record<string, readonly number[]>> = {
  map: [0, 1, 2, 3, 4, 5],
  filter: [0, 1, 2, 3, 4, 5],
  flatMap: [0, 1, 4],
  process: [0, 2, 4],
  reduce: [0, 1, 2, 3, 4, 5, 7, 8],
  rollingAggregate: [0, 1, 2, 3, 4],
  timestamps: [0, 1, 2, 3],
};

const SIDES = ['left', 'right'].map(id => new OutputTag<any>(id));

const KEYS: readonly KeySelector[] = [
  {kind: 'fields', paths: [['key']]},
  {kind: 'fields', paths: [['name']]},
  {kind: 'function', fn: record => Number(record?.key) % 3 || 0},
  {kind: 'function', fn: ({name}) => `${name}`.length},
  {kind: 'fields', paths: [['key'], ['name']]},
];

/** Functions get the chain's stop flag, so that one of them can stop the loop at any record. */
interface Surroundings {
  readonly stop: () => void;
}

type Build = (node: RandomNode, surroundings: Surroundings) => OperatorSpec;

const maps: Array<(n: number) => (record: any) => any> = [
  () => record => ({
    key: record?.key,
    name: record?.name,
    count: record?.count,
    price: record?.price,
  }),
  () => record => ({...record, price: 1}),
  () => record => record,
  () => record => {
    if (typeof record === 'object' && record !== null) record.count = -1;
    return record;
  },
  () => record => {
    if (typeof record === 'object' && record !== null) record.added = record.key;
    return record;
  },
  () =>
    ({key, price}) => ({key, price, name: 'a name that is longer than a few letters', count: 0}),
  n => record => {
    if (record?.count === n) throw new Error(`map at ${n}`);
    return record;
  },
];

const filters: Array<(n: number) => (record: any) => boolean> = [
  () => record => record?.price > 0,
  n => record => record?.count !== n,
  () => record => {
    if (record.count > 6) record.touched = true;
    return true;
  },
  () => () => true,
  () =>
    ({count}) =>
      count % 3 !== 0,
];

/** Watermarks after every record that raises them, or whenever a generator likes. */
const STRATEGIES: Array<(n: number) => WatermarkStrategy<any>> = [
  n =>
    WatermarkStrategy.forBoundedOutOfOrderness<any>(n).withTimestampAssigner(
      record => (Number(record?.count) || 0) * 7,
    ),
  () => WatermarkStrategy.forMonotonousTimestamps(),
  n =>
    WatermarkStrategy.forGenerator<any>(() => ({
      onEvent(record, timestamp, output) {
        if (record?.count === n) output.markIdle();
        else if (timestamp % 3 !== 0) output.emitWatermark(timestamp);
      },
      onPeriodicEmit: output => output.markActive(),
    })),
  n =>
    WatermarkStrategy.noWatermarks<any>().withTimestampAssigner({
      extractTimestamp: (_record, previous) => (previous ?? n) + 1,
    }),
  n =>
    WatermarkStrategy.forMonotonousTimestamps<any>().withTimestampAssigner(record => {
      if (record?.count === n) throw new Error('in the assigner');
      return 1;
    }),
  () =>
    WatermarkStrategy.forMonotonousTimestamps<any>().withTimestampAssigner(record => record?.count),
  n =>
    WatermarkStrategy.forGenerator<any>(() => ({
      onEvent(record) {
        if (record?.count === n) throw new Error('in the generator of watermarks');
      },
      onPeriodicEmit() {},
    })),
];

const FUNCTIONS = {
  timestamps: ({variant, number}) => ({
    type: 'custom',
    kind: 'timestamps',
    create: context =>
      new TimestampsAndWatermarksOperator(
        context,
        pick(
          STRATEGIES,
          variant,
        )(number).withEmitStrategy(number % 2 === 0 ? 'on-event' : 'on-periodic'),
        false,
      ),
  }),
  map: ({variant, number}) => ({type: 'map', fn: pick(maps, variant)(number)}),
  filter: ({variant, number}) => ({type: 'filter', fn: pick(filters, variant)(number)}),
  flatMap: ({variant, number}) => ({
    type: 'flatMap',
    fn: pick<any>(
      [
        (record: any, out: any) => {
          out.collect(record);
          out.collect({key: record?.key, name: 'twice', count: number, price: 0.5});
        },
        (record: any) => [record, {...record, count: number}],
        (record: any) => new Set([record?.key, record?.name]),
        function* (record: any) {
          yield record;
          if (record?.count === number) throw new Error('in the generator');
          yield record;
        },
        (record: any, out: any) => {
          try {
            out.collect(record);
          } catch {
            // Whoever swallows what happens behind the collector goes on.
          }
        },
        (record: any) => (record?.count === number ? 5 : []),
      ],
      variant,
    ),
  }),
  process: ({variant, number}) => ({
    type: 'process',
    fn: {
      processElement(record: any, context: any, out: any) {
        if (record?.count === number && variant % 2 === 1) throw new Error('in process');
        context.output(SIDES[(record?.count ?? 0) & 1], record);
        context.output(new OutputTag('nobody reads this'), record);
        if (variant % 3 !== 0)
          out.collect({key: record?.key, name: 'p', count: 1, price: context.timestamp ?? 2});
      },
      finish(out: any) {
        out.collect({key: 1, name: 'last', count: 1, price: 1});
      },
    },
  }),
  stopper: ({variant, number}, {stop}) => ({
    type: 'map',
    fn: (record: any) => {
      if ((record?.count ?? 0) % (number + 2) === variant % 3) stop();
      return record;
    },
  }),
  reduce: ({variant, key, emit}) => ({
    type: 'reduce',
    key: pick(KEYS, key),
    emit,
    fn: pick<any>(
      [
        (a: any, b: any) => ({
          key: a.key,
          name: a.name,
          count: a.count + b.count,
          price: b.price,
          note: a.note,
        }),
        (a: any, b: any) => {
          a.count += b.count;
          return a;
        },
        (a: any, b: any) => (a.price > b.price ? a : b),
        (a: any, b: any) => ({...a, price: b.price}),
        (a: any, b: any) => ((a.price = b.price), a),
        (a: any, b: any) => {
          a.more = b.name;
          return a;
        },
        (a: any, b: any) => (b.count === 3 ? undefined : a),
        (a: any, b: any) => ({key: b.count, name: a.name, count: 1, price: b.price, note: a.note}),
        (a: any, b: any) => ({
          key: a.key,
          name: a.name,
          count: a.count,
          price: b.count === 3 ? 'three' : b.price,
          note: b.note,
        }),
      ],
      variant,
    ),
  }),
  aggregate: ({variant, key, emit, number}) => ({
    type: 'aggregate',
    key: pick(KEYS, key),
    emit,
    aggregation: pick(['sum', 'min', 'max', 'minBy', 'maxBy'] as const, variant),
    field: pick([['price'], ['count'], ['key'], ['name']], number),
    first: number % 2 === 0,
  }),
  rollingAggregate: ({variant, key, emit}) => ({
    type: 'rollingAggregate',
    key: pick(KEYS, key),
    emit,
    fn: pick<any>(
      [
        {
          createAccumulator: () => ({key: 0, name: '', count: 0, price: 0, sum: 0}),
          add: (record: any, {count, sum}: any) => ({
            key: record.key,
            name: 'total',
            count: count + 1,
            price: sum,
            sum: sum + record.price,
          }),
          getResult: (accumulator: any) => accumulator,
        },
        {
          createAccumulator: () => ({name: '', n: 0}),
          add(record: any, accumulator: any) {
            accumulator.name = record.name;
            accumulator.n += 1;
            return accumulator;
          },
          getResult: ({name, n}: any) => ({key: n, name, count: n, price: n}),
        },
        {
          createAccumulator: () => new Map(),
          add: (record: any, seen: any) => seen.set(record?.name, record?.count),
          getResult: (seen: any) => ({key: seen.size, name: 'map', count: 1, price: 1}),
        },
        {
          createAccumulator: () => 0,
          add: (record: any, n: any) => n + (record?.count === 4 ? 'text' : 1),
          getResult: (n: any) => ({key: 2, name: 'n', count: 1, price: 1, n}),
        },
        {
          createAccumulator: () => ({key: 0, name: '', count: 0, price: 0, items: [] as unknown[]}),
          add: (record: any, {items}: any) => ({...record, items: [...items, record?.count]}),
          getResult: (accumulator: any) => accumulator,
        },
        {
          createAccumulator: () => ({price: -0}),
          add: (record: any, a: any) => (record?.count === 2 ? record : {price: a.price}),
          getResult: (a: any) => (a.price === 3 ? undefined : a),
        },
      ],
      variant,
    ),
  }),
} satisfies Record<string, Build>;

function pick<T>(list: readonly T[], index: number): T {
  return list[index % list.length]!;
}

const record = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record(
      {
        key: fc.nat(4),
        name: fc.constantFrom('a', 'b', 'a name that V8 cuts out of a batch'),
        count: fc.nat(9),
        price: fc.oneof(fc.nat(9), fc.constantFrom(0.5, -1.25, -0, 1e300)),
      },
      {noNullPrototype: true},
    ),
  },
  {
    weight: 1,
    arbitrary: fc.record(
      {
        key: fc.constantFrom<unknown>(0, -0, 1, '1', 1.5, 2n, NaN, null, true),
        name: fc.constantFrom<unknown>('a', '', null, undefined, 3),
        count: fc.constantFrom<unknown>(0, 1, -0, 'x', undefined, null, 7n),
        price: fc.constantFrom<unknown>(1, NaN, Infinity, '1', null, new Date(3)),
        extra: fc.nat(3),
      },
      {noNullPrototype: true, requiredKeys: ['key', 'name']},
    ),
  },
  {weight: 1, arbitrary: fc.constantFrom<unknown>(5, 'text', null, [1, 2], {})},
);

/** Records that are all of one shape, save for a few fields that are something else now and then. */
const calmRecord = fc.record(
  {
    key: fc.oneof(
      {weight: 30, arbitrary: fc.nat(4)},
      {weight: 1, arbitrary: fc.constantFrom(-0, 0.5)},
    ),
    name: fc.constantFrom('a', 'b', 'a name that V8 cuts out of a batch'),
    count: fc.nat(9),
    price: fc.oneof(
      {weight: 9, arbitrary: fc.nat(9)},
      {weight: 2, arbitrary: fc.constantFrom(0.5, -1.25, -0, NaN)},
    ),
    note: fc.oneof(
      {weight: 40, arbitrary: fc.constantFrom<unknown>('x', 'y')},
      {weight: 1, arbitrary: fc.constantFrom<unknown>(null, undefined, 1, [1], {inner: 1})},
    ),
  },
  {noNullPrototype: true},
);

const kinds = Object.keys(FUNCTIONS) as Array<keyof typeof FUNCTIONS>;

const nodeParts = {
  kind: fc.constantFrom(...kinds),
  variant: fc.nat(839),
  // Mostly the operator just before.
  parent: fc.oneof({weight: 3, arbitrary: fc.constant(-1)}, {weight: 1, arbitrary: fc.nat(5)}),
  output: fc.nat(2),
  key: fc.nat(9),
  emit: fc.constantFrom('update' as const, 'final' as const),
  number: fc.nat(9),
};

const node = fc.record(nodeParts);

const runOf = (each: fc.Arbitrary<unknown>, maxLength: number) =>
  fc.record({
    mode: fc.constantFrom(
      'values' as const,
      'timed' as const,
      'batches' as const,
      'batches' as const,
      'timedBatches' as const,
      'range' as const,
      'one' as const,
    ),
    records: fc.array(each, {maxLength, size: 'max'}),
    rowsMax: fc.nat(9).map(n => n + 1),
  });

const wildChain = fc.record({
  nodes: fc.array(node, {minLength: 1, maxLength: 6}),
  runs: fc.array(runOf(record, 30), {minLength: 1, maxLength: 4}),
});

const calmChain = fc
  .record({
    nodes: fc.array(node, {minLength: 1, maxLength: 6}),
    runs: fc.array(runOf(calmRecord, 60), {minLength: 1, maxLength: 4, size: 'max'}),
  })
  .map(calm);

/** Short chains of batches, in which the head works on columns: what is generated for them is special. */
const columnChain = fc
  .record({
    head: fc.record({
      ...nodeParts,
      kind: fc.constantFrom(
        ...(['filter', 'reduce', 'reduce', 'aggregate', 'rollingAggregate'] as const),
      ),
    }),
    nodes: fc.array(fc.record({...nodeParts, parent: fc.constant(-1)}), {maxLength: 2}),
    runs: fc.array(
      fc.record({
        mode: fc.constantFrom('batches' as const, 'timedBatches' as const),
        records: fc.array(calmRecord, {maxLength: 40, size: 'max'}),
        rowsMax: fc.nat(19).map(n => n + 1),
      }),
      {minLength: 1, maxLength: 2},
    ),
  })
  .map(({head, nodes, runs}) => calm({nodes: [head, ...nodes], runs}));

function calm({nodes, runs}: RandomChain): RandomChain {
  return {
    nodes: nodes.map(each => ({
      ...each,
      variant: pick(CALM[each.kind] ?? [each.variant], each.variant),
      // By number, by name, and by functions of them; aggregated are price, count and key.
      key: each.key % 5 === 4 ? 2 : each.key,
      number: each.kind === 'aggregate' ? each.number % 3 : each.number,
    })),
    runs,
  };
}

export const randomChain: fc.Arbitrary<RandomChain> = fc.oneof(
  wildChain,
  calmChain,
  columnChain,
  columnChain,
);

/** What all chains of one random chain have: the operators, with a sink or a writer at every end. */
export function buildNodes(
  {nodes}: RandomChain,
  surroundings: Surroundings,
): {
  nodes: Array<{spec: OperatorSpec; outputs: ChainEdge[]}>;
  writers: WriterSpec[];
} {
  const built: Array<{spec: OperatorSpec; outputs: ChainEdge[]}> = [];
  for (const [index, each] of nodes.entries()) {
    const build: Build = FUNCTIONS[each.kind];
    if (index > 0) {
      const parent = built[each.parent < 0 ? index - 1 : each.parent % index]!;
      const side = parent.spec.type === 'process' && each.output > 0;
      parent.outputs.push(to(index, side ? SIDES[each.output - 1]!.id : undefined));
    }
    built.push({spec: build(each, surroundings), outputs: []});
  }
  const writers: WriterSpec[] = [];
  for (const [index, each] of nodes.entries()) {
    const {spec, outputs} = built[index]!;
    const sides = spec.type === 'process' ? SIDES.map(tag => tag.id) : [];
    for (const output of [undefined, ...sides]) {
      // Every output ends somewhere; some feed a writer or a sink beside other operators.
      const isOpen = !outputs.some(edge => edge.sideOutput === output);
      if (!isOpen && each.number % 3 > 0) continue;
      if ((each.variant + each.number) % 2 === 0) {
        outputs.push(toWriter(writers.length, output));
        writers.push(writerSpec(each.number + each.key));
      } else {
        outputs.push(to(built.length, output));
        const fullAfter = each.key % 2 === 0 ? [] : [each.number, each.number + 3];
        built.push({spec: {type: 'sink', sink: new CollectingSink(fullAfter)}, outputs: []});
      }
    }
  }
  return {nodes: built, writers};
}

function writerSpec(choice: number): WriterSpec {
  const consumers = 1 + (choice % 3);
  return {
    consumers,
    segmentSizeBytes: 512,
    partitioner: () =>
      pick(
        [
          () => hashPartitioner(keyReader(KEYS[0]!), consumers, 128),
          () => hashPartitioner(keyReader(KEYS[2]!), consumers, 64),
          () => roundRobinPartitioner(consumers, 0),
          () => broadcastPartitioner(),
          () => shufflePartitioner(consumers, new Random(choice)),
          () => hashPartitioner(keyReader(KEYS[4]!), consumers, 100),
        ],
        choice,
      )(),
  };
}
