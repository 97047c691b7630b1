/**
 * postMessage between two workers, in arrays of 1000 objects, the way one exchanges records without
 * a library: a MessagePort between the workers, and (what postMessage lacks) an acknowledgement per
 * array, so that a fast sender does not fill the memory.
 */
import {MessageChannel, Worker, type MessagePort} from 'node:worker_threads';
import type {BidsParameters} from '../jobs/bids.ts';
import type {HandoffParameters} from '../jobs/handoff.ts';
import type {J2xParameters} from '../jobs/j2x.ts';
import {checksumOf, type Outcome} from '../jobs/job.ts';
import type {Runners} from '../lib/engines.ts';
import type {PostResult, PostRun} from './postmessage/worker.ts';

function startWorkers(): (run: PostRun) => Promise<PostResult[]> {
  const {port1, port2} = new MessageChannel();
  const workers = [port1, port2].map((port: MessagePort, self) => {
    const worker = new Worker(new URL('./postmessage/worker.ts', import.meta.url), {
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
