/** What append answers, what a batch looks like, and the text for compiled chains. */
import assert from 'node:assert/strict';
import test from 'ava';
import {BatchReader} from '../../src/records/batch-reader.ts';
import {
  APPENDED,
  APPENDED_FULL,
  BatchWriter,
  MISFIT,
  NO_ROOM,
  OVERSIZED,
  type BatchWriterOptions,
} from '../../src/records/batch-writer.ts';
import {compileFactory} from '../../src/records/compiler.ts';
import {inferSchema} from '../../src/records/infer-schema.ts';
import {int32, list, nullable, optional, schema, string, struct} from '../../src/records/schema.ts';
import {carry, expectedDeliveries, testArena} from '../support/record-stream.ts';

const SEGMENT = 4096;

function pair(options: Partial<BatchWriterOptions> & Pick<BatchWriterOptions, 'schema'>) {
  const arena = testArena(SEGMENT * 4);
  const all = {
    segmentSizeBytes: SEGMENT,
    targetCount: 3,
    timestamps: false,
    schemaVersion: 1,
    ...options,
  };
  return {arena, writer: new BatchWriter(arena, all), reader: new BatchReader(arena, all)};
}

function readAll(reader: BatchReader): unknown[] {
  return Array.from({length: reader.rowCount}, (_, row) => reader.read(row));
}

for (const interpret of [false, true]) {
  const how = interpret ? 'interpreted' : 'generated';

  test(`a target without batch has no room, ${how}`, t => {
    const {writer} = pair({schema: inferSchema([{a: 1}]), interpret});
    t.is(writer.append(0, {a: 1}, 0), NO_ROOM);
    t.false(writer.isOpen(0));
    writer.open(0, 0);
    t.true(writer.isOpen(0));
    t.is(writer.append(0, {a: 1}, 0), APPENDED);
    t.is(writer.append(1, {a: 1}, 0), NO_ROOM);
    t.is(writer.rowCount(0), 1);
  });

  test(`the last row of a batch says so, and nothing goes behind it, ${how}`, t => {
    const {writer, reader} = pair({schema: inferSchema([{a: 1}]), interpret});
    writer.open(1, SEGMENT);
    let rows = 0;
    let result: number = APPENDED;
    while (result === APPENDED) result = writer.append(1, {a: rows++}, 0);

    t.is(result, APPENDED_FULL);
    t.is(rows, (SEGMENT - 24) / 4);
    t.is(writer.append(1, {a: 0}, 0), NO_ROOM);
    t.deepEqual(writer.close(1), {rowCount: rows, usedBytes: SEGMENT});
    reader.attach(SEGMENT);
    t.deepEqual(readAll(reader).at(-1), {a: rows - 1});
  });

  test(`a misfit writes nothing, ${how}`, t => {
    const {writer} = pair({schema: inferSchema([{a: 1, n: {x: 's'}}]), interpret});
    writer.open(0, 0);
    const misfits: unknown[] = [
      {a: 1.5, n: {x: 's'}},
      {a: -0, n: {x: 's'}},
      {a: NaN, n: {x: 's'}},
      {a: 2 ** 31, n: {x: 's'}},
      {a: '1', n: {x: 's'}},
      {a: 1n, n: {x: 's'}},
      {a: {valueOf: () => 1}, n: {x: 's'}},
      {a: null, n: {x: 's'}},
      {n: {x: 's'}},
      {a: 1},
      {a: 1, n: null},
      {a: 1, n: {x: 's', y: 1}},
      {a: 1, n: {}},
      {a: 1, n: {x: 's'}, b: 2},
      {a: 1, n: {x: 's'}, b: undefined},
      Object.assign(Object.create(null), {a: 1, n: {x: 's'}}),
      Object.assign(new (class Record {})(), {a: 1, n: {x: 's'}}),
      {a: 1, n: new Map()},
      [1],
      1,
      null,
      undefined,
      's',
    ];
    for (const misfit of misfits) t.is(writer.append(0, misfit, 0), MISFIT);
    t.is(writer.rowCount(0), 0);
  });

  test(`a declared schema projects, and refuses more fields only when asked, ${how}`, t => {
    const declared = schema({
      id: int32,
      tags: list(nullable(string)),
      at: optional(struct({x: int32})),
    });
    const {writer, reader} = pair({schema: declared, interpret});
    writer.open(0, 0);
    t.is(writer.append(0, {id: 1, tags: ['a', null], more: 1}, 0), APPENDED);
    t.is(writer.append(0, {id: 2, tags: [], at: {x: 1, y: 2}}, 0), APPENDED);
    t.is(writer.append(0, {id: 3, tags: [1]}, 0), MISFIT);
    t.is(writer.append(0, {id: 3, tags: 'a'}, 0), MISFIT);
    writer.close(0);
    reader.attach(0);
    t.deepEqual(readAll(reader), [
      {id: 1, tags: ['a', null]},
      {id: 2, tags: [], at: {x: 1}},
    ]);

    const strict = pair({schema: declared, interpret, checkFields: true}).writer;
    strict.open(0, 0);
    t.is(strict.append(0, {id: 1, tags: [], more: 1}, 0), MISFIT);
    t.is(strict.append(0, {id: 1, tags: []}, 0), APPENDED);
  });

  test(`a text that fills most of a batch is laid out alone, a larger one is oversized, ${how}`, t => {
    const {writer, reader} = pair({schema: inferSchema([{s: ''}]), interpret});
    writer.open(0, 0);
    t.is(writer.append(0, {s: 'x'.repeat(SEGMENT)}, 0), OVERSIZED);
    t.is(writer.append(0, {s: 'x'.repeat(1900)}, 0), APPENDED_FULL);
    t.is(writer.close(0).rowCount, 1);
    reader.attach(0);
    t.deepEqual(reader.read(0), {s: 'x'.repeat(1900)});
  });

  test(`text of two bytes per unit late in a batch still fits, ${how}`, t => {
    const values = Array.from({length: 400}, (_, i) => ({
      i,
      s: `${'narrow '.repeat(i % 9)}${i}${i % 7 === 6 ? '中\ud800' : ''}`,
      u: i % 50 === 49 ? '\u4e00'.repeat(300) : `é${i}`,
    }));
    const options = {
      segmentSizeBytes: SEGMENT,
      targetCount: 2,
      timestamps: true,
      interpretWriter: interpret,
      interpretReader: interpret,
      sampleCount: 1,
    };
    const {delivered, oversizedCount} = carry(values, options);
    assert.deepStrictEqual(delivered, expectedDeliveries(values, options));
    t.is(oversizedCount, 0);
  });
}

test('few distinct texts are stored once per batch, many as they come', t => {
  const few = Array.from({length: 20_000}, (_, i) => ({name: `customer-${i % 20}`, i}));
  const many = Array.from({length: 20_000}, (_, i) => ({name: `customer-${i}`, i}));
  const options = {
    segmentSizeBytes: 32_768,
    targetCount: 1,
    timestamps: false,
    interpretWriter: false,
    interpretReader: false,
    sampleCount: 1,
  };

  const first = carry(few, options);
  const second = carry(many, options);

  assert.deepStrictEqual(first.delivered, expectedDeliveries(few, options));
  assert.deepStrictEqual(second.delivered, expectedDeliveries(many, options));
  t.true(first.batchCount < second.batchCount);
});

test('a dictionary is given up and taken again as the texts change', t => {
  const phases = [40_000, 30_000, 40_000].flatMap((count, phase) =>
    Array.from({length: count}, (_, i) => ({name: phase === 1 ? `x${i}` : `name ${i % 9}`})),
  );
  const options = {
    segmentSizeBytes: SEGMENT,
    targetCount: 2,
    timestamps: false,
    interpretWriter: false,
    interpretReader: false,
    sampleCount: 1,
  };
  const {delivered} = carry(phases, options);
  assert.deepStrictEqual(delivered, expectedDeliveries(phases, options));
  t.pass();
});

test('the text for chains appends as append does, with names that do not collide', t => {
  const schemas = [inferSchema([{a: 1, s: 'x'}]), inferSchema([{b: 1.5, t: null}])];
  const writers = schemas.map(one => pair({schema: one, timestamps: true}));
  const texts = writers.map(({writer}, index) =>
    writer.appendText({
      value: `value${index}`,
      target: '2',
      timestamp: 'time',
      result: `result${index}`,
      prefix: `out${index}_`,
    }),
  );
  const bindings = Object.assign({}, ...texts.map(text => text.bindings)) as Record<
    string,
    unknown
  >;
  const run = compileFactory<(count: number) => number[]>(
    'millrace/test-chain',
    Object.keys(bindings),
    `${texts.map(text => text.prologue).join('\n')}
return function run(count) {
  let result0 = 0, result1 = 0;
  for (let i = 0; i < count; i += 1) {
    const time = i * 10, value0 = {a: i, s: 's' + i}, value1 = {b: i / 2, t: null};
    ${texts.map(text => text.statements).join('\n')}
  }
  return [result0, result1];
};`,
  )(...Object.values(bindings));
  for (const {writer} of writers) writer.open(2, 2 * SEGMENT);

  t.deepEqual(run(50), [APPENDED, APPENDED]);

  for (const [index, {writer, reader}] of writers.entries()) {
    t.is(writer.close(2).rowCount, 50);
    reader.attach(2 * SEGMENT);
    t.is(reader.readTimestamp(7), 70);
    t.deepEqual(reader.read(7), index === 0 ? {a: 7, s: 's7'} : {b: 3.5, t: null});
  }
});

test('the reader text reads records, single columns and timestamps in a generated loop', t => {
  const samples = [
    {id: 1, name: 'a', inner: {x: 1, y: 's'}},
    {id: 2, name: 'b', inner: null},
    {id: 3, name: 'c', inner: {x: 3, y: 'u'}},
  ];
  const {arena, writer} = pair({schema: inferSchema(samples), timestamps: true});
  const options = {
    segmentSizeBytes: SEGMENT,
    schema: writer.schema,
    timestamps: true,
    prefix: 'q_',
  };
  const reader = new BatchReader(arena, options);
  writer.open(0, 0);
  for (const sample of samples) writer.append(0, sample, sample.id * 100);
  writer.close(0);
  const x = reader.columnText(['inner', 'x'], 'i')!;
  const y = reader.columnText(['inner', 'y'], 'i')!;
  const run = compileFactory<(count: number) => unknown[]>(
    'millrace/test-reader',
    Object.keys(reader.bindings),
    `return function run(count) {
  ${reader.prologue}
  const rows = [];
  for (let i = 0; i < count; i += 1) {
    rows.push([${reader.recordText('i')}, ${x.text}, ${y.text}, ${reader.timestampText('i')}]);
  }
  return rows;
};`,
  )(...Object.values(reader.bindings));
  reader.attach(0);

  const rows = run(3);

  t.deepEqual(rows, [
    [samples[0], 1, 's', 100],
    [samples[1], undefined, undefined, 200],
    [samples[2], 3, 'u', 300],
  ]);
  t.like(x, {type: 'int32', isNullable: true});
  t.is(reader.columnText(['inner'], 'i'), undefined);
  t.is(reader.columnText(['name', 'length'], 'i'), undefined);
  t.is(reader.readColumn(['inner', 'y'], 1), undefined);
  t.is(reader.readColumn(['inner', 'y'], 2), 'u');
});

test('field names reach generated text only as literals', t => {
  const names = [
    '"',
    "'",
    '`',
    '\\',
    '${1}',
    '*/',
    '//',
    '\n',
    '\u2028',
    'a b',
    "');alert(1)//",
    '</script>',
  ];
  const record = Object.fromEntries(names.map((name, index) => [name, index]));
  const {writer, reader} = pair({schema: inferSchema([record])});
  writer.open(0, 0);
  t.is(writer.append(0, record, 0), APPENDED);
  writer.close(0);
  reader.attach(0);
  t.deepEqual(reader.read(0), record);
});

test('a proven shape is not counted again, but nested objects are', t => {
  const {writer} = pair({schema: inferSchema([{a: 1, n: {x: 1}}])});
  t.true(writer.isShapeProvenBy(['n', 'a']));
  t.false(writer.isShapeProvenBy(['a']));
  t.false(writer.isShapeProvenBy(['a', 'n', 'm']));
  const names = {value: 'v', target: '0', timestamp: '0', result: 'r', prefix: 'p_'};
  const counts = (text: string) => text.split('for (const').length - 1;
  t.is(counts(writer.appendText(names).statements), 2);
  t.is(counts(writer.appendText({...names, isShapeProven: true}).statements), 1);
});
