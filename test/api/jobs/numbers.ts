/** Sends `{i, text}` for i from 0 to `args.count - 1` to the host, and counts them in an accumulator. */
import {job, type RuntimeContext} from '../../../src/index.ts';

export interface NumbersArgs {
  /** Default: more than anybody will read. */
  readonly count?: number;
  /** The record at which a user function throws. */
  readonly failAt?: number;
}

export default job<NumbersArgs>((env, {count = 2 ** 40, failAt}) => {
  let context: RuntimeContext;
  env
    .generate(i => ({i, text: `number ${i}`}), {count})
    .setParallelism(1)
    .map({
      open: runtime => {
        context = runtime;
      },
      map: record => {
        context.addToAccumulator('seen', 1);
        if (record.i === failAt) throw new RangeError('enough');
        return record;
      },
    })
    .setParallelism(1)
    .startNewChain()
    .toHost('out');
});
