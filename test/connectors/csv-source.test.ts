/** CSV files as a source: headers, types, rows over several lines, and what can be wrong with them. */
import test from 'ava';
import {csvSource, type CsvSourceOptions} from '../../src/connectors/csv-source.ts';
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
} from '../../src/records/schema.ts';
import {declare} from '../support/declare.ts';
import {MemoryFiles} from '../support/memory-files.ts';
import {SourceDriver, sourceContract} from '../support/source-contract.ts';

const SIZES = {bufferSizeBytes: 16, blockSizeBytes: 8};
const BROKEN_LINES = 'id,text\r\n1,"a\nb"\r\n2,"c ""d"",\r\n\r\n€"\r\n3,plain\r\n4,"\n"';
const BROKEN_ROWS = [
  {id: '1', text: 'a\nb'},
  {id: '2', text: 'c "d",\r\n\r\n€'},
  {id: '3', text: 'plain'},
  {id: '4', text: '\n'},
];

sourceContract(declare, 'CSV with line breaks in quotes', {
  create: () =>
    csvSource(
      {paths: ['a', 'b']},
      {
        fileSystem: new MemoryFiles({a: BROKEN_LINES, b: '\ufeffid,text\n5,x\n'}),
        sizes: SIZES,
      },
    ),
  records: [...BROKEN_ROWS, {id: '5', text: 'x'}],
});
for (const splitSizeBytes of [1, 9, undefined]) {
  sourceContract(declare, `CSV in splits of ${splitSizeBytes ?? 'the default size'}`, {
    create: () =>
      csvSource(
        {paths: ['a', 'b'], splitSizeBytes, lineBreaksInQuotes: false, schema: schema({y: int32})},
        {
          fileSystem: new MemoryFiles({
            a: 'x,y\n"€,",1\n,2\n"""",3\n4,4',
            b: 'y,z,x\r\n5,,\r\n6,,\r\n',
          }),
          sizes: SIZES,
        },
      ),
    records: [{y: 1}, {y: 2}, {y: 3}, {y: 4}, {y: 5}, {y: 6}],
  });
}
sourceContract(declare, 'CSV without a header', {
  create: () =>
    csvSource(
      {paths: ['a'], header: ['n', 's'], delimiter: ';'},
      {fileSystem: new MemoryFiles({a: '1;a,b\n2;"c;d"\n'}), sizes: SIZES},
    ),
  records: [
    {n: '1', s: 'a,b'},
    {n: '2', s: 'c;d'},
  ],
});
sourceContract(declare, 'CSV with nothing but a header', {
  create: () => csvSource({paths: ['a']}, {fileSystem: new MemoryFiles({a: 'a,b\n'})}),
  records: [],
});

function read(text: string, options: Omit<CsvSourceOptions, 'paths'> = {}): unknown[] {
  const source = csvSource(
    {...options, paths: ['file.csv']},
    {fileSystem: new MemoryFiles({'file.csv': text})},
  );
  const driver = new SourceDriver(source);
  for (const split of source.enumerateSplits({parallelism: 1})) driver.reader.addSplit(split);
  return driver.readAll();
}

test('a file with line breaks in quotes is not cut, one without may be', t => {
  const files = new MemoryFiles({a: BROKEN_LINES});
  const splitsOf = (lineBreaksInQuotes: boolean) =>
    csvSource(
      {paths: ['a'], splitSizeBytes: 10, lineBreaksInQuotes},
      {fileSystem: files},
    ).enumerateSplits({parallelism: 2}).length;

  t.is(splitsOf(true), 1);
  t.is(splitsOf(false), Math.ceil(Buffer.byteLength(BROKEN_LINES) / 10));
});

test('fields get the types that the schema says', t => {
  const shape = schema({
    i: int32,
    f: float64,
    b: boolean,
    s: string,
    big: bigint,
    at: date,
    x: any,
  });
  const header = 'at,i,f,b,s,big,x,more\n';

  t.deepEqual(
    read(
      `${header}2024-02-29,-5,1e3,true,"a,b",123456789012345678901,x,?\n` +
        `1970-01-01T00:00:01Z, +7 ,-.5,False,, -1 ,"",\n` +
        `1970-01-01,2147483647,NaN,TRUE, x ,0,,\n` +
        `1970-01-01,-2147483648,-Infinity,false,"",+00,,\n` +
        `1970-01-01,-0,-0,false,,0,,\n` +
        `1970-01-01,00000000000000012,0.25,false,,0,,\n`,
      {schema: shape},
    ),
    [
      {
        i: -5,
        f: 1000,
        b: true,
        s: 'a,b',
        big: 123456789012345678901n,
        at: new Date('2024-02-29'),
        x: 'x',
      },
      {i: 7, f: -0.5, b: false, s: '', big: -1n, at: new Date(1000), x: ''},
      {i: 2147483647, f: NaN, b: true, s: ' x ', big: 0n, at: new Date(0), x: ''},
      {i: -2147483648, f: -Infinity, b: false, s: '', big: 0n, at: new Date(0), x: ''},
      {i: 0, f: -0, b: false, s: '', big: 0n, at: new Date(0), x: ''},
      {i: 12, f: 0.25, b: false, s: '', big: 0n, at: new Date(0), x: ''},
    ],
  );
});

test('records have the fields of the schema, in its order', t => {
  const [record] = read('c,b,a\n3,2,1\n', {schema: schema({a: int32, b: int32})});

  t.deepEqual(Object.entries(record as object), [
    ['a', 1],
    ['b', 2],
  ]);
});

test('an empty field is null or undefined where that is allowed, an empty text in quotes is not', t => {
  const shape = schema({
    n: nullable(int32),
    s: nullable(string),
    o: optional(string),
    both: optional(nullable(float64)),
  });

  t.deepEqual(read('n,s,o,both\n,,,\n1,"","",2\n', {schema: shape}), [
    {n: null, s: null, o: undefined, both: null},
    {n: 1, s: '', o: '', both: 2},
  ]);
});

test('a column that is optional may be missing', t => {
  t.deepEqual(read('a\n1\n', {schema: schema({a: int32, b: optional(string)})}), [{a: 1}]);
});

test('empty lines are skipped, except where a row is one field', t => {
  t.deepEqual(read('a,b\n\n1,2\n\r\n\n'), [{a: '1', b: '2'}]);
  t.deepEqual(read('a\n\n1\n'), [{a: ''}, {a: '1'}]);
  t.deepEqual(read('a\n\n', {schema: schema({a: nullable(int32)})}), [{a: null}]);
});

test('without a header the columns are those of the schema', t => {
  t.deepEqual(read('1,x\n', {header: false, schema: schema({id: int32, name: string})}), [
    {id: 1, name: 'x'},
  ]);
});

test('an empty file has no rows', t => {
  t.deepEqual(read(''), []);
  t.deepEqual(read('\ufeff'), []);
});

test('names of columns are taken as they are', t => {
  const name = 'a "b", \u2028 c';

  t.deepEqual(read(`"${name.replaceAll('"', '""')}",_\n1,2\n`), [{[name]: '1', _: '2'}]);
});

for (const [name, text, options, message] of [
  [
    'a row with too few fields',
    'a,b\n1,2\n3\n',
    {},
    /another number of fields than columns: path=file\.csv, line=3, offset=8, expected=2, found=1, text="3"; correct the row/,
  ],
  ['a row with too many fields', 'a,b\n1,2,3\n', {}, /line=2, offset=4, expected=2, found=3/],
  ['a row of nothing but commas', 'a,b,c\n,\n', {}, /line=2, offset=6, expected=3, found=2/],
  [
    'a number that is none',
    'a\n1\nx\n',
    {schema: schema({a: int32})},
    /not what its column says: path=file\.csv, line=3, offset=4, column=a, wanted=int32 .*, found="x", text="x"; correct/,
  ],
  ['a number out of range', 'a\n2147483648\n', {schema: schema({a: int32})}, /found="2147483648"/],
  ['a number in another notation', 'a\n0x10\n', {schema: schema({a: int32})}, /found="0x10"/],
  ['a fraction for an integer', 'a\n1.0\n', {schema: schema({a: int32})}, /found="1\.0"/],
  ['nothing for a number', 'a,b\n,1\n', {schema: schema({a: int32})}, /column=a, .*found=""/],
  ['an empty text for a number', 'a\n""\n', {schema: schema({a: nullable(int32)})}, /found=""/],
  [
    'a number with a comma',
    'a;b\n1,5;2\n',
    {delimiter: ';', schema: schema({a: float64})},
    /found="1,5"/,
  ],
  [
    'a hexadecimal float',
    'a\n0x1\n',
    {schema: schema({a: float64})},
    /wanted=float64 .*found="0x1"/,
  ],
  [
    'a boolean that is none',
    'a\nyes\n',
    {schema: schema({a: boolean})},
    /wanted=boolean .*found="yes"/,
  ],
  [
    'a bigint with a fraction',
    'a\n1.5\n',
    {schema: schema({a: bigint})},
    /wanted=bigint .*found="1\.5"/,
  ],
  [
    'a date that does not exist',
    'a\n2023-02-29\n',
    {schema: schema({a: date})},
    /wanted=date .*found="2023-02-29"/,
  ],
  [
    'a quote that is never closed',
    'a,b\n1,2\n3,"4\n5,6\n',
    {},
    /a quote is not closed: path=file\.csv, line=3, offset=8; close the quotes/,
  ],
  [
    'a quote that is not closed in its line, where that is asked for',
    'a,b\n1,"2\n3",4\n',
    {lineBreaksInQuotes: false},
    /a quote is not closed: path=file\.csv, line=2, offset=4, text="1,\\"2"; close .*allow line breaks/,
  ],
  [
    'text behind a closing quote',
    'a,b\n1,"2"x\n',
    {},
    /text behind a closing quote: path=file\.csv, line=2, offset=4, text="1,\\"2\\"x", column=6; double each quote/,
  ],
  [
    'a header with a name twice',
    'a,b,a\n',
    {},
    /a column is there twice: path=file\.csv, line=1, offset=0, column=a/,
  ],
  [
    'a header with an inherited name',
    '__proto__,b\n',
    {},
    /name that every object inherits: .*column=__proto__/,
  ],
  [
    'a header without a column of the schema',
    'x,b\n',
    {schema: schema({a: int32})},
    /a column of the schema is missing: .*column=a, found=\["x","b"\]/,
  ],
] as const) {
  test(`malformed CSV is named: ${name}`, t => {
    t.throws(() => read(text, options as object), {code: 'E_SOURCE_CSV', message});
  });
}

test('an error in a row of several lines names the line in which the row begins', t => {
  t.throws(() => read('a,b\n"x\ny",2,3\n'), {message: /line=2, offset=4, expected=2, found=3/});
});

for (const [name, options, code, message] of [
  ['a delimiter of two characters', {delimiter: ',,'}, 'E_SOURCE_OPTION', /delimiter=",,"/],
  ['a quote as a delimiter', {delimiter: '"'}, 'E_SOURCE_OPTION', /must be one character/],
  ['no header and no names', {header: false}, 'E_SOURCE_OPTION', /give a schema, or the names/],
  ['the same name twice', {header: ['a', 'a']}, 'E_SOURCE_OPTION', /twice: column=a/],
  [
    'names without one of the schema',
    {header: ['a'], schema: schema({b: int32})},
    'E_SOURCE_OPTION',
    /missing: column=b/,
  ],
  [
    'a schema with a list',
    {schema: schema({a: list(int32)})},
    'E_SOURCE_SCHEMA',
    /field=a, type=list/,
  ],
  ['a schema with bytes', {schema: schema({a: bytes})}, 'E_SOURCE_SCHEMA', /field=a, type=bytes/],
  ['a nested schema', {schema: schema({a: struct({b: int32})})}, 'E_SOURCE_SCHEMA', /field=a\.b/],
  [
    'a schema of bare values',
    {schema: schema(int32)},
    'E_SOURCE_SCHEMA',
    /rows of CSV are records/,
  ],
] as const) {
  test(`an option that does not do is refused when the source is made: ${name}`, t => {
    t.throws(() => csvSource({paths: ['x'], ...(options as object)}), {code, message});
  });
}
