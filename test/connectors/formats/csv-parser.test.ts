/** Fields of CSV lines, against a parser that looks at one character after the other. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import test from 'ava';
import {CsvParser, CsvSyntaxError} from '../../../src/connectors/formats/csv-parser.ts';

interface Row {
  readonly fields: string[];
  readonly isQuoted: boolean[];
}

/** All rows of a text; lines are cut at line feeds, as the reader does. */
function parse(text: string, delimiter = ','): Row[] {
  const parser = new CsvParser(delimiter);
  const rows: Row[] = [];
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  for (const line of lines) {
    if (!parser.parse(line)) continue;
    rows.push({
      fields: parser.fields.slice(0, parser.count),
      isQuoted: Array.from({length: parser.count}, (_, index) => parser.isQuoted[index] === true),
    });
  }
  if (parser.isOpen) throw new CsvSyntaxError('open', -1);
  return rows;
}

/** The same, by a state per character; undefined for what is malformed. */
function model(text: string, delimiter: string): Row[] | undefined {
  if (text !== '' && !text.endsWith('\n')) text += '\n';
  const rows: Row[] = [];
  let row: Row = {fields: [], isQuoted: []};
  let field = '';
  let state: 'begin' | 'plain' | 'quoted' | 'closed' = 'begin';
  const endField = () => {
    row.fields.push(field);
    row.isQuoted.push(state === 'closed');
    field = '';
    state = 'begin';
  };
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at]!;
    if (state === 'quoted') {
      if (character !== '"') field += character;
      else if (text[at + 1] === '"') {
        field += '"';
        at += 1;
      } else state = 'closed';
    } else if (character === '\n' || text.startsWith('\r\n', at)) {
      if (character === '\r') at += 1;
      endField();
      rows.push(row);
      row = {fields: [], isQuoted: []};
    } else if (character === delimiter) endField();
    else if (state === 'closed') return undefined;
    else if (state === 'begin' && character === '"') state = 'quoted';
    else {
      field += character;
      state = 'plain';
    }
  }
  return state === 'quoted' ? undefined : rows;
}

const fieldsOf = (text: string, delimiter?: string) =>
  parse(text, delimiter).map(row => row.fields);

for (const [name, text, rows] of [
  [
    'fields are cut at commas',
    'a,b,c\nd,,f\n',
    [
      ['a', 'b', 'c'],
      ['d', '', 'f'],
    ],
  ],
  [
    'a row may end with a carriage return and a line feed',
    'a,b\r\nc,d\r\n',
    [
      ['a', 'b'],
      ['c', 'd'],
    ],
  ],
  ['the last row may lack its end', 'a,b', [['a', 'b']]],
  ['an empty line is one empty field', 'a\n\nb\n', [['a'], [''], ['b']]],
  ['quotes hide commas', '"a,b",c\n', [['a,b', 'c']]],
  ['a doubled quote is a quote', '"a ""b"" c"\n""""\n', [['a "b" c'], ['"']]],
  ['quotes hide line feeds', '"a\nb\n\nc",d\n', [['a\nb\n\nc', 'd']]],
  ['a line break in quotes stays what it is', '"a\r\nb",c\r\n', [['a\r\nb', 'c']]],
  ['a carriage return in quotes is a character', '"a\r","b"\r\n', [['a\r', 'b']]],
  ['spaces belong to fields', ' a , b\n', [[' a ', ' b']]],
  ['a quote inside of a plain field is a character', '5" disk,a"b"\n', [['5" disk', 'a"b"']]],
  [
    'the last field may be empty',
    'a,\n"b",\n',
    [
      ['a', ''],
      ['b', ''],
    ],
  ],
  ['the last field may be empty in quotes', 'a,""\r\n', [['a', '']]],
  ['a carriage return elsewhere is a character', 'a\rb,c\r\r\n', [['a\rb', 'c\r']]],
] as const) {
  test(name, t => {
    t.deepEqual(
      fieldsOf(text),
      rows.map(row => [...row]),
    );
    t.deepEqual(
      model(text, ',')!.map(row => row.fields),
      rows.map(row => [...row]),
    );
  });
}

test('an empty field and an empty text are told apart', t => {
  t.deepEqual(parse(',"",x,"y"\n,,,\n'), [
    {fields: ['', '', 'x', 'y'], isQuoted: [false, true, false, true]},
    {fields: ['', '', '', ''], isQuoted: [false, false, false, false]},
  ]);
});

test('the delimiter may be any character', t => {
  t.deepEqual(fieldsOf('a;"b;c"\n', ';'), [['a', 'b;c']]);
  t.deepEqual(fieldsOf('a\tb,c\n', '\t'), [['a', 'b,c']]);
  t.deepEqual(fieldsOf('a|b\n', '|'), [['a', 'b']]);
});

test('a row that has no end stays open, and can be dropped', t => {
  const parser = new CsvParser(',');

  t.false(parser.parse('a,"b'));
  t.true(parser.isOpen);
  parser.reset();
  t.false(parser.isOpen);
  t.true(parser.parse('"c",d'));
  t.deepEqual(parser.fields.slice(0, parser.count), ['c', 'd']);
});

test('text behind a closing quote is refused, with its place', t => {
  const error = t.throws(() => parse('x,"a"b,c\n'), {instanceOf: CsvSyntaxError});

  t.is(error!.position, 5);
});

test('a field of very many lines takes time in proportion', t => {
  const parser = new CsvParser(',');
  parser.parse('"begin');
  for (let line = 0; line < 200_000; line += 1) parser.parse('more');

  t.true(parser.parse('end",x'));
  t.is(parser.fields[0]!.length, 'begin'.length + 200_000 * 5 + 4);
  t.is(parser.fields[1], 'x');
});

test('any text is read as the model reads it (seed 1)', t => {
  const texts = fc
    .array(fc.constantFrom('a', 'b', ',', ',', '"', '"', '\n', '\n', '\r', '\r\n', ' ', '€'), {
      maxLength: 30,
    })
    .map(parts => parts.join(''));
  fc.assert(
    fc.property(texts, text => {
      const expected = model(text, ',');
      if (expected === undefined) assert.throws(() => parse(text), CsvSyntaxError);
      else assert.deepEqual(parse(text), expected);
    }),
    {seed: 1, numRuns: 5000},
  );
  t.pass();
});
