/**
 * Compiled chains against the interpreter: whatever the operators, functions and records are, both give
 * the same outputs, counts and errors. A third chain changes between the two at every run.
 */
import assert from 'node:assert/strict';
import test from 'ava';
import fc from 'fast-check';
import {runChain} from '../support/chain-outcome.ts';
import {randomChain} from '../support/random-chain.ts';

for (const seed of [1, 2, 3]) {
  test(`compiled, interpreted and mixed chains do the same, seed ${seed}`, t => {
    fc.assert(
      fc.property(randomChain, chain => {
        const interpreted = runChain(chain, 'interpreted');
        assert.deepStrictEqual(runChain(chain, 'compiled'), interpreted);
        const {record: _, ...error} = (interpreted.error ?? {}) as {record?: unknown};
        const expected = interpreted.error === undefined ? undefined : error;
        assert.deepStrictEqual(runChain(chain, 'mixed'), {...interpreted, error: expected});
      }),
      {seed, numRuns: Number(process.env.MILLRACE_RUNS ?? 300)},
    );
    t.pass();
  });
}
