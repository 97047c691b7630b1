/** A job that imports a module that is not there. */
// @ts-expect-error There is none.
import {missing} from './no-such-module.ts';
import {job} from '../../../src/index.ts';

export default job(env => {
  env.fromElements(missing).discard();
});
