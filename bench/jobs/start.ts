/**
 * start: a cold process to the first record at the sink of a job with two workers, and on to the
 * exit. One run is one process, so there is nothing to warm up. In its row p50Ms is the time to the
 * first record, p99Ms the time to the exit; recordsPerSecond is 1 / the former. The engine `loop`
 * is `node -e 0`, which has no first record: both are its exit.
 */
import {type Answer, type Job} from './job.ts';

export interface StartParameters {
  /** Processes per run; the outcome is their median. */
  readonly processes: number;
}

export const start: Job<StartParameters> = {
  name: 'start',
  module: 'start',
  full: {processes: 5},
  smoke: {processes: 1},
  engines: ['millrace', 'loop', 'flink'],

  expected(): Answer {
    return {records: 1, checksum: 'first'};
  },
};
