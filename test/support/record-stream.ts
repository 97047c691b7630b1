/**
 * Carries values through batches as the network does: closes what is full, widens the schema at a
 * misfit, sends what is too large on its own. Every batch is read as soon as it is closed.
 */
import assert from 'node:assert/strict';
import {Buffer} from 'node:buffer';
import type {Arena} from '../../src/memory/arena.ts';
import {BatchReader} from '../../src/records/batch-reader.ts';
import {
  APPENDED,
  APPENDED_FULL,
  BatchWriter,
  MISFIT,
  NO_ROOM,
} from '../../src/records/batch-writer.ts';
import {inferSchema, widen} from '../../src/records/infer-schema.ts';
import {decodeOversized, encodeOversized} from '../../src/records/oversized.ts';
import type {RecordSchema} from '../../src/records/schema.ts';

/** The three views of an arena over memory of its own. */
export function testArena(sizeBytes: number): Arena {
  const buffer = new SharedArrayBuffer(sizeBytes);
  return {
    buffer,
    words: new Int32Array(buffer),
    doubles: new Float64Array(buffer),
    bytes: Buffer.from(buffer),
  } as unknown as Arena;
}

export interface StreamOptions {
  readonly segmentSizeBytes: number;
  readonly targetCount: number;
  readonly timestamps: boolean;
  readonly interpretWriter: boolean;
  readonly interpretReader: boolean;
  /** Values from which the first schema is inferred. */
  readonly sampleCount: number;
  readonly schema?: RecordSchema;
  /** Targets whose texts are handed over by reference: a sum of 1 << target; default 0. */
  readonly localTargets?: number;
}

export interface Delivery {
  readonly value: unknown;
  readonly timestamp: number;
}

export interface StreamResult {
  readonly delivered: Delivery[][];
  readonly schema: RecordSchema;
  readonly batchCount: number;
  readonly oversizedCount: number;
  readonly schemaVersion: number;
}

const GUARD = 0x5eed_cafe | 0;

/** Sends value `i` to target `i % targetCount` with timestamp `i`. */
export function carry(values: readonly unknown[], options: StreamOptions): StreamResult {
  const {segmentSizeBytes, targetCount, timestamps} = options;
  // A guard word stands in front of and behind each segment.
  const spacing = segmentSizeBytes + 16;
  const arena = testArena(8 + targetCount * spacing);
  const offsetOf = (target: number) => 8 + target * spacing;
  for (let target = 0; target <= targetCount; target += 1) {
    arena.words[(offsetOf(target) - 8) / 4] = GUARD;
    if (target < targetCount) arena.words[(offsetOf(target) + segmentSizeBytes) / 4] = GUARD;
  }
  const delivered: Delivery[][] = Array.from({length: targetCount}, () => []);
  let schema = options.schema ?? inferSchema(values.slice(0, options.sampleCount));
  let schemaVersion = 1;
  let batchCount = 0;
  let oversizedCount = 0;
  const open = () =>
    [
      new BatchWriter(arena, {
        segmentSizeBytes,
        targetCount,
        schema,
        timestamps,
        schemaVersion,
        interpret: options.interpretWriter,
        isLocal: Array.from(
          {length: targetCount},
          (_, target) => (((options.localTargets ?? 0) >> target) & 1) === 1,
        ),
      }),
      new BatchReader(arena, {
        segmentSizeBytes,
        schema,
        timestamps,
        interpret: options.interpretReader,
      }),
    ] as const;
  let [writer, reader] = open();

  const flush = (target: number) => {
    if (!writer.isOpen(target)) return;
    const rowCount = writer.rowCount(target);
    const closed = writer.close(target);
    batchCount += 1;
    assert.equal(closed.rowCount, rowCount);
    assert.ok(closed.usedBytes <= segmentSizeBytes);
    assert.equal(arena.words[(offsetOf(target) - 8) / 4], GUARD, 'wrote in front of the segment');
    assert.equal(arena.words[(offsetOf(target) + segmentSizeBytes) / 4], GUARD, 'wrote behind');
    reader.attach(offsetOf(target));
    assert.equal(reader.rowCount, rowCount);
    assert.equal(reader.schemaVersion, schemaVersion);
    for (let row = 0; row < rowCount; row += 1) {
      delivered[target]!.push({value: reader.read(row), timestamp: reader.readTimestamp(row)});
    }
  };

  for (const [index, value] of values.entries()) {
    const target = index % targetCount;
    for (let attempt = 0; ; attempt += 1) {
      assert.ok(attempt < 5, 'a value is placed after a few attempts');
      const result = writer.append(target, value, index);
      if (result === APPENDED) break;
      if (result === APPENDED_FULL) {
        flush(target);
        break;
      }
      if (result === NO_ROOM) {
        flush(target);
        writer.open(target, offsetOf(target));
      } else if (result === MISFIT) {
        for (let other = 0; other < targetCount; other += 1) flush(other);
        const wider = widen(schema, value);
        assert.notDeepEqual(wider, schema, 'a misfit widens the schema');
        schema = wider;
        schemaVersion += 1;
        [writer, reader] = open();
      } else {
        flush(target);
        const carried = decodeOversized(encodeOversized(value, index));
        assert.equal(carried.timestamp, index);
        delivered[target]!.push({value: carried.value, timestamp: timestamps ? index : NaN});
        oversizedCount += 1;
        break;
      }
    }
  }
  for (let target = 0; target < targetCount; target += 1) flush(target);
  return {delivered, schema, batchCount, oversizedCount, schemaVersion};
}

/** What `carry` has to deliver. */
export function expectedDeliveries(
  values: readonly unknown[],
  {targetCount, timestamps}: Pick<StreamOptions, 'targetCount' | 'timestamps'>,
): Delivery[][] {
  const expected: Delivery[][] = Array.from({length: targetCount}, () => []);
  for (const [index, value] of values.entries()) {
    expected[index % targetCount]!.push({value, timestamp: timestamps ? index : NaN});
  }
  return expected;
}
