/** Plans as people and programs read them. */
import test from 'ava';
import {explainPlan} from '../../src/graph/explain.ts';
import {planGraph} from '../../src/graph/plan.ts';
import {int32, schema, string} from '../../src/records/schema.ts';
import {byKey, settings, transformations} from '../support/graph-builder.ts';

const wordCount = () =>
  planGraph(
    transformations(g => {
      const words = g.map(g.source({name: 'lines', uid: 'lines'}), {
        name: 'Flat "Map"',
        uid: 'words',
        outputSchema: schema({key: string, value: int32}),
      });
      const sum = g.add('sum', [{sourceId: words, partitioner: byKey}], {name: 'Sum', uid: 'sum'});
      g.sink(sum, {name: 'out', uid: 'out', parallelism: 1});
    }),
    settings({jobName: 'word count'}),
  );

test('the text shows chains, reasons, channels, slots and memory', t => {
  t.is(
    explainPlan(wordCount(), {memoryLines: ['total 12']}),
    `job word count: streaming, parallelism 2

Tasks
  0  Source: lines -> Flat "Map"
     parallelism 2, max 128, slot sharing group default, id 2e14601a023cf097605e31cc781bd879
       Source: lines bounded  uid lines
       Flat "Map"  uid words

  1  Sum
     parallelism 2, max 128, slot sharing group default, id 7af063bae79cb5efa8743998b639ff9d
       Sum sum(value), emits update  uid sum
     <- 0  Flat "Map": hash[key] ALL_TO_ALL, 4 channels, {key: string, value: int32}
          not chained: the partitioner is hash

  2  Sink: out
     parallelism 1, max 128, slot sharing group default, id 8b17e981833987c033b5d00f089ea476
       Sink: out  uid out
     <- 1  Sum: rebalance ALL_TO_ALL, 2 channels
          not chained: parallelism changes from 2 to 1

Slots
  slot 0 (default) on worker 0: Source: lines -> Flat "Map" (1/2) | Sum (1/2) | Sink: out (1/1)
  slot 1 (default) on worker 1: Source: lines -> Flat "Map" (2/2) | Sum (2/2)

Totals
  5 tasks in 2 slots on 2 workers
  6 channels, 3 within one worker
  3 gates, 4 writers

Memory
  total 12
`,
  );
});

test('DOT shows chains as clusters and labels what crosses them', t => {
  t.is(
    explainPlan(wordCount(), {format: 'dot'}),
    `digraph "word count" {
  rankdir=LR;
  node [shape=box];
  subgraph cluster_0 {
    label="× 2";
    o1 [label="Source: lines"];
    o2 [label="Flat \\"Map\\""];
  }
  subgraph cluster_1 {
    label="× 2";
    o3 [label="Sum"];
  }
  subgraph cluster_2 {
    label="× 1";
    o4 [label="Sink: out"];
  }
  o1 -> o2;
  o2 -> o3 [label="hash[key]"];
  o3 -> o4 [label="rebalance"];
}
`,
  );
});

test('Mermaid shows the same', t => {
  t.is(
    explainPlan(wordCount(), {format: 'mermaid'}),
    `flowchart LR
  subgraph v0["× 2"]
    o1["Source: lines"]
    o2["Flat &quot;Map&quot;"]
  end
  subgraph v1["× 2"]
    o3["Sum"]
  end
  subgraph v2["× 1"]
    o4["Sink: out"]
  end
  o1 --- o2
  o2 -->|"hash[key]"| o3
  o3 -->|"rebalance"| o4
`,
  );
});

test('JSON has every graph as data', t => {
  const shown = JSON.parse(explainPlan(wordCount(), {format: 'json', memoryLines: ['total 12']}));

  t.is(shown.job, 'word count');
  t.deepEqual(
    shown.vertices.map((vertex: {name: string}) => vertex.name),
    ['Source: lines -> Flat "Map"', 'Sum', 'Sink: out'],
  );
  t.deepEqual(
    shown.edges.map((edge: {partitioner: string; notChained: object}) => [
      edge.partitioner,
      edge.notChained,
    ]),
    [
      ['hash[key]', {rule: 'forward partitioner', reason: 'the partitioner is hash'}],
      ['rebalance', {rule: 'forward partitioner', reason: 'parallelism changes from 2 to 1'}],
    ],
  );
  t.is(shown.tasks.length, 5);
  t.is(shown.channels.length, 6);
  t.deepEqual(shown.memory, ['total 12']);
});
