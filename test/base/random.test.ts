/** Chance that can be repeated, and a clock that stands still. */
import test from 'ava';
import {ManualClock, systemClock} from '../../src/base/clock.ts';
import {Random, systemSeed} from '../../src/base/random.ts';

test('the same seed draws the same numbers', t => {
  const draw = (seed: number) => {
    const random = new Random(seed);
    return Array.from({length: 100}, () => random.nextUint32());
  };

  t.deepEqual(draw(7), draw(7));
  t.notDeepEqual(draw(7), draw(8));
  t.deepEqual(draw(7).slice(0, 2), draw(7 + 2 ** 32).slice(0, 2));
});

test('numbers below a limit are all drawn, about equally often, seed 1', t => {
  const random = new Random(1);
  const counts = new Int32Array(10);

  for (let n = 0; n < 100_000; n += 1) counts[random.below(10)]! += 1;

  t.true(counts.every(count => count > 9_500 && count < 10_500));
});

test('fractions lie between 0 and 1, seed 2', t => {
  const random = new Random(2);
  let sum = 0;

  for (let n = 0; n < 10_000; n += 1) {
    const value = random.next();
    if (!(value >= 0 && value < 1)) t.fail(`${value}`);
    sum += value;
  }

  t.true(Math.abs(sum / 10_000 - 0.5) < 0.02);
});

test('seeds of the system are 32-bit integers that differ', t => {
  const seeds = new Set(Array.from({length: 20}, () => systemSeed()));

  t.true(seeds.size > 1);
  t.true([...seeds].every(seed => (seed | 0) === seed));
});

test('a manual clock moves when it is told to', t => {
  const clock = new ManualClock(5);

  clock.advance(10);
  t.is(clock.now(), 15);
  t.is(clock.monotonicNow(), 15);
  clock.set(3);
  t.is(clock.now(), 3);
});

test('the clock of the system is wall time with a fraction, and never goes back', t => {
  t.true(Math.abs(systemClock.now() - Date.now()) < 1_000);
  const before = systemClock.monotonicNow();
  t.true(systemClock.monotonicNow() >= before);
});
