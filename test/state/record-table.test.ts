/** The form of what is kept per key: chosen by the first value, widened by what does not fit. */
import test from 'ava';
import fc from 'fast-check';
import {keyKindOf, shapeOf, shapeOfSchema} from '../../src/state/record-shape.ts';
import {RecordTable, ownCopy} from '../../src/state/record-table.ts';
import {inferSchema} from '../../src/records/infer-schema.ts';
import {leafValue} from '../support/record-values.ts';

/** Stores values under keys, as an operator does. */
function put(table: RecordTable, key: unknown, value: unknown): void {
  table.store(table.locate(key), key, value);
}

function get(table: RecordTable, key: unknown): unknown {
  return table.read(table.locate(key));
}

/** Where the fields of the table's values are. */
function places(table: RecordTable): string {
  const {kind, fields} = table.shape!;
  return [kind, ...fields.map(({name, place}) => `${name}:${place}`)].join(' ');
}

test('numbers go to lanes, other values to cells, the key nowhere', t => {
  const table = new RecordTable('id');

  put(table, 'a', {id: 'a', n: 1, at: null, note: 'x'});

  t.is(places(table), 'record id:key n:lane at:cell note:cell');
  t.is(table.rows!.keyKind, 'string');
  t.deepEqual(get(table, 'a'), {id: 'a', n: 1, at: null, note: 'x'});
});

test('a bare number has a lane, anything else that is no record a cell', t => {
  const [numbers, arrays] = [new RecordTable(undefined), new RecordTable(undefined)];

  put(numbers, 1, 0.5);
  put(arrays, 1, [1]);

  t.is(places(numbers), 'number');
  t.is(places(arrays), 'value');
  t.is(get(numbers, 1), 0.5);
  t.deepEqual(get(arrays, 1), [1]);
});

const WIDENINGS: Array<[what: string, second: unknown, places: string]> = [
  ['a text where a number was', {key: 2, n: 'x', s: 'b'}, 'record key:key n:cell s:cell'],
  ['null where a number was', {key: 2, n: null, s: 'b'}, 'record key:key n:cell s:cell'],
  ['undefined, but there', {key: 2, n: undefined, s: 'b'}, 'record key:key n:cell s:cell'],
  ['a bigint', {key: 2, n: 1n, s: 'b'}, 'record key:key n:cell s:cell'],
  [
    'another value in the place of the key',
    {key: 9, n: 1, s: 'b'},
    'record key:lane n:lane s:cell',
  ],
  ['-0 in the place of the key', {key: -0, n: 1, s: 'b'}, 'record key:lane n:lane s:cell'],
  ['a text in the place of the key', {key: '2', n: 1, s: 'b'}, 'record key:cell n:lane s:cell'],
  ['a missing lane', {key: 2, s: 'b'}, 'value'],
  ['a missing cell', {key: 2, n: 1}, 'value'],
  ['a field more', {key: 2, n: 1, s: 'b', m: 1}, 'value'],
  ['a field instead of another', {key: 2, n: 1, m: undefined}, 'value'],
  [
    'a record of a class',
    new (class {
      key = 2;
      n = 1;
      s = 'b';
    })(),
    'value',
  ],
  ['no record at all', 5, 'value'],
  [
    'a record without prototype',
    Object.assign(Object.create(null), {key: 2, n: 1, s: ''}),
    'value',
  ],
  ['NaN', {key: 2, n: NaN, s: 'b'}, 'record key:key n:lane s:cell'],
  ['-0', {key: 2, n: -0, s: 'b'}, 'record key:key n:lane s:cell'],
  ['anything in a cell', {key: 2, n: 1, s: -0}, 'record key:key n:lane s:cell'],
];

for (const [what, second, expected] of WIDENINGS) {
  test(`nothing is lost by ${what}`, t => {
    let reshapes = 0;
    const table = new RecordTable('key', () => (reshapes += 1));
    const first = {key: 1, n: -0, s: 'a'};
    put(table, 1, first);

    const isWider = places(table) !== expected;
    put(table, 2, second);

    t.is(places(table), expected);
    t.is(reshapes, isWider ? 2 : 1);
    t.deepEqual(get(table, 1), first);
    t.deepEqual(get(table, 2), second);
    put(table, 1, second);
    put(table, 2, first);
    t.deepEqual(get(table, 1), second);
    t.deepEqual(get(table, 2), first);
  });
}

test('keys of several kinds may meet, and stay apart', t => {
  const table = new RecordTable(undefined);
  const keys = [1, '1', 1n, -0, 0, '0', true, [1], ['1'], new Date(1), '', 0.5];

  for (const [n, key] of keys.entries()) put(table, key, {n});

  t.is(table.size, keys.length);
  t.is(table.rows!.keyKind, 'any');
  for (const [n, key] of keys.entries()) t.deepEqual(get(table, key), {n});
});

const REFUSED: Array<[what: string, key: unknown, code: string]> = [
  ['null', null, 'E_KEY_NULL'],
  ['undefined', undefined, 'E_KEY_NULL'],
  ['NaN', NaN, 'E_KEY_NAN'],
  ['an invalid date', new Date(NaN), 'E_KEY_NAN'],
  ['an object', {}, 'E_KEY_TYPE'],
  ['an empty array', [], 'E_KEY_TYPE'],
  ['an array with null', [1, null], 'E_KEY_NULL'],
  ['a symbol', Symbol.iterator, 'E_KEY_TYPE'],
  ['a bigint of 65 bits', 2n ** 64n, 'E_KEY_TYPE'],
];

for (const [what, key, code] of REFUSED) {
  test(`every table refuses ${what} as a key`, t => {
    for (const known of [undefined, 1, 'a', true]) {
      const table = new RecordTable(undefined);
      if (known !== undefined) put(table, known, 1);

      t.throws(() => table.locate(key), {code});

      t.is(table.size, known === undefined ? 0 : 1);
    }
  });
}

test('records in lanes and cells are never handed out twice', t => {
  const table = new RecordTable('k');
  const record = {k: 1, n: 1};
  put(table, 1, record);

  record.n = 7;
  const read = get(table, 1) as {n: number};
  read.n = 8;

  t.deepEqual(get(table, 1), {k: 1, n: 1});
});

test('a copy for keeping is one level deep and keeps what is no plain object', t => {
  const inner = {a: 1};
  const date = new Date(0);
  const map = new Map();

  const copy = ownCopy({inner, date, text: 'a text that is long enough'}) as Record<
    string,
    unknown
  >;

  t.deepEqual(copy, {inner, date, text: 'a text that is long enough'});
  t.is(copy.inner, inner);
  t.is(ownCopy(map), map);
  const list = [1, 2];
  t.deepEqual(ownCopy(list), list);
  t.not(ownCopy(list), list);
});

test('the shape of columns is the shape of the records that they make', t => {
  const records: unknown[] = [
    {k: 1, n: 0.5, s: 'a', b: true, o: {x: 1}, l: [1]},
    {k: 'a', n: 1},
    {n: 1},
    5,
    'text',
    {o: {x: {y: 1}, z: 2}},
    {k: 1n, d: new Date(0)},
  ];

  for (const record of records) {
    const key = (record as {k?: unknown}).k;
    t.deepEqual(shapeOfSchema(inferSchema([record]), 'k'), shapeOf(record, key, 'k'));
  }
  t.is(shapeOfSchema(inferSchema([{a: 1}, {b: 1}]), 'k'), undefined);
  t.is(shapeOfSchema(inferSchema([{a: null}, {a: 1}]), 'k')!.fields[0]!.place, 'cell');
  t.is(keyKindOf([1]), 'any');
});

test('any sequence of keys and values reads back as a Map has it, seed 5', t => {
  const record = fc.oneof(
    fc.record({key: fc.nat(9), n: fc.double(), s: fc.string()}, {noNullPrototype: true}),
    fc.record(
      {key: leafValue, n: leafValue, s: leafValue},
      {noNullPrototype: true, requiredKeys: ['n']},
    ),
    leafValue,
  );
  const key = fc.oneof(
    {weight: 4, arbitrary: fc.nat(9)},
    {weight: 1, arbitrary: fc.constantFrom('a', '1', -0, true, 3n)},
  );
  const steps = fc.array(fc.tuple(key, record), {maxLength: 60});
  fc.assert(
    fc.property(steps, sequence => {
      const table = new RecordTable('key');
      const model = new Map<string, [unknown, unknown]>();
      for (const [key, value] of sequence) {
        put(table, key, value);
        model.set(`${typeof key} ${Object.is(key, -0) ? '-0' : String(key)}`, [key, value]);
      }
      if (table.size !== model.size) throw new Error('size');
      for (const [key, value] of model.values()) {
        t.deepEqual(get(table, key), value);
      }
    }),
    {seed: 5, numRuns: 300},
  );
  t.pass();
});
