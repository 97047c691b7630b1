/** A builder that throws, or is async. */
import {job} from '../../../src/index.ts';

export default job<{how: 'throws' | 'returns a promise'}>((env, {how}) => {
  if (how === 'throws') throw new RangeError('no such table');
  env.sequence(1, 2).discard();
  return Promise.reject(new Error('nobody hears this')) as unknown as void;
});
