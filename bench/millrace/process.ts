/** process on Millrace, two workers. */
import {checksumOf, type Outcome} from '../jobs/job.ts';
import type {ProcessParameters} from '../jobs/process.ts';
import {runCounting} from './run-job.ts';

export function run(args: ProcessParameters): Promise<Outcome> {
  return runCounting('process', {args}, ({timers, counts, sums}) => ({
    records: args.records,
    checksum: checksumOf(timers!, counts!, sums!),
  }));
}
