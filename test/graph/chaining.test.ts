/** Flink's nine chaining rules, each broken alone. */
import test from 'ava';
import {CHAINING_RULES, chainingObjection, chainingObjections} from '../../src/graph/chaining.ts';
import {buildJobGraph} from '../../src/graph/job-graph.ts';
import {buildStreamGraph, type GraphSettings} from '../../src/graph/stream-graph.ts';
import type {Transformation} from '../../src/graph/transformation.ts';
import {GraphBuilder, settings, transformations} from '../support/graph-builder.ts';

/** source1 → map2 → sink3; returns what is said about the edge from source1 to map2. */
function objections(
  up: Partial<Transformation>,
  down: Partial<Transformation>,
  changes: Partial<GraphSettings> = {},
): string[] {
  const graph = buildStreamGraph(
    transformations(g => g.sink(g.map(g.source(up), down))),
    settings(changes),
  );
  return chainingObjections(graph, graph.edges[0]!).map(({rule, reason}) => `${rule}: ${reason}`);
}

test('there are nine rules, with names of their own', t => {
  t.is(new Set(CHAINING_RULES.map(rule => rule.name)).size, 9);
});

test('an edge that breaks no rule is chained', t => {
  t.deepEqual(objections({}, {}), []);
});

test('chaining may be disabled for the job', t => {
  t.deepEqual(objections({}, {}, {operatorChaining: false}), [
    'chaining enabled: operator chaining is disabled for the job',
  ]);
});

for (const [up, down, expected] of [
  ['ALWAYS', 'ALWAYS', undefined],
  ['HEAD', 'ALWAYS', undefined],
  ['HEAD_WITH_SOURCES', 'ALWAYS', undefined],
  ['ALWAYS', 'HEAD_WITH_SOURCES', undefined],
  ['NEVER', 'ALWAYS', 'Source: source1 has chaining disabled'],
  ['ALWAYS', 'NEVER', 'map2 has chaining disabled'],
  ['ALWAYS', 'HEAD', 'map2 starts a new chain'],
] as const) {
  test(`strategies ${up} and ${down} ${expected === undefined ? 'chain' : 'do not chain'}`, t => {
    t.deepEqual(
      objections({chainingStrategy: up}, {chainingStrategy: down}),
      expected === undefined ? [] : [`chaining strategy: ${expected}`],
    );
  });
}

test('HEAD_WITH_SOURCES is chained to sources only', t => {
  const graph = buildStreamGraph(
    transformations(g => g.sink(g.map(g.map(g.source()), {chainingStrategy: 'HEAD_WITH_SOURCES'}))),
    settings(),
  );

  t.is(chainingObjection(graph, graph.edges[1]!)?.reason, 'map3 is chained only to sources');
});

test('slot sharing groups must be the same', t => {
  t.deepEqual(objections({}, {slotSharingGroup: 'other'}), [
    'same slot sharing group: slot sharing groups differ: default, other',
  ]);
});

test('parallelism must be the same', t => {
  t.deepEqual(objections({parallelism: 1}, {}), [
    'forward partitioner: parallelism changes from 1 to 2',
    'equal parallelism: parallelism changes from 1 to 2',
  ]);
});

test('max parallelism must be the same only if that is asked for', t => {
  t.deepEqual(objections({maxParallelism: 64}, {}), []);
  t.deepEqual(objections({maxParallelism: 64}, {}, {chainDifferentMaxParallelism: false}), [
    'equal max parallelism: max parallelism changes from 64 to 128',
  ]);
});

for (const kind of ['rebalance', 'rescale', 'shuffle', 'broadcast', 'global'] as const) {
  test(`a ${kind} edge is not chained, even at equal parallelism`, t => {
    const graph = new GraphBuilder();
    graph.sink(graph.add('map', [{sourceId: graph.source(), partitioner: {kind}}]));
    const stream = buildStreamGraph(graph.transformations, settings());

    t.deepEqual(chainingObjections(stream, stream.edges[0]!), [
      {rule: 'forward partitioner', reason: `the partitioner is ${kind}`},
    ]);
  });
}

test('the edges of a union are not chained', t => {
  const stream = buildStreamGraph(
    transformations(g => g.sink(g.add('map', [g.source(), g.source()]))),
    settings(),
  );

  t.deepEqual(chainingObjections(stream, stream.edges[1]!), [
    {rule: 'no union', reason: 'map3 reads a union'},
    {rule: 'single input', reason: 'map3 has 2 inputs'},
  ]);
});

test('an operator with two inputs is not chained to either', t => {
  const stream = buildStreamGraph(
    transformations(g =>
      g.sink(g.add('coMap', [g.source(), {sourceId: g.source(), inputIndex: 1}])),
    ),
    settings(),
  );

  for (const edge of stream.edges.slice(0, 2)) {
    t.deepEqual(chainingObjections(stream, edge), [
      {rule: 'single input', reason: 'coMap3 has 2 inputs'},
    ]);
  }
});

test('an operator that waits inside records is not chained behind a source that pushes', t => {
  const graph = (pushes: boolean, strategy: 'ALWAYS' | 'HEAD') => {
    const stream = buildStreamGraph(
      transformations(g => {
        const middle = g.map(g.map(g.source({pushes}), {chainingStrategy: strategy}));
        g.sink(g.map(middle, {yields: true}));
      }),
      settings(),
    );
    return chainingObjection(stream, stream.edges[2]!);
  };

  t.deepEqual(graph(true, 'ALWAYS'), {
    rule: 'no yielding behind a pushing source',
    reason: 'map4 waits inside records, and Source: source1 cannot be made to wait',
  });
  t.is(graph(false, 'ALWAYS'), undefined);
  // The head of the chain counts: with a chain of its own the operator is far from the source.
  t.is(graph(true, 'HEAD'), undefined);
});

test('the objection that a job edge shows is the first one', t => {
  const {edges} = buildJobGraph(
    buildStreamGraph(
      transformations(g =>
        g.sink(g.map(g.source(), {slotSharingGroup: 'x', chainingStrategy: 'HEAD'})),
      ),
      settings(),
    ),
  );

  t.deepEqual(
    edges.map(edge => edge.objection),
    [{rule: 'chaining strategy', reason: 'map2 starts a new chain'}],
  );
});
