/** Which inputs are sorted in batch mode, and that plans say so. */
import test from 'ava';
import {explainJson, explainPlan} from '../../src/graph/explain.ts';
import {inputOrders} from '../../src/graph/input-order.ts';
import {planGraph} from '../../src/graph/plan.ts';
import type {GraphSettings} from '../../src/graph/stream-graph.ts';
import type {PartitionerSpec} from '../../src/graph/transformation.ts';
import type {KeySelector, OperatorSpec} from '../../src/operators/operator.ts';
import {byKey, settings, transformations} from '../support/graph-builder.ts';

const KEY: KeySelector = {kind: 'fields', paths: [['key']]};
const OTHER: KeySelector = {kind: 'fields', paths: [['other']]};

function custom(parts: Partial<Extract<OperatorSpec, {type: 'custom'}>>): OperatorSpec {
  const create = () => {
    throw new Error('a plan never runs');
  };
  return {type: 'custom', kind: 'test', create, ...parts};
}

/** The plan of an operator with these inputs. */
function plan(
  spec: OperatorSpec,
  partitioners: readonly PartitionerSpec[],
  runtimeMode: GraphSettings['runtimeMode'] = 'batch',
) {
  return planGraph(
    transformations(g => {
      const inputs = partitioners.map((partitioner, inputIndex) => ({
        sourceId: g.source(),
        partitioner,
        inputIndex,
      }));
      g.sink(g.add('map', inputs, {name: 'Operator', spec}));
    }),
    settings({runtimeMode}),
  );
}

function kinds(...args: Parameters<typeof plan>) {
  const {jobGraph} = plan(...args);
  const vertex = jobGraph.vertices.find(({operators}) => operators[0]!.name === 'Operator')!;
  return inputOrders(vertex, jobGraph.runtimeMode)?.map(({kind}) => kind);
}

const broadcast: PartitionerSpec = {kind: 'broadcast'};
const rebalance: PartitionerSpec = {kind: 'rebalance'};

test('operators with state per key read sorted inputs, in batch mode only', t => {
  const one = custom({key: KEY});
  const two = custom({key: [KEY, OTHER], inputCount: 2});

  t.deepEqual(kinds(one, [byKey]), ['sorted']);
  t.deepEqual(kinds(two, [byKey, byKey]), ['sorted', 'sorted']);
  t.deepEqual(kinds(one, [byKey], 'automatic'), ['sorted']);
  t.is(kinds(one, [byKey], 'streaming'), undefined);
  t.is(kinds(custom({}), [rebalance]), undefined);
});

test('functions read sorted inputs if they may have state', t => {
  const map = {map: (value: unknown) => value};

  t.deepEqual(kinds({type: 'map', fn: map, stateKeys: [KEY]}, [byKey]), ['sorted']);
  t.is(kinds({type: 'map', fn: value => value, stateKeys: [KEY]}, [byKey]), undefined);
  t.is(kinds({type: 'map', fn: map}, [rebalance]), undefined);
});

test('rolling aggregations read their input as it comes', t => {
  t.is(
    kinds({type: 'reduce', key: KEY, fn: (a: unknown) => a, emit: 'update'}, [byKey]),
    undefined,
  );
});

test('what is broadcast is read first, and the other input waits for it', t => {
  t.deepEqual(kinds(custom({inputCount: 2}), [rebalance, broadcast]), ['held', 'first']);
  t.deepEqual(kinds(custom({inputCount: 2, key: KEY}), [byKey, broadcast]), ['sorted', 'first']);
  t.is(kinds(custom({inputCount: 2}), [rebalance, rebalance]), undefined);
});

test('explain says how inputs are read', t => {
  const keyed = plan(custom({inputCount: 2, key: KEY}), [byKey, broadcast]);

  const text = explainPlan(keyed);
  t.regex(text, /^job test: batch/);
  t.regex(text, /hash\[key\] ALL_TO_ALL, 4 channels, sorted by key$/m);
  t.regex(text, /to input 2: broadcast ALL_TO_ALL, 4 channels, read first$/m);
  const {edges} = explainJson(keyed) as {edges: Array<{order?: string}>};
  t.deepEqual(
    edges.flatMap(({order}) => order ?? []),
    ['sorted by key', 'read first'],
  );
  t.notRegex(explainPlan(plan(custom({key: KEY}), [byKey], 'streaming')), /sorted/);
});
