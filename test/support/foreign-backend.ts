/**
 * Backends that work like those in memory, and that nobody takes for them: operators that keep state on the heap
 * where it lies in memory anyway must do it in the backend then.
 */
import {memoryBackends} from '../../src/scheduler/memory-backends.ts';
import type {KeyedStateBackend} from '../../src/state/keyed-state-backend.ts';
import type {StateBackends} from '../../src/testing/index.ts';

/** The same backend, which nobody takes for one in memory. */
function foreign(backend: KeyedStateBackend): KeyedStateBackend {
  return new Proxy(backend, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      return typeof member === 'function' ? member.bind(target) : member;
    },
    getPrototypeOf: () => Object.prototype,
  });
}

export const foreignBackends: StateBackends = {
  ...memoryBackends,
  createKeyed: request => foreign(memoryBackends.createKeyed(request)),
};
