/**
 * Joins of two streams of records {key, value, ts}, on two workers. Two subtasks make each stream along the same
 * event time; records cross to the worker that owns the key. The sink counts pairs, adds up their weights and
 * the squares of these: pairs that were mixed up would not have the same.
 *
 *   interval-join   a left record meets the right ones at most `spanMs` before or behind it
 *   window-join     records of the same tumbling window meet, `spanMs` long
 */
import {checksumOf, mix, type Answer, type Job} from './job.ts';
import type {WindowRecord} from './windows.ts';

export interface JoinParameters {
  /** Of both streams; a multiple of four. */
  readonly records: number;
  readonly keys: number;
  readonly spanMs: number;
  /** Records of one subtask of one stream in a millisecond of event time. */
  readonly perMs: number;
}

/** What is added to the number of a right record, so that its keys are others. */
const RIGHT = 0x40000000;

/** Record number `i` of a stream; its second subtask makes those from half of its records on. */
export function joinRecord(
  i: number,
  isRight: boolean,
  {records, keys, perMs}: JoinParameters,
): WindowRecord {
  const half = records / 4;
  return {
    key: (mix(isRight ? i + RIGHT : i) >>> 0) % keys,
    value: i,
    ts: Math.floor((i < half ? i : i - half) / perMs),
  };
}

/** What a pair adds to the checksum. */
export function weightOf(left: {value: number}, right: {value: number}): number {
  return (left.value + right.value) % 1000;
}

/** Goes through the pairs of each left record; `range` gives the right times that it meets. */
function answerOf(
  parameters: JoinParameters,
  range: (ts: number) => readonly [number, number],
): Answer {
  const {records} = parameters;
  const count = records / 2;
  /** By key: right records in the order of time. */
  const right = new Map<number, WindowRecord[]>();
  for (let n = 0; n < count / 2; n += 1) {
    for (const i of [n, n + count / 2]) {
      const record = joinRecord(i, true, parameters);
      const list = right.get(record.key);
      if (list === undefined) right.set(record.key, [record]);
      else list.push(record);
    }
  }
  const firsts = new Map<number, number>();
  let [results, sum, squares] = [0, 0, 0];
  for (let n = 0; n < count / 2; n += 1) {
    for (const i of [n, n + count / 2]) {
      const record = joinRecord(i, false, parameters);
      const list = right.get(record.key) ?? [];
      const [from, to] = range(record.ts);
      let first = firsts.get(record.key) ?? 0;
      while (first < list.length && list[first].ts < from) first += 1;
      firsts.set(record.key, first);
      for (let at = first; at < list.length && list[at].ts <= to; at += 1) {
        const weight = weightOf(record, list[at]);
        results += 1;
        sum += weight;
        squares += weight * weight;
      }
    }
  }
  return {records, checksum: checksumOf(results, sum, squares)};
}

export const intervalJoin: Job<JoinParameters> = {
  name: 'interval-join',
  module: 'interval-join',
  engines: ['millrace', 'flink'],
  expected: parameters =>
    answerOf(parameters, ts => [ts - parameters.spanMs, ts + parameters.spanMs]),
  full: {records: 8_000_000, keys: 10_000, spanMs: 100, perMs: 20},
  share: {flink: 0.25},
  smoke: {records: 20_000, keys: 100, spanMs: 10, perMs: 5},
};

export const windowJoin: Job<JoinParameters> = {
  name: 'window-join',
  module: 'window-join',
  engines: ['millrace', 'flink'],
  expected: parameters =>
    answerOf(parameters, ts => {
      const start = Math.floor(ts / parameters.spanMs) * parameters.spanMs;
      return [start, start + parameters.spanMs - 1];
    }),
  full: {records: 8_000_000, keys: 10_000, spanMs: 200, perMs: 20},
  share: {flink: 0.25},
  smoke: {records: 20_000, keys: 100, spanMs: 10, perMs: 5},
};
