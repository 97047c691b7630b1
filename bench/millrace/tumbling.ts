/** Tumbling windows on Millrace, two workers. */
import {checksumOf, type Outcome} from '../jobs/job.ts';
import type {TumblingParameters} from '../jobs/windows.ts';
import {runCounting} from './run-job.ts';

export function run(args: TumblingParameters): Promise<Outcome> {
  return runCounting('tumbling', {args}, ({results, counts, squares}) => ({
    records: args.records,
    checksum: checksumOf(results!, counts!, squares!),
  }));
}
