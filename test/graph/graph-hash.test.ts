/** Two builds of one module agree; any other difference is found and named. */
import test from 'ava';
import {
  describeDifference,
  fingerprintGraph,
  fingerprintLines,
} from '../../src/graph/graph-hash.ts';
import {planGraph} from '../../src/graph/plan.ts';
import type {GraphSettings} from '../../src/graph/stream-graph.ts';
import {
  GraphBuilder,
  byKey,
  settings,
  testSource,
  transformations,
} from '../support/graph-builder.ts';

const fingerprint = (
  describe: (graph: GraphBuilder) => void,
  changes: Partial<GraphSettings> = {},
) => fingerprintGraph(planGraph(transformations(describe), settings(changes)).jobGraph);

const plain = (g: GraphBuilder) => {
  const sum = g.add('sum', [{sourceId: g.map(g.source()), partitioner: byKey}]);
  g.sink(sum);
};

test('two builds of the same graph have the same fingerprint', t => {
  t.deepEqual(fingerprint(plain), fingerprint(plain));
  t.is(describeDifference(fingerprint(plain), fingerprint(plain)), undefined);
  t.regex(fingerprint(plain).hash, /^[0-9a-f]{32}$/);
});

test('a fingerprint crosses threads', t => {
  t.deepEqual(structuredClone(fingerprint(plain)), fingerprint(plain));
});

test('a fingerprint has a line for the settings and one for each operator', t => {
  const [first, second] = [fingerprint(plain), fingerprint(plain, {bufferTimeoutMs: 7})];

  const lines = fingerprintLines(first);
  t.is(lines.length, 5);
  t.regex(lines[2]!, /^map2 \(uid map-/);
  t.deepEqual(fingerprintLines(fingerprint(plain)), lines);
  t.not(fingerprintLines(second)[0], lines[0]);
});

const mapWith = (fn: unknown) => (g: GraphBuilder) =>
  g.sink(g.map(g.source(), {spec: {type: 'map', fn: fn as (value: unknown) => unknown}}));

class Adder {
  map(value: number) {
    return value + 1;
  }
}
class Doubler {
  map(value: number) {
    return value * 2;
  }
}

for (const [name, first, second, message] of [
  [
    'the text of a function',
    mapWith((value: number) => value + 1),
    mapWith((value: number) => value + 2),
    /^operator 2 of 3, map2 \(uid map-[0-9a-f]{16}\): function is ".*\+ 1" against ".*\+ 2"$/,
  ],
  [
    'the class of a function object',
    mapWith(new Adder()),
    mapWith(new Doubler()),
    /map2 .*: function/,
  ],
  [
    'a name',
    plain,
    (g: GraphBuilder) => g.sink(g.map(g.source(), {name: 'x'})),
    /^operator 2 of 4, map2 .*: name is "map2" against "x"$/,
  ],
  [
    'an operator more',
    (g: GraphBuilder) => g.sink(g.source()),
    (g: GraphBuilder) => {
      g.sink(g.source());
      g.sink(1);
    },
    /^operator 3 of 3, Sink: sink3 .* is only in the second graph$/,
  ],
  [
    'a parallelism',
    (g: GraphBuilder) => g.sink(g.source()),
    (g: GraphBuilder) => g.sink(g.source(), {parallelism: 3}),
    /^operator 2 of 2, Sink: sink2 .*: place is "0\.1" against "1\.0"$/,
  ],
  [
    'the path of a key',
    plain,
    (g: GraphBuilder) => {
      const key = {kind: 'fields', paths: [['other']]} as const;
      const map = g.map(g.source());
      g.sink(g.add('sum', [{sourceId: map, partitioner: {kind: 'hash', key}}]));
    },
    /^operator 3 of 4, sum3 .*: inputs is ".*hash\[key\].*" against ".*hash\[other\].*"$/,
  ],
  [
    'the generator of a source',
    (g: GraphBuilder) =>
      g.sink(g.source({spec: {type: 'source', source: {...testSource, generator: i => i}}})),
    (g: GraphBuilder) =>
      g.sink(g.source({spec: {type: 'source', source: {...testSource, generator: i => -i}}})),
    /^operator 1 of 2, Source: source1 .*: function is "i => i" against "i => -i"$/,
  ],
] as Array<[string, (g: GraphBuilder) => void, (g: GraphBuilder) => void, RegExp]>) {
  test(`${name} that differs is named`, t => {
    const [a, b] = [fingerprint(first), fingerprint(second)];

    t.not(a.hash, b.hash);
    t.regex(describeDifference(a, b)!, message);
  });
}

test('settings that differ are named', t => {
  const difference = describeDifference(
    fingerprint(plain),
    fingerprint(plain, {bufferTimeoutMs: 7}),
  );

  t.regex(difference!, /^settings are .*"bufferTimeoutMs":100.* against .*"bufferTimeoutMs":7/);
});

test('a long function is cut to where it differs', t => {
  const first = mapWith((value: number) => {
    const padding = 'a text so long that the difference comes after what a message can show';
    return `${padding} ${value} and this is what the first build of the graph returns`;
  });
  const second = mapWith((value: number) => {
    const padding = 'a text so long that the difference comes after what a message can show';
    return `${padding} ${value} and this is what the second build of the graph returns`;
  });

  const difference = describeDifference(fingerprint(first), fingerprint(second))!;

  t.regex(difference, /against …".*the second build/);
  t.true(difference.length < 300);
});
