/** `aggregate` on keyed streams: Flink's AggregateFunction, one result per record or per key. */
import test from 'ava';
import type {AggregateFunction} from '../../src/operators/functions.ts';
import type {OperatorSpec} from '../../src/operators/operator.ts';
import {operatorErrorOf} from '../support/chain-harness.ts';
import {BY_KEY, WAYS, feedKeyed, openKeyed, runKeyed} from '../support/keyed-case.ts';

function aggregate(
  fn: AggregateFunction<any, any, any>,
  emit: 'update' | 'final' = 'update',
): OperatorSpec {
  return {type: 'rollingAggregate', key: BY_KEY, fn, emit};
}

const RECORDS = [
  {key: 1, value: 5},
  {key: 2, value: 7},
  {key: 1, value: 0.5},
  {key: 1, value: 9},
];

const identity = (accumulator: any) => accumulator;

const SPELLINGS: Record<string, AggregateFunction<any, any, any>> = {
  literal: {
    createAccumulator: () => ({key: 0, count: 0, sum: 0}),
    add: (record, {count, sum}) => ({
      key: record.key,
      count: count + 1,
      sum: sum + record.value,
    }),
    getResult: identity,
  },
  spread: {
    createAccumulator: () => ({key: 0, count: 0, sum: 0}),
    add: (record, a) => ({...a, key: record.key, count: a.count + 1, sum: a.sum + record.value}),
    getResult: a => ({key: a.key, count: a.count, sum: a.sum}),
  },
  assigning: {
    createAccumulator: () => ({key: 0, count: 0, sum: 0}),
    add(record, a) {
      a.key = record.key;
      a.count += 1;
      a.sum += record.value;
      return a;
    },
    getResult: identity,
  },
  'an object of a class': {
    createAccumulator: () => new Totals(),
    add: (record, totals: Totals) => totals.add(record),
    getResult: ({key, count, sum}: Totals) => ({key, count, sum}),
  },
  'an array': {
    createAccumulator: () => [0, 0, 0],
    add: (record, [, count, sum]) => [record.key, count + 1, sum + record.value],
    getResult: ([key, count, sum]) => ({key, count, sum}),
  },
  'nested objects': {
    createAccumulator: () => ({key: 0, totals: {count: 0, sum: 0}}),
    add(record, a) {
      a.key = record.key;
      a.totals.count += 1;
      a.totals.sum += record.value;
      return a;
    },
    getResult: ({key, totals}) => ({key, ...totals}),
  },
};

class Totals {
  key = 0;
  count = 0;
  sum = 0;
  add(record: {key: number; value: number}): this {
    this.key = record.key;
    this.count += 1;
    this.sum += record.value;
    return this;
  }
}

for (const way of WAYS) {
  for (const [spelling, fn] of Object.entries(SPELLINGS)) {
    test(`each record has a result: ${spelling}, ${way}`, t => {
      const {received, sink, harness} = runKeyed(way, aggregate(fn), RECORDS);

      t.deepEqual(received, [
        {value: {key: 1, count: 1, sum: 5}, timestamp: 0},
        {value: {key: 2, count: 1, sum: 7}, timestamp: 10},
        {value: {key: 1, count: 2, sum: 5.5}, timestamp: 20},
        {value: {key: 1, count: 3, sum: 14.5}, timestamp: 30},
      ]);
      sink.assertUnchanged();
      t.deepEqual([...harness.chain.counts], [4, 4, 4, 0]);
    });

    test(`in batch mode each key has a result: ${spelling}, ${way}`, t => {
      const {received} = runKeyed(way, aggregate(fn, 'final'), RECORDS);

      t.deepEqual(
        [...received].sort((a, b) => (a.value as any).key - (b.value as any).key),
        [
          {value: {key: 1, count: 3, sum: 14.5}, timestamp: Infinity},
          {value: {key: 2, count: 1, sum: 7}, timestamp: Infinity},
        ],
      );
    });
  }

  test(`an accumulator may be a number, and stop being one, ${way}`, t => {
    const {values} = runKeyed(
      way,
      aggregate({
        createAccumulator: () => 0,
        add: (record, n) => (record.value === 9 ? `${n} and nine` : n + record.value),
        getResult: n => ({n}),
      }),
      RECORDS,
    );

    t.deepEqual(values, [{n: 5}, {n: 7}, {n: 5.5}, {n: '5.5 and nine'}]);
  });

  test(`an accumulator may change its fields, and each key has one of its own, ${way}`, t => {
    const {values} = runKeyed(
      way,
      aggregate({
        createAccumulator: () => ({n: 0}),
        add: (record, a) => (record.value === 0.5 ? {n: a.n, half: true} : {...a, n: a.n + 1}),
        getResult: a => ({...a}),
      }),
      [...RECORDS, {key: 2, value: 1}],
    );

    t.deepEqual(values, [{n: 1}, {n: 1}, {n: 1, half: true}, {n: 2, half: true}, {n: 2}]);
  });

  test(`an accumulator that mistakes another field for the key is still right, ${way}`, t => {
    // The first record makes `key` equal to the key by chance; later it counts.
    const {values} = runKeyed(
      way,
      aggregate({
        createAccumulator: () => ({key: 0}),
        add: (_record, {key}) => ({key: key + 1}),
        getResult: identity,
      }),
      [{key: 1}, {key: 1}, {key: 2}, {key: 1}],
    );

    t.deepEqual(values, [{key: 1}, {key: 2}, {key: 1}, {key: 3}]);
  });

  test(`a record that becomes the accumulator stays what it was, ${way}`, t => {
    const records = [
      {key: 1, n: 1, list: [1]},
      {key: 1, n: 2, list: [2]},
    ];
    const {values, sink} = runKeyed(
      way,
      aggregate({
        createAccumulator: () => undefined,
        add(record, a) {
          if (a === undefined) return record;
          a.n += record.n;
          return a;
        },
        getResult: identity,
      }),
      records,
    );

    t.deepEqual(values, [
      {key: 1, n: 1, list: [1]},
      {key: 1, n: 3, list: [1]},
    ]);
    t.is(records[0]!.n, 1);
    sink.assertUnchanged();
  });

  test(`a rich function is opened before its first record and closed once, ${way}`, t => {
    const log: string[] = [];
    runKeyed(
      way,
      aggregate({
        open: ({operatorName}) => log.push(`open ${operatorName}`),
        close: () => log.push('close'),
        createAccumulator: () => 0,
        add: (_, n) => (log.push(`add ${n}`), n + 1),
        getResult: n => n,
      }),
      RECORDS.slice(0, 2),
    );

    t.deepEqual(log, ['open rollingAggregate 0', 'add 0', 'add 0', 'close']);
  });

  for (const method of ['add', 'getResult'] as const) {
    test(`${method} must return something, ${way}`, t => {
      for (const emit of ['update', 'final'] as const) {
        const fn: AggregateFunction<any, any, any> = {
          createAccumulator: () => ({n: 0}),
          add: (record, {n}) => ({n: n + record.value}),
          getResult: ({n}) => ({n}),
          [method]: (a: any, b: any) => {
            const {n} = b ?? a;
            if (n !== undefined && n > 4) return undefined;
            return b === undefined ? {n} : {n: n + a.value};
          },
        };
        const {harness} = openKeyed(way, aggregate(fn, emit));

        const error = operatorErrorOf(() => {
          feedKeyed(way, harness, RECORDS);
          harness.finish();
        });

        t.is((error.cause as {code: string}).code, 'E_FUNCTION_RESULT');
        t.regex((error.cause as Error).message, new RegExp(`${method} returned nothing`));
        t.is(error.operatorIndex, 0);
        t.is(error.hasRecord, emit === 'update' || method === 'add');
      }
    });
  }
}
