/** Window join on Millrace, two workers. */
import {checksumOf, type Outcome} from '../jobs/job.ts';
import type {JoinParameters} from '../jobs/joins.ts';
import {runCounting} from './run-job.ts';

export function run(args: JoinParameters): Promise<Outcome> {
  return runCounting('window-join', {args}, ({results, counts, squares}) => ({
    records: args.records,
    checksum: checksumOf(results!, counts!, squares!),
  }));
}
