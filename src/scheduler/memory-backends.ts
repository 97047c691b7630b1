/** Makes the state of operators: in the memory of their worker's thread, which is the default. */
import {keyGroupRange} from '../base/key-group.ts';
import type {StateBackendRequest, StateBackends} from '../operators/state-backends.ts';
import type {KeyedBackendOptions} from '../state/keyed-state-backend.ts';
import {createMemoryBackend} from '../state/memory-backend.ts';
import {OperatorStateBackend} from '../state/operator-state-backend.ts';

export const memoryBackends: StateBackends = {
  createKeyed: request => createMemoryBackend(keyedOptions(request)),
  createOperator: ({restored}) => new OperatorStateBackend(restored),
};

/** What any keyed backend is told about its operator. */
export function keyedOptions({
  context,
  restored,
}: StateBackendRequest<'keyed'>): KeyedBackendOptions {
  const {subtaskIndex, parallelism, maxParallelism, clock} = context;
  return {
    keyGroupRange: keyGroupRange(subtaskIndex, maxParallelism, parallelism),
    maxParallelism,
    clock,
    restored,
  };
}
