/** Sliding windows on Millrace, two workers. */
import {checksumOf, type Outcome} from '../jobs/job.ts';
import type {SlidingParameters} from '../jobs/windows.ts';
import {runCounting} from './run-job.ts';

export function run(args: SlidingParameters): Promise<Outcome> {
  return runCounting('sliding', {args}, ({results, counts, squares}) => ({
    records: args.records,
    checksum: checksumOf(results!, counts!, squares!),
  }));
}
