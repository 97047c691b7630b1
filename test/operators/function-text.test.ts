/** What a function's text tells about its parameters, and that it tells nothing where it cannot. */
import test from 'ava';
import {isIdentity, parameterUse, resultFieldNames} from '../../src/operators/function-text.ts';

/** The function that `text` is; written as text so that no formatter changes how it is spelled. */
function functionOf(text: string): unknown {
  return new Function('log', 'key', `'use strict'; return (${text});`)(() => 0, 'a');
}

const KNOWN: Array<[text: string, index: number, fields: string[], flags?: string]> = [
  ['r => r.a + r.b.c', 0, ['a', 'b']],
  ['r => r?.a', 0, ['a']],
  ['(r        , s    ) => ({a: s.a + r.x})', 0, ['x']],
  ['(r, s) => ({a: s.a + r.x})', 1, ['a']],
  ['(_r, {a, b: c}) => a + c', 1, ['a', 'b']],
  ['() => 1', 0, []],
  ['r => `${r.a}`', 0, ['a']],
  ['r => [...r.list, r.a === 1, r.b <= 3, r.c == 4, r.d != 5]', 0, ['list', 'a', 'b', 'c', 'd']],
  ['r => r\n  .a', 0, ['a']],
  ['r => (r.a = 1)', 0, ['a'], 'written'],
  ['r => r.a++', 0, ['a'], 'written'],
  ['r => --r.a', 0, ['a'], 'written'],
  ['r => (r.a ??= 1)', 0, ['a'], 'written'],
  ['r => (r.a >>>= 1)', 0, ['a'], 'written'],
  ['r => (r.a **= 2)', 0, ['a'], 'written'],
  ['r => ([r.a, r.b] = [1, 2])', 0, ['a', 'b'], 'written'],
  ['r => { for (r.a of [1]); }', 0, ['a'], 'written'],
  ['function (r) { r.n += 1; return r; }', 0, ['n'], 'written returned'],
  ['function named(_, r) { if (r.n > 1) { return r; } return {n: 1}; }', 1, ['n'], 'returned'],
  ['(r) => ((r.n += 1), r)', 0, ['n'], 'written returned'],
  ['r => r', 0, [], 'returned'],
  ['{add(r, s) { s.n += r.x; return s; }}.add', 1, ['n'], 'written returned'],
  ['(r, other) => other.r + r.a', 0, ['a']],
  ['(r, $) => $.x + r.a', 1, ['x']],
  ['r => [1].map(n => n + r.a)', 0, ['a']],
  ['(r, s) => { while (s.n > 9) { s.n -= r.x; } return s; }', 1, ['n'], 'written returned'],
];

for (const [text, index, fields, flags = ''] of KNOWN) {
  test(`parameter ${index} of ${text.replaceAll(/\s+/g, ' ')}`, t => {
    const use = parameterUse(functionOf(text), index);

    t.deepEqual(use.fields, fields);
    t.is(use.isWritten, flags.includes('written'));
    t.is(use.isReturned, flags.includes('returned'));
  });
}

const UNKNOWN = [
  'r => log(r)',
  'r => r[key]',
  "r => r['a']",
  "r => r?.['a']",
  'r => ({...r})',
  'r => [r]',
  "r => 'a' in r",
  'r => { const s = r; s.a = 1; }',
  'r => { const {a, ...rest} = r; return [a, rest]; }',
  'r => delete r.a',
  'r => (r.a /* r is a record */)',
  'r => (r.a // 1\n)',
  'r => r.a /**/ = 1',
  'r => (r.a ? r : null)',
  'r => r.a && r',
  'r => () => { return r; }',
  'r => [1].map(() => { return r; })',
  'r => ({get() { return r; }})',
  'r => ({get x() { return r; }})',
  'r => ({[log(1)]() { return r; }})',
  'r => log(r.a, r)',
  'r => (log)(1, r)',
  'r => (log(1, r))',
  'r => (log(")"), log)(1, r)',
  'function (_r) { return arguments[0]; }',
  '(r, s = r) => s.a',
  '(...rs) => rs.length',
  '({a, ...rest}) => [a, rest]',
  '({a: {b}}) => b',
  '({a = 1}) => a',
  'async r => r.a',
  'async (r) => r.a',
  'function* (r) { yield r.a; }',
  '{*add(r) { yield r.a; }}.add',
  '{async add(r) { return r.a; }}.add',
  '(r => r.a).bind(null)',
  'new Proxy(r => r.a, {})',
  'Object.assign',
  'class { constructor(r) { this.a = r.a; } }',
  'r => { r = {}; return r; }',
  'r => `a ${r}`',
  'r => r.ä',
  'r => \\u0072.a',
  'r => eval("r.b = 1") + r.a',
  "r => 'r' + r.a",
  '{m(r) { return log(r, this); }}.m',
  '"no function"',
];

for (const text of UNKNOWN) {
  test(`nothing is known of ${text.replaceAll(/\s+/g, ' ')}`, t => {
    const {fields, isReturned, isWritten} = parameterUse(functionOf(text), 0);

    t.is(fields, undefined);
    t.true(isReturned && isWritten);
  });
}

test('functions that return their parameter and do nothing else are recognised', t => {
  const identities = [
    'a => a',
    '(acc) => acc',
    '(acc) => { return acc; }',
    'function (a) { return a }',
    '{getResult(a) { return a; }}.getResult',
  ];
  const others = [
    'a => a.b',
    'a => b',
    '(a, b) => a',
    '(a, b) => b',
    'async a => a',
    'async (a) => a',
    'a => { log(); return a; }',
    'a => aa',
    '{async m(a) { return a; }}.m',
    '1',
  ];

  for (const text of identities) t.true(isIdentity(functionOf(text)), text);
  for (const text of others) t.false(isIdentity(functionOf(text)), text);
});

const RESULTS: Array<[text: string, fields: string[]]> = [
  ['r => ({a: 1, b: r})', ['a', 'b']],
  ['r => { return {a: 1, b: r}; }', ['a', 'b']],
  ['function (r) { return {a: 1} }', ['a']],
  ['function make(r) { const b = r.b; return {a: {c: 1}, b}; }', ['a', 'b']],
  ['{make(r) { if (r.x) { return {a: 1, b: 2}; } return {b: 2, a: 1}; }}.make', ['a', 'b']],
  ['(r) => { if (r.x) return {a: "}"}; return {a: "};"}; }', ['a']],
];

for (const [text, fields] of RESULTS) {
  test(`the results have known fields: ${text}`, t => {
    t.deepEqual(resultFieldNames(functionOf(text)), fields);
  });
}

const UNKNOWN_RESULTS = [
  'r => r',
  'r => { const s = {a: 1}; return s; }',
  'r => { if (r.x) return {a: 1}; }',
  'r => { if (r.x) { return {a: 1}; } }',
  'r => { for (const x of r) return {a: 1}; }',
  'r => { if (r.x) log(); else return {a: 1}; }',
  'r => { if (r.x) return {a: 1}; return {b: 1}; }',
  'r => { if (r.x) return; return {a: 1}; }',
  'r => { if (r.x) return null; return {a: 1}; }',
  'r => { return {a: 1}.a; }',
  'r => { return {a: 1} || r; }',
  'r => { return {...r}; }',
  'r => { return {a: 1}, r; }',
  'r => { return [1].map(() => { return {a: 1}; }); }',
  'r => { const f = () => { return {a: 1}; }; return {a: f()}; }',
  'r => { return {a: 1}; log(); }',
  'r => { return\n{a: 1}; }',
  'r => { x: return {a: 1}; }',
  'r => { return {a: 1 /* } */}; }',
  'function* (r) { return {a: 1}; }',
  'async r => { return {a: 1}; }',
  'r => { throw new Error(); }',
  'class { constructor() { return {a: 1}; } }',
];

for (const text of UNKNOWN_RESULTS) {
  test(`the results may have any fields: ${text.replaceAll(/\s+/g, ' ')}`, t => {
    t.is(resultFieldNames(functionOf(text)), undefined);
  });
}
