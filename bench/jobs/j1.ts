/**
 * J1: a chain on one thread. i → 2i + 1 → keep what 3 does not divide → sum.
 * 20 million records give 266 666 653 333 333.
 */
import {checksumOf, type Answer, type Job} from './job.ts';

export interface J1Parameters {
  readonly records: number;
}

export const j1: Job<J1Parameters> = {
  name: 'J1',
  module: 'j1',
  full: {records: 100_000_000},
  smoke: {records: 20_000},
  engines: ['millrace', 'loop', 'rxjs', 'node-stream', 'effect', 'duckdb'],
  share: {rxjs: 0.2, 'node-stream': 0.05, effect: 0.05, duckdb: 0.2},

  expected({records}): Answer {
    let sum = 0;
    for (let i = 0; i < records; i += 1) if ((2 * i + 1) % 3 !== 0) sum += 2 * i + 1;
    return {records, checksum: checksumOf(sum)};
  },
};
