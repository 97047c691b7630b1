/**
 * The real code of the pool, interrupted before each of its Atomics calls: by what other threads
 * may do there, and by its own death. Whatever the point, no segment has two owners and none is lost.
 */
import test from 'ava';
import {ArenaPlan} from '../../src/memory/arena.ts';
import {LocalPool} from '../../src/memory/local-pool.ts';
import {NO_SEGMENT, planSegmentPool, SegmentPool} from '../../src/memory/segment-pool.ts';
import {runPreempted, ThreadDeath} from '../support/preempt.ts';

const SEGMENTS = 5;

/** Owner 1 runs the operation that is interrupted, with two segments in use and a cache. */
function setUp() {
  const plan = new ArenaPlan();
  const layout = planSegmentPool(plan, SEGMENTS, 128);
  const arena = plan.create();
  const pool = new SegmentPool(arena, layout);
  pool.format();
  const other = new SegmentPool(arena, layout);
  const local = new LocalPool(pool, 1, 2);
  const mine = [local.take(), local.take()];
  const theirs = [other.take(2)];
  return {pool, other, local, mine, theirs};
}

type Scene = ReturnType<typeof setUp>;

/** What owner 1 does; it notes in `mine` what it has in use afterwards. */
const OPERATIONS: Record<string, (scene: Scene) => void> = {
  take: ({pool, mine}) => void mine.push(pool.take(1)),
  'take through the cache': ({local, mine}) => void mine.push(local.take()),
  takeAll: ({pool, mine}) => {
    const into: number[] = [];
    pool.takeAll(1, 2, into);
    mine.push(...into);
  },
  give: ({pool, mine}) => pool.give(mine.pop()!),
  'give through the cache, then drain': ({local, mine}) => {
    local.give(mine.pop()!);
    local.give(mine.pop()!);
    local.drain();
  },
};

/** What others do meanwhile; they note in `theirs` what they have in use afterwards. */
const INTERRUPTIONS: Record<string, (scene: Scene) => void> = {
  'one is taken': ({other, theirs}) => void theirs.push(other.take(2)),
  'all are taken': ({other, theirs}) => {
    for (let n = 0; n < SEGMENTS; n += 1) theirs.push(other.take(2));
  },
  'one is given': ({other, theirs}) => other.give(theirs.pop()!),
  'a dead thread is reclaimed': ({other}) => void other.reclaim(9),
  'a dead thread is reclaimed, then all are taken': ({other, theirs}) => {
    other.reclaim(9);
    for (let n = 0; n < SEGMENTS; n += 1) theirs.push(other.take(2));
  },
  'a dead thread is reclaimed, then all are taken and given': ({other, theirs}) => {
    other.reclaim(9);
    for (let n = 0; n < SEGMENTS; n += 1) theirs.push(other.take(2));
    for (const segment of theirs.splice(0)) if (segment !== NO_SEGMENT) other.give(segment);
  },
  'another thread wants two at once': ({other, theirs}) => {
    const into: number[] = [];
    other.takeAll(2, 2, into);
    theirs.push(...into);
  },
};

/** Says what is wrong: two owners, an owner word that does not fit, a free segment nobody finds. */
function faultOf({pool, local, mine, theirs}: Scene): string | undefined {
  const [ours, foreign] = [mine, theirs].map(list =>
    list.filter(segment => segment !== NO_SEGMENT),
  );
  const used = [...ours, ...foreign];
  if (new Set(used).size !== used.length) return `two owners: mine=${ours}, theirs=${foreign}`;
  if (ours.some(segment => pool.ownerOf(segment) !== 1)) return 'an owner word of mine is wrong';
  if (foreign.some(segment => pool.ownerOf(segment) !== 2))
    return 'an owner word of theirs is wrong';
  const freeCount = SEGMENTS - used.length - local.cachedCount;
  if (pool.freeCount() !== freeCount) return `${pool.freeCount()} are free instead of ${freeCount}`;
  for (let n = 0; n < freeCount; n += 1) if (pool.take(3) === NO_SEGMENT) return 'one is lost';
  return pool.take(3) === NO_SEGMENT ? undefined : 'one too many';
}

for (const [name, operation] of Object.entries(OPERATIONS)) {
  for (const [meanwhile, interruption] of Object.entries(INTERRUPTIONS)) {
    test(`${name} is safe at every point when ${meanwhile}`, t => {
      let point = 0;
      for (; ; point += 1) {
        const scene = setUp();
        const isInterrupted = runPreempted(
          () => operation(scene),
          point,
          () => interruption(scene),
        );
        if (!isInterrupted) break;
        t.is(faultOf(scene), undefined, `before call ${point}`);
      }
      t.true(point > 0);
    });
  }

  test(`a thread may die at every point of ${name}`, t => {
    let point = 0;
    for (; ; point += 1) {
      const scene = setUp();
      const isDead = runPreempted(
        () => operation(scene),
        point,
        () => {
          throw new ThreadDeath();
        },
      );
      if (!isDead) break;

      const {pool, other, theirs} = scene;
      other.reclaim(1);

      t.is(pool.ownedCount(1), 0, `before call ${point}`);
      t.is(pool.freeCount(), SEGMENTS - 1, `before call ${point}`);
      t.true(other.takeAll(3, SEGMENTS - 1, []), `before call ${point}`);
      t.is(pool.ownerOf(theirs[0]), 2);
    }
    t.true(point > 0);
  });
}
