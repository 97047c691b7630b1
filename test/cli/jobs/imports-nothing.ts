/** A job that imports a module that is not there. */
// @ts-expect-error There is no such package.
import {missing} from 'no-such-package-of-anybody';
import {job} from '../../../src/index.ts';

export default job(env => {
  env.fromElements(missing).discard();
});
