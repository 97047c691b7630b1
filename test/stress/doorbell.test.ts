/**
 * Real threads ring for one that sleeps whenever it has nothing to do. A park that is not rung
 * within seconds although items are there is a *lost* wake-up. All interleavings of the protocol
 * are walked through in test/memory/doorbell.test.ts; here are the real Atomics.
 */
import test from 'ava';
import {ArenaPlan} from '../../src/memory/arena.ts';
import {planDoorbells} from '../../src/memory/doorbell.ts';
import {CHECK_HEADER_WORDS, go, startThread} from '../support/memory-threads.ts';

const FACTOR = Number(process.env['STRESS'] ?? 1);

for (const {how, isAsync, ringers, operations} of [
  {how: 'Atomics.wait, one ringer', isAsync: false, ringers: 1, operations: 30_000},
  {how: 'Atomics.wait, three ringers', isAsync: false, ringers: 3, operations: 15_000},
  {how: 'Atomics.waitAsync, two ringers', isAsync: true, ringers: 2, operations: 15_000},
]) {
  test.serial(`no wake-up is lost: ${how}`, async t => {
    const plan = new ArenaPlan();
    const bells = planDoorbells(plan, 1);
    const check = plan.reserve('check', (CHECK_HEADER_WORDS + 1) * 4);
    const arena = plan.create();
    const input = {bells, ringers, operations: operations * FACTOR};
    const sleeper = startThread(arena, check, {
      ...input,
      role: 'sleep',
      owner: 1,
      seed: 1,
      count: isAsync ? 1 : 0,
    });
    const others = Array.from({length: ringers}, (_, index) =>
      startThread(arena, check, {...input, role: 'ringBell', owner: 2 + index, seed: index}),
    );
    go(arena, check);

    const result = await sleeper.result;
    await Promise.all(others.map(thread => thread.result));

    t.deepEqual(result.violations, []);
    t.is(result.done, operations * FACTOR * ringers);
    t.true(result.refused > 10, 'the sleeper hardly ever slept: the test shows nothing');
  });
}
