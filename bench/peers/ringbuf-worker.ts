/** Producer (self 0) and consumer (self 1) of the ringbuf.js peer. */
import {isMainThread, parentPort, workerData} from 'node:worker_threads';
import {RingBuffer} from 'ringbuf.js';
import {HANDOFF_KEYS, handoffFlags, handoffKey, handoffTime} from '../jobs/handoff.ts';

export interface RingbufResult {
  readonly received: number;
  readonly counts: number;
  readonly fields: number;
}

/** Float64 elements per record. */
export const ELEMENTS = 3;
/** Records in the ring. */
export const CAPACITY = 1 << 14;
const BATCH = 100;

function produce(ring: RingBuffer, records: number): RingbufResult {
  const batch = new Float64Array(BATCH * ELEMENTS);
  const words = new Int32Array(batch.buffer);
  for (let from = 0; from < records; from += BATCH) {
    const count = Math.min(BATCH, records - from);
    for (let row = 0; row < count; row += 1) {
      const i = from + row;
      const at = row * ELEMENTS;
      words[at * 2] = handoffKey(i);
      words[at * 2 + 1] = handoffFlags(i);
      batch[at + 1] = i;
      batch[at + 2] = handoffTime(i);
    }
    while (ring.availableWrite() < count * ELEMENTS);
    ring.push(batch, count * ELEMENTS);
  }
  return {received: 0, counts: 0, fields: 0};
}

function consume(ring: RingBuffer, records: number): RingbufResult {
  const batch = new Float64Array(BATCH * ELEMENTS);
  const words = new Int32Array(batch.buffer);
  const table = new Int32Array(HANDOFF_KEYS);
  let received = 0;
  let counts = 0;
  let fields = 0;
  while (received < records) {
    const count = Math.min(BATCH, records - received);
    while (ring.availableRead() < count * ELEMENTS);
    ring.pop(batch, count * ELEMENTS);
    for (let row = 0; row < count; row += 1) {
      const at = row * ELEMENTS;
      counts += table[words[at * 2]] += 1;
      fields += words[at * 2 + 1] + batch[at + 1] + batch[at + 2];
    }
    received += count;
  }
  return {received, counts, fields};
}

if (!isMainThread) {
  const {self, storage} = workerData as {self: number; storage: SharedArrayBuffer};
  const ring = new RingBuffer(storage, Float64Array);
  parentPort!.on('message', (records: number) => {
    parentPort!.postMessage(self === 0 ? produce(ring, records) : consume(ring, records));
  });
}
