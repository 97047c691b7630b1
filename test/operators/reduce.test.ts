/** `reduce` as Flink has it, on every form of state, whatever way the function is written. */
import test from 'ava';
import type {ReduceFunction} from '../../src/operators/functions.ts';
import type {KeySelector, OperatorSpec} from '../../src/operators/operator.ts';
import {operatorErrorOf} from '../support/chain-harness.ts';
import {BY_KEY, WAYS, feedKeyed, openKeyed, runKeyed} from '../support/keyed-case.ts';

function reduce(
  fn: ReduceFunction<any>,
  emit: 'update' | 'final' = 'update',
  key: KeySelector = BY_KEY,
): OperatorSpec {
  return {type: 'reduce', key, fn, emit};
}

const RECORDS = [
  {key: 1, n: 5, name: 'first of one'},
  {key: 2, n: 7, name: 'first of two'},
  {key: 1, n: 3, name: 'second of one'},
  {key: 1, n: 9, name: 'third of one'},
];

/** The same function in the ways in which people write it. */
const SPELLINGS: Record<string, ReduceFunction<any>> = {
  literal: (a, b) => ({key: a.key, n: a.n + b.n, name: b.name}),
  spread: (a, b) => ({...a, n: a.n + b.n, name: b.name}),
  assigning: (a, b) => {
    a.n += b.n;
    a.name = b.name;
    return a;
  },
  'assigning in an expression': (a, b) => ((a.n += b.n), (a.name = b.name), a),
  'assigning to the record': (a, b) => {
    b.n += a.n;
    return b;
  },
  'an object with a method': {
    reduce(a, b) {
      return {key: a.key, n: a.n + b.n, name: b.name};
    },
  },
};

for (const way of WAYS) {
  for (const [spelling, fn] of Object.entries(SPELLINGS)) {
    test(`each record is combined with those before it: ${spelling}, ${way}`, t => {
      const {received, sink, harness} = runKeyed(way, reduce(fn), structuredClone(RECORDS));

      t.deepEqual(received, [
        {value: {key: 1, n: 5, name: 'first of one'}, timestamp: 0},
        {value: {key: 2, n: 7, name: 'first of two'}, timestamp: 10},
        {value: {key: 1, n: 8, name: 'second of one'}, timestamp: 20},
        {value: {key: 1, n: 17, name: 'third of one'}, timestamp: 30},
      ]);
      sink.assertUnchanged();
      t.deepEqual([...harness.chain.counts], [4, 4, 4, 0]);
    });

    test(`in batch mode each key has one result: ${spelling}, ${way}`, t => {
      const {received} = runKeyed(way, reduce(fn, 'final'), structuredClone(RECORDS));

      t.deepEqual(
        [...received].sort((a, b) => (a.value as any).key - (b.value as any).key),
        [
          {value: {key: 1, n: 17, name: 'third of one'}, timestamp: Infinity},
          {value: {key: 2, n: 7, name: 'first of two'}, timestamp: Infinity},
        ],
      );
    });
  }

  test(`a function that picks one of the two keeps neither of them alive as state, ${way}`, t => {
    const records = structuredClone(RECORDS);
    const {values, sink} = runKeyed(
      way,
      reduce((a, b) => (a.n > b.n ? a : b)),
      records,
    );

    t.deepEqual(
      values.map(value => (value as {n: number}).n),
      [5, 7, 5, 9],
    );
    sink.assertUnchanged();
  });

  test(`results may change in shape and in key, and nothing is lost, ${way}`, t => {
    const steps: unknown[] = [
      {key: 5, n: 1},
      {key: 1, n: null},
      {key: 1, n: 'text', more: true},
      {key: -0, n: -0},
      [1, 2],
      'text',
      new Map([[1, 2]]),
      {key: 1, n: NaN},
      7n,
    ];
    let step = 0;
    const {values} = runKeyed(
      way,
      reduce(() => steps[step++]),
      Array.from({length: steps.length + 1}, () => ({key: 1, n: 0})),
    );

    t.deepEqual(values, [{key: 1, n: 0}, ...steps]);
  });

  test(`records of other shapes may come at any time, ${way}`, t => {
    const records = [
      {key: 1, n: 1},
      {key: 'a', n: 1},
      {key: 1, n: 2, extra: 'x'},
      {key: 'a', n: 'text'},
      {key: 1.5, n: {deep: 1}},
      {key: 1, n: null},
      {key: -0, n: 1},
      {key: 0, n: 2},
    ];
    const {values, harness} = runKeyed(
      way,
      reduce((a, b) => ({...b, before: a.n})),
      records,
    );

    t.deepEqual(values, [
      {key: 1, n: 1},
      {key: 'a', n: 1},
      {key: 1, n: 2, extra: 'x', before: 1},
      {key: 'a', n: 'text', before: 1},
      {key: 1.5, n: {deep: 1}},
      {key: 1, n: null, before: 2},
      {key: -0, n: 1},
      {key: 0, n: 2},
    ]);
    t.is((harness.chain.operators[0] as unknown as {keyCount: number}).keyCount, 5);
  });

  test(`what becomes of an emitted record does not reach the state, ${way}`, t => {
    for (const fn of [
      (a: any, b: any) => ({key: a.key, n: a.n + b.n}),
      (a: any, b: any) => ({key: a.key, n: a.n + b.n, ...(b.more === undefined ? {} : {more: 1})}),
      (a: any, b: any) => ((a.n += b.n), a),
    ]) {
      const {harness, sink} = openKeyed(way, reduce(fn));
      const first = {key: 1, n: 1};
      feedKeyed(way, harness, [first, {key: 1, n: 2, more: 1}, {key: 1, n: 3}]);
      t.deepEqual(first, {key: 1, n: 1});
      for (const {value} of sink.received) (value as {n: number}).n = 100;
      feedKeyed(way, harness, [{key: 1, n: 4}]);

      t.is((sink.received[3]!.value as {n: number}).n, 10);
    }
  });

  test(`bare numbers are reduced, ${way}`, t => {
    const key: KeySelector = {kind: 'function', fn: n => n % 2};
    const {values} = runKeyed(
      way,
      reduce((a, b) => a + b, 'update', key),
      [1, 3, 2, 5, 4, 0.5],
    );

    t.deepEqual(values, [1, 4, 2, 9, 6, 0.5]);
  });

  test(`keys may be composite, booleans, dates, nested or made by a function, ${way}`, t => {
    const sum = (a: any, b: any) => ({...a, n: a.n + b.n});
    const sums = (key: KeySelector, ...keys: Array<Record<string, unknown>>) =>
      runKeyed(
        way,
        reduce(sum, 'update', key),
        keys.map(each => ({...each, n: 1})),
      ).values.map(value => (value as {n: number}).n);

    const both: KeySelector = {kind: 'fields', paths: [['a'], ['b', 'c']]};
    t.deepEqual(
      sums(
        both,
        {a: 1, b: {c: 'x'}},
        {a: 1, b: {c: 'x'}},
        {a: '1', b: {c: 'x'}},
        {a: 1, b: {c: 'y'}},
      ),
      [1, 2, 1, 1],
    );
    const byA: KeySelector = {kind: 'fields', paths: [['a']]};
    t.deepEqual(sums(byA, {a: true}, {a: false}, {a: true}), [1, 1, 2]);
    t.deepEqual(sums(byA, {a: new Date(1)}, {a: new Date(1)}, {a: new Date(2)}), [1, 2, 1]);
    t.deepEqual(sums(byA, {a: 1n}, {a: 1n}, {a: 1}), [1, 2, 1]);
    const byNested: KeySelector = {kind: 'fields', paths: [['b', 'c']]};
    t.deepEqual(sums(byNested, {b: {c: 1}}, {b: {c: 2}}, {b: {c: 1}}), [1, 1, 2]);
    const byFunction: KeySelector = {kind: 'function', fn: ({a}) => a.length};
    t.deepEqual(sums(byFunction, {a: 'x'}, {a: 'yy'}, {a: 'z'}), [1, 1, 2]);
  });

  for (const nothing of [undefined, null]) {
    test(`a function that returns ${nothing} is refused, ${way}`, t => {
      const {harness} = openKeyed(
        way,
        reduce(() => nothing),
      );

      const error = operatorErrorOf(() => feedKeyed(way, harness, RECORDS));

      t.is((error.cause as {code: string}).code, 'E_FUNCTION_RESULT');
      t.regex((error.cause as Error).message, /reduce returned nothing: returned=/);
      t.deepEqual(error.record, RECORDS[2]);
    });
  }

  test(`an exception of the function says which record it was, ${way}`, t => {
    const {harness} = openKeyed(
      way,
      reduce((a, b) => {
        if (b.n === 9) throw new Error('nine');
        return {key: a.key, n: a.n + b.n, name: a.name};
      }),
    );

    const error = operatorErrorOf(() => feedKeyed(way, harness, RECORDS));

    t.is((error.cause as Error).message, 'nine');
    t.is(error.operatorIndex, 0);
    t.deepEqual(error.record, RECORDS[3]);
    t.deepEqual([...harness.chain.counts], [4, 3, 3, 0]);
  });

  for (const [what, key, code] of [
    ['null', null, 'E_KEY_NULL'],
    ['undefined', undefined, 'E_KEY_NULL'],
    ['NaN', NaN, 'E_KEY_NAN'],
    ['an object', {a: 1}, 'E_KEY_TYPE'],
  ] as const) {
    test(`a record whose key is ${what} is refused, first or later, ${way}`, t => {
      for (const before of [[], [{key: 1, n: 1}], [{key: 'a', n: 1}], [{key: 1}, {key: 'a'}]]) {
        const {harness} = openKeyed(
          way,
          reduce(a => a),
        );

        const error = operatorErrorOf(() => feedKeyed(way, harness, [...before, {key, n: 2}]));

        t.is((error.cause as {code: string}).code, code);
        t.deepEqual(error.record, {key, n: 2});
      }
    });
  }
}
