/** Batches that take fewer rows than fit: what the network asks for when queues should be short. */
import test from 'ava';
import {BatchReader} from '../../src/records/batch-reader.ts';
import {
  APPENDED,
  APPENDED_FULL,
  BatchWriter,
  NO_ROOM,
  OVERSIZED,
} from '../../src/records/batch-writer.ts';
import {inferSchema} from '../../src/records/infer-schema.ts';
import {testArena} from '../support/record-stream.ts';

function writerFor(sample: unknown, interpret: boolean) {
  const arena = testArena(2048);
  const schema = inferSchema([sample]);
  const options = {segmentSizeBytes: 1024, schema, timestamps: false};
  const writer = new BatchWriter(arena, {...options, targetCount: 2, schemaVersion: 1, interpret});
  return {writer, reader: new BatchReader(arena, options)};
}

for (const interpret of [false, true]) {
  const how = interpret ? 'interpreted' : 'compiled';

  test(`a batch with a limit is full when the limit is reached, ${how}`, t => {
    for (const sample of [{id: 0}, {id: 0, text: 'abc'}]) {
      const {writer, reader} = writerFor(sample, interpret);
      writer.open(0, 0, 3);
      writer.open(1, 1024);

      const results = Array.from({length: 4}, (_, id) => writer.append(0, {...sample, id}, NaN));
      t.deepEqual(results, [APPENDED, APPENDED, APPENDED_FULL, NO_ROOM]);
      for (let id = 0; id < 4; id += 1) t.is(writer.append(1, {...sample, id}, NaN), APPENDED);

      t.is(writer.close(0).rowCount, 3);
      reader.attach(0);
      t.deepEqual(
        Array.from({length: 3}, (_, row) => reader.read(row)),
        [0, 1, 2].map(id => ({...sample, id})),
      );
      // A limit holds for one batch.
      writer.open(0, 0);
      for (let id = 0; id < 4; id += 1) t.is(writer.append(0, {...sample, id}, NaN), APPENDED);
    }
  });

  test(`a limit above what fits changes nothing, ${how}`, t => {
    const {writer} = writerFor({id: 0}, interpret);
    const count = (limit?: number) => {
      writer.open(0, 0, limit);
      let rows = 1;
      while (writer.append(0, {id: 1}, NaN) === APPENDED) rows += 1;
      writer.close(0);
      return rows;
    };

    t.is(count(100_000), count());
  });

  test(`a row larger than expected is laid out anew below the limit, or is oversized, ${how}`, t => {
    const {writer, reader} = writerFor({text: 'abc'}, interpret);
    for (const limit of [1, 2, 5]) {
      writer.open(0, 0, limit);
      const result = writer.append(0, {text: 'x'.repeat(400)}, NaN);
      t.is(result, limit === 1 ? APPENDED_FULL : APPENDED, `limit ${limit}`);
      const rows = writer.close(0).rowCount;
      reader.attach(0);
      t.is(rows, 1);
      t.deepEqual(reader.read(0), {text: 'x'.repeat(400)});

      writer.open(0, 0, limit);
      t.is(writer.append(0, {text: 'y'.repeat(1100)}, NaN), OVERSIZED);
      writer.close(0);
    }
  });
}

test('a limit below one row is a bug of the caller', t => {
  const {writer} = writerFor({id: 0}, false);

  t.throws(() => writer.open(0, 0, 0), {message: /at least one row/});
});
