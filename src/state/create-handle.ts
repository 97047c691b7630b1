/** Makes the handle of a state over the store that keeps it. */
import type {Clock} from '../base/clock.ts';
import type {InternalState} from './keyed-state.ts';
import type {AnyStateDescriptor} from './state-descriptors.ts';
import {
  HeapAggregatingState,
  HeapListState,
  HeapMapState,
  HeapReducingState,
  HeapValueState,
} from './state-handles.ts';
import type {StateStore} from './state-store.ts';
import type {CheckedTtl} from './state-ttl.ts';
import {
  TtlAggregatingState,
  TtlListState,
  TtlMapState,
  TtlReducingState,
  TtlValueState,
} from './ttl-handles.ts';

export function createHandle(
  descriptor: AnyStateDescriptor,
  store: StateStore,
  ttl: CheckedTtl | undefined,
  clock: Clock,
): InternalState {
  const {name} = descriptor;
  if (ttl === undefined) {
    switch (descriptor.kind) {
      case 'value':
        return new HeapValueState(store);
      case 'list':
        return new HeapListState(store);
      case 'map':
        return new HeapMapState(store);
      case 'reducing':
        return new HeapReducingState(store, descriptor.reduce);
      case 'aggregating':
        return new HeapAggregatingState(store, descriptor.aggregate, name);
    }
  }
  const options = {store, ttl, clock};
  switch (descriptor.kind) {
    case 'value':
      return new TtlValueState(options);
    case 'list':
      return new TtlListState(options);
    case 'map':
      return new TtlMapState(options);
    case 'reducing':
      return new TtlReducingState(options, descriptor.reduce);
    case 'aggregating':
      return new TtlAggregatingState(options, descriptor.aggregate, name);
  }
}
