/**
 * A look at the state of one key, from outside, between two records: what each state of the operator holds
 * for it, as plain data. Called in the task's thread when no step is under way. The present key of the
 * backend is what it was before; of a state with a time to live, looking is reading.
 */
import type {KeyedStateBackend} from '../state/keyed-state-backend.ts';
import type {
  InternalAggregatingState,
  InternalListState,
  InternalMapState,
  InternalReducingState,
  InternalValueState,
} from '../state/keyed-state.ts';

/**
 * The state of a key by the names of the states: the value, the array of a list, a Map, the value of a
 * reducing state, the result of an aggregating one. States in which the key has nothing are left out.
 */
export type KeyState = Readonly<Record<string, unknown>>;

/** What `backend` holds for `key` outside of windows; undefined if there is nothing. */
export function readKeyState(backend: KeyedStateBackend, key: unknown): KeyState | undefined {
  const before = backend.currentKey;
  backend.setCurrentKey(key);
  try {
    const state: Record<string, unknown> = {};
    for (const name of backend.stateNames()) {
      const value = readState(backend, name);
      if (value !== undefined) state[name] = value;
    }
    return Object.keys(state).length === 0 ? undefined : state;
  } finally {
    if (before !== undefined) backend.setCurrentKey(before);
  }
}

function readState(backend: KeyedStateBackend, name: string): unknown {
  // A state that was restored and that nobody has asked for yet has no descriptor.
  const descriptor = backend.descriptorOf(name);
  if (descriptor === undefined) return undefined;
  const handle: unknown = backend.getState(descriptor as never);
  (handle as InternalValueState<unknown>).setNamespace(undefined);
  switch (descriptor.kind) {
    case 'value':
      return (handle as InternalValueState<unknown>).value();
    case 'list': {
      const list = (handle as InternalListState<unknown>).get();
      return list.length === 0 ? undefined : [...list];
    }
    case 'map': {
      const map = handle as InternalMapState<unknown, unknown>;
      return map.isEmpty() ? undefined : new Map(map.entries());
    }
    case 'reducing':
      return (handle as InternalReducingState<unknown>).get();
    case 'aggregating':
      return (handle as InternalAggregatingState<unknown, unknown, unknown>).get();
  }
}
