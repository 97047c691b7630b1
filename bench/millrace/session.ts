/** Session windows on Millrace, two workers. */
import {checksumOf, type Outcome} from '../jobs/job.ts';
import type {SessionParameters} from '../jobs/windows.ts';
import {runCounting} from './run-job.ts';

export function run(args: SessionParameters): Promise<Outcome> {
  return runCounting('session', {args}, ({results, counts, squares}) => ({
    records: args.records,
    checksum: checksumOf(results!, counts!, squares!),
  }));
}
