/** latency on Millrace: finds its maximum, then runs under a share of it. */
import {checksumOf, type Outcome} from '../jobs/job.ts';
import type {LatencyParameters} from '../jobs/latency.ts';
import {LatencyCounts} from '../lib/statistics.ts';
import type {LatencyArgs} from './jobs/latency.ts';
import {runJob} from './run-job.ts';

/** Time for the threads to come up before the first record is due. */
const LEAD_MS = 1000;

/** Found once per process, in records per second. */
let maximum = 0;

export async function run({
  calibrationRecords,
  warmUpSeconds,
  seconds,
  load,
}: LatencyParameters): Promise<Outcome> {
  if (maximum === 0) {
    for (let round = 0; round < 3; round += 1) {
      // Everything is due at once, and nothing is timed.
      const args: LatencyArgs = {
        records: calibrationRecords,
        startMs: 0,
        ratePerMs: calibrationRecords,
        timedFromMs: Infinity,
      };
      const measured = await runJob('latency', {args});
      maximum = Math.max(maximum, calibrationRecords / measured.seconds);
    }
  }
  const records = Math.floor(maximum * load * (warmUpSeconds + seconds));
  const startMs = performance.timeOrigin + performance.now() + LEAD_MS;
  const args: LatencyArgs = {
    records,
    startMs,
    ratePerMs: (maximum * load) / 1000 / 2,
    timedFromMs: startMs + warmUpSeconds * 1000,
  };
  const measured = await runJob('latency', {args});
  const {accumulators} = measured.result;
  const latencies = new LatencyCounts();
  for (const [name, times] of Object.entries(accumulators)) {
    const [, bucket] = /^latency (\d+)$/.exec(name) ?? [];
    if (bucket !== undefined) latencies.counts[Number(bucket)] = times;
  }
  return {
    records,
    checksum: checksumOf(accumulators['updates']!, accumulators['counts']!),
    seconds: measured.seconds,
    cpuSeconds: measured.cpuSeconds,
    ...latencies.percentiles(),
  };
}
