/** The fields of literal records are read off the text, or nothing is claimed. */
import test from 'ava';
import {literalFieldNames} from '../../src/records/record-literal.ts';

const PROVEN: Array<[(r: any, i?: any) => unknown, string[]]> = [
  [r => ({k: r.k, v: r.v}), ['k', 'v']],
  [r => ({k: r.k, v: r.v / 2}), ['k', 'v']],
  [r => ({k: r['}'], v: '},x: 1', w: "'"}), ['k', 'v', 'w']],
  [r => ({k: [1, {z: 2}], v: r.f({a: 1}, 2)}), ['k', 'v']],
  [r => ({'a b': r.k, c: 1, 3: 4}), ['a b', 'c', '3']],
  [({k, v}) => ({k, v}), ['k', 'v']],
  [(r, i) => ({k: i % 7, v: (r.a + 1) / r.b[0] / 2}), ['k', 'v']],
  [(r: {k: number}) => ({k: r.k as number}), ['k']],
  [
    r => ({
      k: r.k,
      f: r.list.map((x: any) => {
        return x;
      }),
    }),
    ['k', 'f'],
  ],
  [r => ({k: `plain`, v: r.v}), ['k', 'v']],
  [() => ({}), []],
];

for (const [make, names] of PROVEN) {
  test(`the fields are known: ${make}`, t => {
    t.deepEqual(literalFieldNames(make), names);
  });
}

const key = 'k';
const OPEN: Array<(r: any) => unknown> = [
  r => r,
  r => ({...r}),
  r => ({k: 1, ...r}),
  r => ({[key]: r.k}),
  r => ({k: r.k}).k ?? r,
  r => ({
    k() {
      return r;
    },
  }),
  r => ({
    get k() {
      return r.k;
    },
  }),
  r => ({__proto__: r}),
  r => ({k: /[}]/.test(r.k), v: 1}),
  r => ({k: typeof /[,]z: 1/, v: r}),
  r => ({k: `${r.k}`, v: 1}),
  r => ({k: r.k /* , z: 1 */}),
  r => ({
    k: r.list.map((x: any) => {
      if (x) /,z: 1}/.test(x);
      return x;
    }),
  }),
  r => {
    return {k: r.k};
  },
  r => (r.a ? {k: 1} : {k: 1, v: 2}),
  async r => ({k: r.k}),
  ((r: any) => ({k: r.k})).bind(null),
  Object.assign,
];

for (const make of OPEN) {
  test(`nothing is claimed: ${String(make).slice(0, 70)}`, t => {
    t.is(literalFieldNames(make), undefined);
  });
}
