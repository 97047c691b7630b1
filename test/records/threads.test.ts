/** A batch written in one thread is read in another, from the same memory. */
import assert from 'node:assert/strict';
import {Buffer} from 'node:buffer';
import {Worker} from 'node:worker_threads';
import test from 'ava';
import fc from 'fast-check';
import {BatchReader} from '../../src/records/batch-reader.ts';
import {APPENDED, BatchWriter} from '../../src/records/batch-writer.ts';
import {inferSchema} from '../../src/records/infer-schema.ts';
import type {RecordSchema} from '../../src/records/schema.ts';
import {testArena} from '../support/record-stream.ts';
import {similarRecord} from '../support/record-values.ts';

const SEGMENT = 32_768;

test('records written here come back equal through a worker that reads and writes them', async t => {
  const values = fc.sample(similarRecord, {seed: 21, numRuns: 120});
  const schema = inferSchema(values);
  const arena = testArena(3 * SEGMENT);
  const options = {
    segmentSizeBytes: SEGMENT,
    targetCount: 1,
    schema,
    timestamps: true,
    schemaVersion: 4,
  };
  const writer = new BatchWriter(arena, options);
  writer.open(0, 0);
  let count = 0;
  while (count < values.length && writer.append(0, values[count], count + 0.5) === APPENDED)
    count += 1;
  t.true(count > 20);
  writer.close(0);
  const worker = new Worker(new URL('../support/echo-batch-worker.ts', import.meta.url), {
    workerData: {buffer: arena.buffer, schema, segmentSizeBytes: SEGMENT},
  });

  const echoed = await new Promise<RecordSchema>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });

  await worker.terminate();
  const reader = new BatchReader(arena, {...options, schema: echoed});
  reader.attach(SEGMENT);
  t.is(reader.rowCount, count);
  for (let row = 0; row < count; row += 1) {
    assert.deepStrictEqual(reader.read(row), values[row]);
    assert.equal(reader.readTimestamp(row), row + 0.5);
  }
  t.true(Buffer.isBuffer(arena.bytes));
});
