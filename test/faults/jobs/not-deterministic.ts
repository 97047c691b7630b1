/** Builders that give another graph in each thread. */
import {threadId} from 'node:worker_threads';
import {job} from '../../../src/index.ts';

export default job<{what: 'name' | 'parallelism' | 'operators'}>((env, {what}) => {
  const numbers = env.sequence(1, 2);
  const mapped = numbers.map(i => i + 1).name(what === 'name' ? `Map of ${threadId}` : 'Map');
  if (what === 'parallelism') mapped.setParallelism(1 + threadId);
  const filtered =
    what === 'operators' && threadId % 2 === 0 ? mapped.filter(i => i > 0).name('Extra') : mapped;
  filtered.discard();
});
