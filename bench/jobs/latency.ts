/**
 * latency: J2x with 1024 keys under an open load of half of the engine's own maximum. Record i is
 * due at start + i / rate, whether or not the engine is ready for it; its latency runs from that
 * intended time to the sink, so a stall is charged to every record that should have come meanwhile
 * (no coordinated omission). One record in 16 is timed, with a clock read of its own at the sink; a
 * source that has nothing due looks again after 0.1 ms.
 *
 * An engine first finds its maximum with `calibrationRecords` at full speed, then runs for
 * `warmUpSeconds` in which nothing is timed (a JVM that stays is warm by then, new worker threads are
 * not), then for `seconds`. How many records that makes depends on the engine, so it answers with what arrived,
 * and the harness computes what should have: the checksum is that of J2x for `records`.
 */
import {j2xThousand} from './j2x.ts';
import {type Answer, type Job} from './job.ts';

export interface LatencyParameters {
  readonly calibrationRecords: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
  /** Share of the maximum that is offered. */
  readonly load: number;
}

/** Records with `value % SAMPLE === 0` are timed. */
export const SAMPLE = 16;

/** The answer to an open-loop run that offered `records`. */
export function latencyAnswer(records: number): Answer {
  return j2xThousand.expected({records, keys: 1024});
}

export const latency: Job<LatencyParameters> = {
  name: 'latency',
  module: 'latency',
  full: {calibrationRecords: 30_000_000, warmUpSeconds: 2, seconds: 5, load: 0.5},
  smoke: {calibrationRecords: 20_000, warmUpSeconds: 0.1, seconds: 0.2, load: 0.5},
  engines: ['millrace', 'ceiling', 'flink'],

  /** Not known before the run; the harness asks `latencyAnswer` with the number offered. */
  expected(): Answer {
    return {records: -1, checksum: ''};
  },
};
