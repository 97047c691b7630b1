/** J2 on Millrace. */
import type {J2Parameters} from '../jobs/j2.ts';
import {checksumOf, type Outcome} from '../jobs/job.ts';
import {runCounting} from './run-job.ts';

export function run(args: J2Parameters): Promise<Outcome> {
  return runCounting('j2', {parallelism: 1, args}, ({updates, counts}) => ({
    records: args.records,
    checksum: checksumOf(updates!, counts!),
  }));
}
