/** Reads the batch in the first segment and writes its records into the second one. */
import {Buffer} from 'node:buffer';
import {parentPort, workerData} from 'node:worker_threads';
import type {Arena} from '../../src/memory/arena.ts';
import {BatchReader} from '../../src/records/batch-reader.ts';
import {APPENDED, APPENDED_FULL, BatchWriter} from '../../src/records/batch-writer.ts';
import type {RecordSchema} from '../../src/records/schema.ts';

const {buffer, schema, segmentSizeBytes} = workerData as {
  buffer: SharedArrayBuffer;
  schema: RecordSchema;
  segmentSizeBytes: number;
};
const arena = {
  buffer,
  words: new Int32Array(buffer),
  doubles: new Float64Array(buffer),
  bytes: Buffer.from(buffer),
} as unknown as Arena;
const options = {segmentSizeBytes, targetCount: 1, schema, timestamps: true, schemaVersion: 4};
const reader = new BatchReader(arena, options);
const writer = new BatchWriter(arena, options);
reader.attach(0);
writer.open(0, segmentSizeBytes);
for (let row = 0; row < reader.rowCount; row += 1) {
  const result = writer.append(0, reader.read(row), reader.readTimestamp(row));
  if (result !== APPENDED && result !== APPENDED_FULL) throw new Error(`append answered ${result}`);
}
writer.close(0);
parentPort!.postMessage(writer.schema);
