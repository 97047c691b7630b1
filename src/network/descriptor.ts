/**
 * What travels through a channel's ring: descriptors of four words. Batches lie in segments, which a
 * descriptor names; events fit into the descriptor itself, so they need no segment and no credit,
 * and keep their place between the batches.
 *
 *   word 0  kind
 *   word 1  BATCH, SCHEMA, OVERSIZED, PART: segment index            WATERMARK: low word of the float64
 *   word 2  BATCH: row count · SCHEMA, OVERSIZED, PART: bytes here   WATERMARK: high word
 *   word 3  BATCH: used bytes · SCHEMA, OVERSIZED, PART: bytes of the whole payload
 *
 * A payload that is larger than a segment (SCHEMA, OVERSIZED) travels in pieces, one after another: all
 * but the last are a PART, the last one has the kind of the payload. Nothing comes between them.
 * The gate collects the pieces; a task never sees a PART.
 */

/** A column batch in one segment. */
export const BATCH = 1;
/** The shape of all batches that follow, as JSON; the last or only piece of it. */
export const SCHEMA = 2;
/** One record that no batch can hold; the last or only piece of it. */
export const OVERSIZED = 3;
/** No record will follow. */
export const END_OF_DATA = 4;
export const WATERMARK = 5;
/** The channel is idle: its watermark does not count until it is active again. */
export const IDLE_STATUS = 6;
export const ACTIVE_STATUS = 7;
/** A piece of a SCHEMA or OVERSIZED payload; more will follow. */
export const PART = 8;

/** Whether descriptors of this kind name a segment, and so need a credit. */
export function needsCredit(kind: number): boolean {
  return kind <= OVERSIZED || kind === PART;
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
