/**
 * J2x: J2 with a real all-to-all exchange over two workers. Source p of two makes the records of
 * its half of the range, {key, value, ts}; they cross to the worker that owns the key's group
 * (Flink's murmur hash, 128 groups, two ranges), which keeps count and sum per key and emits
 * {key, count, sum} for each record. The sink adds up the counts: checksum updates / Σ counts.
 *
 * The same job in three rows: 1024 keys, a million keys, and 1024 keys while another process burns
 * a core.
 */
import {murmur} from '../../src/base/hash.ts';
import {checksumOf, type Answer, type Job} from './job.ts';

export interface J2xParameters {
  readonly records: number;
  readonly keys: 1024 | 1_000_000;
}

export interface J2xRecord {
  readonly key: number;
  readonly value: number;
  readonly ts: number;
}

export const WORKERS = 2;
const KEY_GROUPS = 128;

export function keyOf1024(i: number): number {
  return Math.imul(i, 0x9e3779b1) >>> 22;
}

export function keyOfMillion(i: number): number {
  return (Math.imul(i, 0x9e3779b1) >>> 0) % 1_000_000;
}

export function keyFunction(keys: number): (i: number) => number {
  if (keys === 1024) return keyOf1024;
  if (keys === 1_000_000) return keyOfMillion;
  throw new Error(`J2x has 1024 or 1000000 keys, not ${keys}`);
}

/** Records `from` (inclusive) to `to` (exclusive) are made by source `worker`. */
export function rangeOf(records: number, worker: number): {from: number; to: number} {
  return {
    from: Math.floor((records * worker) / WORKERS),
    to: Math.floor((records * (worker + 1)) / WORKERS),
  };
}

/** The worker that owns an int32 key: group = murmur mod 128, worker = group · 2 / 128. */
export function ownerOf(key: number): number {
  return Math.floor(((murmur(key) % KEY_GROUPS) * WORKERS) / KEY_GROUPS);
}

function expected({records, keys}: J2xParameters): Answer {
  const key = keyFunction(keys);
  const counts = new Map<number, number>();
  let sum = 0;
  for (let i = 0; i < records; i += 1) {
    const k = key(i);
    const count = (counts.get(k) ?? 0) + 1;
    counts.set(k, count);
    sum += count;
  }
  return {records, checksum: checksumOf(records, sum)};
}

const job = {
  module: 'j2x',
  engines: [
    'millrace',
    'loop',
    'ceiling',
    'piscina',
    'postmessage',
    'duckdb',
    'flink',
    'jet',
    'timely',
  ],
  expected,
} as const;

export const j2xThousand: Job<J2xParameters> = {
  ...job,
  name: 'J2x-1k',
  // A round of the fast engines lasts two seconds, so that their start counts little.
  full: {records: 100_000_000, keys: 1024},
  share: {loop: 0.5, piscina: 0.02, postmessage: 0.05, duckdb: 0.5, flink: 0.5, jet: 0.5},
  smoke: {records: 20_000, keys: 1024},
};

export const j2xMillion: Job<J2xParameters> = {
  ...job,
  name: 'J2x-1m',
  full: {records: 40_000_000, keys: 1_000_000},
  share: {loop: 0.5, piscina: 0.05, postmessage: 0.125, flink: 0.5, jet: 0.5},
  smoke: {records: 20_000, keys: 1_000_000},
};

export const contended: Job<J2xParameters> = {
  ...job,
  name: 'contended',
  engines: ['millrace', 'ceiling', 'postmessage', 'flink', 'jet', 'timely'],
  full: {records: 40_000_000, keys: 1024},
  share: {postmessage: 0.1, flink: 0.5, jet: 0.5},
  smoke: {records: 20_000, keys: 1024},
  contended: true,
};
