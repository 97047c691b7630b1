/** A job whose user function throws. */
import {job} from '../../../src/index.ts';

function check(reading: {index: number}): number {
  if (reading.index === 500) throw new RangeError('the reading is out of range');
  return reading.index;
}

export default job(env => {
  env
    .generate(index => ({index}), {count: 1000})
    .map(reading => check(reading))
    .name('Check readings')
    .discard();
});
