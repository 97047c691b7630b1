/** J2x on Millrace, two workers. */
import type {J2xParameters} from '../jobs/j2x.ts';
import {checksumOf, type Outcome} from '../jobs/job.ts';
import {runCounting} from './run-job.ts';

export function run(args: J2xParameters): Promise<Outcome> {
  return runCounting('j2x', {args}, ({updates, counts}) => ({
    records: args.records,
    checksum: checksumOf(updates!, counts!),
  }));
}
