/**
 * postMessage between two workers, in arrays of 1000 objects, the way one exchanges records without
 * a library: a MessagePort between the workers, and (what postMessage lacks) an acknowledgement per
 * array, so that a fast sender does not fill the memory.
 *
 * With POSTMESSAGE=columns in the environment the records are laid out by hand in typed arrays, which
 * are transferred. That is several times faster (J2x with 1024 keys 15 against 1.6 M records per
 * CPU-second, a million keys 1.5 : 0.7, bids 1.1 : 0.7, handoff 12 : 0.7), and no longer an exchange
 * of JavaScript objects but a ceiling of its own kind, as the ones in ceiling/ are. So the row of
 * this peer is the one with objects.
 */
import {MessageChannel, Worker, type MessagePort} from 'node:worker_threads';
import type {BidsParameters} from '../jobs/bids.ts';
import type {HandoffParameters} from '../jobs/handoff.ts';
import type {J2xParameters} from '../jobs/j2x.ts';
import {checksumOf, type Outcome} from '../jobs/job.ts';
import type {Runners} from '../lib/engines.ts';
import type {PostResult, PostRun} from './postmessage/worker.ts';

const FILE =
  process.env.POSTMESSAGE === 'columns'
    ? './postmessage/columns-worker.ts'
    : './postmessage/worker.ts';

function startWorkers(): (run: PostRun) => Promise<PostResult[]> {
  const {port1, port2} = new MessageChannel();
  const workers = [port1, port2].map((port: MessagePort, self) => {
    const worker = new Worker(new URL(FILE, import.meta.url), {
      workerData: {self, port},
      transferList: [port],
    });
    worker.unref();
    return worker;
  });
  return run =>
    Promise.all(
      workers.map(
        worker =>
          new Promise<PostResult>((resolve, reject) => {
            worker.once('error', reject);
            worker.once('message', (result: PostResult) => {
              worker.off('error', reject);
              resolve(result);
            });
            worker.postMessage(run);
          }),
      ),
    );
}

function sum(results: readonly PostResult[]): PostResult {
  const [first, second] = results;
  return {
    updates: first.updates + second.updates,
    counts: first.counts + second.counts,
    fields: first.fields + second.fields,
  };
}

export const runners: Runners = {
  j2x: async () => {
    const run = startWorkers();
    return async ({records, keys}: J2xParameters): Promise<Outcome> => {
      const {updates, counts} = sum(await run({job: 'j2x', records, keys}));
      return {records, checksum: checksumOf(updates, counts)};
    };
  },
  bids: async () => {
    const run = startWorkers();
    return async ({records}: BidsParameters): Promise<Outcome> => {
      const {updates, counts, fields} = sum(await run({job: 'bids', records, keys: 0}));
      return {records, checksum: checksumOf(updates, counts, fields)};
    };
  },
  handoff: async () => {
    const run = startWorkers();
    return async ({records}: HandoffParameters): Promise<Outcome> => {
      const {updates, counts, fields} = sum(await run({job: 'handoff', records, keys: 0}));
      return {records: updates, checksum: checksumOf(updates, counts, fields)};
    };
  },
};
