/** What was chained becomes one vertex; what was not becomes an edge between vertices. */
import test from 'ava';
import {buildJobGraph} from '../../src/graph/job-graph.ts';
import {buildStreamGraph, type GraphSettings} from '../../src/graph/stream-graph.ts';
import {GraphBuilder, byKey, settings, transformations} from '../support/graph-builder.ts';

const build = (describe: (graph: GraphBuilder) => void, changes: Partial<GraphSettings> = {}) =>
  buildJobGraph(buildStreamGraph(transformations(describe), settings(changes)));

test('a chain is named as in Flink, branches in parentheses', t => {
  const graph = build(g => {
    const lines = g.source({name: 'lines'});
    g.sink(g.map(lines, {name: 'Flat Map'}), {name: 'a'});
    g.sink(lines, {name: 'b'});
  });

  t.deepEqual(
    graph.vertices.map(vertex => vertex.name),
    ['Source: lines -> (Flat Map -> Sink: a, Sink: b)'],
  );
});

test('a keyed aggregation begins a vertex; the edge is all-to-all', t => {
  const graph = build(g => {
    const map = g.map(g.source());
    g.sink(g.add('sum', [{sourceId: map, partitioner: byKey}]));
  });

  t.deepEqual(
    graph.vertices.map(vertex => vertex.name),
    ['Source: source1 -> map2', 'sum3 -> Sink: sink4'],
  );
  const [edge] = graph.edges;
  t.like(edge, {
    index: 0,
    sourceVertex: 0,
    sourceOperator: 1,
    writerIndex: 0,
    targetVertex: 1,
    targetOperator: 0,
    inputIndex: 0,
    pattern: 'ALL_TO_ALL',
    bufferTimeoutMs: 100,
  });
  t.is(graph.vertices[0]!.outEdges[0], edge);
  t.is(graph.vertices[1]!.inEdges[0], edge);
});

test('forward and rescale edges are pointwise, all others all-to-all', t => {
  const pattern = (
    kind: 'forward' | 'rescale' | 'rebalance' | 'shuffle' | 'broadcast' | 'global',
  ) =>
    build(g => g.add('sink', [{sourceId: g.source(), partitioner: {kind}}]), {
      operatorChaining: false,
    }).edges[0]!.pattern;

  t.deepEqual(
    (['forward', 'rescale', 'rebalance', 'shuffle', 'broadcast', 'global'] as const).map(pattern),
    ['POINTWISE', 'POINTWISE', 'ALL_TO_ALL', 'ALL_TO_ALL', 'ALL_TO_ALL', 'ALL_TO_ALL'],
  );
});

test('the plan of a chain says where each output goes', t => {
  const graph = build(g => {
    const source = g.source();
    const map = g.map(source);
    g.sink(map);
    g.add('sink', [{sourceId: map, sideOutput: 'late'}]);
    g.add('sink', [{sourceId: source, partitioner: {kind: 'rebalance'}}]);
    g.add('sink', [{sourceId: map, partitioner: {kind: 'broadcast'}, sideOutput: 'late'}]);
  });

  const {chain, outEdges} = graph.vertices[0]!;
  t.deepEqual(
    chain.nodes.map(node => [node.name, node.outputs]),
    [
      [
        'Source: source1',
        [
          {sideOutput: undefined, target: {kind: 'operator', index: 1, inputIndex: 0}},
          {sideOutput: undefined, target: {kind: 'writer', index: 0}},
        ],
      ],
      [
        'map2',
        [
          {sideOutput: undefined, target: {kind: 'operator', index: 2, inputIndex: 0}},
          {sideOutput: 'late', target: {kind: 'operator', index: 3, inputIndex: 0}},
          {sideOutput: 'late', target: {kind: 'writer', index: 1}},
        ],
      ],
      ['Sink: sink3', []],
      ['Sink: sink4', []],
    ],
  );
  t.deepEqual(
    outEdges.map(edge => [edge.writerIndex, edge.sourceOperator, edge.partitioner.kind]),
    [
      [0, 0, 'rebalance'],
      [1, 1, 'broadcast'],
    ],
  );
});

test('a union of a stream with itself has two edges', t => {
  const graph = build(g => {
    const source = g.source();
    g.sink(g.add('map', [source, source]));
  });

  t.deepEqual(
    graph.edges.map(edge => [edge.sourceVertex, edge.targetVertex, edge.writerIndex]),
    [
      [0, 1, 0],
      [0, 1, 1],
    ],
  );
  t.is(graph.vertices[1]!.inEdges.length, 2);
});

test('both inputs of a connected operator lead to its vertex', t => {
  const graph = build(g => {
    const [a, b] = [g.source(), g.source()];
    g.sink(g.add('coMap', [a, {sourceId: b, inputIndex: 1}]));
  });

  t.deepEqual(
    graph.vertices[2]!.inEdges.map(edge => [edge.sourceVertex, edge.inputIndex, edge.pattern]),
    [
      [0, 0, 'POINTWISE'],
      [1, 1, 'POINTWISE'],
    ],
  );
});

test('the id of a vertex follows the uid of its head and nothing else', t => {
  const id = (name: string, uid: string, filterUid: string) => {
    const {vertices} = build(g =>
      g.sink(g.add('filter', [g.source({name, uid})], {uid: filterUid})),
    );
    return vertices[0]!.id;
  };

  t.regex(id('a', 'u', 'f'), /^[0-9a-f]{32}$/);
  t.is(id('a', 'u', 'f'), id('b', 'u', 'g'));
  t.not(id('a', 'u', 'f'), id('a', 'v', 'f'));
});

test('without chaining every operator is a vertex', t => {
  const graph = build(g => g.sink(g.map(g.source())), {operatorChaining: false});

  t.is(graph.vertices.length, 3);
  t.deepEqual(
    graph.vertices.map(vertex => vertex.chain.nodes.length),
    [1, 1, 1],
  );
});

test('disabled chaining cuts both sides, a new chain one', t => {
  const names = (chainingStrategy: 'HEAD' | 'NEVER') =>
    build(g => g.sink(g.map(g.source(), {chainingStrategy}))).vertices.map(vertex => vertex.name);

  t.deepEqual(names('HEAD'), ['Source: source1', 'map2 -> Sink: sink3']);
  t.deepEqual(names('NEVER'), ['Source: source1', 'map2', 'Sink: sink3']);
});
