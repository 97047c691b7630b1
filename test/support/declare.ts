/** Declares the tests of a contract as tests of ava. */
import test from 'ava';
import type {Declare} from './source-contract.ts';

export const declare: Declare = (title, body) =>
  test(title, async t => {
    await body();
    t.pass();
  });
