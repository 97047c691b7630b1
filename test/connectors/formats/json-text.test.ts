/** What JSON carries, what it changes, what is refused. */
import fc from 'fast-check';
import test from 'ava';
import {jsonLine} from '../../../src/connectors/formats/json-text.ts';

class Point {
  x = 1;
}
class Money {
  cents = 500n;

  toJSON() {
    return '5 EUR';
  }
}

test('values of JSON come back as they were (seed 1)', t => {
  fc.assert(
    fc.property(fc.jsonValue({noUnicodeString: false}), value => {
      const line = jsonLine(value);
      t.deepEqual(JSON.parse(line), JSON.parse(JSON.stringify(value)));
      t.false(line.includes('\n'));
    }),
    {seed: 1, numRuns: 300},
  );
});

for (const [name, value, line] of [
  ['NaN and infinities become null', {a: NaN, b: [Infinity]}, '{"a":null,"b":[null]}'],
  ['undefined fields are left out', {a: undefined, b: 1}, '{"b":1}'],
  ['undefined in an array becomes null', [undefined], '[null]'],
  ['a negative zero becomes zero', [-0], '[0]'],
  ['dates become text', {at: new Date(0)}, '{"at":"1970-01-01T00:00:00.000Z"}'],
  ['an object with a toJSON becomes what that returns', {price: new Money()}, '{"price":"5 EUR"}'],
  ['an object of a class becomes its fields', new Point(), '{"x":1}'],
  [
    'an object without a prototype is an object',
    Object.assign(Object.create(null), {a: 1}),
    '{"a":1}',
  ],
  ['half of a surrogate pair is escaped', '\ud800', '"\\ud800"'],
  ['null is a value', null, 'null'],
] as const) {
  test(`JSON changes a value as documented: ${name}`, t => {
    t.is(jsonLine(value), line);
  });
}

const circle: {inner: {self?: unknown}} = {inner: {}};
circle.inner.self = circle;

for (const [name, value, message] of [
  [
    'a bigint',
    {a: {b: [1, 5n]}},
    /JSON cannot carry a value: field=a\.b\.1, type=bigint, value=5n; turn it into/,
  ],
  ['a bigint alone', 5n, /field=\(the record\), type=bigint, value=5n/],
  ['a Map', {m: new Map([[1, 2]])}, /field=m, type=Map/],
  ['a Set', {s: new Set()}, /field=s, type=Set/],
  ['bytes', {b: new Uint8Array(2)}, /field=b, type=Uint8Array/],
  ['a Buffer', {b: Buffer.from('x')}, /field=b, type=Buffer/],
  ['an ArrayBuffer', {b: new ArrayBuffer(2)}, /field=b, type=ArrayBuffer/],
  ['an error', {e: new TypeError('x')}, /field=e, type=TypeError/],
  ['a regular expression', {r: /x/}, /field=r, type=RegExp/],
  ['a function', {f: () => 1}, /field=f, type=function/],
  ['a symbol', {s: Symbol('x')}, /field=s, type=symbol/],
  ['undefined', undefined, /field=\(the record\), type=undefined/],
  ['a circle', circle, /in a circle: field=inner\.self\.inner\.self.*, levels=512; map/],
] as const) {
  test(`what JSON cannot carry is refused, with its field: ${name}`, t => {
    t.throws(() => jsonLine(value), {code: 'E_SINK_VALUE', message});
  });
}
