/**
 * What it costs to take and give a segment: from the shared pool one at a time, and through a
 * thread's cache in three patterns: one in flight, twice a cache in flight (each take and give goes
 * through chains), and the refused take of an exhausted pool, which is what a backpressured
 * task asks for again and again. The answer is the number of segments free at the end.
 *
 * `npm run bench -- --micro segment-pool`.
 */
import {isMainThread, parentPort, Worker, workerData} from 'node:worker_threads';
import {systemClock} from '../../src/base/clock.ts';
import {Arena, ArenaPlan} from '../../src/memory/arena.ts';
import {LocalPool} from '../../src/memory/local-pool.ts';
import {
  planSegmentPool,
  SegmentPool,
  type SegmentPoolLayout,
} from '../../src/memory/segment-pool.ts';
import type {MicroBench, MicroCase, MicroRun} from '../lib/micro.ts';

/** 64 MiB of 32 KiB; the benches do not touch the memory, so it is never committed. */
const SEGMENTS = 2_048;

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

/** `pairs` takes and gives with `inFlight` segments held at most; returns milliseconds. */
function pairsOf(pool: TakeGive, pairs: number, inFlight: number): number {
  const held = new Array<number>(inFlight).fill(0);
  const startMs = systemClock.monotonicNow();
  for (let done = 0; done < pairs; done += inFlight) {
    for (let n = 0; n < inFlight; n += 1) held[n] = pool.take();
    for (let n = 0; n < inFlight; n += 1) pool.give(held[n]);
  }
  return systemClock.monotonicNow() - startMs;
}

const shared = (pool: SegmentPool, owner: number): TakeGive => ({
  take: () => pool.take(owner),
  give: segment => pool.give(segment),
});

/** From the shared pool, one at a time, one thread. */
function sharedOneThread(pairs: number): MicroRun {
  const {pool} = createPool();
  return {ms: pairsOf(shared(pool, 1), pairs, 1), answer: pool.freeCount()};
}

/** Through a cache that never runs out: one segment in flight, one thread. */
function cachedOneInFlight(pairs: number): MicroRun {
  const {pool} = createPool();
  const local = new LocalPool(pool, 1);
  const ms = pairsOf(local, pairs, 1);
  local.drain();
  return {ms, answer: pool.freeCount()};
}

/** Through a cache that runs out and over all the time, one thread. */
function cachedChains(pairs: number): MicroRun {
  const {pool} = createPool();
  const local = new LocalPool(pool, 1);
  const ms = pairsOf(local, pairs, IN_FLIGHT);
  local.drain();
  return {ms, answer: pool.freeCount()};
}

/** A take that is refused because all segments are in use: the whole bitmap is looked at. */
function refusedTake(takes: number): MicroRun {
  const {pool} = createPool();
  pool.takeAll(1, SEGMENTS, []);
  const local = new LocalPool(pool, 2);
  let refused = 0;
  const startMs = systemClock.monotonicNow();
  for (let done = 0; done < takes; done += 1) if (local.take() < 0) refused += 1;
  const ms = systemClock.monotonicNow() - startMs;
  return {ms, answer: refused === takes ? pool.freeCount() : -1};
}

/** Two threads at the shared pool, one at a time each; the slower one counts. */
function sharedTwoThreads(pairs: number): Promise<MicroRun> {
  return twoThreads(pairs, false);
}

/** Two threads, each through a cache that runs out and over all the time; the slower one counts. */
function cachedTwoThreads(pairs: number): Promise<MicroRun> {
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

async function twoThreads(pairs: number, isCached: boolean): Promise<MicroRun> {
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
    return {ms: Math.max(...times), answer: pool.freeCount()};
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
    const ms = isCached ? pairsOf(local, pairs, IN_FLIGHT) : pairsOf(shared(pool, owner), pairs, 1);
    local.drain();
    parentPort!.postMessage(ms);
  });
  parentPort!.postMessage(0);
}

if (!isMainThread && (workerData as ThreadInput | null)?.poolBench === true) {
  work(workerData as ThreadInput);
}

const poolCase = (
  run: (pairs: number) => MicroRun | Promise<MicroRun>,
  freeAtEnd: number,
): MicroCase => ({
  operations: {full: 1_000_000, smoke: 3_200},
  run,
  answer: () => freeAtEnd,
});

export const bench: MicroBench = {
  unit: 'take and give',
  cases: {
    'shared, one thread': poolCase(sharedOneThread, SEGMENTS),
    'cached, one in flight': poolCase(cachedOneInFlight, SEGMENTS),
    'cached, chains': poolCase(cachedChains, SEGMENTS),
    'refused take': poolCase(refusedTake, 0),
    'shared, two threads': poolCase(sharedTwoThreads, SEGMENTS),
    'cached, two threads': poolCase(cachedTwoThreads, SEGMENTS),
  },
};
