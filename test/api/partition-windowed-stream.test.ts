/** Whole partitions of bounded streams: those of subtasks, and those of keys. */
import test from 'ava';
import type {StreamExecutionEnvironment} from '../../src/api/environment.ts';
import {StreamError} from '../../src/base/errors.ts';
import {OperatorHarness, simulate} from '../../src/testing/index.ts';
import type {DataStream} from '../../src/index.ts';

interface Sale {
  readonly city: string;
  readonly amount: number;
  readonly place: number;
}

const sales: readonly Sale[] = [
  {city: 'Oslo', amount: 5, place: 0},
  {city: 'Bergen', amount: 2, place: 1},
  {city: 'Oslo', amount: 1, place: 2},
  {city: 'Bergen', amount: 9, place: 3},
  {city: 'Oslo', amount: 5, place: 4},
];

async function collected(
  build: (env: StreamExecutionEnvironment) => DataStream<any>,
  parallelism = 1,
): Promise<readonly unknown[]> {
  const result = await simulate(env => void build(env).collect('out'), {seed: 1, parallelism});
  return result.collected['out']!;
}

test('a partition is mapped once, with all its records', async t => {
  const found = await collected(env =>
    env
      .fromCollection(sales)
      .fullWindowPartition()
      .mapPartition((values, out) => {
        out.collect(values.length);
        return values.map(({place}) => place);
      }),
  );

  t.deepEqual(found, [5, 0, 1, 2, 3, 4]);
});

test('each subtask has a partition of its own', async t => {
  const found = await collected(
    env =>
      env
        .generate(i => i, {count: 10})
        .fullWindowPartition()
        .reduce((a, b) => a + b),
    2,
  );

  t.deepEqual(found.map(Number).sort(), [10, 35]);
});

test('a partition is sorted by a field or a function, and equal records keep their order', async t => {
  const places = (build: (stream: DataStream<Sale>) => DataStream<Sale>) =>
    collected(env => build(env.fromCollection(sales)).map(({place}) => place));

  t.deepEqual(
    await places(stream => stream.fullWindowPartition().sortPartition('amount')),
    [2, 1, 0, 4, 3],
  );
  const down = await places(stream =>
    stream.fullWindowPartition().sortPartition(sale => sale.amount, 'descending'),
  );
  t.deepEqual(down, [3, 0, 4, 1, 2]);
  t.deepEqual(
    await places(stream => stream.fullWindowPartition().sortPartition('city')),
    [1, 3, 0, 2, 4],
  );
});

test('behind keyBy each key is a partition', async t => {
  const keyed = (env: StreamExecutionEnvironment) =>
    env.fromCollection(sales).keyBy('city').fullWindowPartition();

  const sums = await collected(env =>
    keyed(env).reduce((a, b) => ({...a, amount: a.amount + b.amount})),
  );
  t.deepEqual(sums, [
    {city: 'Oslo', amount: 11, place: 0},
    {city: 'Bergen', amount: 11, place: 1},
  ]);

  const counts = await collected(env =>
    keyed(env).aggregate({
      createAccumulator: () => 0,
      add: (_sale, count) => count + 1,
      getResult: count => count,
    }),
  );
  t.deepEqual(counts, [3, 2]);

  const largest = await collected(env =>
    keyed(env)
      .sortPartition('amount', 'descending')
      .map(({city, amount}) => `${city} ${amount}`),
  );
  t.deepEqual(largest, ['Oslo 5', 'Oslo 5', 'Oslo 1', 'Bergen 9', 'Bergen 2']);

  const first = await collected(env => keyed(env).mapPartition(values => [values[0]!.place]));
  t.deepEqual(first, [0, 1]);
});

test('an empty partition is mapped, aggregated, and not reduced', async t => {
  const empty = (env: StreamExecutionEnvironment) =>
    env.fromCollection([] as Sale[]).fullWindowPartition();

  t.deepEqual(await collected(env => empty(env).mapPartition(values => [values.length])), [0]);
  t.deepEqual(await collected(env => empty(env).reduce(a => a)), []);
  const count = {createAccumulator: () => 0, add: () => 1, getResult: (n: number) => n};
  t.deepEqual(await collected(env => empty(env).aggregate(count)), [0]);
});

test('what a partition has gathered goes through a snapshot', t => {
  const build = (stream: DataStream<number>) =>
    stream.fullWindowPartition().mapPartition(values => [[...values]]);
  const first = OperatorHarness.of(build);
  first.processElement(1);
  first.processElement(2);

  const second = OperatorHarness.restore(build, [structuredClone(first.snapshot())]);
  second.processElement(3);
  second.endInput();

  t.deepEqual(second.values, [[1, 2, 3]]);
});

test('an order that there is not is refused', t => {
  const error = t.throws(
    () =>
      OperatorHarness.of((stream: DataStream<Sale>) =>
        stream.fullWindowPartition().sortPartition('amount', 'up' as 'ascending'),
      ),
    {instanceOf: StreamError},
  );

  t.is(error.code, 'E_API_ORDER');
});
