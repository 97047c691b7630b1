/**
 * In what order an operator sees the records of its inputs. In streaming mode it is that of arrival. In batch
 * mode an operator with state per key sees one key after the other, and broadcast state is complete before it
 * is read. Whoever has to wait for that reads its input to the end first: this is what cuts a batch job
 * into stages.
 *
 * Rolling aggregations have no timers and keep one value per key in typed tables; a sort would make them
 * slower and change nothing of what they emit.
 */
import {isRolling, type KeySelector} from '../operators/operator.ts';
import type {JobVertex} from './job-graph.ts';

export type InputOrder =
  /** By key, within a key by timestamp, and then as the records came. */
  | {readonly kind: 'sorted'; readonly key: KeySelector}
  /** Before the other input. */
  | {readonly kind: 'first'}
  /** As they came, after the other input. */
  | {readonly kind: 'held'};

/** By input of the vertex's head; undefined if all records are read as they come. */
export function inputOrders(
  vertex: JobVertex,
  runtimeMode: 'streaming' | 'batch',
): readonly InputOrder[] | undefined {
  const {spec} = vertex.operators[0]!.node;
  if (runtimeMode === 'streaming' || vertex.inEdges.length === 0 || isRolling(spec)) {
    return undefined;
  }
  const partitionersOf = (input: number) =>
    vertex.inEdges.filter(edge => edge.inputIndex === input).map(edge => edge.partitioner.kind);
  switch (spec.type) {
    case 'map':
    case 'filter':
    case 'flatMap':
    case 'coMap':
    case 'coFlatMap':
      // A plain function has nowhere to ask for state.
      if (spec.stateKeys === undefined || typeof spec.fn === 'function') return undefined;
      return spec.stateKeys.map(key => ({kind: 'sorted', key}));
    case 'custom': {
      const isPair = spec.inputCount === 2;
      const isBroadcast = isPair && partitionersOf(1).every(kind => kind === 'broadcast');
      if (spec.key === undefined)
        return isBroadcast ? [{kind: 'held'}, {kind: 'first'}] : undefined;
      const keys: readonly KeySelector[] = isPairOfKeys(spec.key) ? spec.key : [spec.key];
      const orders = keys.map((key): InputOrder => ({kind: 'sorted', key}));
      return isPair && orders.length === 1 ? [...orders, {kind: 'first'}] : orders;
    }
    default:
      return undefined;
  }
}

function isPairOfKeys(
  key: KeySelector | readonly [KeySelector, KeySelector],
): key is readonly [KeySelector, KeySelector] {
  return Array.isArray(key);
}

/** What `explain` says about an input. */
export function describeOrder({kind}: InputOrder): string {
  switch (kind) {
    case 'sorted':
      return 'sorted by key';
    case 'first':
      return 'read first';
    case 'held':
      return 'held back until the other input has ended';
  }
}
