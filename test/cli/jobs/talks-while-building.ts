/** A job whose builder prints. */
import {job} from '../../../src/index.ts';

export default job((env, args) => {
  console.log('building with', args.join(' '));
  env
    .fromElements(1, 2)
    .name('Numbers')
    .map(value => value + 1)
    .discard();
});
