/** A job whose user function never returns. */
import {writeSync} from 'node:fs';
import {job} from '../../../src/index.ts';

export default job(env => {
  env
    .fromElements(1)
    .map(value => {
      writeSync(1, 'stuck\n');
      for (;;);
      return value;
    })
    .discard();
});
