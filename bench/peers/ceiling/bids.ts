/** bids: the main thread of bids-worker.ts. */
import type {BidsParameters} from '../../jobs/bids.ts';
import {checksumOf, type Outcome} from '../../jobs/job.ts';
import type {BidsResult, BidsRun} from './bids-worker.ts';
import {startPair} from './pair.ts';

const run = startPair<BidsRun, BidsResult>('./bids-worker.ts');

export async function runBids({records}: BidsParameters): Promise<Outcome> {
  const [first, second] = await run({records});
  return {
    records,
    checksum: checksumOf(
      first.updates + second.updates,
      first.counts + second.counts,
      first.texts + second.texts,
    ),
  };
}
