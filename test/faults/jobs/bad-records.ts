/** Jobs whose records, keys or partition functions are bad at record 42; `args.what` says how. */
import {
  int32,
  job,
  schema,
  string,
  struct,
  type DataStream,
  type StreamExecutionEnvironment,
} from '../../../src/index.ts';

export interface BadRecordsArgs {
  /** Default 2; with 1 records go to one subtask, and no key decides where. */
  readonly parallelism?: number;
  readonly what:
    | 'function'
    | 'symbol'
    | 'promise'
    | 'class instance'
    | 'cycle'
    | 'declared schema'
    | 'key null'
    | 'key undefined'
    | 'key NaN'
    | 'key object'
    | 'key field null'
    | 'composite key null'
    | 'partition too large'
    | 'partition negative'
    | 'partition NaN'
    | 'partition text'
    | 'partition fraction'
    | 'large record'
    | 'union of declared schemas'
    | 'union of shapes';
}

interface Item {
  readonly i: number;
  readonly [name: string]: unknown;
}

class Money {
  readonly cents: number;
  constructor(cents: number) {
    this.cents = cents;
  }
}

const ORDER = schema({i: int32, name: string});

/** What record 42 holds; the others hold a small number. */
const BAD_FIELDS: Partial<Record<BadRecordsArgs['what'], unknown>> = {
  function: () => 1,
  symbol: Symbol('tag'),
  promise: Promise.resolve(1),
  'class instance': new Money(100),
  'declared schema': 'not a number',
  'key null': null,
  'key undefined': undefined,
  'key NaN': NaN,
  'key object': {id: 42},
  'key field null': null,
  'composite key null': null,
  'partition too large': 2,
  'partition negative': -1,
  'partition NaN': NaN,
  'partition text': '1',
  'partition fraction': 0.5,
  'large record': 'x'.repeat(10_000_000),
};

export default job<BadRecordsArgs>((env, {what, parallelism = 2}) => {
  env.setParallelism(parallelism);
  if (what === 'union of declared schemas' || what === 'union of shapes') {
    unite(env, what);
    return;
  }
  const cycle: Record<string, unknown> = {};
  cycle['self'] = cycle;
  const bad = what === 'cycle' ? cycle : BAD_FIELDS[what];
  const items = env
    .sequence(0, 99)
    .setParallelism(1)
    .map((i): Item => ({i, nested: {value: i === 42 ? bad : 1}}))
    .setParallelism(1)
    .name('Bad')
    .uid('bad');
  send(items, what).discard();
});

/** Sends the records through the exchange that does not take the bad one. */
function send(items: DataStream<any>, what: BadRecordsArgs['what']): DataStream<any> {
  const value = (item: any): any => item.nested.value;
  const same = (item: any) => item;
  if (what === 'key field null') return items.keyBy('nested.value').reduce(same);
  if (what === 'composite key null') return items.keyBy('i', 'nested.value').reduce(same);
  if (what.startsWith('key')) return items.keyBy(value).reduce(same);
  if (what.startsWith('partition')) {
    return items.partitionCustom((key: any) => (key === 1 ? 0 : key), value).map(same);
  }
  if (what === 'declared schema') {
    const declared = schema({i: int32, nested: struct({value: int32})});
    return (items.returns(declared) as DataStream<any>).rebalance().map(same);
  }
  return items.rebalance().map(same);
}

function unite(env: StreamExecutionEnvironment, what: string): void {
  const orders = env.sequence(0, 499).map(i => ({i, name: `order ${i}`}));
  const others = env.sequence(500, 999).map(i => ({i: i + 0.5, price: i, tags: ['a']}));
  if (what === 'union of declared schemas') {
    const declared = others.map(({price}) => ({i: price})).returns(schema({i: int32}));
    (orders.returns(ORDER) as DataStream<any>).union(declared).collect('out');
    return;
  }
  (orders as DataStream<any>)
    .union(others)
    .rebalance()
    .map(item => item)
    .collect('out');
}
