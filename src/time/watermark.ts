/**
 * The two ends of event time. Timestamps and watermarks are float64 milliseconds; what Flink writes as
 * Long.MIN_VALUE and Long.MAX_VALUE is -Infinity and Infinity here, so that sums with them stay at the
 * end instead of overflowing.
 */

/** The watermark before the first one. */
export const MIN_WATERMARK = -Infinity;

/** The watermark behind the last record: nothing will follow. */
export const MAX_WATERMARK = Infinity;
