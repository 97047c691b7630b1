/**
 * What an assert costs that holds, in a loop that does nothing else worth mentioning: with a literal as
 * message, and with a template that is built whether it is needed or not.
 *
 * `npm run bench -- --micro assert`.
 */
import {assert} from '../../src/base/assert.ts';
import {systemClock} from '../../src/base/clock.ts';
import type {MicroBench, MicroCase} from '../lib/micro.ts';

const WORDS = 1 << 12;

function assertCase(loop: (words: Int32Array, count: number) => number): MicroCase {
  const words = Int32Array.from({length: WORDS}, (_, index) => index);
  return {
    operations: {full: 20_000_000, smoke: 10_000},
    run(operations) {
      const startMs = systemClock.monotonicNow();
      const answer = loop(words, operations);
      return {ms: systemClock.monotonicNow() - startMs, answer};
    },
    answer(operations) {
      let sum = 0;
      for (let index = 0; index < operations; index += 1) sum = (sum + (index & (WORDS - 1))) | 0;
      return sum;
    },
  };
}

export const bench: MicroBench = {
  unit: 'assert',
  cases: {
    none: assertCase((words, count) => {
      let sum = 0;
      for (let index = 0; index < count; index += 1) sum = (sum + words[index & (WORDS - 1)]!) | 0;
      return sum;
    }),
    literal: assertCase((words, count) => {
      let sum = 0;
      for (let index = 0; index < count; index += 1) {
        const word = words[index & (WORDS - 1)]!;
        assert(word >= 0, 'a word is not negative');
        sum = (sum + word) | 0;
      }
      return sum;
    }),
    template: assertCase((words, count) => {
      let sum = 0;
      for (let index = 0; index < count; index += 1) {
        const word = words[index & (WORDS - 1)]!;
        assert(word >= 0, `a word is not negative: index=${index}, word=${word}`);
        sum = (sum + word) | 0;
      }
      return sum;
    }),
  },
};
