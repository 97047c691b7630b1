/** What a declared schema leaves of a record, compared with what its batches leave. */
import test from 'ava';
import {project} from '../../src/network/projection.ts';
import {BatchReader} from '../../src/records/batch-reader.ts';
import {APPENDED, BatchWriter} from '../../src/records/batch-writer.ts';
import {
  any,
  int32,
  list,
  nullable,
  optional,
  schema,
  string,
  struct,
} from '../../src/records/schema.ts';
import {testArena} from '../support/record-stream.ts';

const DECLARED = schema({
  id: int32,
  name: nullable(string),
  tags: list(string),
  more: optional(any),
  inner: struct({a: int32, deep: struct({b: optional(string)})}),
  maybe: optional(nullable(struct({c: int32}))),
});

for (const [what, record] of Object.entries({
  'all fields and others': {
    id: 1,
    name: 'x',
    tags: ['a'],
    more: {any: 'thing'},
    inner: {a: 1, deep: {b: 'y', extra: 1}, extra: 2},
    maybe: {c: 3, extra: 3},
    extra: 4,
  },
  'absent fields': {id: 1, name: null, tags: [], inner: {a: 1, deep: {}}, extra: 1},
  'an object that is null': {id: 1, name: '', tags: [], inner: {a: 1, deep: {}}, maybe: null},
  'an object that is undefined': {
    id: 1,
    name: '',
    tags: [],
    more: undefined,
    inner: {a: 1, deep: {b: undefined}},
    maybe: undefined,
  },
})) {
  test(`a projected record is what comes out of a batch: ${what}`, t => {
    const arena = testArena(4096);
    const options = {segmentSizeBytes: 4096, schema: DECLARED, timestamps: false};
    const writer = new BatchWriter(arena, {...options, targetCount: 1, schemaVersion: 1});
    writer.open(0, 0);
    t.is(writer.append(0, record, NaN), APPENDED);
    writer.close(0);
    const reader = new BatchReader(arena, options);
    reader.attach(0);

    t.deepEqual(project(DECLARED, record), reader.read(0));
  });
}

test('a bare value is left alone', t => {
  const value = {a: 1};
  t.is(project(schema(any), value), value);
});
