/** How values of fixed width lie in lanes, by generated code and without. */
import test from 'ava';
import {boolean, float64, int32, nullable, schema, string} from '../../src/records/schema.ts';
import {codecOfSchema, codecOfValue} from '../../src/state/row-codec.ts';

test('numbers and records of numbers and booleans have a fixed width', t => {
  t.is(codecOfValue(1)!.laneCount, 1);
  t.is(codecOfValue({a: 1, b: true})!.laneCount, 2);
  t.is(codecOfSchema(schema(float64))!.laneCount, 1);
  t.is(codecOfSchema(schema({a: int32, b: float64, c: boolean}))!.laneCount, 3);

  for (const value of [null, 'text', {}, [1], {a: 'x'}, {a: null}, {a: {b: 1}}, new Date(1), 1n]) {
    t.is(codecOfValue(value), undefined);
  }
  t.is(codecOfValue({[Symbol('s')]: 1, a: 1}), undefined);
  t.is(codecOfSchema(schema({a: string})), undefined);
  t.is(codecOfSchema(schema({a: nullable(int32)})), undefined);
});

test('what is written is read, in a new object', t => {
  const codec = codecOfSchema(schema({a: int32, b: float64, c: boolean}))!;
  const lanes = new Float64Array(8);
  const value = {a: 7, b: NaN, c: true};

  t.true(codec.write(lanes, 2, value));
  value.a = 8;

  t.deepEqual(codec.read(lanes, 2), {a: 7, b: NaN, c: true});
  t.deepEqual([...lanes], [0, 0, 7, NaN, 1, 0, 0, 0]);
});

test('what does not fit is not written', t => {
  const declared = codecOfSchema(schema({a: int32, c: boolean}))!;
  const inferred = codecOfValue({a: 1, c: true})!;
  const lanes = new Float64Array(2);
  for (const value of [
    null,
    1,
    'text',
    {a: 1},
    {a: '1', c: true},
    {a: 1, c: 1},
    {a: undefined, c: true},
  ]) {
    t.false(declared.write(lanes, 0, value));
    t.false(inferred.write(lanes, 0, value));
    t.false(inferred.fits(value));
  }
  for (const a of [0.5, -0, 2 ** 31, NaN]) {
    t.false(declared.write(lanes, 0, {a, c: true}));
    t.true(inferred.fits({a, c: true}));
  }
  class Point {
    a = 1;
    c = true;
  }
  t.false(inferred.write(lanes, 0, new Point()));
  t.false(inferred.write(lanes, 0, {a: 1, c: true, more: 1}));
  t.true(declared.fits({a: 1, c: true, more: 1}));
  t.deepEqual([...lanes], [0, 0]);
});
