/**
 * What comes out of a harness, as plain data that a test can compare with what it wrote down: records,
 * watermarks and changes of status, in their order.
 */

/** A record; without `timestamp` if it has none. */
export interface OutputRecord<T> {
  readonly value: T;
  /** Milliseconds of event time. */
  readonly timestamp?: number;
}

/** Event time has come to `watermark`; Infinity at the end. */
export interface OutputWatermark {
  readonly watermark: number;
}

/** All inputs are idle, or one is active again. */
export interface OutputStatus {
  readonly status: 'idle' | 'active';
}

export type HarnessOutput<T> = OutputRecord<T> | OutputWatermark | OutputStatus;

export function isRecord<T>(output: HarnessOutput<T>): output is OutputRecord<T> {
  return 'value' in output;
}

/** A record as it is read back; NaN is no timestamp. */
export function outputRecord<T>(value: T, timestamp: number): OutputRecord<T> {
  return timestamp === timestamp ? {value, timestamp} : {value};
}
