/** J1 on Millrace. */
import type {J1Parameters} from '../jobs/j1.ts';
import {checksumOf, type Outcome} from '../jobs/job.ts';
import {runCounting} from './run-job.ts';

export function run(args: J1Parameters): Promise<Outcome> {
  return runCounting('j1', {parallelism: 1, args}, ({sum}) => ({
    records: args.records,
    checksum: checksumOf(sum!),
  }));
}
