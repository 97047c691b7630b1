/** handoff: the main thread of handoff-worker.ts. */
import type {HandoffParameters} from '../../jobs/handoff.ts';
import {checksumOf, type Outcome} from '../../jobs/job.ts';
import type {HandoffResult, HandoffRun} from './handoff-worker.ts';
import {startPair} from './pair.ts';

const run = startPair<HandoffRun, HandoffResult>('./handoff-worker.ts');

export async function runHandoff({records}: HandoffParameters): Promise<Outcome> {
  const [, {received, counts, fields}] = await run({records});
  return {records: received, checksum: checksumOf(received, counts, fields)};
}
