/** A thread's cache in front of the pool. */
import test from 'ava';
import {InvariantError} from '../../src/base/assert.ts';
import {Random} from '../../src/base/random.ts';
import {ArenaPlan} from '../../src/memory/arena.ts';
import {LocalPool} from '../../src/memory/local-pool.ts';
import {NO_SEGMENT, planSegmentPool, SegmentPool} from '../../src/memory/segment-pool.ts';

function poolOf(segmentCount: number, options: {debug?: boolean} = {}) {
  const plan = new ArenaPlan();
  const layout = planSegmentPool(plan, segmentCount, 128);
  const arena = plan.create();
  const pool = new SegmentPool(arena, layout, options);
  pool.format();
  return {arena, pool};
}

test('segments are taken from the shared pool by half a cache', t => {
  const {pool} = poolOf(64);
  const local = new LocalPool(pool, 1, 16);

  const segment = local.take();

  t.is(pool.ownerOf(segment), 1);
  t.is(local.cachedCount, 7);
  t.is(pool.freeCount(), 56);
  t.is(pool.ownedCount(1), 8);
});

test('a full cache gives half of it back, the oldest first', t => {
  const {pool} = poolOf(64);
  const local = new LocalPool(pool, 1, 4);
  const taken = Array.from({length: 6}, () => local.take());

  for (const segment of taken) local.give(segment);

  t.is(local.cachedCount, 4);
  t.deepEqual(
    taken.map(segment => pool.ownerOf(segment)),
    [0, 0, 1, 1, 1, 1],
  );
  t.is(local.take(), taken[5]);
});

test('drain gives everything back', t => {
  const {pool} = poolOf(20);
  const local = new LocalPool(pool, 1);
  local.give(local.take());

  local.drain();

  t.is(local.cachedCount, 0);
  t.is(pool.freeCount(), 20);
});

test('all segments can be taken through a cache, however small the rest', t => {
  const {pool} = poolOf(19);
  const local = new LocalPool(pool, 1);

  const taken = Array.from({length: 19}, () => local.take());

  t.is(new Set(taken).size, 19);
  t.false(taken.includes(NO_SEGMENT));
  t.is(local.take(), NO_SEGMENT);
});

test('a cache of one segment works', t => {
  const {pool} = poolOf(2);
  const local = new LocalPool(pool, 1, 1);

  const [a, b] = [local.take(), local.take()];
  local.give(a);
  local.give(b);

  t.is(local.cachedCount, 1);
  t.is(pool.freeCount(), 1);
});

test('a second release, and one by a thread that is not the owner, are refused', t => {
  const {pool} = poolOf(64);
  const first = new LocalPool(pool, 1);
  const second = new LocalPool(pool, 2);
  const segment = first.take();
  const foreign = second.take();
  first.give(segment);

  t.throws(() => first.give(segment), {
    instanceOf: InvariantError,
    message: /released twice.*owner=1 \(in its cache\), releasedBy=1/,
  });
  t.throws(() => first.give(foreign), {message: /does not own it.*owner=2, releasedBy=1/});

  pool.transfer(foreign, 1);
  t.notThrows(() => first.give(foreign));
});

test('reclaim finds what lies in the cache of a dead thread', t => {
  const {pool} = poolOf(64);
  const local = new LocalPool(pool, 3);
  local.take();

  t.is(pool.reclaim(3), 8);
  t.is(pool.freeCount(), 64);
});

test('debug mode checks segments that only went through the cache', t => {
  const {arena, pool} = poolOf(8, {debug: true});
  const local = new LocalPool(pool, 3);
  const segment = local.take();
  local.give(segment);

  arena.words[pool.offsetBytes(segment) >> 2] = 1;

  t.throws(() => local.take(), {message: /written after its release: segment=\d+, releasedBy=3/});
});

for (const seed of [1, 2, 3]) {
  test(`a random walk of three threads loses and doubles nothing, seed ${seed}`, t => {
    const random = new Random(seed);
    const {pool} = poolOf(60, {debug: true});
    const locals = [1, 2, 3].map(owner => new LocalPool(pool, owner, [16, 3, 1][owner - 1]));
    const held: number[][] = [[], [], []];

    for (let step = 0; step < 10_000; step += 1) {
      const who = random.below(3);
      const dice = random.below(100);
      if (dice < 50) {
        const segment = locals[who].take();
        if (segment !== NO_SEGMENT) {
          if (held.some(segments => segments.includes(segment))) t.fail(`step ${step}: twice`);
          held[who].push(segment);
        } else if (pool.freeCount() > 0 || locals[who].cachedCount > 0) {
          t.fail(`step ${step}: refused though there are some`);
        }
      } else if (dice < 90) {
        const [segment] = held[who].splice(random.below(held[who].length), 1);
        if (segment !== undefined) locals[who].give(segment);
      } else if (dice < 99) {
        const [segment] = held[who].splice(0, 1);
        if (segment === undefined) continue;
        pool.transfer(segment, 1 + ((who + 1) % 3));
        held[(who + 1) % 3].push(segment);
      } else {
        locals[who].drain();
      }
      const used = held.flat().length + locals.reduce((sum, local) => sum + local.cachedCount, 0);
      if (pool.freeCount() + used !== 60) t.fail(`step ${step}: lost`);
    }

    for (const [who, local] of locals.entries()) {
      for (const segment of held[who]) local.give(segment);
      local.drain();
    }
    t.is(pool.freeCount(), 60);
  });
}
