/**
 * The pool under real threads. Forbidden outcomes: *twice* (two threads use one segment), *lost* (a
 * segment is not free at the end), *torn* (someone else wrote into a segment in use), and a thread
 * that never gets what it asks for. Set STRESS=20 or so to run that many times longer.
 */
import test from 'ava';
import {ArenaPlan} from '../../src/memory/arena.ts';
import {planSegmentPool, SegmentPool} from '../../src/memory/segment-pool.ts';
import {CHECK_HEADER_WORDS, go, startThread} from '../support/memory-threads.ts';

const FACTOR = Number(process.env['STRESS'] ?? 1);
const STOP = 1;
const PROGRESS = 2;

function setUp(segmentCount: number, debug: boolean) {
  const plan = new ArenaPlan();
  const layout = planSegmentPool(plan, segmentCount, 256);
  const check = plan.reserve('check', (CHECK_HEADER_WORDS + segmentCount) * 4);
  const arena = plan.create();
  const pool = new SegmentPool(arena, layout, {debug});
  pool.format();
  const base = check.offsetBytes >> 2;
  return {arena, layout, check, pool, base};
}

/** Everything is free, and can be taken: owner words and bitmap agree. */
function isWhole(pool: SegmentPool): boolean {
  const isFree = pool.freeCount() === pool.segmentCount;
  const isFound = pool.takeAll(99, pool.segmentCount, []);
  return isFree && isFound && pool.reclaim(99) === pool.segmentCount;
}

for (const {name, cacheMax, debug} of [
  {name: 'one at a time', cacheMax: undefined, debug: false},
  {name: 'through caches', cacheMax: 8, debug: false},
  {name: 'through caches, in debug mode', cacheMax: 8, debug: true},
]) {
  test.serial(`three threads never use one segment at once, and lose none: ${name}`, async t => {
    const {arena, layout, check, pool} = setUp(40, debug);
    const threads = [1, 2, 3].map(owner =>
      startThread(arena, check, {
        role: 'churn',
        owner,
        seed: owner,
        operations: 60_000 * FACTOR,
        pool: layout,
        count: 20,
        ...(cacheMax === undefined ? {} : {cacheMax}),
      }),
    );
    go(arena, check);

    const results = await Promise.all(threads.map(thread => thread.result));

    t.deepEqual(
      results.flatMap(result => result.violations),
      [],
    );
    t.true(results.every(result => result.done === 60_000 * FACTOR));
    t.true(isWhole(pool));
  });
}

for (const cacheMax of [undefined, 2]) {
  const how = cacheMax === undefined ? 'one at a time' : 'through caches';
  test.serial(`a reclaim that runs all the time does not disturb two takers: ${how}`, async t => {
    const {arena, layout, check, pool, base} = setUp(5, false);
    const takers = [1, 2].map(owner =>
      startThread(arena, check, {
        role: 'churn',
        owner,
        seed: owner,
        operations: 150_000 * FACTOR,
        pool: layout,
        count: 3,
        ...(cacheMax === undefined ? {} : {cacheMax}),
      }),
    );
    const reclaimer = startThread(arena, check, {
      role: 'reclaimNobody',
      owner: 3,
      seed: 3,
      operations: 0,
      pool: layout,
    });
    go(arena, check);

    const results = await Promise.all(takers.map(thread => thread.result));
    Atomics.store(arena.words, base + STOP, 1);
    results.push(await reclaimer.result);

    t.deepEqual(
      results.flatMap(result => result.violations),
      [],
    );
    t.true(results[2].done > 100);
    t.true(isWhole(pool));
  });
}

test.serial(
  'three threads that need six of ten segments at once all get them again and again',
  async t => {
    const {arena, layout, check, pool} = setUp(10, false);
    const threads = [1, 2, 3].map(owner =>
      startThread(arena, check, {
        role: 'takeAll',
        owner,
        seed: owner,
        operations: 3_000 * FACTOR,
        pool: layout,
        count: 6,
      }),
    );
    go(arena, check);

    const results = await Promise.all(threads.map(thread => thread.result));

    t.deepEqual(
      results.flatMap(result => result.violations),
      [],
    );
    t.true(results.every(result => result.done === 3_000 * FACTOR));
    t.true(isWhole(pool));
  },
);

for (const cacheMax of [undefined, 8]) {
  const how = cacheMax === undefined ? 'one at a time' : 'through caches';
  test.serial(`threads killed at any moment lose no segment while others work: ${how}`, async t => {
    const {arena, layout, check, pool, base} = setUp(64, false);
    const input = {
      role: 'churn' as const,
      operations: 2 ** 31,
      pool: layout,
      count: 12,
      ...(cacheMax === undefined ? {} : {cacheMax}),
    };
    const survivor = startThread(arena, check, {...input, owner: 1, seed: 1});
    go(arena, check);

    let reclaimed = 0;
    for (let round = 0; round < 8 * FACTOR; round += 1) {
      const victim = startThread(arena, check, {...input, owner: 2, seed: round});
      // Some thousand operations later, wherever that is in its code.
      const progress = base + PROGRESS + 2;
      const before = Atomics.load(arena.words, progress);
      for (let n = before; n < before + 1 + round; n = Atomics.load(arena.words, progress)) {
        if (Atomics.wait(arena.words, progress, n, 10_000) === 'timed-out') t.fail('no progress');
      }
      await victim.worker.terminate();
      // The victim's entries in the judge's words die with it; they go before the segments do.
      for (let segment = 0; segment < pool.segmentCount; segment += 1) {
        const word = base + CHECK_HEADER_WORDS + segment;
        Atomics.compareExchange(arena.words, word, 2, 0);
      }
      reclaimed += pool.reclaim(2);
      t.is(pool.ownedCount(2), 0);
    }
    Atomics.store(arena.words, base + STOP, 1);
    const result = await survivor.result;

    t.deepEqual(result.violations, []);
    t.true(reclaimed > 0);
    t.true(isWhole(pool));
  });
}
