/** Prints `args.count` lines by console.log in a worker, and then ends or fails. */
import {job} from '../../../src/index.ts';

export default job<{count: number; fails?: boolean}>((env, {count, fails = false}) => {
  env
    .sequence(1, count)
    .setParallelism(1)
    .map(i => {
      console.log(`line ${i}`);
      if (fails && i === count) throw new RangeError('enough');
      return i;
    })
    .setParallelism(1)
    .discard();
});
