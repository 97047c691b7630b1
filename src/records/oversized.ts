/**
 * Records that no segment takes, as self-describing bytes that network carries through a chain of
 * segments. They need no schema: what a schema would have said stands in front of each value.
 */
import {ValueDecoder, ValueEncoder} from './any-codec.ts';

const encoder = new ValueEncoder();
const decoder = new ValueDecoder();

/** A record that no segment takes, as bytes for a chain of segments; self-describing. */
export function encodeOversized(value: unknown, timestamp: number): Uint8Array {
  encoder.reset();
  encoder.encode(timestamp);
  encoder.encode(value);
  const encoded = new Uint8Array(encoder.buffer.subarray(0, encoder.position));
  if (encoder.buffer.length > 1 << 20) encoder.shrink();
  return encoded;
}

/** The counterpart of `encodeOversized`. */
export function decodeOversized(bytes: Uint8Array): {value: unknown; timestamp: number} {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [timestamp, value] = decoder.decodeAll(buffer) as [number, unknown];
  return {value, timestamp};
}
