/**
 * What a descriptor costs in the ring: offer, publish, read, release, for several batch sizes, with
 * both ends on one thread (the instructions alone) and on two (with the traffic of cache lines).
 *
 *   producer  --- ring of 4-word entries --->  consumer, which sums what it reads
 *
 * `npm run bench -- --micro spsc-ring`.
 */
import {isMainThread, parentPort, Worker, workerData} from 'node:worker_threads';
import {systemClock} from '../../src/base/clock.ts';
import {Arena, ArenaPlan, type Region} from '../../src/memory/arena.ts';
import {planRing, RingConsumer, RingProducer} from '../../src/memory/spsc-ring.ts';
import type {MicroBench, MicroCase, MicroRun} from '../lib/micro.ts';

const CAPACITY = 1_024;

/** Spins this often before it gives the core away: threads may outnumber the cores. */
const SPINS_MAX = 1_000;

/** Both ends on this thread: `batch` entries are offered and published, then read and released. */
function ringOneThread(entries: number, batch: number): MicroRun {
  const plan = new ArenaPlan();
  const region = planRing(plan, 'ring', CAPACITY);
  const arena = plan.create();
  const producer = new RingProducer(arena, region);
  const consumer = new RingConsumer(arena, region);
  let checksum = 0;
  let next = 0;

  const startMs = systemClock.monotonicNow();
  while (next < entries) {
    for (let n = 0; n < batch && next < entries && producer.offer(next, 1, 2, 3); n += 1) next += 1;
    producer.publish();
    const count = consumer.available();
    for (let entry = 0; entry < count; entry += 1) checksum += consumer.peekWord(entry, 0);
    consumer.release(count);
  }
  return {ms: systemClock.monotonicNow() - startMs, answer: checksum};
}

/** The producer here, the consumer in a thread of its own; measured until the last is released. */
async function ringTwoThreads(entries: number, batch: number): Promise<MicroRun> {
  const plan = new ArenaPlan();
  const region = planRing(plan, 'ring', CAPACITY);
  const never = plan.reserve('never', 8);
  const arena = plan.create();
  const worker = new Worker(new URL(import.meta.url), {
    workerData: {ringBench: true, buffer: arena.buffer, region, never, entries},
  });
  try {
    await once(worker); // it is ready
    const sum = once(worker);
    const producer = new RingProducer(arena, region);
    const startMs = systemClock.monotonicNow();
    let next = 0;
    let spins = 0;
    while (next < entries) {
      const before = next;
      for (let n = 0; n < batch && next < entries && producer.offer(next, 1, 2, 3); n += 1)
        next += 1;
      producer.publish();
      spins = next === before ? pause(arena, never, spins) : 0;
    }
    for (spins = 0; !producer.isEmpty();) spins = pause(arena, never, spins);
    const ms = systemClock.monotonicNow() - startMs;
    return {ms, answer: await sum};
  } finally {
    await worker.terminate();
  }
}

/** Waits a little: spins first, then sleeps for a tenth of a millisecond. Returns the spins so far. */
function pause(arena: Arena, never: Region, spins: number): number {
  if (spins < SPINS_MAX) return spins + 1;
  Atomics.wait(arena.words, never.offsetBytes >> 2, 0, 0.1);
  return spins;
}

function once(worker: Worker): Promise<number> {
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

interface ConsumerInput {
  readonly ringBench: true;
  readonly buffer: SharedArrayBuffer;
  readonly region: Region;
  readonly never: Region;
  readonly entries: number;
}

function consume({buffer, region, never, entries}: ConsumerInput): void {
  const arena = new Arena(buffer);
  const consumer = new RingConsumer(arena, region);
  parentPort!.postMessage(0);
  let checksum = 0;
  let spins = 0;
  for (let seen = 0; seen < entries;) {
    const count = consumer.available();
    for (let entry = 0; entry < count; entry += 1) checksum += consumer.peekWord(entry, 0);
    consumer.release(count);
    seen += count;
    spins = count === 0 ? pause(arena, never, spins) : 0;
  }
  parentPort!.postMessage(checksum);
}

if (!isMainThread && (workerData as ConsumerInput | null)?.ringBench === true) {
  consume(workerData as ConsumerInput);
}

const ringCase = (
  run: (entries: number, batch: number) => MicroRun | Promise<MicroRun>,
  batch: number,
): MicroCase => ({
  operations: {full: 4_000_000, smoke: 2_000},
  run: entries => run(entries, batch),
  answer: entries => (entries * (entries - 1)) / 2,
});

const BATCHES = [1, 16, 256];

export const bench: MicroBench = {
  unit: 'entry',
  cases: Object.fromEntries([
    ...BATCHES.map(batch => [`one thread, batch ${batch}`, ringCase(ringOneThread, batch)]),
    ...BATCHES.map(batch => [`two threads, batch ${batch}`, ringCase(ringTwoThreads, batch)]),
  ]),
};
