/** Makes the state of operators: in the memory of their worker's thread, which is the default. */
import {keyGroupRange} from '../base/key-group.ts';
import type {StateBackends} from '../operators/state-backends.ts';
import {createMemoryBackend} from '../state/memory-backend.ts';
import {OperatorStateBackend} from '../state/operator-state-backend.ts';

export const memoryBackends: StateBackends = {
  createKeyed: ({context, restored}) =>
    createMemoryBackend({
      keyGroupRange: keyGroupRange(
        context.subtaskIndex,
        context.maxParallelism,
        context.parallelism,
      ),
      maxParallelism: context.maxParallelism,
      clock: context.clock,
      restored,
    }),
  createOperator: ({restored}) => new OperatorStateBackend(restored),
};
