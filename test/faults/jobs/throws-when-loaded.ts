/** A module that throws while it is loaded. */
import {job} from '../../../src/index.ts';

if (Date.now() > 0) throw new RangeError('no configuration');

export default job(env => {
  env.sequence(1, 2).discard();
});
