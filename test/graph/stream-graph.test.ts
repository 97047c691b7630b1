/** Defaults of the stream graph, and every mistake that it refuses. */
import test from 'ava';
import {buildStreamGraph, type GraphSettings} from '../../src/graph/stream-graph.ts';
import type {Transformation} from '../../src/graph/transformation.ts';
import {float64, int32, schema, string} from '../../src/records/schema.ts';
import {
  GraphBuilder,
  byKey,
  settings,
  testSource,
  transformations,
} from '../support/graph-builder.ts';

const build = (describe: (graph: GraphBuilder) => void, changes: Partial<GraphSettings> = {}) =>
  buildStreamGraph(transformations(describe), settings(changes));

test('an edge without a partitioner is forward at equal parallelism, else rebalance', t => {
  const graph = build(g => g.sink(g.map(g.source()), {parallelism: 3}));

  t.deepEqual(
    graph.edges.map(edge => [edge.partitioner.kind, edge.isDefaultPartitioner]),
    [
      ['forward', true],
      ['rebalance', true],
    ],
  );
});

test('what an operator says wins over the job, the job over what is derived', t => {
  const nodes = (changes: Partial<GraphSettings>) =>
    build(g => g.sink(g.map(g.source(), {parallelism: 100, maxParallelism: 1000})), {
      ...changes,
    }).nodes.map(node => [node.parallelism, node.maxParallelism]);

  t.deepEqual(nodes({}), [
    [2, 128],
    [100, 1000],
    [2, 128],
  ]);
  t.deepEqual(nodes({parallelism: 90}), [
    [90, 256],
    [100, 1000],
    [90, 256],
  ]);
  t.deepEqual(nodes({maxParallelism: 500}), [
    [2, 500],
    [100, 1000],
    [2, 500],
  ]);
});

test('the buffer timeout belongs to the edges behind an operator', t => {
  const graph = build(g => g.sink(g.map(g.source({bufferTimeoutMs: 5}))));

  t.deepEqual(
    graph.edges.map(edge => edge.bufferTimeoutMs),
    [5, 100],
  );
});

test('a slot sharing group is inherited if all inputs agree, else it is the default one', t => {
  const graph = build(g => {
    const a = g.source({slotSharingGroup: 'a'});
    const b = g.source({slotSharingGroup: 'b'});
    g.sink(g.map(a));
    g.sink(g.add('map', [a, b]));
  });

  t.deepEqual(Object.fromEntries(graph.nodes.map(node => [node.name, node.slotSharingGroup])), {
    'Source: source1': 'a',
    'Source: source2': 'b',
    map3: 'a',
    'Sink: sink4': 'a',
    map5: 'default',
    'Sink: sink6': 'default',
  });
});

test('a source that nobody reads is dropped', t => {
  const graph = build(g => {
    g.source();
    g.sink(g.map(g.source()));
  });

  t.deepEqual(
    graph.nodes.map(node => node.id),
    [2, 3, 4],
  );
});

test('nodes are in topological order, whatever the order of the calls', t => {
  const graph = build(g => {
    g.add('sink', [3], {id: 1});
    g.add('map', [4], {id: 3});
    g.add('source', [], {id: 4});
  });

  t.deepEqual(
    graph.nodes.map(node => node.id),
    [4, 3, 1],
  );
});

test('a derived uid depends on what feeds an operator, not on its name or on other branches', t => {
  const uids = (describe: (graph: GraphBuilder) => void) =>
    build(describe).nodes.map(node => node.uid);
  const [source, map, sink] = uids(g => g.sink(g.map(g.source())));

  t.deepEqual(
    uids(g => g.sink(g.map(g.source({name: 'x'}), {name: 'y'}))),
    [source, map, sink],
  );
  t.deepEqual(
    uids(g => {
      g.sink(g.map(g.source()));
      g.sink(g.add('filter', [1]));
    }).slice(0, 3),
    [source, map, sink],
  );
  t.notDeepEqual(uids(g => g.sink(g.map(g.source({uid: 'other'})))).slice(1), [map, sink]);
  t.notDeepEqual(uids(g => g.sink(g.add('filter', [g.source()]))).slice(1), [map, sink]);
});

test('operators that look alike get uids of their own, in the order of the calls', t => {
  const graph = build(g => {
    const source = g.source();
    g.sink(g.map(source));
    g.sink(g.map(source));
  });

  t.is(new Set(graph.nodes.map(node => node.uid)).size, 5);
});

test('a given uid is kept', t => {
  const graph = build(g => g.sink(g.map(g.source(), {uid: 'mine'})));

  t.deepEqual(
    graph.nodes.map(node => node.isUidGiven),
    [false, true, false],
  );
  t.is(graph.nodes[1]!.uid, 'mine');
});

test('a declared schema goes through operators that hand values on, and no further', t => {
  const declared = schema({key: string, value: int32});
  const graph = build(g => {
    const filtered = g.add('filter', [g.source({outputSchema: declared})]);
    g.sink(g.map(filtered));
    g.sink(g.add('sum', [{sourceId: filtered, partitioner: byKey}]));
  });

  const schemas = Object.fromEntries(graph.nodes.map(node => [node.name, node.outputSchema]));
  t.is(schemas['filter2'], declared);
  t.is(schemas['map3'], undefined);
  t.is(schemas['sum5'], undefined);
  t.is(graph.edges[0]!.schema, declared);
});

test('a source knows its schema, unless another one was declared', t => {
  const own = schema({a: int32});
  const other = schema({a: float64});
  const source = {spec: {type: 'source', source: {...testSource, schema: own}}} as const;

  t.is(build(g => g.sink(g.source(source))).edges[0]!.schema, own);
  t.is(build(g => g.sink(g.source({...source, outputSchema: other}))).edges[0]!.schema, other);
});

test('a side output has the schema declared for its tag', t => {
  const late = schema({a: int32});
  const graph = build(g => {
    const map = g.map(g.source(), {sideOutputSchemas: new Map([['late', late]])});
    g.add('sink', [{sourceId: map, sideOutput: 'late'}]);
    g.add('sink', [{sourceId: map, sideOutput: 'other'}]);
  });

  t.deepEqual(
    graph.edges.map(edge => edge.schema),
    [undefined, late, undefined],
  );
});

test('batch mode makes rolling aggregations emit only final values', t => {
  const emit = (runtimeMode: GraphSettings['runtimeMode'], isBounded: boolean) => {
    const graph = build(
      g => {
        const source = g.source({spec: {type: 'source', source: {...testSource, isBounded}}});
        g.sink(g.add('sum', [{sourceId: source, partitioner: byKey}]));
      },
      {runtimeMode},
    );
    return (graph.nodes[1]!.spec as {emit: string}).emit;
  };

  t.is(emit('streaming', true), 'update');
  t.is(emit('batch', true), 'final');
  t.is(emit('automatic', true), 'final');
  t.is(emit('automatic', false), 'update');
  t.throws(() => emit('batch', false), {code: 'E_GRAPH_UNBOUNDED', message: /source=source1/});
});

/** Each mistake: its code, words that the message must have, and the graph that makes it. */
const MISTAKES: Array<
  [string, string, RegExp, (g: GraphBuilder) => void, Partial<GraphSettings>?]
> = [
  ['an empty job', 'E_GRAPH_EMPTY', /no operators.*sources=0.*print\(\)/, () => {}],
  ['a job of sources only', 'E_GRAPH_EMPTY', /sources=1/, g => g.source()],
  ['a missing sink', 'E_GRAPH_NO_SINK', /operator=map2.*discard\(\)/, g => g.map(g.source())],
  [
    'a second stream without a sink',
    'E_GRAPH_NO_SINK',
    /operator=map3, uid=mine/,
    g => {
      g.sink(g.source());
      g.map(1, {uid: 'mine'});
    },
  ],
  [
    'a cycle',
    'E_GRAPH_CYCLE',
    /operators=map1 -> map3 -> map4 -> map1;/,
    g => {
      // The source is met on the way along the cycle, but is not part of it.
      g.add('map', [5, 4], {id: 1});
      g.map(1, {id: 3});
      g.map(3, {id: 4});
      g.add('source', [], {id: 5});
      g.sink(4, {id: 6});
    },
  ],
  [
    'an unknown input',
    'E_GRAPH_INPUT',
    /operator=sink2, sourceId=9/,
    g => {
      g.source();
      g.sink(9);
    },
  ],
  ['an id used twice', 'E_GRAPH_INPUT', /same id/, g => g.sink(g.source(), {id: 1})],
  [
    'an operator that lacks its second input',
    'E_GRAPH_INPUT',
    /operator=coMap2, type=coMap, expected=2, found=0/,
    g => g.sink(g.add('coMap', [g.source()])),
  ],
  [
    'parallelism above max parallelism',
    'E_GRAPH_PARALLELISM',
    /operator=map2, parallelism=8, maxParallelism=4.*setMaxParallelism\(8\)/,
    g => g.sink(g.map(g.source(), {parallelism: 8, maxParallelism: 4})),
  ],
  ...[0, -1, 1.5, NaN, Infinity, 40_000].map(
    parallelism =>
      [
        `a parallelism of ${parallelism}`,
        'E_GRAPH_PARALLELISM',
        new RegExp(`operator=map2, parallelism=${parallelism};`),
        (g: GraphBuilder) => g.sink(g.map(g.source(), {parallelism})),
      ] as (typeof MISTAKES)[number],
  ),
  [
    'a max parallelism above 32768',
    'E_GRAPH_PARALLELISM',
    /maxParallelism=32769/,
    g => g.sink(g.source()),
    {maxParallelism: 32769},
  ],
  [
    'a duplicate uid',
    'E_GRAPH_UID',
    /uid=same, first=source1, second=sink2/,
    g => g.sink(g.source({uid: 'same'}), {uid: 'same'}),
  ],
  [
    'two sinks with one name for the host',
    'E_GRAPH_CHANNEL',
    /channel=out, first=sink2, second=sink3/,
    g => {
      const spec = {type: 'hostSink', channel: 'out'} as const;
      g.source();
      g.sink(1, {spec});
      g.sink(1, {spec});
    },
  ],
  [
    'forward between unequal parallelisms',
    'E_GRAPH_FORWARD',
    /from=Source: source1, fromParallelism=2, to=Sink: sink2, toParallelism=3.*rebalance/,
    g => g.add('sink', [{sourceId: g.source(), partitioner: {kind: 'forward'}}], {parallelism: 3}),
  ],
  [
    'a keyed operation on a stream that is not keyed',
    'E_GRAPH_NOT_KEYED',
    /operator=sum2, input=Source: source1, partitioner=forward.*keyBy/,
    g => g.sink(g.add('sum', [g.source()])),
  ],
  [
    'a union of a keyed and another stream before a keyed operation',
    'E_GRAPH_NOT_KEYED',
    /input=Source: source2, partitioner=rebalance/,
    g =>
      g.sink(
        g.add('sum', [
          {sourceId: g.source(), partitioner: byKey},
          {sourceId: g.source(), partitioner: {kind: 'rebalance'}},
        ]),
      ),
  ],
  [
    'a union of streams with different declared schemas',
    'E_GRAPH_UNION_SCHEMA',
    /first=Source: source1, second=Source: source2, difference=price is int32 against float64/,
    g =>
      g.sink(
        g.add('map', [
          g.source({outputSchema: schema({id: int32, price: int32})}),
          g.source({outputSchema: schema({id: int32, price: float64})}),
        ]),
      ),
  ],
  [
    'a union of streams with different fields',
    'E_GRAPH_UNION_SCHEMA',
    /difference=b only in the second/,
    g =>
      g.sink(
        g.add('map', [
          g.source({outputSchema: schema({a: int32})}),
          g.source({outputSchema: schema({a: int32, b: int32})}),
        ]),
      ),
  ],
  [
    'a buffer timeout below -1',
    'E_GRAPH_BUFFER_TIMEOUT',
    /operator=source1, bufferTimeoutMs=-2/,
    g => g.sink(g.source({bufferTimeoutMs: -2})),
  ],
];

for (const [name, code, message, describe, changes] of MISTAKES) {
  test(`${name} is refused: ${code}`, t => {
    const error = t.throws(() => build(describe, changes), {code});
    t.regex(error.message, message);
  });
}

test('streams of the same declared schema may form a union', t => {
  const declared: Partial<Transformation> = {outputSchema: schema({a: int32})};
  const graph = build(g =>
    g.sink(g.add('map', [g.source(declared), g.source({outputSchema: schema({a: int32})})])),
  );

  t.is(graph.edges.length, 3);
});

test('the inputs of a connected operator may have different schemas', t => {
  t.notThrows(() =>
    build(g => {
      const first = g.source({outputSchema: schema({a: int32})});
      const second = g.source({outputSchema: schema({b: string})});
      g.sink(g.add('coMap', [first, {sourceId: second, inputIndex: 1}]));
    }),
  );
});
