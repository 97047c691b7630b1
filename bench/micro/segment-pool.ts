/**
 * What it costs to take and give a segment: from the shared pool one at a time, and through a
 * thread's cache in three patterns: one in flight, twice a cache in flight (each take and give goes
 * through chains), and the refused take of an exhausted pool, which is what a backpressured
 * task asks for again and again.
 *
 * Each function returns nanoseconds per take and give (or refusal) and a checksum: the number of
 * segments free at the end. Alone: `node bench/micro/segment-pool.ts [variant]`; without a variant,
 * each runs in a process of its own, because variants share call sites and slow each other down.
 */
import {execFileSync} from 'node:child_process';
import {isMainThread, parentPort, Worker, workerData} from 'node:worker_threads';
import {systemClock} from '../../src/base/clock.ts';
import {StreamError} from '../../src/base/errors.ts';
import {Arena, ArenaPlan} from '../../src/memory/arena.ts';
import {LocalPool} from '../../src/memory/local-pool.ts';
import {
  planSegmentPool,
  SegmentPool,
  type SegmentPoolLayout,
} from '../../src/memory/segment-pool.ts';

/** A measured cost; the checksum is `SEGMENTS`, or 0 after `refusedTake`. */
export interface PoolResult {
  readonly nsPerPair: number;
  readonly checksum: number;
}

/** 64 MiB of 32 KiB; the benches do not touch the memory, so it is never committed. */
export const SEGMENTS = 2_048;

const IN_FLIGHT = 32;

function createPool() {
  const plan = new ArenaPlan();
  const layout = planSegmentPool(plan, SEGMENTS, 32 * 1_024);
  const arena = plan.create();
  const pool = new SegmentPool(arena, layout);
  pool.format();
  return {arena, layout, pool};
}

type TakeGive = Pick<LocalPool, 'take' | 'give'>;

/** `pairs` takes and gives with `inFlight` segments held at most. */
function pairsOf(pool: TakeGive, pairs: number, inFlight: number): number {
  const held = new Array<number>(inFlight).fill(0);
  const startMs = systemClock.monotonicNow();
  for (let done = 0; done < pairs; done += inFlight) {
    for (let n = 0; n < inFlight; n += 1) held[n] = pool.take();
    for (let n = 0; n < inFlight; n += 1) pool.give(held[n]);
  }
  return ((systemClock.monotonicNow() - startMs) * 1e6) / pairs;
}

const shared = (pool: SegmentPool, owner: number): TakeGive => ({
  take: () => pool.take(owner),
  give: segment => pool.give(segment),
});

/** From the shared pool, one at a time, one thread. */
export function sharedOneThread(pairs: number): PoolResult {
  const {pool} = createPool();
  return {nsPerPair: pairsOf(shared(pool, 1), pairs, 1), checksum: pool.freeCount()};
}

/** Through a cache that never runs out: one segment in flight, one thread. */
export function cachedOneInFlight(pairs: number): PoolResult {
  const {pool} = createPool();
  const local = new LocalPool(pool, 1);
  const nsPerPair = pairsOf(local, pairs, 1);
  local.drain();
  return {nsPerPair, checksum: pool.freeCount()};
}

/** Through a cache that runs out and over all the time, one thread. */
export function cachedChains(pairs: number): PoolResult {
  const {pool} = createPool();
  const local = new LocalPool(pool, 1);
  const nsPerPair = pairsOf(local, pairs, IN_FLIGHT);
  local.drain();
  return {nsPerPair, checksum: pool.freeCount()};
}

/** A take that is refused because all segments are in use: the whole bitmap is looked at. */
export function refusedTake(takes: number): PoolResult {
  const {pool} = createPool();
  pool.takeAll(1, SEGMENTS, []);
  const local = new LocalPool(pool, 2);
  let refused = 0;
  const startMs = systemClock.monotonicNow();
  for (let done = 0; done < takes; done += 1) if (local.take() < 0) refused += 1;
  const nsPerPair = ((systemClock.monotonicNow() - startMs) * 1e6) / takes;
  return {nsPerPair, checksum: refused === takes ? pool.freeCount() : -1};
}

/** Two threads at the shared pool, one at a time each; the slower one counts. */
export function sharedTwoThreads(pairs: number): Promise<PoolResult> {
  return twoThreads(pairs, false);
}

/** Two threads, each through a cache that runs out and over all the time; the slower one counts. */
export function cachedTwoThreads(pairs: number): Promise<PoolResult> {
  return twoThreads(pairs, true);
}

interface ThreadInput {
  readonly poolBench: true;
  readonly buffer: SharedArrayBuffer;
  readonly layout: SegmentPoolLayout;
  readonly owner: number;
  readonly pairs: number;
  readonly isCached: boolean;
}

async function twoThreads(pairs: number, isCached: boolean): Promise<PoolResult> {
  const {arena, layout, pool} = createPool();
  const threads = [1, 2].map(owner => {
    const input: ThreadInput = {
      poolBench: true,
      buffer: arena.buffer,
      layout,
      owner,
      pairs,
      isCached,
    };
    return new Worker(new URL(import.meta.url), {workerData: input});
  });
  try {
    await Promise.all(threads.map(once)); // they are ready
    const answers = threads.map(once);
    for (const thread of threads) thread.postMessage('go');
    const times = await Promise.all(answers);
    return {nsPerPair: Math.max(...times), checksum: pool.freeCount()};
  } finally {
    await Promise.all(threads.map(thread => thread.terminate()));
  }
}

function once(worker: Worker): Promise<number> {
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

function work({buffer, layout, owner, pairs, isCached}: ThreadInput): void {
  const pool = new SegmentPool(new Arena(buffer), layout);
  parentPort!.once('message', () => {
    const local = new LocalPool(pool, owner);
    const nsPerPair = isCached
      ? pairsOf(local, pairs, IN_FLIGHT)
      : pairsOf(shared(pool, owner), pairs, 1);
    local.drain();
    parentPort!.postMessage(nsPerPair);
  });
  parentPort!.postMessage(0);
}

if (!isMainThread && (workerData as ThreadInput | null)?.poolBench === true) {
  work(workerData as ThreadInput);
} else if (import.meta.main) {
  const benches: Record<string, (count: number) => PoolResult | Promise<PoolResult>> = {
    sharedOneThread,
    cachedOneInFlight,
    cachedChains,
    refusedTake,
    sharedTwoThreads,
    cachedTwoThreads,
  };
  const name = process.argv[2];
  if (name === undefined) {
    for (const each of Object.keys(benches)) {
      execFileSync(process.execPath, [import.meta.filename, each], {stdio: 'inherit'});
    }
  } else {
    const expected = name === 'refusedTake' ? 0 : SEGMENTS;
    const times: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      const {nsPerPair, checksum} = await benches[name](1_000_000);
      if (checksum !== expected) {
        throw new StreamError('E_BENCH_ANSWER', 'the bench gave a wrong answer', {name, checksum});
      }
      times.push(nsPerPair);
    }
    times.sort((a, b) => a - b);
    console.log(`${name.padEnd(18)} ${times.map(time => time.toFixed(1)).join(' / ')} ns`);
  }
}
