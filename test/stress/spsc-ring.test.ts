/**
 * Rings and doorbells together, between two real threads: an entry may not be *lost*, seen *twice*,
 * *out of order* or *torn*, and nobody may sleep while there is something to do: both ends park as
 * soon as the ring is full or empty, so each batch is a chance to lose a wake-up.
 */
import test from 'ava';
import {ArenaPlan} from '../../src/memory/arena.ts';
import {planDoorbells} from '../../src/memory/doorbell.ts';
import {planRing, ringLength} from '../../src/memory/spsc-ring.ts';
import {CHECK_HEADER_WORDS, go, startThread} from '../support/memory-threads.ts';

const FACTOR = Number(process.env['STRESS'] ?? 1);

for (const {capacity, operations} of [
  {capacity: 1, operations: 10_000},
  {capacity: 4, operations: 40_000},
  {capacity: 64, operations: 200_000},
]) {
  test.serial(`entries arrive once, whole and in order, capacity ${capacity}`, async t => {
    const plan = new ArenaPlan();
    const ring = planRing(plan, 'ring', capacity);
    const bells = planDoorbells(plan, 2);
    const check = plan.reserve('check', CHECK_HEADER_WORDS * 4);
    const arena = plan.create();
    // Positions shortly before they wrap: the walk crosses 2^31.
    const base = ring.offsetBytes >> 2;
    arena.words[base] = arena.words[base + 32] = 2 ** 31 - 5_000;
    const input = {ring, bells, seed: capacity, operations: operations * FACTOR};
    const threads = [
      startThread(arena, check, {...input, role: 'produce', owner: 1}),
      startThread(arena, check, {...input, role: 'consume', owner: 2}),
    ];
    go(arena, check);

    const results = await Promise.all(threads.map(thread => thread.result));

    t.deepEqual(
      results.flatMap(result => result.violations),
      [],
    );
    t.deepEqual(
      results.map(result => result.done),
      [operations * FACTOR, operations * FACTOR],
    );
    t.is(ringLength(arena, ring), 0);
  });
}
