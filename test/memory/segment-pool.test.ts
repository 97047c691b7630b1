/** The shared pool on one thread. Races with real threads: test/stress/segment-pool.test.ts. */
import test from 'ava';
import {InvariantError} from '../../src/base/assert.ts';
import {Random} from '../../src/base/random.ts';
import {ArenaPlan} from '../../src/memory/arena.ts';
import {NO_SEGMENT, planSegmentPool, SegmentPool} from '../../src/memory/segment-pool.ts';

function poolOf(segmentCount: number, options: {debug?: boolean} = {}) {
  const plan = new ArenaPlan();
  const layout = planSegmentPool(plan, segmentCount, 128);
  const arena = plan.create();
  const pool = new SegmentPool(arena, layout, options);
  pool.format();
  return {arena, layout, pool};
}

const takeMany = (pool: SegmentPool, owner: number, count: number) =>
  Array.from({length: count}, () => pool.take(owner));

for (const segmentCount of [1, 31, 32, 33, 100]) {
  test(`all of ${segmentCount} segments can be taken, each once, and no more`, t => {
    const {pool} = poolOf(segmentCount);

    const taken = takeMany(pool, 1, segmentCount);

    t.deepEqual(
      [...taken].sort((a, b) => a - b),
      [...taken.keys()],
    );
    t.is(pool.take(1), NO_SEGMENT);
    t.is(pool.freeCount(), 0);
    t.is(pool.ownedCount(1), segmentCount);
    for (const segment of taken) pool.give(segment);
    t.is(pool.freeCount(), segmentCount);
    t.is(takeMany(pool, 2, segmentCount).filter(segment => segment === NO_SEGMENT).length, 0);
  });
}

test('segments lie side by side, inside their region', t => {
  const {layout, pool} = poolOf(3);

  t.is(pool.offsetBytes(0), layout.segments.offsetBytes);
  t.is(pool.offsetBytes(2), layout.segments.offsetBytes + 256);
  t.is(layout.segments.sizeBytes, 384);
});

test('two pools of one arena know nothing of each other', t => {
  const plan = new ArenaPlan();
  const layouts = [planSegmentPool(plan, 3, 128), planSegmentPool(plan, 2, 256, 'large')];
  const arena = plan.create();
  const [small, large] = layouts.map(layout => new SegmentPool(arena, layout, {debug: true}));
  small.format();
  large.format();

  t.deepEqual(takeMany(small, 1, 4).sort(), [NO_SEGMENT, 0, 1, 2]);

  t.is(large.freeCount(), 2);
  t.deepEqual(takeMany(large, 1, 3).sort(), [NO_SEGMENT, 0, 1]);
  t.is(large.reclaim(1), 2);
  t.is(small.freeCount(), 0);
});

test('a segment knows its owner, through a transfer and back to free', t => {
  const {pool} = poolOf(2);

  const segment = pool.take(3);
  t.is(pool.ownerOf(segment), 3);

  pool.transfer(segment, 4);
  t.is(pool.ownerOf(segment), 4);

  pool.give(segment);
  t.is(pool.ownerOf(segment), 0);
});

test('takeAll takes all or nothing', t => {
  const {pool} = poolOf(70);
  const into = [5, 5, 5];

  t.true(pool.takeAll(1, 64, into));
  t.is(new Set(into).size, 64);
  t.true(into.every(segment => pool.ownerOf(segment) === 1));

  t.false(pool.takeAll(2, 7, into));
  t.deepEqual(into, []);
  t.is(pool.freeCount(), 6);

  t.true(pool.takeAll(2, 6, into));
  t.false(pool.takeAll(2, 71, into));
  t.is(pool.freeCount(), 0);
});

test('takeAll gives its part back when a bit promised a segment that is owned', t => {
  const {arena, layout, pool} = poolOf(4);
  const taken = pool.take(1);
  arena.words[layout.bitmap.offsetBytes >> 2] |= 1 << taken;

  t.false(pool.takeAll(2, 4, []));

  t.is(pool.freeCount(), 3);
  t.is(takeMany(pool, 2, 4).filter(segment => segment === NO_SEGMENT).length, 1);
  t.is(pool.ownerOf(taken), 1);
});

test('while one thread is inside takeAll another is told "not now", and reclaim ends it', t => {
  const {arena, layout, pool} = poolOf(4);
  arena.words[(layout.header.offsetBytes >> 2) + 32] = 9;

  t.false(pool.takeAll(1, 2, []));
  pool.reclaim(8);
  t.false(pool.takeAll(1, 2, []));

  pool.reclaim(9);
  t.true(pool.takeAll(1, 2, []));
});

test('reclaim frees what a dead owner had, and nothing else', t => {
  const {pool} = poolOf(40);
  const kept = takeMany(pool, 1, 10);
  takeMany(pool, 2, 20);
  pool.takeToCache(2, 5, []);

  t.is(pool.ownedCount(2), 25);
  t.is(pool.reclaim(2), 25);

  t.is(pool.freeCount(), 30);
  t.true(kept.every(segment => pool.ownerOf(segment) === 1));
  t.is(new Set(takeMany(pool, 3, 30)).size, 30);
  t.is(pool.take(3), NO_SEGMENT);
  t.is(pool.reclaim(2), 0);
});

test('reclaim finds segments whose taker or giver died half-way', t => {
  const {arena, layout, pool} = poolOf(8);
  const bitmap = layout.bitmap.offsetBytes >> 2;
  // Died in take after step 1: bits cleared, owner words still 0.
  arena.words[bitmap] &= ~0b0110;
  // Died in give after step 1: owner word 0, bit not yet set.
  const given = pool.take(2);
  arena.words[(layout.owners.offsetBytes >> 2) + given] = 0;
  t.is(takeMany(pool, 1, 8).filter(segment => segment !== NO_SEGMENT).length, 5);
  for (let segment = 0; segment < 8; segment += 1) {
    if (pool.ownerOf(segment) === 1) pool.give(segment);
  }

  t.is(pool.reclaim(2), 0);

  t.is(new Set(takeMany(pool, 1, 8)).size, 8);
});

test('a second release is refused with the segment and who released it', t => {
  const {pool} = poolOf(4);
  const segment = pool.take(7);
  pool.give(segment);

  const pattern = new RegExp(
    `released twice: segment=${segment}, owner=0 \\(free\\), releasedBy=7`,
  );
  t.throws(() => pool.give(segment), {instanceOf: InvariantError, message: pattern});
  t.is(pool.freeCount(), 4);
});

test('a free or cached segment cannot change hands', t => {
  const {pool} = poolOf(4);
  const cache: number[] = [];
  pool.takeToCache(2, 1, cache);

  t.throws(() => pool.transfer(3, 1), {instanceOf: InvariantError, message: /that nobody uses/});
  t.throws(() => pool.transfer(cache[0], 1), {message: /owner=2 \(in its cache\)/});
  t.throws(() => pool.give(cache[0]), {message: /released twice.*owner=2 \(in its cache\)/});
  t.is(pool.ownerOf(cache[0]), 2);
});

test('segments that do not exist and owners that are not positive are bugs of the caller', t => {
  const {pool} = poolOf(4);

  for (const segment of [NO_SEGMENT, 4]) {
    t.throws(() => pool.give(segment), {instanceOf: InvariantError});
    t.throws(() => pool.transfer(segment, 1), {instanceOf: InvariantError});
    t.throws(() => pool.ownerOf(segment), {instanceOf: InvariantError});
  }
  t.throws(() => pool.take(0), {instanceOf: InvariantError});
  t.throws(() => pool.takeAll(-1, 1, []), {instanceOf: InvariantError});
  t.throws(() => planSegmentPool(new ArenaPlan(), 4, 100), {instanceOf: InvariantError});
});

test('debug mode notices a write after the release, and names word, segment and releaser', t => {
  const {arena, pool} = poolOf(1, {debug: true});
  const segment = pool.take(5);
  const word = (pool.offsetBytes(segment) >> 2) + 31;
  arena.words[word] = 42;
  pool.give(segment);
  t.is(pool.take(5), segment);
  pool.give(segment);

  arena.words[word] = 42;

  t.throws(() => pool.take(6), {
    instanceOf: InvariantError,
    message: /written after its release: segment=0, releasedBy=5, word=31, value=42/,
  });
});

test('debug mode holds for segments that were reclaimed', t => {
  const {arena, pool} = poolOf(1, {debug: true});
  const segment = pool.take(5);
  arena.words[pool.offsetBytes(segment) >> 2] = 1;
  pool.reclaim(5);

  t.notThrows(() => pool.take(6));
});

test('debug mode is the same for all threads', t => {
  const {arena, layout} = poolOf(1, {debug: true});

  t.throws(() => new SegmentPool(arena, layout, {debug: false}), {message: /the same in all/});
  t.notThrows(() => new SegmentPool(arena, layout));
});

for (const seed of [1, 2, 3]) {
  for (const debug of [false, true]) {
    test(`a random walk agrees with a map of owners, seed ${seed}, debug ${debug}`, t => {
      const random = new Random(seed);
      const {arena, layout, pool} = poolOf(75, {debug});
      const handles = [pool, new SegmentPool(arena, layout), new SegmentPool(arena, layout)];
      const owners = new Map<number, number>();
      const into: number[] = [];
      const note = (segment: number, owner: number, step: number) => {
        if (owners.has(segment)) t.fail(`step ${step}: segment ${segment} has two owners`);
        owners.set(segment, owner);
        arena.words.fill(
          owner,
          pool.offsetBytes(segment) >> 2,
          (pool.offsetBytes(segment) >> 2) + 32,
        );
      };

      for (let step = 0; step < 5_000; step += 1) {
        const owner = 1 + random.below(3);
        const handle = handles[owner - 1];
        const any = [...owners.keys()][random.below(Math.max(1, owners.size))];
        const dice = random.below(100);
        if (dice < 45) {
          const segment = handle.take(owner);
          if ((segment === NO_SEGMENT) !== (owners.size === 75)) t.fail(`step ${step}: empty?`);
          if (segment !== NO_SEGMENT) note(segment, owner, step);
        } else if (dice < 55) {
          const count = random.below(40);
          const isTaken = handle.takeAll(owner, count, into);
          if (isTaken !== count <= 75 - owners.size) t.fail(`step ${step}: takeAll`);
          for (const segment of into) note(segment, owner, step);
        } else if (dice < 90) {
          if (any === undefined) continue;
          handle.give(any);
          owners.delete(any);
        } else if (dice < 99) {
          if (any === undefined) continue;
          handle.transfer(any, owner);
          owners.set(any, owner);
        } else {
          const held = [...owners].filter(([, holder]) => holder === owner);
          if (handle.reclaim(owner) !== held.length) t.fail(`step ${step}: reclaim`);
          for (const [segment] of held) owners.delete(segment);
        }
        if (pool.freeCount() !== 75 - owners.size) t.fail(`step ${step}: freeCount`);
      }

      for (let segment = 0; segment < 75; segment += 1) {
        if (pool.ownerOf(segment) !== (owners.get(segment) ?? 0)) t.fail(`segment ${segment}`);
      }
      t.pass();
    });
  }
}
