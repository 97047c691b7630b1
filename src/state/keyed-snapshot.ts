/**
 * The keyed state of one subtask, or of several, as plain data that can be cloned between threads: by key
 * group, so that it can be handed to other subtasks without looking at a single key. Snapshots are the
 * same for all backends; one may be written by one and read by another.
 *
 * Within a key group an entry of a state is one index of parallel arrays. What `values` holds depends
 * on the kind: the value, the array of a list, the `[key, value]` pairs of a map, the accumulator.
 * `times` is there if the state has a TTL: the last update of the value, or one for each element.
 */
import {TimeWindow} from '../time/time-window.ts';
import type {StateNamespace} from './keyed-state.ts';
import type {StateKind} from './state-descriptors.ts';

/** A namespace as plain data: a window is its two ends. */
export type PlainNamespace = undefined | string | number | readonly [start: number, end: number];

export interface StateEntries {
  readonly name: string;
  readonly kind: StateKind;
  readonly keys: unknown[];
  /** Absent if all are void. */
  readonly namespaces?: PlainNamespace[];
  readonly values: unknown[];
  readonly times?: Array<number | number[]>;
}

export interface TimerEntries {
  /** The name of the timer service. */
  readonly service: string;
  readonly domain: 'event' | 'processing';
  readonly keys: unknown[];
  readonly namespaces?: PlainNamespace[];
  readonly timestamps: number[];
}

export interface KeyGroupSnapshot {
  readonly keyGroup: number;
  readonly states: readonly StateEntries[];
  readonly timers: readonly TimerEntries[];
}

export interface KeyedSnapshot {
  readonly maxParallelism: number;
  /** Ascending by key group; groups without any state are left out. */
  readonly groups: readonly KeyGroupSnapshot[];
}

export function toPlainNamespace(namespace: StateNamespace): PlainNamespace {
  return namespace instanceof TimeWindow ? [namespace.start, namespace.end] : namespace;
}

export function fromPlainNamespace(plain: PlainNamespace): StateNamespace {
  return typeof plain === 'object' ? new TimeWindow(plain[0], plain[1]) : plain;
}
