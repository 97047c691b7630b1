/** handoff on Millrace: producer and consumer in workers of their own. */
import type {HandoffParameters} from '../jobs/handoff.ts';
import {checksumOf, type Outcome} from '../jobs/job.ts';
import {runCounting} from './run-job.ts';

export function run(args: HandoffParameters): Promise<Outcome> {
  return runCounting('handoff', {args}, ({updates, counts, fields}) => ({
    records: updates!,
    checksum: checksumOf(updates!, counts!, fields!),
  }));
}
