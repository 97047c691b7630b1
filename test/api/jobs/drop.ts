/** Takes what the host writes, and drops it. */
import {job} from '../../../src/index.ts';

export default job(env => {
  env.fromHost('in').discard();
});
