/** Subtasks, channels and slots: by example, and as laws over random graphs. */
import test from 'ava';
import fc from 'fast-check';
import {
  countGates,
  countWriters,
  producersOf,
  type ExecutionGraph,
} from '../../src/graph/execution-graph.ts';
import {planGraph, type JobPlan} from '../../src/graph/plan.ts';
import type {GraphSettings} from '../../src/graph/stream-graph.ts';
import type {PartitionerSpec} from '../../src/graph/transformation.ts';
import {GraphBuilder, byKey, settings, transformations} from '../support/graph-builder.ts';

const plan = (
  describe: (graph: GraphBuilder) => void,
  changes: Partial<GraphSettings> = {},
  workers?: number,
) => planGraph(transformations(describe), settings(changes), {workers});

/** `producer>consumer` of every channel, by subtask. */
const links = ({tasks, channels}: ExecutionGraph) =>
  channels.map(({producer, consumer}) => `${tasks[producer]!.subtask}>${tasks[consumer]!.subtask}`);

function rescaled(producers: number, consumers: number): string[] {
  const {executionGraph} = plan(g => {
    const source = g.source({parallelism: producers});
    g.add('sink', [{sourceId: source, partitioner: {kind: 'rescale'}}], {parallelism: consumers});
  });
  return links(executionGraph);
}

test('rescale links neighbours, as Flink does', t => {
  t.deepEqual(rescaled(2, 4), ['0>0', '0>1', '1>2', '1>3']);
  t.deepEqual(rescaled(4, 2), ['0>0', '1>0', '2>1', '3>1']);
  t.deepEqual(rescaled(3, 2), ['0>0', '1>1', '2>1']);
  t.deepEqual(rescaled(2, 3), ['0>0', '0>1', '1>2']);
  t.deepEqual(rescaled(5, 2), ['0>0', '1>0', '2>1', '3>1', '4>1']);
});

test('forward links subtasks of equal number', t => {
  const {executionGraph} = plan(g => g.sink(g.source()), {parallelism: 3, operatorChaining: false});

  t.deepEqual(links(executionGraph), ['0>0', '1>1', '2>2']);
});

test('a hash edge links all to all, and names the place in writer and gate', t => {
  const {executionGraph} = plan(
    g => g.sink(g.add('sum', [{sourceId: g.source(), partitioner: byKey}]), {parallelism: 3}),
    {parallelism: 2},
  );

  const {tasks, channels, writers, gates} = executionGraph;
  t.deepEqual(
    tasks.map(task => task.name),
    [
      'Source: source1 (1/2)',
      'Source: source1 (2/2)',
      'sum2 (1/2)',
      'sum2 (2/2)',
      'Sink: sink3 (1/3)',
      'Sink: sink3 (2/3)',
      'Sink: sink3 (3/3)',
    ],
  );
  t.deepEqual(links(executionGraph), [
    ...['0>0', '1>0', '0>1', '1>1'],
    ...['0>0', '1>0', '0>1', '1>1', '0>2', '1>2'],
  ]);
  // The second subtask of the source sends to the second subtask of the sum through this channel.
  t.like(channels[3], {producer: 1, consumer: 3, writerPosition: 1, gatePosition: 1});
  t.deepEqual(writers[channels[3]!.writer]!.channels, [1, 3]);
  t.deepEqual(gates[channels[3]!.gate]!.channels, [2, 3]);
});

test('a union feeds one gate, a connected operator has two', t => {
  const {executionGraph, jobGraph} = plan(
    g => {
      const [a, b, c] = [g.source(), g.source(), g.source()];
      g.sink(g.add('coMap', [a, b, {sourceId: c, inputIndex: 1}]));
    },
    {parallelism: 1},
  );

  const task = executionGraph.tasks[3]!;
  t.deepEqual(
    task.gates.map(gate => executionGraph.gates[gate]),
    [
      {index: 0, task: 3, inputIndex: 0, channels: [0, 1]},
      {index: 1, task: 3, inputIndex: 1, channels: [2]},
    ],
  );
  t.deepEqual(countGates(jobGraph, executionGraph), [
    {name: 'coMap4 -> Sink: sink5 [input 1]', count: 1, channels: 2},
    {name: 'coMap4 -> Sink: sink5 [input 2]', count: 1, channels: 1},
  ]);
});

test('totals and counts add up, for the memory budget', t => {
  const {executionGraph, jobGraph} = plan(
    g => g.sink(g.add('sum', [{sourceId: g.source({parallelism: 3}), partitioner: byKey}])),
    {parallelism: 2},
  );

  t.deepEqual(executionGraph.totals, {
    workers: 2,
    slots: 3,
    tasks: 5,
    gates: 2,
    writers: 3,
    channels: 6,
    localChannels: 3,
  });
  t.deepEqual(countGates(jobGraph, executionGraph), [
    {name: 'sum2 -> Sink: sink3', count: 2, channels: 6},
  ]);
  t.deepEqual(countWriters(jobGraph, executionGraph), [
    {name: 'Source: source1 => sum2 -> Sink: sink3', count: 3, channels: 6},
  ]);
});

test('slots are counted per group; subtask i of each vertex of a group shares slot i', t => {
  const {executionGraph} = plan(g => {
    const source = g.source({parallelism: 1});
    const map = g.map(source, {parallelism: 3});
    g.sink(map, {parallelism: 2, slotSharingGroup: 'sinks'});
  });

  t.deepEqual(
    executionGraph.slots.map(({slotSharingGroup, position, worker, tasks}) => [
      slotSharingGroup,
      position,
      worker,
      tasks.map(task => executionGraph.tasks[task]!.name),
    ]),
    [
      ['default', 0, 0, ['Source: source1 (1/1)', 'map2 (1/3)']],
      ['default', 1, 1, ['map2 (2/3)']],
      ['default', 2, 0, ['map2 (3/3)']],
      ['sinks', 0, 1, ['Sink: sink3 (1/2)']],
      ['sinks', 1, 0, ['Sink: sink3 (2/2)']],
    ],
  );
});

test('there are no more workers than slots, and at least one', t => {
  const simple = (g: GraphBuilder) => g.sink(g.source({parallelism: 1}), {parallelism: 1});

  t.is(plan(simple, {parallelism: 8}).executionGraph.workerCount, 1);
  t.is(plan(simple, {}, 1).executionGraph.workerCount, 1);
  t.throws(() => plan(simple, {}, 0), {code: 'E_GRAPH_WORKERS', message: /workers=0/});
});

test('one worker makes every channel local', t => {
  const {totals} = plan(
    g => g.sink(g.add('sum', [{sourceId: g.source(), partitioner: byKey}])),
    {parallelism: 4},
    1,
  ).executionGraph;

  t.is(totals.channels, 16);
  t.is(totals.localChannels, 16);
});

test('each subtask owns its range of key groups', t => {
  const {tasks} = plan(g => g.sink(g.source()), {parallelism: 3}).executionGraph;

  t.deepEqual(
    tasks.map(task => task.keyGroups),
    [
      {first: 0, last: 42},
      {first: 43, last: 85},
      {first: 86, last: 127},
    ],
  );
});

test('pointwise edges give each consumer a producer and each producer a consumer', t => {
  const sizes = fc.tuple(fc.integer({min: 1, max: 60}), fc.integer({min: 1, max: 60}));
  fc.assert(
    fc.property(sizes, ([producers, consumers]) => {
      const reached = new Set<number>();
      for (let consumer = 0; consumer < consumers; consumer += 1) {
        const {first, last} = producersOf({pattern: 'POINTWISE'}, consumer, producers, consumers);
        if (first > last || first < 0 || last >= producers) return false;
        for (let producer = first; producer <= last; producer += 1) {
          if (producers >= consumers && reached.has(producer)) return false;
          reached.add(producer);
        }
      }
      return reached.size === producers;
    }),
  );
  t.pass();
});

/** A random graph: a source, then operators that read one or two of what is there, then sinks. */
const randomPlan = fc
  .array(
    fc.record({
      first: fc.nat(),
      second: fc.option(fc.nat()),
      isConnected: fc.boolean(),
      parallelism: fc.integer({min: 1, max: 5}),
      group: fc.constantFrom(undefined, 'a', 'b'),
      chainingStrategy: fc.constantFrom('ALWAYS', 'HEAD', 'NEVER'),
      partitioner: fc.constantFrom<PartitionerSpec | undefined>(undefined, byKey, {
        kind: 'rescale',
      }),
    }),
    {minLength: 1, maxLength: 8},
  )
  .chain(steps => fc.tuple(fc.constant(steps), fc.integer({min: 1, max: 4})))
  .map(([steps, workers]): JobPlan => {
    return plan(
      g => {
        const ids = [g.source({parallelism: 2})];
        for (const step of steps) {
          const {parallelism, chainingStrategy, partitioner, group} = step;
          const input = (pick: number, inputIndex: number) => ({
            sourceId: ids[pick % ids.length]!,
            inputIndex,
            partitioner,
          });
          const inputs = [input(step.first, 0)];
          if (step.second !== null) inputs.push(input(step.second, step.isConnected ? 1 : 0));
          const kind = step.second !== null && step.isConnected ? 'coMap' : 'map';
          const changes = {parallelism, chainingStrategy} as const;
          ids.push(
            g.add(
              kind,
              inputs,
              group === undefined ? changes : {...changes, slotSharingGroup: group},
            ),
          );
        }
        for (const id of ids) g.sink(id);
      },
      {},
      workers,
    );
  });

test('in any graph channels, writers, gates and slots agree with each other', t => {
  fc.assert(
    fc.property(randomPlan, ({jobGraph, executionGraph, streamGraph}) => {
      const {tasks, channels, writers, gates, slots, workerCount} = executionGraph;
      for (const channel of channels) {
        const edge = jobGraph.edges[channel.edge]!;
        const [writer, gate] = [writers[channel.writer]!, gates[channel.gate]!];
        const [producer, consumer] = [tasks[channel.producer]!, tasks[channel.consumer]!];
        if (writer.channels[channel.writerPosition] !== channel.index) return false;
        if (gate.channels[channel.gatePosition] !== channel.index) return false;
        if (producer.writers[edge.writerIndex] !== writer.index) return false;
        if (consumer.gates[edge.inputIndex] !== gate.index) return false;
        if (writer.task !== producer.index || gate.task !== consumer.index) return false;
        if (writer.edge !== edge.index || gate.inputIndex !== edge.inputIndex) return false;
        if (channel.isLocal !== (producer.worker === consumer.worker)) return false;
        if (producer.vertex !== edge.sourceVertex || consumer.vertex !== edge.targetVertex)
          return false;
        // All-to-all: what a partitioner answers is the number of the subtask.
        if (edge.pattern === 'ALL_TO_ALL' && channel.writerPosition !== consumer.subtask)
          return false;
      }
      const sum = (lists: ReadonlyArray<{channels: readonly number[]}>) =>
        lists.reduce((total, {channels: own}) => total + own.length, 0);
      if (sum(writers) !== channels.length || sum(gates) !== channels.length) return false;
      if (writers.some(({channels: own}) => own.length === 0)) return false;
      if (gates.some(({channels: own}) => own.length === 0)) return false;
      for (const {tasks: inSlot, index, worker} of slots) {
        const vertices = inSlot.map(task => tasks[task]!.vertex);
        if (new Set(vertices).size !== vertices.length) return false;
        if (inSlot.some(task => tasks[task]!.slot !== index || tasks[task]!.worker !== worker)) {
          return false;
        }
        if (worker >= workerCount) return false;
      }
      if (slots.reduce((total, slot) => total + slot.tasks.length, 0) !== tasks.length)
        return false;
      const operators = jobGraph.vertices.flatMap(vertex => vertex.operators);
      return new Set(operators.map(({node}) => node.id)).size === streamGraph.nodes.length;
    }),
  );
  t.pass();
});

test('an execution graph is plain data that can cross threads', t => {
  const {executionGraph} = plan(g => g.sink(g.source()));

  t.deepEqual(structuredClone(executionGraph), executionGraph);
  t.deepEqual(JSON.parse(JSON.stringify(executionGraph)), executionGraph);
});
