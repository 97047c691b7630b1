/**
 * What TypeScript knows. The compiler checks this file with all others: each `@ts-expect-error` is an
 * error itself if the line below it compiles. The test at the end also runs the lines, where they make
 * sense at run time.
 */
import test from 'ava';
import type {DataStream, KeyedStream} from '../../src/api/data-stream.ts';
import {StreamExecutionEnvironment} from '../../src/api/environment.ts';
import {resolveConfig, type ConfigInput} from '../../src/graph/config.ts';
import {OutputTag} from '../../src/operators/functions.ts';
import {
  float64,
  int32,
  list,
  optional,
  schema,
  string,
  type Infer,
} from '../../src/records/schema.ts';

type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Compiles only if the type argument is `true`. */
function is<_T extends true>(): void {}

interface Order {
  id: number;
  item: string;
  note?: string;
  tags: string[];
  at: Date;
  user: {name: string; address: {zip: string; code: number}};
  parent: Order | null;
}

function typesOf(env: StreamExecutionEnvironment): void {
  const orders = env.fromElements<Order>();

  // Keys: fields of a type that has a hash, at any depth.
  const byItem = orders.keyBy('item');
  is<Equal<typeof byItem, KeyedStream<Order, string>>>();
  const byZip = orders.keyBy('user.address.zip');
  is<Equal<typeof byZip, KeyedStream<Order, string>>>();
  const byTwo = orders.keyBy('id', 'user.name');
  is<Equal<typeof byTwo, KeyedStream<Order, readonly [number, string]>>>();
  const byFunction = orders.keyBy(order => order.at);
  is<Equal<typeof byFunction, KeyedStream<Order, Date>>>();
  orders.keyBy('note');
  orders.keyBy('parent.parent.id');
  orders.keyBy(order => [order.id, order.item]);
  // @ts-expect-error no such field
  orders.keyBy('nope');
  // @ts-expect-error no such nested field
  orders.keyBy('user.nope');
  // @ts-expect-error an object has no hash
  orders.keyBy('user');
  // @ts-expect-error an object has no hash, from a function either
  orders.keyBy(order => order.user);
  // @ts-expect-error the second one is no field
  orders.keyBy('id', 'nope');

  // Aggregations: fields of a type that suits them.
  const summed = byItem.sum('user.address.code');
  is<Equal<typeof summed, DataStream<Order>>>();
  byItem.min('item');
  byItem.maxBy('at', {first: false});
  // @ts-expect-error a text cannot be added up
  byItem.sum('item');
  // @ts-expect-error no such field
  byItem.max('nope');
  // @ts-expect-error a record needs a field
  byItem.sum();
  // @ts-expect-error not a keyed stream
  orders.sum('id');
  const numbers = env.sequence(1, 3).keyBy(n => n % 2);
  numbers.sum();
  // @ts-expect-error a number has no field
  numbers.sum('id');

  // Functions: results give the type of the next stream.
  const lengths = orders.map(order => order.item.length);
  is<Equal<typeof lengths, DataStream<number>>>();
  const words = orders.flatMap(order => order.item.split(' '));
  is<Equal<typeof words, DataStream<string>>>();
  const texts = env
    .fromElements<string | number>('a', 1)
    .filter(value => typeof value === 'string');
  is<Equal<typeof texts, DataStream<string>>>();
  const reduced = byItem.reduce((a, b) => (a.id > b.id ? a : b));
  is<Equal<typeof reduced, DataStream<Order>>>();
  const averages = byItem.aggregate({
    createAccumulator: () => ({n: 0, sum: 0}),
    add: (order, {n, sum}) => ({n: n + 1, sum: sum + order.id}),
    getResult: ({n, sum}) => ({average: sum / n}),
  });
  is<Equal<typeof averages, DataStream<{average: number}>>>();
  byItem.aggregate({
    createAccumulator: () => 0,
    // @ts-expect-error the accumulator is a number
    add: (order, accumulator) => `${accumulator}${order.id}`,
    getResult: sum => sum,
  });
  // @ts-expect-error not a keyed stream
  orders.aggregate({createAccumulator: () => 0, add: (_, n) => n + 1, getResult: n => n});
  const side = orders
    .process({processElement: (order, _context, out) => out.collect(order)})
    .getSideOutput(new OutputTag<string>('late'));
  is<Equal<typeof side, DataStream<string>>>();
  const joined = orders.connect(lengths).map({map1: order => order.item, map2: n => String(n)});
  is<Equal<typeof joined, DataStream<string>>>();
  // @ts-expect-error no such field
  orders.map(order => order.nope);
  // @ts-expect-error a union is of one type
  orders.union(lengths);
  // @ts-expect-error the second key is of the second stream
  orders.connect(env.fromElements({a: 1})).keyBy('id', 'id');
  orders.partitionCustom((zip, count) => zip.length % count, 'user.address.zip');
  // @ts-expect-error a zip is a text
  orders.partitionCustom((zip: number, count) => zip % count, 'user.address.zip');

  // Schemas: the type of the records without repeating it.
  const bid = schema({auction: int32, price: float64, note: optional(string), tags: list(string)});
  type Bid = Infer<typeof bid>;
  is<Equal<Bid['tags'], string[]>>();
  const bids = env.fromHost('bids', {schema: bid});
  is<Equal<typeof bids, DataStream<Bid>>>();
  bids.keyBy('auction').sum('price');
  // @ts-expect-error no such column
  bids.keyBy('bidder');
  const generated = env.generate(i => ({auction: i, price: 0.5, tags: []}), {
    count: 1,
    schema: bid,
  });
  is<Equal<typeof generated, DataStream<Bid>>>();
  // @ts-expect-error price is missing
  env.generate(i => ({auction: i}), {count: 1, schema: bid});
  const declared = orders.map(({id, item}) => ({id, item})).returns(schema({id: int32}));
  is<Equal<typeof declared, DataStream<{id: number}>>>();
  // @ts-expect-error the records have no price
  orders.map(({id}) => ({id})).returns(schema({price: float64}));
  const parsed = env.fromHost('any').returns(bid);
  is<Equal<typeof parsed, DataStream<Bid>>>();
  env.fromHost('unknown').keyBy('whatever').sum('it.says');

  // Options.
  const options: ConfigInput = {memory: '64MB', parallelism: 2, debug: true};
  void options;
  // @ts-expect-error no such option
  const misspelt: ConfigInput = {paralelism: 2};
  void misspelt;
}

test('lines that TypeScript refuses but JavaScript can record do no harm', t => {
  const env = new StreamExecutionEnvironment(resolveConfig({parallelism: 1}));

  // It stops at `orders.sum`, which even at run time needs keyBy.
  t.throws(() => typesOf(env), {code: 'E_API_NOT_KEYED'});
});
