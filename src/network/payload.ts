/**
 * Payloads that no single batch holds (a record larger than a segment, the announcement of a schema)
 * travel in a chain of segments:
 *
 *   bytes 0–3    index of the next segment, -1 in the last
 *   bytes 8–end  the next part of the payload
 */
import type {Arena} from '../memory/arena.ts';
import type {SegmentPool} from '../memory/segment-pool.ts';

const HEADER_SIZE_BYTES = 8;

/** How many segments a payload of `sizeBytes` takes; at least one. */
export function segmentsForPayload(sizeBytes: number, segmentSizeBytes: number): number {
  return Math.max(1, Math.ceil(sizeBytes / (segmentSizeBytes - HEADER_SIZE_BYTES)));
}

/** Writes `payload` into `segments`, in their order. */
export function writePayload(
  arena: Arena,
  pool: SegmentPool,
  segments: readonly number[],
  payload: Uint8Array,
): void {
  const partSizeBytes = pool.segmentSizeBytes - HEADER_SIZE_BYTES;
  segments.forEach((segment, index) => {
    const offset = pool.offsetBytes(segment);
    arena.words[offset >> 2] = segments[index + 1] ?? -1;
    const part = payload.subarray(index * partSizeBytes, (index + 1) * partSizeBytes);
    arena.bytes.set(part, offset + HEADER_SIZE_BYTES);
  });
}

/** Copies the payload out of the chain that begins with `segment`. */
export function readPayload(
  arena: Arena,
  pool: SegmentPool,
  segment: number,
  sizeBytes: number,
): Buffer {
  const payload = Buffer.allocUnsafeSlow(sizeBytes);
  const partSizeBytes = pool.segmentSizeBytes - HEADER_SIZE_BYTES;
  for (let position = 0; position < sizeBytes; position += partSizeBytes) {
    const offset = pool.offsetBytes(segment);
    const start = offset + HEADER_SIZE_BYTES;
    const length = Math.min(partSizeBytes, sizeBytes - position);
    arena.bytes.copy(payload, position, start, start + length);
    segment = arena.words[offset >> 2]!;
  }
  return payload;
}
