/** A key selector is taken for a field path only if it is one. */
import test from 'ava';
import {probeKeySelector} from '../../src/records/key-path.ts';

const PATHS: Array<[string, (r: any) => unknown, string[]]> = [
  ['a field', r => r.user, ['user']],
  ['a nested field', r => r.user.id, ['user', 'id']],
  ['a field in brackets', r => r['user name'].id, ['user name', 'id']],
  ['an index', r => r[0], ['0']],
  ['optional chaining', r => r.user?.id, ['user', 'id']],
  ['a cast', r => (r as {user: {id: number}}).user.id, ['user', 'id']],
  ['a parameter with a type', (record: {a: number}) => record.a, ['a']],
  [
    'a block',
    r => {
      return r.user.id;
    },
    ['user', 'id'],
  ],
  [
    'a function',
    function key(r: any) {
      return r.key;
    },
    ['key'],
  ],
];

for (const [what, selector, path] of PATHS) {
  test(`${what} is a path`, t => {
    t.deepEqual(probeKeySelector(selector), path);
  });
}

const outer = {a: 1};
let calls = 0;

const OTHERS: Array<[string, (r: any, other?: any) => unknown]> = [
  ['the record itself', r => r],
  ['a constant', () => 7],
  ['a value from outside', _r => outer.a],
  ['an alternative', r => r.a || r.b],
  ['an alternative for null', r => r.a ?? r.b],
  ['a conjunction', r => r.a && r.b],
  ['a condition', r => (r.a ? r.b : r.c)],
  ['a sum', r => r.a + 1],
  ['a negation', r => !r.a],
  ['a sign', r => -r.a],
  ['a bit operation', r => r.a | 0],
  ['a length', r => r.name.length],
  ['an inherited field', r => r.constructor],
  ['a template string', r => `${r.a}`],
  ['a method call', r => r.name.toLowerCase()],
  ['a call of a field', r => r.a()],
  ['a conversion', r => String(r.a)],
  ['a typeof', r => typeof r.a],
  ['a void', r => void r.a],
  ['a sequence', r => (r.a, r.b)],
  ['a comparison', r => r.a === r.b],
  ['an array', r => [r.a, r.b]],
  ['an object', r => ({a: r.a})],
  ['a computed name', r => r[r.a]],
  ['an assignment', r => (r.a = r.b)],
  ['an increment', r => r.a++],
  ['a delete', r => delete r.a],
  ['a construction', r => new r.a()],
  ['a membership', r => 'a' in r.b],
  ['a spread', r => ({...r}).a],
  ['destructuring', ({a}) => a],
  ['a default', (r = outer) => r.a],
  ['an await', async r => r.a],
  ['a counter', r => (calls++ > 0 ? r.a : r.a)],
  [
    'a throw',
    () => {
      throw new Error('no');
    },
  ],
  ['a bound function', ((r: any) => r.a).bind(null)],
  ['a second parameter', (r, _other) => r.a],
];

for (const [what, selector] of OTHERS) {
  test(`${what} is no path`, t => {
    t.is(probeKeySelector(selector), undefined);
  });
}

test('a selector is not called when its text shows that it does more', t => {
  calls = 0;
  probeKeySelector(r => (calls++, r.a));
  t.is(calls, 0);
});
