/**
 * ringbuf.js between two workers: records of 24 bytes as three float64 elements, the two int32 fields
 * packed into the first, pushed and popped by 100. The library never blocks, so both sides poll.
 */
import {Worker} from 'node:worker_threads';
import {RingBuffer} from 'ringbuf.js';
import type {HandoffParameters} from '../jobs/handoff.ts';
import {checksumOf, type Outcome} from '../jobs/job.ts';
import type {Runners} from '../lib/engines.ts';
import {CAPACITY, ELEMENTS, type RingbufResult} from './ringbuf-worker.ts';

async function loadHandoff(): Promise<(parameters: HandoffParameters) => Promise<Outcome>> {
  const storage = RingBuffer.getStorageForCapacity(CAPACITY * ELEMENTS, Float64Array);
  const workers = [0, 1].map(self => {
    const worker = new Worker(new URL('./ringbuf-worker.ts', import.meta.url), {
      workerData: {self, storage},
    });
    worker.unref();
    return worker;
  });
  return async ({records}) => {
    const [, result] = await Promise.all(
      workers.map(
        worker =>
          new Promise<RingbufResult>((resolve, reject) => {
            worker.once('error', reject);
            worker.once('message', (message: RingbufResult) => {
              worker.off('error', reject);
              resolve(message);
            });
            worker.postMessage(records);
          }),
      ),
    );
    const {received, counts, fields} = result;
    return {records: received, checksum: checksumOf(received, counts, fields)};
  };
}

export const runners: Runners = {handoff: loadHandoff};
