/** Where batch mode puts combiners, and where it must not. */
import test from 'ava';
import {buildJobGraph} from '../../src/graph/job-graph.ts';
import {buildStreamGraph, type GraphSettings} from '../../src/graph/stream-graph.ts';
import type {PartitionerSpec} from '../../src/graph/transformation.ts';
import type {KeySelector, OperatorSpec} from '../../src/operators/operator.ts';
import {float64, int32, schema, string} from '../../src/records/schema.ts';
import {GraphBuilder, byKey, settings, transformations} from '../support/graph-builder.ts';

const BATCH = {runtimeMode: 'batch', batchCombine: true} as const;

const build = (describe: (graph: GraphBuilder) => void, changes: Partial<GraphSettings> = {}) =>
  buildStreamGraph(transformations(describe), settings({...BATCH, ...changes}));

const names = (describe: (graph: GraphBuilder) => void, changes: Partial<GraphSettings> = {}) =>
  buildJobGraph(build(describe, changes)).vertices.map(vertex => vertex.name);

const KEY: KeySelector = {kind: 'fields', paths: [['key']]};

/** A rolling sum of the field `value` by the field `key`, with changes. */
function sum(
  g: GraphBuilder,
  inputs: readonly number[],
  changes: object = {},
  partitioner: PartitionerSpec = byKey,
): number {
  const spec = {
    type: 'aggregate',
    key: KEY,
    aggregation: 'sum',
    field: ['value'],
    first: true,
    emit: 'update',
    ...changes,
  } as OperatorSpec;
  return g.add(
    'sum',
    inputs.map(sourceId => ({sourceId, partitioner})),
    {name: 'sum', spec},
  );
}

test('a combiner stands at the end of the chain in front of the exchange', t => {
  const graph = build(g =>
    g.sink(sum(g, [g.map(g.source({name: 'source'}), {name: 'map'})]), {name: 'sink'}),
  );

  t.deepEqual(
    buildJobGraph(graph).vertices.map(({name}) => name),
    ['Source: source -> map -> Combine', 'sum -> Sink: sink'],
  );
  t.deepEqual(
    graph.edges.map(edge => {
      const [from, to] = [edge.sourceId, edge.targetId].map(id => graph.nodesById.get(id)!.name);
      return `${edge.id} ${from} ${edge.partitioner.kind} ${to}`;
    }),
    [
      '0 Source: source forward map',
      '1 Combine hash sum',
      '2 sum forward Sink: sink',
      '3 map forward Combine',
    ],
  );
});

test('there is none in streaming mode, without the option, and without chains', t => {
  const describe = (g: GraphBuilder) => {
    g.sink(sum(g, [g.source()]));
  };
  for (const changes of [
    {runtimeMode: 'streaming'},
    {batchCombine: false},
    {operatorChaining: false},
  ] as const) {
    t.notRegex(names(describe, changes).join(), /Combine/);
  }
});

test('each stream of a union has a combiner of its own', t => {
  const graph = names(g => g.sink(sum(g, [g.source(), g.source()])));

  t.is(graph.filter(name => name.endsWith('-> Combine')).length, 2);
});

test('only sums and extremes of a field beside the key are combined', t => {
  const combined = (spec: object, partitioner: PartitionerSpec = byKey) =>
    names(g => g.sink(sum(g, [g.source()], spec, partitioner)))
      .join()
      .includes('Combine');

  for (const aggregation of ['sum', 'min', 'max']) t.true(combined({aggregation}), aggregation);
  for (const aggregation of ['minBy', 'maxBy']) t.false(combined({aggregation}), aggregation);
  t.false(combined({field: ['key']}), 'the field is the key');
  t.false(combined({field: ['key', 'part']}), 'the field is a part of the key');
  t.false(combined({field: []}), 'the record itself');
  t.false(combined({}, {kind: 'hash', key: {kind: 'function', fn: () => 1}}), 'a function');
});

test('a sum must fit the schema that was declared', t => {
  const combined = (type: typeof int32 | typeof float64) =>
    names(g => {
      const source = g.source({outputSchema: schema({key: string, value: type})});
      g.sink(sum(g, [source]));
    })
      .join()
      .includes('Combine');

  t.true(combined(float64));
  t.false(combined(int32));
});

test('a producer that wants no chain gets no combiner', t => {
  const graph = names(g => {
    g.sink(sum(g, [g.source({chainingStrategy: 'NEVER'})]));
  });

  t.notRegex(graph.join(), /Combine/);
});
