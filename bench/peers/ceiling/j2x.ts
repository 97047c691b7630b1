/** J2x and the open load of `latency`: the main thread of j2x-worker.ts. */
import {type J2xParameters} from '../../jobs/j2x.ts';
import {checksumOf, type Outcome} from '../../jobs/job.ts';
import type {LatencyParameters} from '../../jobs/latency.ts';
import {LatencyCounts} from '../../lib/statistics.ts';
import type {J2xResult, J2xRun} from './j2x-worker.ts';
import {startPair} from './pair.ts';

const run = startPair<J2xRun, J2xResult>('./j2x-worker.ts');

async function total(parameters: J2xRun): Promise<Outcome & {latencies: LatencyCounts}> {
  const latencies = new LatencyCounts();
  let updates = 0;
  let counts = 0;
  for (const result of await run(parameters)) {
    updates += result.updates;
    counts += result.counts;
    if (result.latencies !== undefined) latencies.add(result.latencies);
  }
  return {records: parameters.records, checksum: checksumOf(updates, counts), latencies};
}

export async function runJ2x({records, keys}: J2xParameters): Promise<Outcome> {
  const {checksum} = await total({records, keys, startMs: 0, ratePerMs: 0, timedFromMs: 0});
  return {records, checksum};
}

/** Found once per process: what this program can do at most, in records per second. */
let maximum = 0;

export async function runLatency(parameters: LatencyParameters): Promise<Outcome> {
  if (maximum === 0) {
    const run = {
      records: parameters.calibrationRecords,
      keys: 1024,
      startMs: 0,
      ratePerMs: 0,
      timedFromMs: 0,
    };
    for (let round = 0; round < 3; round += 1) {
      const begin = performance.now();
      await total(run);
      maximum = Math.max(maximum, (run.records / (performance.now() - begin)) * 1000);
    }
  }
  const rate = maximum * parameters.load;
  const records = Math.floor(rate * (parameters.warmUpSeconds + parameters.seconds));
  const cpuBefore = process.cpuUsage();
  const begin = performance.now();
  const startMs = performance.timeOrigin + performance.now() + 5;
  const {checksum, latencies} = await total({
    records,
    keys: 1024,
    startMs,
    ratePerMs: rate / 1000 / 2,
    timedFromMs: startMs + parameters.warmUpSeconds * 1000,
  });
  const cpu = process.cpuUsage(cpuBefore);
  return {
    records,
    checksum,
    seconds: (performance.now() - begin) / 1000,
    cpuSeconds: (cpu.user + cpu.system) / 1e6,
    ...latencies.percentiles(),
  };
}
