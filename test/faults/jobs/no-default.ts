/** A module that exports a job, but not by default. */
import {job} from '../../../src/index.ts';

export const wordCount = job(env => {
  env.sequence(1, 2).discard();
});
