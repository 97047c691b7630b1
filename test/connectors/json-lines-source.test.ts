/** Files with a JSON value per line. */
import test from 'ava';
import {jsonLinesSource} from '../../src/connectors/json-lines-source.ts';
import {
  any,
  bigint,
  boolean,
  bytes,
  date,
  float64,
  int32,
  list,
  nullable,
  optional,
  schema,
  string,
  struct,
  type RecordSchema,
} from '../../src/records/schema.ts';
import {declare} from '../support/declare.ts';
import {MemoryFiles} from '../support/memory-files.ts';
import {SourceDriver, sourceContract} from '../support/source-contract.ts';

const TEXT = '{"a":1}\n\n  {"a": 2, "b": [null, "€"]}\r\n \t\n"text"\n3\nnull';

for (const splitSizeBytes of [1, 10, undefined]) {
  sourceContract(declare, `JSON lines in splits of ${splitSizeBytes ?? 'the default size'}`, {
    create: () =>
      jsonLinesSource(
        {paths: ['file'], splitSizeBytes},
        {fileSystem: new MemoryFiles({file: TEXT}), sizes: {bufferSizeBytes: 16}},
      ),
    records: [{a: 1}, {a: 2, b: [null, '€']}, 'text', 3, null],
  });
}
sourceContract(declare, 'JSON lines with a schema', {
  create: () =>
    jsonLinesSource(
      {paths: ['file'], schema: schema({id: int32, at: date, total: bigint})},
      {
        fileSystem: new MemoryFiles({
          file: '{"id":1,"at":"2024-02-29","total":"123456789012345678901"}\n{"id":2,"at":5,"total":7}',
        }),
      },
    ),
  records: [
    {id: 1, at: new Date('2024-02-29'), total: 123456789012345678901n},
    {id: 2, at: new Date(5), total: 7n},
  ],
});

function read(text: string, schema?: RecordSchema): unknown[] {
  const source = jsonLinesSource(
    {paths: ['file.jsonl'], schema},
    {fileSystem: new MemoryFiles({'file.jsonl': text})},
  );
  const driver = new SourceDriver(source);
  for (const split of source.enumerateSplits({parallelism: 1})) driver.reader.addSplit(split);
  return driver.readAll();
}

test('a line that is no JSON is named: file, line, offset, text', t => {
  t.throws(() => read('{"a":1}\n\n{"a":}\n{"a":2}\n'), {
    code: 'E_SOURCE_JSON',
    message:
      'E_SOURCE_JSON a line is not JSON: path=file.jsonl, line=3, offset=9, text="{\\"a\\":}"; ' +
      'write one JSON value per line, without line breaks inside',
  });
});

test('the line of an error is right in a later split, behind characters of several bytes', t => {
  const text = `${'"€€€"\n'.repeat(50)}oops\n"x"\n`;
  const source = jsonLinesSource(
    {paths: ['file'], splitSizeBytes: 100},
    {fileSystem: new MemoryFiles({file: text}), sizes: {bufferSizeBytes: 64, blockSizeBytes: 32}},
  );
  const driver = new SourceDriver(source);
  for (const split of source.enumerateSplits({parallelism: 1})) driver.reader.addSplit(split);

  t.throws(() => driver.readAll(), {message: /line=51, offset=600, text="oops"/});
});

test('a long line is cut in the message', t => {
  t.throws(() => read(`[${'1,'.repeat(500)}]`), {message: /text="\[(1,)+1?…"; write/});
});

test('two values on a line are no JSON', t => {
  t.throws(() => read('1 2\n'), {code: 'E_SOURCE_JSON'});
});

test('values get the types that the schema says', t => {
  const shape = schema({
    i: int32,
    f: float64,
    b: boolean,
    s: string,
    big: bigint,
    when: nullable(date),
    note: optional(string),
    tags: list(bigint),
    user: struct({name: string, born: date}),
    rest: any,
  });
  const line = (fields: object) => JSON.stringify(fields);
  const complete = {
    i: -5,
    f: 1e300,
    b: false,
    s: 'x',
    big: '-12345678901234567890',
    when: '2024-01-01T00:00:00+01:00',
    note: 'n',
    tags: [1, '2'],
    user: {name: 'u', born: 0},
    rest: {anything: [1]},
  };
  const {note, ...incomplete} = {...complete, when: null};

  t.deepEqual(read(`${line(complete)}\n${line(incomplete)}\n`, shape), [
    {
      ...complete,
      big: -12345678901234567890n,
      when: new Date(Date.UTC(2023, 11, 31, 23)),
      tags: [1n, 2n],
      user: {name: 'u', born: new Date(0)},
    },
    {
      ...incomplete,
      big: -12345678901234567890n,
      tags: [1n, 2n],
      user: {name: 'u', born: new Date(0)},
    },
  ]);
});

test('values of a schema of bare values are converted too', t => {
  t.deepEqual(read('"2024-02-29"\n0\n', schema(date)), [new Date('2024-02-29'), new Date(0)]);
  t.throws(() => read('1.5\n', schema(int32)), {
    message: /field=\(the record\), wanted=int32, found=1\.5/,
  });
});

for (const [name, shape, line, message] of [
  ['a text for a number', {a: int32}, '{"a":"1"}', /field=a, wanted=int32, found="1"/],
  ['a fraction for an integer', {a: int32}, '{"a":1.5}', /wanted=int32, found=1\.5/],
  ['a number out of range', {a: int32}, '{"a":2147483648}', /wanted=int32, found=2147483648/],
  ['a negative zero for an integer', {a: int32}, '{"a":-0}', /wanted=int32/],
  ['a number for a text', {a: string}, '{"a":1}', /wanted=string, found=1/],
  ['a number for a boolean', {a: boolean}, '{"a":1}', /wanted=boolean, found=1/],
  ['null where none is allowed', {a: float64}, '{"a":null}', /wanted=float64, found=null/],
  ['a missing field', {a: float64}, '{"b":1}', /field=a, wanted=float64, found=\(missing\)/],
  ['a bigint with lost digits', {a: bigint}, '{"a":9007199254740993}', /field=a, wanted=bigint/],
  ['a bigint with a fraction', {a: bigint}, '{"a":"1.5"}', /wanted=bigint .*, found="1\.5"/],
  [
    'a day that does not exist',
    {a: date},
    '{"a":"2024-02-30"}',
    /wanted=date .*, found="2024-02-30"/,
  ],
  ['an object for a list', {a: list(int32)}, '{"a":{}}', /wanted=array, found=\{\}/],
  [
    'an element of a list',
    {a: list(int32)},
    '{"a":[1,"x"]}',
    /field=a\.1, wanted=int32, found="x"/,
  ],
  [
    'a list for an object',
    {a: struct({b: int32})},
    '{"a":[]}',
    /field=a, wanted=object, found=\[\]/,
  ],
  [
    'a nested field',
    {a: struct({b: int32})},
    '{"a":{"b":true}}',
    /field=a\.b, wanted=int32, found=true/,
  ],
  ['a value for a record', {a: int32}, '5', /field=\(the record\), wanted=object, found=5/],
] as const) {
  test(`what does not fit the schema is named: ${name}`, t => {
    const fields = shape as Parameters<typeof schema>[0];

    t.throws(() => read(`\n${line}\n`, schema(fields as never)), {
      code: 'E_SOURCE_JSON',
      message,
    });
    t.throws(() => read(`\n${line}\n`, schema(fields as never)), {
      message:
        /does not fit the schema: path=file\.jsonl, line=2, offset=1, .*; correct the file or/,
    });
  });
}

test('a schema with bytes is refused when the source is made', t => {
  for (const shape of [schema({a: struct({b: bytes})}), schema({a: list(bytes)}), schema(bytes)]) {
    t.throws(() => jsonLinesSource({paths: ['x'], schema: shape}), {
      code: 'E_SOURCE_SCHEMA',
      message: /JSON cannot carry bytes: field=/,
    });
  }
});
