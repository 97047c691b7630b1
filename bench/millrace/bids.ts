/** bids on Millrace, two workers. */
import type {BidsParameters} from '../jobs/bids.ts';
import {checksumOf, type Outcome} from '../jobs/job.ts';
import {runCounting} from './run-job.ts';

export function run(args: BidsParameters): Promise<Outcome> {
  return runCounting('bids', {args}, ({updates, counts, texts}) => ({
    records: args.records,
    checksum: checksumOf(updates!, counts!, texts!),
  }));
}
