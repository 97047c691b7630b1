/**
 * What an interval join keeps for a key: the elements of either side, sorted by time. And the contract of
 * whoever keeps it, which the join is written against:
 *
 *   heap-join-buffers.ts      in a Map, for state that lies in memory; old keys are found by time
 *   backend-join-buffers.ts   in a backend of keyed state, for any other; old keys are found by timers
 *
 * Either way an element is dropped no later than it could be looked at, as if a timer had dropped it when
 * the watermark came to the end of its life: whoever opens a key drops what is too old first. `prunedTo`
 * is the watermark for which that was done. An element that is past its life when it comes stays until the
 * next watermark, as a timer in the past fires at the next watermark.
 */
import {
  createBuffer,
  dropOld,
  insert,
  isEmpty,
  lastTimestamp,
  type TimeSortedBuffer,
} from './time-sorted-buffer.ts';

/** How long elements live behind their timestamps: of the left side, and of the right one. */
export type LivesMs = readonly [number, number];

export interface JoinBuffers {
  /** Undefined: no element has come so far. */
  left: TimeSortedBuffer | undefined;
  right: TimeSortedBuffer | undefined;
  prunedTo: number;
}

/** Keeps the buffers of all keys. */
export interface JoinBufferStore<B extends JoinBuffers = JoinBuffers> {
  /** Event time. */
  readonly watermark: number;
  /** The buffers of a key without what is too old; new ones if there are none. */
  open(key: unknown): B;
  /** An element that lives until `endOfLife` has been put into the buffers that were opened last. */
  keep(buffers: B, endOfLife: number): void;
  /** Event time has come to `watermark`. False: to be called again, as `canGoOn` said no. */
  advance(watermark: number, canGoOn: () => boolean): boolean;
  /** Whether elements are kept that only event time can drop, beside those with timers in the backend. */
  readonly waitsForEventTime: boolean;
  /** What is kept for a key beside the backend. */
  readKey?(key: unknown): Readonly<Record<string, unknown>> | undefined;
  /** Puts everything into the backend, without what is too old. */
  prepareSnapshot(): void;
}

/** Puts an element into the buffer of its side. */
export function put(
  buffers: JoinBuffers,
  inputIndex: number,
  timestamp: number,
  value: unknown,
): void {
  if (inputIndex === 0) {
    if (buffers.left === undefined) buffers.left = createBuffer(timestamp, value);
    else insert(buffers.left, timestamp, value);
  } else if (buffers.right === undefined) {
    buffers.right = createBuffer(timestamp, value);
  } else {
    insert(buffers.right, timestamp, value);
  }
}

/** Drops what is too old at `watermark`, which is later than it was when that was done last. */
export function prune(buffers: JoinBuffers, [left, right]: LivesMs, watermark: number): void {
  if (buffers.left !== undefined) dropOld(buffers.left, left, watermark);
  if (buffers.right !== undefined) dropOld(buffers.right, right, watermark);
  buffers.prunedTo = watermark;
}

/** Whether no element is left. */
export function areEmpty({left, right}: JoinBuffers): boolean {
  return (left === undefined || isEmpty(left)) && (right === undefined || isEmpty(right));
}

/** When the last element is too old; -Infinity if there is none. */
export function endOfLives({left, right}: JoinBuffers, [leftMs, rightMs]: LivesMs): number {
  return Math.max(
    left === undefined ? -Infinity : lastTimestamp(left) + leftMs,
    right === undefined ? -Infinity : lastTimestamp(right) + rightMs,
  );
}
