/** A module that is never loaded to its end. */
import {setTimeout} from 'node:timers/promises';
import {writeSync} from 'node:fs';
import {job} from '../../../src/index.ts';

writeSync(1, 'loading\n');
await setTimeout(1 << 30);

export default job(env => {
  env.fromElements(1).discard();
});
