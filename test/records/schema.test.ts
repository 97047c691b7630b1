/** Declared and inferred schemas. */
import test from 'ava';
import {StreamError} from '../../src/base/errors.ts';
import {inferSchema, mismatchError, widen} from '../../src/records/infer-schema.ts';
import {
  any,
  bigint,
  boolean,
  bytes,
  date,
  fingerprint,
  float64,
  int32,
  list,
  nullable,
  optional,
  schema,
  string,
  struct,
  type Infer,
  type RecordSchema,
} from '../../src/records/schema.ts';

const order = schema({
  id: int32,
  price: float64,
  name: string,
  tags: list(string),
  at: date,
  inner: struct({x: int32, 'a.b': nullable(boolean)}),
  extra: any,
  size: bigint,
  data: bytes,
  maybe: nullable(int32),
  opt: optional(string),
  place: optional(struct({x: float64})),
});

type Order = Infer<typeof order>;
type Expected = {
  id: number;
  price: number;
  name: string;
  tags: string[];
  at: Date;
  inner: {x: number; 'a.b': boolean | null};
  extra: any;
  size: bigint;
  data: Uint8Array;
  maybe: number | null;
  opt?: string | undefined;
  place?: {x: number} | undefined;
};
type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

test('a declared schema gives TypeScript the type of its records', t => {
  const isSame: Same<Order, Expected> = true;
  const isSameValue: Same<Infer<ReturnType<typeof numbers>>, number> = true;
  t.true(isSame && isSameValue);
});

function numbers() {
  return schema(float64);
}

function columnsOf(schema: RecordSchema): Record<string, string> {
  const letters = ['', 'n', 'u', 'nu', 'm', 'nm', 'um', 'num'];
  return Object.fromEntries(
    schema.columns.map(({path, type, nullability}) => [
      JSON.stringify(path),
      `${type} ${letters[nullability]}`.trim(),
    ]),
  );
}

test('nested objects become columns whose paths keep dots apart', t => {
  t.deepEqual(columnsOf(order), {
    '["id"]': 'int32',
    '["price"]': 'float64',
    '["name"]': 'string',
    '["tags"]': 'list',
    '["at"]': 'date',
    '["inner","x"]': 'int32',
    '["inner","a.b"]': 'boolean n',
    '["extra"]': 'any',
    '["size"]': 'bigint',
    '["data"]': 'bytes',
    '["maybe"]': 'int32 n',
    '["opt"]': 'string um',
    '["place"]': 'struct um',
    '["place","x"]': 'float64',
  });
  t.true(order.declared);
});

test('a schema is plain data that crosses threads', t => {
  t.deepEqual(structuredClone(order), order);
  t.deepEqual(JSON.parse(JSON.stringify(order)), order);
});

test('fingerprints are equal exactly for equal schemas', t => {
  const flat = fingerprint(inferSchema([{'a.b': 1}]));
  t.not(flat, fingerprint(inferSchema([{a: {b: 1}}])));
  t.is(flat, fingerprint(inferSchema([{'a.b': 2}])));
  t.not(fingerprint(schema({a: list(int32)})), fingerprint(schema({a: list(float64)})));
  t.is(fingerprint(order), fingerprint(structuredClone(order)));
});

test('a field without a type and a name that objects inherit are refused', t => {
  t.throws(() => schema({a: 7 as never}), {message: /E_SCHEMA .*field=a/});
  t.throws(() => schema({constructor: int32}), {message: /E_SCHEMA .*field=constructor/});
  t.throws(() => schema({}), {message: /E_SCHEMA/});
});

const INFERRED: Array<[string, unknown[], Record<string, string>]> = [
  ['int32', [{a: 1}], {'["a"]': 'int32'}],
  ['float64 for fractions', [{a: 1}, {a: 1.5}], {'["a"]': 'float64'}],
  ['float64 for -0', [{a: -0}], {'["a"]': 'float64'}],
  ['float64 for NaN', [{a: NaN}], {'["a"]': 'float64'}],
  ['float64 beyond int32', [{a: 2 ** 31}], {'["a"]': 'float64'}],
  ['any for numbers and strings', [{a: 1}, {a: 'x'}], {'["a"]': 'any'}],
  ['any for booleans and numbers', [{a: true}, {a: 0}], {'["a"]': 'any'}],
  ['absence', [{a: 1}, {a: null}, {a: undefined}, {}], {'["a"]': 'int32 num'}],
  ['a new field', [{a: 1}, {a: 1, b: 's'}], {'["a"]': 'int32', '["b"]': 'string m'}],
  ['a type after null', [{a: null}, {a: 's'}], {'["a"]': 'string n'}],
  ['nested objects', [{a: {b: 1}}], {'["a","b"]': 'int32'}],
  ['an absent object', [{a: {b: 1}}, {}], {'["a"]': 'struct m', '["a","b"]': 'int32'}],
  ['any for an object that is also text', [{a: {b: 1}}, {a: 's'}], {'["a"]': 'any'}],
  ['any around __proto__', [{a: JSON.parse('{"__proto__":1}')}], {'["a"]': 'any'}],
  ['arrays as any', [{a: [1]}], {'["a"]': 'any'}],
  ['bare numbers', [1, 2.5], {'[]': 'float64'}],
  ['bare texts and nulls', ['a', null], {'[]': 'string n'}],
  ['records beside bare values', [{a: 1}, 1], {'[]': 'any'}],
  ['empty records', [{}], {'[]': 'any'}],
];

for (const [what, samples, columns] of INFERRED) {
  test(`infers ${what}`, t => {
    t.deepEqual(columnsOf(inferSchema(samples)), columns);
  });
}

test('widening one value at a time ends at the same columns as inferring from all', t => {
  for (const [, samples, columns] of INFERRED) {
    let wide = inferSchema(samples.slice(0, 1));
    for (const sample of samples) wide = widen(wide, sample);
    t.deepEqual(columnsOf(wide), columns);
  }
});

test('objects whose names never settle become any', t => {
  let wide = inferSchema([{counts: {w0: 1}}]);
  for (let i = 1; i < 100; i += 1) wide = widen(wide, {counts: {[`w${i}`]: i}});
  t.deepEqual(columnsOf(wide), {'["counts"]': 'any'});
});

test('a value that cannot be carried is named when a schema is inferred', t => {
  const error = t.throws(() => inferSchema([{a: {b: [() => 1]}}]), {instanceOf: StreamError});
  t.regex(error.message, /E_RECORD_ENCODING .*field=a\.b/);
});

test.serial('objects that inherit a field are refused instead of widened for ever', t => {
  const prototype = Object.prototype as unknown as Record<string, unknown>;
  prototype['everywhere'] = 1;
  try {
    t.throws(() => widen(inferSchema([{a: 1}]), {a: 2}), {
      code: 'E_RECORD_ENCODING',
      message: /property=everywhere/,
    });
  } finally {
    delete prototype['everywhere'];
  }
});

test('a declared schema does not widen, and the error names the field', t => {
  const declared = schema({id: int32, inner: optional(struct({x: int32}))});
  t.throws(() => widen(declared, {id: 1.5}), {message: /field=id, expected=int32, value=1\.5/});
  t.throws(() => widen(declared, {inner: {x: 1}}), {message: /field=id, .*value=\(missing\)/});
  t.throws(() => widen(declared, {id: 1, inner: {x: 's'}}), {message: /field=inner\.x/});
  t.throws(() => widen(declared, {id: 1, inner: 's'}), {message: /field=inner, expected=struct/});
  t.throws(() => widen(declared, 7), {message: /not a plain object/});
  t.regex(mismatchError(declared, {id: 1, other: 2}).message, /does not name/);
});
