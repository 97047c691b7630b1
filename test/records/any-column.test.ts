/** Columns of type any: undefined is a value there, a field that a record lacks is not. */
import test from 'ava';
import {APPENDED, BatchWriter, MISFIT} from '../../src/records/batch-writer.ts';
import {inferSchema} from '../../src/records/infer-schema.ts';
import {testArena} from '../support/record-stream.ts';

for (const interpret of [false, true]) {
  test(`a record with another field in place of one of type any does not fit, ${interpret ? 'interpreted' : 'compiled'}`, t => {
    const schema = inferSchema([
      {mixed: 1, inner: {mixed: 1}},
      {mixed: 'x', inner: {mixed: 'x'}},
    ]);
    t.deepEqual(
      schema.columns.map(column => column.type),
      ['any', 'any'],
    );
    const writer = new BatchWriter(testArena(1024), {
      segmentSizeBytes: 1024,
      targetCount: 1,
      schema,
      timestamps: false,
      schemaVersion: 1,
      interpret,
    });
    writer.open(0, 0);

    t.is(writer.append(0, {mixed: undefined, inner: {mixed: undefined}}, NaN), APPENDED);
    t.is(writer.append(0, {other: 2, inner: {mixed: 2}}, NaN), MISFIT);
    t.is(writer.append(0, {mixed: 2, inner: {other: 2}}, NaN), MISFIT);
  });
}
