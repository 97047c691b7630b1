/** A job that imports a module which does not exist. */
import {job} from '../../../src/index.ts';
// @ts-expect-error there is no such module
import {words} from './no-such-words.ts';

export default job(env => {
  env.fromCollection(words as string[]).discard();
});
