/** A job that ends: prints its arguments, writes to both streams, counts, collects. */
import {job, type RuntimeContext} from '../../../src/index.ts';

export default job((env, args) => {
  let context: RuntimeContext;
  const words = env.fromElements('one', 'two', 'three', ...args).map({
    open(runtime: RuntimeContext) {
      context = runtime;
    },
    map(word: string) {
      context.counter('words').add();
      context.addToAccumulator('letters', word.length);
      return word;
    },
  });
  words.setParallelism(1).name('Greet').print().setParallelism(1);
  words
    .map(word => {
      console.log(`log ${word}`);
      console.error(`error ${word}`);
      return {word, length: BigInt(word.length)};
    })
    .setParallelism(1)
    .collect('words');
});
