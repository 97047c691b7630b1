/** Makes the state of operators where the configuration says: in memory, or in LMDB on disk. */
import type {Config} from '../graph/config.ts';
import type {StateBackends} from '../operators/state-backends.ts';
import {lmdbBackends} from '../state/lmdb-backend.ts';
import {keyedOptions, memoryBackends} from './memory-backends.ts';

type StateConfig = Pick<Config, 'stateBackend' | 'stateDirectory' | 'stateCacheSize'>;

/**
 * The backends of a job. On disk the counters `stateCacheHits` and `stateCacheMisses` of a task say how
 * many look-ups of state its caches have answered, and how many went to disk.
 */
export function stateBackends(config: StateConfig): StateBackends {
  if (config.stateBackend === 'memory') return memoryBackends;
  return {
    createKeyed: request => {
      const hitCounter = request.context.counter('stateCacheHits');
      const missCounter = request.context.counter('stateCacheMisses');
      let [hitsTold, missesTold] = [0, 0];
      const create = lmdbBackends({
        directory: config.stateDirectory,
        cacheSizeBytes: config.stateCacheSize,
        onLookUps: (hits, misses) => {
          hitCounter.add(hits - hitsTold);
          missCounter.add(misses - missesTold);
          [hitsTold, missesTold] = [hits, misses];
        },
      });
      return create(keyedOptions(request));
    },
    createOperator: request => memoryBackends.createOperator(request),
  };
}
