/** A job that needs a program around it. */
import {job} from '../../../src/index.ts';

export default job(env => {
  env.fromHost<{id: number}>('orders').toHost('alerts');
});
