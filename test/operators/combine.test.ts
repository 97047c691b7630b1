/** The combiner: nothing that comes out behind the aggregation may be different with it. */
import assert from 'node:assert/strict';
import test from 'ava';
import fc from 'fast-check';
import {CombineOperator, type CombineSpec} from '../../src/operators/combine.ts';
import type {OperatorSpec} from '../../src/operators/operator.ts';
import {ChainHarness, CollectingSink, operatorErrorOf, to} from '../support/chain-harness.ts';
import {BY_KEY, WAYS, feedKeyed, type Way} from '../support/keyed-case.ts';

function combine(spec: Partial<CombineSpec> = {}): OperatorSpec {
  return {
    type: 'custom',
    kind: 'combine',
    create: context =>
      new CombineOperator(context, {keyPath: ['key'], aggregation: 'sum', field: ['n'], ...spec}),
  };
}

function total(aggregation: CombineSpec['aggregation'], field = ['n']): OperatorSpec {
  return {type: 'aggregate', key: BY_KEY, aggregation, field, first: true, emit: 'final'};
}

/** A chain that ends in a sink. */
function open(way: Way, specs: readonly OperatorSpec[]) {
  const sink = new CollectingSink();
  const harness = new ChainHarness({
    nodes: [
      ...specs.map((spec, index) => ({spec, outputs: [to(index + 1)]})),
      {spec: {type: 'sink', sink}},
    ],
    interpret: way === 'interpreted',
  });
  harness.chain.open();
  return {harness, values: () => sink.received.map(({value}) => value)};
}

function run(way: Way, specs: readonly OperatorSpec[], records: readonly unknown[]): unknown[] {
  const {harness, values} = open(way, specs);
  feedKeyed(way, harness, records);
  harness.finish();
  return values();
}

/** What comes out, by key, or the code of the error. */
function outcome(way: Way, specs: readonly OperatorSpec[], records: readonly unknown[]): unknown {
  const {harness, values} = open(way, specs);
  try {
    feedKeyed(way, harness, records);
    harness.finish();
  } catch (error) {
    return (
      operatorErrorOf(() => {
        throw error;
      }).cause as {code?: string}
    ).code;
  }
  const byKey = new Map<unknown, unknown>();
  for (const value of values() as {key: unknown}[]) {
    const key = Object.is(value.key, -0) ? '-0 as a number' : value.key;
    assert.ok(!byKey.has(key), 'one result per key');
    byKey.set(key, value);
  }
  return byKey;
}

for (const way of WAYS) {
  test(`each key leaves once, at the end, with its sum and its first record, ${way}`, t => {
    const records = [
      {key: 'a', n: 1, more: 'first'},
      {key: 'b', n: 5, more: 'x'.repeat(40)},
      {key: 'a', n: 2, more: 'second'},
      {key: 'a', n: 3, more: 'third'},
    ];

    t.deepEqual(run(way, [combine()], records), [
      {key: 'a', n: 6, more: 'first'},
      {key: 'b', n: 5, more: 'x'.repeat(40)},
    ]);
    t.is(records[0]!.n, 1, 'the record that came in stays what it was');
  });

  test(`keys for which there is no room pass, and go on passing, ${way}`, t => {
    const records = [1, 2, 1, 2, 3].map(key => ({key, n: 1}));

    t.deepEqual(run(way, [combine({keysMax: 1})], records), [
      {key: 2, n: 1},
      {key: 2, n: 1},
      {key: 3, n: 1},
      {key: 1, n: 2},
    ]);
  });

  test(`where keys hardly repeat everything leaves, in order, and passes from then on, ${way}`, t => {
    const records = [1, 2, 3, 4, 1, 1].map(key => ({key, n: 1}));
    const spec = combine({keysMax: 1, judgedRecords: 2});

    t.deepEqual(run(way, [spec], records), [
      {key: 2, n: 1},
      {key: 1, n: 1},
      {key: 3, n: 1},
      {key: 4, n: 1},
      {key: 1, n: 1},
      {key: 1, n: 1},
    ]);
  });

  test(`a fraction ends it: sums of fractions depend on their order, ${way}`, t => {
    const records = [1, 2, 0.1, 3].map(n => ({key: 'a', n}));

    t.deepEqual(run(way, [combine()], records), [
      {key: 'a', n: 3},
      {key: 'a', n: 0.1},
      {key: 'a', n: 3},
    ]);
  });

  test(`a sum that leaves the exact integers ends it, ${way}`, t => {
    const records = [2 ** 53 - 1, 1, 1].map(n => ({key: 'a', n}));

    t.deepEqual(run(way, [combine()], records), records);
  });

  test(`what the aggregation refuses keeps the error of the aggregation, ${way}`, t => {
    for (const odd of [3n, 'x', null]) {
      const records = [1, 2, odd].map(n => ({key: 'a', n}));

      t.is(outcome(way, [combine(), total('sum')], records), 'E_AGGREGATE_FIELD');
    }
  });

  test(`a fraction is found even where the sum hides it, ${way}`, t => {
    const records = [2 ** 53 - 3, 0.5, 0.5].map(n => ({key: 'a', n}));

    t.deepEqual(run(way, [combine()], records), records);
  });

  test(`0 and -0 are two keys, 1 and '1' as well, ${way}`, t => {
    const records = [0, -0, 1, '1'].map(key => ({key, n: 1}));

    t.is((outcome(way, [combine(), total('sum')], records) as Map<unknown, unknown>).size, 4);
  });
}

const odd = fc.constantFrom<unknown>(null, undefined, NaN, 'x', 3n, true, {});
const key = fc.oneof(
  {weight: 20, arbitrary: fc.constantFrom<unknown>('a', 'b', '\u4e2d', 'a text of some length')},
  {weight: 10, arbitrary: fc.constantFrom<unknown>(0, 1, 2, 0.5)},
  {weight: 1, arbitrary: fc.oneof(odd, fc.constant(-0), fc.constant(new Date(5)))},
);
const number = fc.oneof(
  {weight: 30, arbitrary: fc.integer({min: -3, max: 3})},
  {weight: 1, arbitrary: fc.constantFrom(-0, 0.1, 1 / 3, 1e300, 2 ** 53, -(2 ** 53), Infinity)},
);
const record = fc.record({
  key,
  n: fc.oneof(
    {weight: 40, arbitrary: number as fc.Arbitrary<unknown>},
    {weight: 1, arbitrary: odd},
  ),
  more: fc.constantFrom<unknown>(1, 'two', null),
});
type Chosen = Pick<Required<CombineSpec>, 'aggregation' | 'keysMax' | 'judgedRecords'> & {way: Way};

const nested = record.map(({n, ...others}) => ({...others, inner: {n, m: 1}}));

for (const seed of [1, 2]) {
  test(`results are the same as without it, and so are errors, seed ${seed}`, t => {
    const chosen = fc.record({
      way: fc.constantFrom(...WAYS),
      aggregation: fc.constantFrom('sum' as const, 'min' as const, 'max' as const),
      keysMax: fc.constantFrom(1, 2, 100),
      judgedRecords: fc.constantFrom(1, 3, 100),
    });
    const check = (
      records: readonly unknown[],
      field: string[],
      {way, aggregation, ...limits}: Chosen,
    ) => {
      const behind = total(aggregation, field);
      const spec = combine({aggregation, field, ...limits});
      assert.deepStrictEqual(
        outcome(way, [spec, behind], records),
        outcome(way, [behind], records),
      );
    };
    fc.assert(
      fc.property(fc.array(record, {maxLength: 40}), chosen, (records, options) =>
        check(records, ['n'], options),
      ),
      {numRuns: 400, seed},
    );
    fc.assert(
      fc.property(fc.array(nested, {maxLength: 40}), chosen, (records, options) =>
        check(records, ['inner', 'n'], options),
      ),
      {numRuns: 200, seed},
    );
    t.pass();
  });
}
