/** Records as people see them. */
import test from 'ava';
import {showRecord} from '../../../src/connectors/formats/shown-record.ts';

class Point {
  x = 1;
  y = NaN;
}

const circle: {self?: unknown} = {};
circle.self = circle;

for (const [name, value, text] of [
  ['a text is itself', 'a "b"\tc', 'a "b"\tc'],
  ['a number is its digits', 1.5, '1.5'],
  ['a boolean is its name', true, 'true'],
  ['null is null', null, 'null'],
  ['undefined is undefined', undefined, 'undefined'],
  ['NaN is NaN', NaN, 'NaN'],
  ['an infinity is one', -Infinity, '-Infinity'],
  ['a negative zero is told apart', -0, '-0'],
  ['a bigint is its digits', 12345678901234567890n, '12345678901234567890'],
  [
    'a record is JSON',
    {word: 'a"b', count: 1, tags: ['x', null]},
    '{"word":"a\\"b","count":1,"tags":["x",null]}',
  ],
  ['line breaks in a record are escaped', {a: '1\n2'}, '{"a":"1\\n2"}'],
  [
    'what JSON lacks is legible inside of a record',
    {big: 5n, nan: NaN, zero: -0, at: new Date(0), none: undefined, deep: [{x: Infinity}]},
    '{"big":5n,"nan":NaN,"zero":-0,"at":1970-01-01T00:00:00.000Z,"none":undefined,"deep":[{"x":Infinity}]}',
  ],
  ['a date alone is its text', new Date(1), '1970-01-01T00:00:00.001Z'],
  ['an invalid date says so', {at: new Date(NaN)}, '{"at":Invalid Date}'],
  ['a Map shows its entries', new Map<unknown, unknown>([['a', 1n]]), 'Map{"a"=>1n}'],
  ['a Set shows its values', new Set([1, 'a']), 'Set[1,"a"]'],
  ['bytes are hexadecimal', Buffer.from([0, 255]), 'bytes<00ff>'],
  ['many bytes are cut', new Uint8Array(65), `bytes<${'00'.repeat(64)}…>`],
  ['an object of a class shows its fields', new Point(), '{"x":1,"y":NaN}'],
  ['a circle ends', circle, `${'{"self":'.repeat(64)}…${'}'.repeat(64)}`],
  ['a function is named', {f: function f() {}}, '{"f":[Function: f]}'],
  [
    'a record with a toJSON of its own is not asked',
    {a: 1, toJSON: () => 'x'},
    '{"a":1,"toJSON":[Function: toJSON]}',
  ],
] as const) {
  test(name, t => {
    t.is(showRecord(value), text);
  });
}

test('other objects are shown as node shows them', t => {
  t.regex(showRecord({e: /a+/g}), /^\{"e":\/a\+\/g\}$/);
});
