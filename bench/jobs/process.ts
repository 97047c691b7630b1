/**
 * process: a process function with ValueState and an event-time timer for each record. Two sources make
 * records {key, value, ts} of 100 000 keys, both along the same event time, 50 of each in a millisecond;
 * they cross to the worker that owns the key. For each record count and sum are added to the state of
 * its key, and a timer is set a second later; a timer emits what has come together since the last one
 * of its key, and sets the state back.
 *
 * When a timer fires depends on when watermarks come (each 200 ms of wall time), so what one of them emits
 * differs from run to run; how many fire, and what all of them emit together, does not.
 */
import {checksumOf, mix, type Answer, type Job} from './job.ts';

export interface ProcessParameters {
  /** Even: each source makes half of them. */
  readonly records: number;
  readonly keys: number;
}

export const TIMER_MS = 1000;
const PER_MS = 50;

/** Record number `i`; the second source makes those from `records / 2` on. */
export function processRecord(i: number, {records, keys}: ProcessParameters) {
  const half = records / 2;
  return {
    key: (mix(i) >>> 0) % keys,
    value: i & 1023,
    ts: Math.floor((i < half ? i : i - half) / PER_MS),
  };
}

function expected(parameters: ProcessParameters): Answer {
  const {records} = parameters;
  const half = records / 2;
  let timers = 0;
  let sum = 0;
  // Timers of a key at one time are one: those of both sources in the same millisecond count together.
  for (let first = 0; first < half; first += PER_MS) {
    const keys = new Set<number>();
    for (let n = first; n < Math.min(first + PER_MS, half); n += 1) {
      for (const i of [n, n + half]) {
        const {key, value} = processRecord(i, parameters);
        keys.add(key);
        sum += value;
      }
    }
    timers += keys.size;
  }
  return {records, checksum: checksumOf(timers, records, sum)};
}

export const process: Job<ProcessParameters> = {
  name: 'process',
  module: 'process',
  engines: ['millrace', 'flink'],
  full: {records: 10_000_000, keys: 100_000},
  share: {flink: 0.5},
  smoke: {records: 20_000, keys: 1000},
  expected,
};
