/**
 * J2: a keyed count on one thread. Records {k, t, v} with 1024 keys; every record makes its key's
 * running count grow by one, and every update goes to a sink, which adds up the counts it sees.
 * The checksum is updates / Σ counts, that is Σ n(n + 1) / 2 over the keys.
 */
import {checksumOf, type Answer, type Job} from './job.ts';

export interface J2Parameters {
  readonly records: number;
}

export interface J2Record {
  readonly k: number;
  readonly t: number;
  readonly v: number;
}

/** Record number `i`; v = i, 100 records share a time. */
export function j2Record(i: number): J2Record {
  return {k: Math.imul(i, 0x9e3779b1) >>> 22, t: Math.floor(i / 100), v: i};
}

export const j2: Job<J2Parameters> = {
  name: 'J2',
  module: 'j2',
  full: {records: 20_000_000},
  smoke: {records: 20_000},
  engines: ['millrace', 'loop', 'rxjs', 'node-stream', 'effect', 'duckdb'],
  share: {rxjs: 0.5, 'node-stream': 0.25, effect: 0.25},

  expected({records}): Answer {
    const counts = new Map<number, number>();
    let sum = 0;
    for (let i = 0; i < records; i += 1) {
      const {k} = j2Record(i);
      const count = (counts.get(k) ?? 0) + 1;
      counts.set(k, count);
      sum += count;
    }
    return {records, checksum: checksumOf(records, sum)};
  },
};
