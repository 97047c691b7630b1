/** Single values: everything that can be carried comes back equal, the rest is refused by name. */
import assert from 'node:assert/strict';
import test from 'ava';
import fc from 'fast-check';
import {StreamError} from '../../src/base/errors.ts';
import {ValueDecoder, ValueEncoder} from '../../src/records/any-codec.ts';
import {decodeOversized, encodeOversized} from '../../src/records/oversized.ts';
import {anyValue} from '../support/record-values.ts';

function roundTrip(value: unknown): unknown {
  const encoder = new ValueEncoder(16);
  const end = encoder.encode(value);
  return new ValueDecoder().decode(encoder.buffer, 0, end);
}

const withProto = JSON.parse('{"__proto__": {"x": 1}, "y": 2}') as object;
const holes: unknown[] = [1, undefined, , 3]; // eslint-disable-line no-sparse-arrays
const distant: unknown[] = [];
distant[4_000_000] = 'far';
const expression = /a(b)\/c/giu;
expression.lastIndex = 3;

const CARRIED: Array<[string, unknown]> = [
  ['-0', -0],
  ['NaN', NaN],
  ['infinities', [Infinity, -Infinity]],
  ['2^53 and more', [2 ** 53, 2 ** 53 + 2, -(2 ** 63), Number.MAX_VALUE, 5e-324]],
  ['the ends of int32', [2 ** 31 - 1, -(2 ** 31), 2 ** 31, -(2 ** 31) - 1]],
  ['-0 in an array of integers', [1, -0, 2]],
  ['undefined against null', [undefined, null, {a: undefined, b: null}]],
  ['bigints of any size', [0n, -1n, 2n ** 64n, -(2n ** 63n), 10n ** 400n]],
  ['dates, invalid ones too', [new Date(0), new Date(-1.5e12), new Date(NaN)]],
  ['lone surrogates', ['\ud800', 'a\udc00b', '\udfff'.repeat(50)]],
  ['texts of all widths', ['', 'a'.repeat(300), 'é'.repeat(300), '中'.repeat(300), '\0']],
  ['Uint8Array and Buffer, kept apart', [new Uint8Array([1, 2]), Buffer.from([3])]],
  [
    'other typed arrays',
    [new Float64Array([NaN, -0]), new BigInt64Array([-1n]), new Int16Array(3)],
  ],
  ['buffers and views', [new Uint8Array([1, 2, 3]).buffer, new DataView(new ArrayBuffer(4), 1, 2)]],
  [
    'maps of anything',
    new Map<unknown, unknown>([
      [{a: 1}, new Map([[NaN, 1]])],
      [undefined, 2],
    ]),
  ],
  ['sets', new Set([1, '1', null, new Set([2])])],
  ['holes', holes],
  ['a hole at the end', Array.from({length: 2}).concat(new Array(2))],
  ['an array with one far element', distant],
  ['__proto__ as a name', withProto],
  ['names that objects inherit', {constructor: 1, toString: 2, hasOwnProperty: 3}],
  ['objects without prototype', Object.assign(Object.create(null), {a: 1})],
  ['regular expressions', expression],
  ['the same object twice', (shared => [shared, shared])({a: 1})],
];

for (const [what, value] of CARRIED) {
  test(`carries ${what}`, t => {
    assert.deepStrictEqual(roundTrip(value), value);
    if (value === -0) t.true(Object.is(roundTrip(value), -0));
    t.pass();
  });
}

test('a far element does not make the array dense', t => {
  const carried = roundTrip(distant) as unknown[];
  t.is(carried.length, 4_000_001);
  t.deepEqual(Object.keys(carried), ['4000000']);
});

test('a name __proto__ does not change the prototype', t => {
  const carried = roundTrip(withProto) as Record<string, unknown>;
  t.is(Object.getPrototypeOf(carried), Object.prototype);
  t.true(Object.hasOwn(carried, '__proto__'));
});

class Money {
  amount = 3;
}
const cyclic: Record<string, unknown> = {};
cyclic.self = {inner: cyclic};
const hidden = Object.defineProperty({a: 1}, 'secret', {value: 2, enumerable: false});

const REFUSED: Array<[string, unknown, RegExp]> = [
  ['a function', {a: [1, () => 1]}, /field=a\."?1"?,.*function/],
  ['a named function', {go: function run() {}}, /field=go, value=function run/],
  ['a symbol', {a: {b: Symbol('x')}}, /field=a\.b, value=Symbol\(x\)/],
  ['a symbol as name', {a: {[Symbol('x')]: 1}}, /field=a,/],
  ['a hidden property', {a: hidden}, /field=a,/],
  ['an instance of a class', {cost: new Money()}, /field=cost, value=Money/],
  ['an error', {e: new Error('x')}, /field=e, value=Error/],
  ['a promise', {p: Promise.resolve(1)}, /field=p, value=Promise/],
  ['a WeakMap', {w: new WeakMap()}, /field=w, value=WeakMap/],
  ['a boxed number', {n: Object(1)}, /field=n, value=Number/],
  ['a subclass of Map', {m: new (class Table extends Map {})()}, /field=m, value=Table/],
  ['an array with a name', {m: /a/.exec('a')}, /field=m,/],
  ['a map with a property', {m: Object.assign(new Map(), {a: 1})}, /field=m,/],
  ['a cycle', cyclic, /cyclic/],
  ['a value inside a map', {m: new Map([['k', () => 1]])}, /field=m\.k,/],
];

for (const [what, value, message] of REFUSED) {
  test(`refuses ${what} and names the field`, t => {
    const error = t.throws(() => roundTrip(value), {instanceOf: StreamError});
    t.is((error as StreamError).code, 'E_RECORD_ENCODING');
    t.regex(error.message, message);
  });
}

test('a refused value leaves nothing behind and the next one is fine', t => {
  const encoder = new ValueEncoder();
  encoder.encode(1);
  const before = encoder.position;

  t.throws(() => encoder.encode([{deep: [1, () => 1]}], ['outer']), {
    message: /field=outer\."?0"?\.deep/,
  });
  t.is(encoder.position, before);

  const end = encoder.encode({a: 1});
  t.deepEqual(new ValueDecoder().decode(encoder.buffer, before, end), {a: 1});
});

test('what is read owns its memory', t => {
  const encoder = new ValueEncoder();
  const end = encoder.encode([new Uint8Array([1, 2]), Buffer.from([3])]);
  const [first, second] = new ValueDecoder().decode(encoder.buffer, 0, end) as Uint8Array[];

  encoder.buffer.fill(9);

  t.deepEqual([...first!, ...second!], [1, 2, 3]);
});

test('oversized records keep value and timestamp', t => {
  const value = {text: 'x'.repeat(200_000), rest: [1, new Map([['a', -0]])]};

  const carried = decodeOversized(encodeOversized(value, -0.5));

  assert.deepStrictEqual(carried, {value, timestamp: -0.5});
  t.true(Object.is(decodeOversized(encodeOversized(1, -0)).timestamp, -0));
});

test('any value comes back equal, also as an oversized record', t => {
  fc.assert(
    fc.property(anyValue, fc.double(), (value, timestamp) => {
      assert.deepStrictEqual(roundTrip(value), value);
      assert.deepStrictEqual(decodeOversized(encodeOversized(value, timestamp)), {
        value,
        timestamp,
      });
    }),
    {numRuns: 2000, seed: 11},
  );
  t.pass();
});
