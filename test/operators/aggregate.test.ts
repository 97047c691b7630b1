/** sum, min, max, minBy and maxBy as Flink computes them, on every form of state. */
import test from 'ava';
import {isBelow, type AggregateOperator} from '../../src/operators/aggregate.ts';
import type {AggregationKind, OperatorSpec} from '../../src/operators/operator.ts';
import {operatorErrorOf} from '../support/chain-harness.ts';
import {BY_KEY, WAYS, feedKeyed, openKeyed, runKeyed} from '../support/keyed-case.ts';

function aggregate(
  aggregation: AggregationKind,
  field: readonly string[] = ['n'],
  options: {first?: boolean; emit?: 'update' | 'final'} = {},
): OperatorSpec {
  const {first = true, emit = 'update'} = options;
  return {type: 'aggregate', key: BY_KEY, aggregation, field, first, emit};
}

/** Records of two keys; `at` tells them apart. */
const RECORDS = [
  {key: 1, n: 5, at: 0},
  {key: 2, n: 7, at: 1},
  {key: 1, n: 3, at: 2},
  {key: 1, n: 9, at: 3},
  {key: 1, n: 3, at: 4},
  {key: 2, n: 7, at: 5},
];

for (const way of WAYS) {
  test(`sum, min and max set the field in the first record of the key, ${way}`, t => {
    t.deepEqual(runKeyed(way, aggregate('sum'), RECORDS).values, [
      {key: 1, n: 5, at: 0},
      {key: 2, n: 7, at: 1},
      {key: 1, n: 8, at: 0},
      {key: 1, n: 17, at: 0},
      {key: 1, n: 20, at: 0},
      {key: 2, n: 14, at: 1},
    ]);
    const numbers = (kind: AggregationKind) =>
      runKeyed(way, aggregate(kind), RECORDS).values.map(value => {
        const {n, at} = value as {n: number; at: number};
        return [n, at];
      });
    t.deepEqual(numbers('min'), [
      [5, 0],
      [7, 1],
      [3, 0],
      [3, 0],
      [3, 0],
      [7, 1],
    ]);
    t.deepEqual(numbers('max'), [
      [5, 0],
      [7, 1],
      [5, 0],
      [9, 0],
      [9, 0],
      [7, 1],
    ]);
  });

  test(`minBy and maxBy keep whole records, of equal ones the first or the last, ${way}`, t => {
    const ats = (kind: AggregationKind, first: boolean) =>
      runKeyed(way, aggregate(kind, ['n'], {first}), RECORDS).values.map(
        value => (value as {at: number}).at,
      );

    t.deepEqual(ats('minBy', true), [0, 1, 2, 2, 2, 1]);
    t.deepEqual(ats('minBy', false), [0, 1, 2, 2, 4, 5]);
    t.deepEqual(ats('maxBy', true), [0, 1, 0, 3, 3, 1]);
    t.deepEqual(ats('maxBy', false), [0, 1, 0, 3, 3, 5]);
  });

  test(`each result has the timestamp of its record, ${way}`, t => {
    const {received} = runKeyed(way, aggregate('sum'), RECORDS);

    t.deepEqual(
      received.map(({timestamp}) => timestamp),
      [0, 10, 20, 30, 40, 50],
    );
  });

  test(`in batch mode each key has one result at the end of time, ${way}`, t => {
    const {received, harness} = runKeyed(way, aggregate('sum', ['n'], {emit: 'final'}), RECORDS);

    t.deepEqual(
      [...received].sort((a, b) => (a.value as any).key - (b.value as any).key),
      [
        {value: {key: 1, n: 20, at: 0}, timestamp: Infinity},
        {value: {key: 2, n: 14, at: 1}, timestamp: Infinity},
      ],
    );
    t.deepEqual([...harness.chain.counts], [6, 2, 2, 0]);
  });

  test(`a field may be nested, and is not changed in records that others have, ${way}`, t => {
    const inputs = [1, 2, 3].map(n => ({key: 'a', at: {n, m: n}}));
    const {values, sink} = runKeyed(way, aggregate('sum', ['at', 'n']), inputs);

    t.deepEqual(values, [
      {key: 'a', at: {n: 1, m: 1}},
      {key: 'a', at: {n: 3, m: 1}},
      {key: 'a', at: {n: 6, m: 1}},
    ]);
    sink.assertUnchanged();
    t.deepEqual(inputs[0], {key: 'a', at: {n: 1, m: 1}});
  });

  test(`bare numbers and bigints are aggregated by a function of themselves, ${way}`, t => {
    const key = {kind: 'function' as const, fn: (n: number) => Number(n) % 2 === 0};
    const sum = {...aggregate('sum', []), key} as OperatorSpec;

    t.deepEqual(runKeyed(way, sum, [1, 2, 3, 4.5, 5]).values, [1, 2, 4, 8.5, 13.5]);
    t.deepEqual(runKeyed(way, sum, [1n, 2n, 3n]).values, [1n, 2n, 4n]);
  });

  test(`texts, booleans, dates and bigints have a minimum, ${way}`, t => {
    const minimum = (...values: unknown[]) =>
      runKeyed(
        way,
        aggregate('min', ['v']),
        values.map(v => ({key: 0, v})),
      ).values.map(value => (value as {v: unknown}).v);

    t.deepEqual(minimum('b', 'a', 'ab'), ['b', 'a', 'a']);
    t.deepEqual(minimum(true, false), [true, false]);
    t.deepEqual(minimum(3n, 2n, 9n), [3n, 2n, 2n]);
    t.deepEqual(minimum(new Date(2), new Date(1)), [new Date(2), new Date(1)]);
  });

  test(`NaN is above all numbers and -0 below 0, ${way}`, t => {
    const extreme = (kind: AggregationKind, ...values: number[]) =>
      runKeyed(
        way,
        aggregate(kind, ['v']),
        values.map(v => ({key: 0, v})),
      ).values.map(value => (value as {v: number}).v);

    t.deepEqual(extreme('min', NaN, 5, 0, -0, 0, NaN), [NaN, 5, 0, -0, -0, -0]);
    t.deepEqual(extreme('max', -0, 0, -0, 7, NaN, 8), [-0, 0, 0, 7, NaN, NaN]);
    t.deepEqual(extreme('maxBy', 1, NaN, NaN, 2), [1, NaN, NaN, NaN]);
  });

  test(`records may differ in what is not aggregated, ${way}`, t => {
    const {values} = runKeyed(way, aggregate('sum'), [
      {key: 1, n: 1, extra: null},
      {key: 2, n: 1},
      {key: 1, n: 2},
      {key: 2, n: 0.5, more: {deep: [1]}},
      {key: 1, n: -0},
    ]);

    t.deepEqual(values, [
      {key: 1, n: 1, extra: null},
      {key: 2, n: 1},
      {key: 1, n: 3, extra: null},
      {key: 2, n: 1.5},
      {key: 1, n: 3, extra: null},
    ]);
  });

  test(`the key itself may be aggregated, ${way}`, t => {
    const spec: OperatorSpec = {
      ...aggregate('sum', ['key']),
      key: {kind: 'function', fn: ({n}) => n},
    } as OperatorSpec;
    const byItself = aggregate('sum', ['key']);

    t.deepEqual(
      runKeyed(way, spec, [
        {key: 1, n: 0},
        {key: 2, n: 0},
      ]).values,
      [
        {key: 1, n: 0},
        {key: 3, n: 0},
      ],
    );
    t.deepEqual(runKeyed(way, byItself, [{key: 1}, {key: 1}, {key: 2}, {key: 1}]).values, [
      {key: 1},
      {key: 2},
      {key: 2},
      {key: 3},
    ]);
  });

  test(`what becomes of an emitted record does not reach the state, ${way}`, t => {
    for (const kind of ['sum', 'min', 'maxBy'] as const) {
      for (const odd of [{}, {list: [1]}, {when: new Date(0)}]) {
        const spec = aggregate(kind);
        const {harness, sink} = openKeyed(way, spec);
        feedKeyed(way, harness, [
          {key: 1, n: 1, ...odd},
          {key: 1, n: 2, other: 1},
        ]);
        for (const {value} of sink.received) (value as {n: number}).n = 100;
        feedKeyed(way, harness, [{key: 1, n: 0, ...odd}]);

        const expected = {sum: 3, min: 0, maxBy: 2}[kind];
        t.is((sink.received[2]!.value as {n: number}).n, expected, kind);
      }
    }
  });

  const REFUSED: Array<[kind: AggregationKind, values: unknown[], message: RegExp]> = [
    ['sum', ['text'], /cannot take.*field=n, value="text"/],
    ['sum', [1, null], /cannot take.*value=null/],
    ['sum', [1, undefined], /cannot take.*value=undefined/],
    ['sum', [true], /cannot take/],
    ['sum', [1, 1n], /two types.*value=1n, before=1/],
    ['sum', [1n, 1], /two types/],
    ['min', [{}], /cannot take/],
    ['max', ['a', 1], /two types/],
    ['minBy', [1, 'a'], /two types/],
    ['maxBy', [null], /cannot take/],
  ];
  for (const [kind, values, message] of REFUSED) {
    test(`${kind} refuses ${values.map(v => typeof v).join(' then ')} ${String(values.at(-1))}, ${way}`, t => {
      const {harness} = openKeyed(way, aggregate(kind));
      const records = values.map(n => ({key: 1, n}));

      const error = operatorErrorOf(() => feedKeyed(way, harness, records));

      t.is((error.cause as {code: string}).code, 'E_AGGREGATE_FIELD');
      t.regex((error.cause as Error).message, message);
      t.is(error.operatorIndex, 0);
      t.deepEqual(error.record, records.at(-1));
    });
  }
}

test('a table that outgrows every cache holds each key once', t => {
  for (const keyOf of [(n: number) => n * 7, (n: number) => n + 0.5, (n: number) => `key ${n}`]) {
    const {harness, sink} = openKeyed('compiled batches', aggregate('sum'));
    const records = Array.from({length: 120_000}, (_, n) => ({key: keyOf(n % 100_000), n}));
    harness.runBatches(records);
    harness.runBatches(records.slice(0, 5_000));

    const received = sink.received.map(({value}) => value as {key: unknown; n: number});
    const isRight = (index: number, n: number) =>
      received[index]!.n === n && received[index]!.key === records[index % 120_000]!.key;
    for (let n = 0; n < 100_000; n += 1) if (!isRight(n, n)) t.fail(`record ${n}`);
    for (let n = 100_000; n < 120_000; n += 1) if (!isRight(n, 2 * n - 100_000)) t.fail(`${n}`);
    for (let n = 0; n < 5_000; n += 1) if (!isRight(120_000 + n, 100_000 + 3 * n)) t.fail(`${n}`);
    t.is((harness.chain.operators[0] as AggregateOperator).keyCount, 100_000);
  }
});

test('values are ordered as Java orders them', t => {
  const ordered = [-Infinity, -1, -0, 0, 1e-300, 1, Infinity, NaN];

  for (const [i, a] of ordered.entries()) {
    for (const [j, b] of ordered.entries()) t.is(isBelow(a, b), i < j, `${a} ${b}`);
  }
  t.true(isBelow('Z', 'a'));
  t.true(isBelow('\ud83d\ude00', '\uffff'), 'by UTF-16 units');
  t.false(isBelow(2n, 2n));
  t.true(isBelow(new Date(1), new Date(2)));
});

test('an object of a class is copied as such', t => {
  class Point {
    key = 1;
    n: number;
    constructor(n: number) {
      this.n = n;
    }
    get double() {
      return this.n * 2;
    }
  }

  const {values} = runKeyed('compiled values', aggregate('sum'), [new Point(1), new Point(2)]);

  t.true(values.every(value => value instanceof Point));
  t.deepEqual(
    values.map(value => (value as Point).double),
    [2, 6],
  );
});
