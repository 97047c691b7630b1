/**
 * What a descriptor costs in the ring: offer, publish, read, release, for several batch sizes, with
 * both ends on one thread (the instructions alone) and on two (with the traffic of cache lines).
 *
 *   producer  --- ring of 4-word entries --->  consumer, which sums what it reads
 *
 * Each function returns nanoseconds per entry and a checksum that the caller compares. Alone:
 * `node bench/micro/spsc-ring.ts [variant batch]`; without a variant, each runs in its own process.
 */
import {execFileSync} from 'node:child_process';
import {isMainThread, parentPort, Worker, workerData} from 'node:worker_threads';
import {systemClock} from '../../src/base/clock.ts';
import {StreamError} from '../../src/base/errors.ts';
import {Arena, ArenaPlan, type Region} from '../../src/memory/arena.ts';
import {planRing, RingConsumer, RingProducer} from '../../src/memory/spsc-ring.ts';

/** A measured cost; the checksum is `entries * (entries - 1) / 2`. */
export interface RingResult {
  readonly nsPerEntry: number;
  readonly checksum: number;
}

const CAPACITY = 1_024;

/** Spins this often before it gives the core away: threads may outnumber the cores. */
const SPINS_MAX = 1_000;

/** Both ends on this thread: `batch` entries are offered and published, then read and released. */
export function ringOneThread(entries: number, batch: number): RingResult {
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
  return {nsPerEntry: ((systemClock.monotonicNow() - startMs) * 1e6) / entries, checksum};
}

/** The producer here, the consumer in a thread of its own; measured until the last is released. */
export async function ringTwoThreads(entries: number, batch: number): Promise<RingResult> {
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
    const elapsedMs = systemClock.monotonicNow() - startMs;
    return {nsPerEntry: (elapsedMs * 1e6) / entries, checksum: await sum};
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
} else if (import.meta.main) {
  const benches: Record<
    string,
    (entries: number, batch: number) => RingResult | Promise<RingResult>
  > = {ringOneThread, ringTwoThreads};
  const [name, batch] = process.argv.slice(2);
  if (name === undefined) {
    for (const each of Object.keys(benches)) {
      for (const size of ['1', '16', '256']) {
        execFileSync(process.execPath, [import.meta.filename, each, size], {stdio: 'inherit'});
      }
    }
  } else {
    const entries = 4_000_000;
    const times: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      const {nsPerEntry, checksum} = await benches[name](entries, Number(batch));
      if (checksum !== (entries * (entries - 1)) / 2) {
        throw new StreamError('E_BENCH_ANSWER', 'the bench gave a wrong answer', {name, checksum});
      }
      times.push(nsPerEntry);
    }
    times.sort((a, b) => a - b);
    const shown = times.map(time => time.toFixed(1)).join(' / ');
    console.log(`${name.padEnd(15)} batch ${batch.padStart(3)}: ${shown} ns per entry`);
  }
}
