/** What the calls of a builder record, and what they refuse. */
import test from 'ava';
import {ConnectedStreams} from '../../src/api/connected-streams.ts';
import {DataStream, KeyedStream} from '../../src/api/data-stream.ts';
import {DataStreamSink} from '../../src/api/operator-settings.ts';
import {StreamExecutionEnvironment} from '../../src/api/environment.ts';
import {resolveConfig} from '../../src/graph/config.ts';
import {planGraph} from '../../src/graph/plan.ts';
import {describePartitioner} from '../../src/graph/stream-graph.ts';
import {OutputTag, type ProcessFunction} from '../../src/operators/functions.ts';
import {float64, int32, schema, string} from '../../src/records/schema.ts';
import {testSink, testSource} from '../support/graph-builder.ts';

const environment = () => new StreamExecutionEnvironment(resolveConfig({parallelism: 2}));

interface Bid {
  auction: number;
  price: number;
  bidder: {id: string; city: string};
}
const bids = (env: StreamExecutionEnvironment) =>
  env.fromElements<Bid>({auction: 1, price: 2, bidder: {id: 'a', city: 'b'}});

/** Each operator: its name, and for each input `source:index:partitioner:side output`. */
function recorded(env: StreamExecutionEnvironment): Array<[string, string[]]> {
  const {transformations} = env.finish();
  return transformations.map(({name, inputs}) => [
    name,
    inputs.map(({sourceId, inputIndex, partitioner, sideOutput}) => {
      const from = transformations[sourceId - 1]!.name;
      const how = partitioner === undefined ? '' : describePartitioner(partitioner);
      return [from, inputIndex, how, sideOutput ?? ''].join(':').replace(/:+$/, '');
    }),
  ]);
}

const passThrough: ProcessFunction<Bid, Bid> = {
  processElement: (value, _context, out) => out.collect(value),
};

test('each operation records an operator under its name', t => {
  const env = environment();
  bids(env)
    .map(bid => bid.price)
    .filter(price => price > 1)
    .flatMap(price => [price, price])
    .map(price => ({price}))
    .discard()
    .name('end');
  bids(env).process(passThrough).discard().name('end');

  t.deepEqual(recorded(env), [
    ['Collection Source', []],
    ['Map', ['Collection Source:0']],
    ['Filter', ['Map:0']],
    ['Flat Map', ['Filter:0']],
    ['Map', ['Flat Map:0']],
    ['end', ['Map:0']],
    ['Collection Source', []],
    ['Process', ['Collection Source:0']],
    ['end', ['Process:0']],
  ]);
});

test('partitioners apply to the edge to the next operator; the last one wins', t => {
  const env = environment();
  const stream = bids(env);
  stream.forward().sinkTo(testSink).name('1');
  stream.rebalance().sinkTo(testSink).name('2');
  stream.rescale().sinkTo(testSink).name('3');
  stream.shuffle().sinkTo(testSink).name('4');
  stream.broadcast().sinkTo(testSink).name('5');
  stream.global().sinkTo(testSink).name('6');
  stream
    .partitionCustom((city: string, count) => city.length % count, 'bidder.city')
    .sinkTo(testSink)
    .name('7');
  stream.rebalance().keyBy('auction').sinkTo(testSink).name('8');
  stream.keyBy('auction').global().sinkTo(testSink).name('9');

  t.deepEqual(
    recorded(env)
      .map(([name, inputs]) => [name, ...inputs])
      .slice(1),
    [
      ['1', 'Collection Source:0:forward'],
      ['2', 'Collection Source:0:rebalance'],
      ['3', 'Collection Source:0:rescale'],
      ['4', 'Collection Source:0:shuffle'],
      ['5', 'Collection Source:0:broadcast'],
      ['6', 'Collection Source:0:global'],
      ['7', 'Collection Source:0:custom[bidder.city]'],
      ['8', 'Collection Source:0:hash[auction]'],
      ['9', 'Collection Source:0:global'],
    ],
  );
});

test('a key is a field, several fields, or a function; one that only reads a field is that field', t => {
  const env = environment();
  const stream = bids(env);
  const keys = [
    stream.keyBy('auction'),
    stream.keyBy('bidder.city'),
    stream.keyBy('auction', 'bidder.id'),
    stream.keyBy(bid => bid.bidder.id),
    stream.keyBy(bid => bid.auction % 2),
    stream.keyBy(bid => [bid.auction, bid.price]),
  ];
  for (const keyed of keys) keyed.sum('price').sinkTo(testSink);

  t.deepEqual(
    recorded(env)
      .filter(([name]) => name === 'Keyed Aggregation')
      .map(([, [input]]) => input!.replace('Collection Source:0:', '')),
    [
      'hash[auction]',
      'hash[bidder.city]',
      'hash[auction, bidder.id]',
      'hash[bidder.id]',
      'hash[fn]',
      'hash[fn]',
    ],
  );
});

test('aggregations carry their key, field and tie rule', t => {
  const env = environment();
  const keyed = bids(env).keyBy('auction');
  keyed.sum('price');
  keyed.min('bidder.city');
  keyed.minBy('price');
  keyed.maxBy('price', {first: false});
  env
    .sequence(1, 3)
    .keyBy(n => n % 2)
    .max();

  const key = {kind: 'fields', paths: [['auction']]};
  const specs = env
    .finish()
    .transformations.map(({spec}) => spec)
    .filter(spec => spec.type === 'aggregate');
  t.deepEqual(
    specs.map(({aggregation, field, first}) => [aggregation, field, first]),
    [
      ['sum', ['price'], true],
      ['min', ['bidder', 'city'], true],
      ['minBy', ['price'], true],
      ['maxBy', ['price'], false],
      ['max', [], true],
    ],
  );
  t.deepEqual(specs[0]!.key, key);
});

test('reduce carries the key of its stream', t => {
  const env = environment();
  const fn = (a: Bid, b: Bid) => (a.price > b.price ? a : b);
  bids(env).keyBy('auction').reduce(fn);

  t.deepEqual(env.finish().transformations[1]!.spec, {
    type: 'reduce',
    key: {kind: 'fields', paths: [['auction']]},
    fn,
    emit: 'update',
  });
});

test('a keyed stream can do what a stream can, on partitioned records', t => {
  const env = environment();
  bids(env)
    .keyBy('auction')
    .map(bid => bid.price)
    .print();

  t.deepEqual(recorded(env)[1], ['Map', ['Collection Source:0:hash[auction]']]);
});

test('a union has the inputs of all its streams, one of them twice', t => {
  const env = environment();
  const [a, b] = [env.sequence(1, 2).name('a'), env.sequence(1, 2).name('b')];
  a.union(b, a)
    .map(n => n)
    .discard();
  a.union(b)
    .keyBy(n => n % 2)
    .sum()
    .discard();

  const operators = recorded(env);
  t.deepEqual(operators[2], ['Map', ['a:0', 'b:0', 'a:0']]);
  t.deepEqual(operators[4], ['Keyed Aggregation', ['a:0:hash[fn]', 'b:0:hash[fn]']]);
});

test('connected streams feed two inputs, keyed or not', t => {
  const env = environment();
  const left = bids(env).name('left');
  const right = env.fromElements({city: 'b', rate: 2}).name('right');
  const fn = {map1: (bid: Bid) => bid.price, map2: (city: {rate: number}) => city.rate};
  left.connect(right).map(fn).discard();
  left
    .connect(right)
    .keyBy('bidder.city', city => city.city)
    .map(fn)
    .discard();

  const operators = recorded(env).filter(([name]) => name === 'Co-Map');
  t.deepEqual(operators, [
    ['Co-Map', ['left:0', 'right:1']],
    ['Co-Map', ['left:0:hash[bidder.city]', 'right:1:hash[city]']],
  ]);
});

test('a side output is read through its tag', t => {
  const env = environment();
  const late = new OutputTag<number>('late');
  const main = bids(env).process(passThrough);
  main
    .getSideOutput(late)
    .map(n => n + 1)
    .discard();

  t.deepEqual(recorded(env)[2], ['Map', ['Process:0::late']]);
});

test('settings change the operator that they follow', t => {
  const env = environment();
  env
    .sequence(1, 10)
    .uid('source')
    .setBufferTimeout(0)
    .map(n => n)
    .name('twice')
    .uid('map')
    .setParallelism(3)
    .setMaxParallelism(64)
    .slotSharingGroup('maps')
    .startNewChain()
    .filter(() => true)
    .disableChaining()
    .discard()
    .name('out')
    .uid('sink')
    .setParallelism(1);

  const {transformations} = env.finish();
  t.like(transformations[0], {uid: 'source', bufferTimeoutMs: 0});
  t.like(transformations[1], {
    name: 'twice',
    uid: 'map',
    parallelism: 3,
    maxParallelism: 64,
    slotSharingGroup: 'maps',
    chainingStrategy: 'HEAD',
  });
  t.is(transformations[2]!.chainingStrategy, 'NEVER');
  t.like(transformations[3], {name: 'out', uid: 'sink', parallelism: 1});
});

test('declared schemas reach operator and side output', t => {
  const env = environment();
  const declared = schema({auction: int32, price: float64});
  const late = new OutputTag<{word: string}>('late');
  const lateSchema = schema({word: string});
  const stream = bids(env).process(passThrough);
  stream.returns(declared);
  stream.getSideOutput(late).returns(lateSchema).discard();
  env.fromHost('in', {schema: declared}).discard();

  const {transformations} = env.finish();
  t.is(transformations[1]!.outputSchema, declared);
  t.deepEqual(transformations[1]!.sideOutputSchemas, new Map([['late', lateSchema]]));
  t.is(transformations[3]!.outputSchema, declared);
});

test('sources and sinks that the host reads and writes have parallelism 1', t => {
  const env = environment();
  const stream = env.fromHost<number>('in');
  stream.collect('all');
  stream.toHost('out');

  const {transformations} = env.finish();
  t.deepEqual(
    transformations.map(({name, spec, parallelism}) => [name, spec, parallelism]),
    [
      ['Host in', {type: 'hostSource', channel: 'in'}, 1],
      ['Collect all', {type: 'hostSink', channel: 'all', collects: true}, 1],
      ['Host out', {type: 'hostSink', channel: 'out'}, 1],
    ],
  );
});

test('every source and sink of the engine is planned', t => {
  const env = environment();
  const streams: Array<DataStream<any>> = [
    env.fromElements(1, 2),
    env.fromCollection(new Set([1, 2])),
    env.sequence(1, 5),
    env.generate(index => ({index}), {count: 3, ratePerSecond: 10, name: 'ticks'}),
    env.readText('a.txt'),
    env.readJsonLines(['a.jsonl', 'b.jsonl']),
    env.readCsv('a.csv'),
    env.fromSource(testSource),
  ];
  const all = streams[0]!.union(...streams.slice(1));
  const sinks = [
    all.print(),
    all.writeText('out'),
    all.writeJsonLines('out'),
    all.writeCsv('out'),
    all.discard(),
    all.sinkTo(testSink),
  ];

  t.true(sinks.every(sink => sink instanceof DataStreamSink));
  const {transformations, settings} = env.finish();
  const {jobGraph} = planGraph(transformations, settings);
  t.is(jobGraph.vertices.length, streams.length + sinks.length);
  t.deepEqual(
    jobGraph.vertices.slice(0, 4).map(vertex => [vertex.name, vertex.parallelism]),
    [
      ['Source: Collection Source', 1],
      ['Source: Collection Source', 1],
      ['Source: Sequence Source', 2],
      ['Source: ticks', 2],
    ],
  );
});

test('streams are of the classes that their methods promise', t => {
  const env = environment();
  const stream = bids(env);

  t.true(stream instanceof DataStream);
  t.true(stream.keyBy('auction') instanceof KeyedStream);
  t.true(stream.connect(stream) instanceof ConnectedStreams);
});

/** Calls that TypeScript refuses too, but JavaScript does not. */
const untyped = (env: StreamExecutionEnvironment) => bids(env) as any;

for (const [name, run, code, message] of [
  [
    'sum without keyBy',
    s => s.sum('price'),
    'E_API_NOT_KEYED',
    /sum needs a keyed stream.*keyBy\(\)/,
  ],
  ['reduce without keyBy', s => s.reduce(() => 1), 'E_API_NOT_KEYED', /reduce/],
  [
    'map without a function',
    s => s.map('x'),
    'E_API_FUNCTION',
    /map needs a function or an object with map: value="x"/,
  ],
  ['an async map', s => s.map(async () => 1), 'E_API_FUNCTION', /async/],
  ['an async method', s => s.map({map: async () => 1}), 'E_API_FUNCTION', /async/],
  [
    'an object without its method',
    s => s.filter({map: () => 1}),
    'E_API_FUNCTION',
    /object with filter/,
  ],
  [
    'process with a plain function',
    s => s.process(() => 1),
    'E_API_FUNCTION',
    /process needs an object with processElement/,
  ],
  ['half a co-function', s => s.connect(s).map({map1: () => 1}), 'E_API_FUNCTION', /map1 and map2/],
  ['keyBy without a key', s => s.keyBy(), 'E_API_PATH', /keyBy needs the name of a field/],
  ['keyBy with a number', s => s.keyBy(3), 'E_API_PATH', /field=3/],
  ['an empty name in a path', s => s.keyBy('a..b'), 'E_API_PATH', /field="a\.\.b"/],
  ['sum of nothing', s => s.keyBy('auction').sum(''), 'E_API_PATH', /sum/],
  ['an empty name', s => s.name(''), 'E_API_NAME', /a name must be a text/],
  ['a uid that is no text', s => s.uid(7), 'E_API_NAME', /a uid.*value=7/],
  [
    'a parallelism of 0',
    s => s.setParallelism(0),
    'E_GRAPH_PARALLELISM',
    /operator=Collection Source, parallelism=0/,
  ],
  ['a buffer timeout of -2', s => s.setBufferTimeout(-2), 'E_GRAPH_BUFFER_TIMEOUT', /-2/],
  ['a name for a union', s => s.union(s).name('x'), 'E_API_NO_OPERATOR', /name was called/],
  [
    'a uid for a partitioned stream',
    s => s.keyBy('auction').uid('x'),
    'E_API_NO_OPERATOR',
    /uid was called/,
  ],
  [
    'a side output of a union',
    s => s.union(s).getSideOutput(new OutputTag('x')),
    'E_API_NO_OPERATOR',
    /getSideOutput/,
  ],
  ['a tag that is none', s => s.getSideOutput('late'), 'E_API_TAG', /tag="late"/],
  [
    'a union with something else',
    s => s.union([1]),
    'E_API_STREAM',
    /union needs a stream: value=\[1\]/,
  ],
  ['a sink that is none', s => s.sinkTo({}), 'E_API_SINK', /createWriter/],
  ['a schema that is none', s => s.returns({a: 'int32'}), 'E_API_SCHEMA', /returns needs a schema/],
  [
    'two schemas for one stream',
    s => s.returns(schema({auction: int32})).returns(schema({auction: float64})),
    'E_API_SCHEMA',
    /declared twice.*operator=Collection Source/,
  ],
] as Array<[string, (stream: any) => unknown, string, RegExp]>) {
  test(`${name} is refused: ${code}`, t => {
    const error = t.throws(() => run(untyped(environment())), {code});
    t.regex(error.message, message);
  });
}

for (const [name, run, code, message] of [
  ['a collection that is none', e => e.fromCollection(5), 'E_API_SOURCE', /iterate.*value=5/],
  ['a sequence that runs down', e => e.sequence(5, 1), 'E_API_SOURCE', /value=\[5,1\]/],
  ['a sequence of fractions', e => e.sequence(0.5, 3), 'E_API_SOURCE', /whole numbers/],
  ['a generator without a count', e => e.generate(() => 1, {}), 'E_API_SOURCE', /count/],
  [
    'a rate of 0',
    e => e.generate(() => 1, {count: 1, ratePerSecond: 0}),
    'E_API_SOURCE',
    /rate above 0/,
  ],
  ['no paths', e => e.readText([]), 'E_API_SOURCE', /readText needs a path/],
  ['a source that is none', e => e.fromSource({name: 'x'}), 'E_API_SOURCE', /enumerateSplits/],
  [
    'a mode that is none',
    e => e.setRuntimeMode('fast'),
    'E_API_MODE',
    /mode="fast".*streaming, batch, automatic/,
  ],
  [
    'a job parallelism of 1.5',
    e => e.setParallelism(1.5),
    'E_GRAPH_PARALLELISM',
    /parallelism=1\.5/,
  ],
  ['an input without a name', e => e.fromHost(''), 'E_API_NAME', /input/],
] as Array<[string, (env: any) => unknown, string, RegExp]>) {
  test(`${name} is refused: ${code}`, t => {
    const error = t.throws(() => run(environment()), {code});
    t.regex(error.message, message);
  });
}

test('streams of two environments cannot be combined', t => {
  const [a, b] = [environment().sequence(1, 2), environment().sequence(1, 2)];

  t.throws(() => a.union(b), {code: 'E_API_ENVIRONMENT', message: /union/});
  t.throws(() => a.connect(b), {code: 'E_API_ENVIRONMENT', message: /connect/});
});

test('a call after the builder has returned is refused', t => {
  const env = environment();
  const stream = env.sequence(1, 2);
  env.finish();

  t.throws(() => stream.print(), {code: 'E_API_SEALED', message: /operation=Print/});
  t.throws(() => stream.name('x'), {code: 'E_API_SEALED'});
  t.throws(() => env.setParallelism(3), {code: 'E_API_SEALED'});
});
