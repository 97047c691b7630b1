/**
 * What travels through a channel's ring: descriptors of four words. Batches lie in segments, which a
 * descriptor names; events fit into the descriptor itself, so they need no segment and no credit,
 * and keep their place between the batches.
 *
 *   word 0  kind
 *   word 1  BATCH, SCHEMA, OVERSIZED: segment index      WATERMARK: low word of the float64
 *   word 2  BATCH: row count; SCHEMA, OVERSIZED: bytes   WATERMARK: high word
 *   word 3  BATCH, SCHEMA, OVERSIZED: segments in the chain
 *
 * A payload that is larger than a segment (SCHEMA, OVERSIZED) lies in a chain of segments; each of
 * them begins with a word that names the next one, -1 in the last.
 */

/** A column batch in one segment. */
export const BATCH = 1;
/** The shape of all batches that follow, as JSON, in a chain of segments. */
export const SCHEMA = 2;
/** One record that no batch can hold, in a chain of segments. */
export const OVERSIZED = 3;
/** No record will follow. */
export const END_OF_DATA = 4;
export const WATERMARK = 5;
/** The channel is idle: its watermark does not count until it is active again. */
export const IDLE_STATUS = 6;
export const ACTIVE_STATUS = 7;

/** Whether descriptors of this kind hold segments, and so need a credit. */
export function needsCredit(kind: number): boolean {
  return kind <= OVERSIZED;
}

const DOUBLE = new Float64Array(1);
const WORDS = new Int32Array(DOUBLE.buffer);

/** The two words of a float64 that rides in an event. */
export function wordsOfDouble(value: number): readonly [number, number] {
  DOUBLE[0] = value;
  return [WORDS[0]!, WORDS[1]!];
}

/** The float64 that `wordsOfDouble` took apart. */
export function doubleOfWords(low: number, high: number): number {
  WORDS[0] = low;
  WORDS[1] = high;
  return DOUBLE[0]!;
}
