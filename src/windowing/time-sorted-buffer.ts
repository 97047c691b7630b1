/**
 * Elements of one key on one side of a join, in the order of their timestamps; of equal timestamps the
 * earlier arrival comes first. Plain data, because it is a value of keyed state: functions work on it.
 *
 *   timestamps  · · · 12 13 13 20        entries before `head` have been dropped already
 *   values      · · ·  a  b  c  d
 *                      ▲ head
 *
 * Input is nearly sorted by time, so an insertion is a push, or moves a few entries. What has become too old is
 * always at the front: dropping it moves `head`, and the arrays are cut when half of them is dropped.
 */

export interface TimeSortedBuffer {
  timestamps: number[];
  /** Elements beside their timestamps; `undefined` where one has been dropped. */
  values: unknown[];
  /** The first entry that counts. */
  head: number;
}

/** Entries that are moved one by one for an element that comes late; `splice` allocates. */
const NEAR_MAX = 64;

/** Dropped entries that are not worth an array of their own. */
const DROPPED_MIN = 32;

/** A buffer with its first element: literals have room for just that, `push` makes room for 17. */
export function createBuffer(timestamp: number, value: unknown): TimeSortedBuffer {
  return {timestamps: [timestamp], values: [value], head: 0};
}

export function isEmpty(buffer: TimeSortedBuffer): boolean {
  return buffer.head === buffer.timestamps.length;
}

/** The largest timestamp, or -Infinity. */
export function lastTimestamp({timestamps, head}: TimeSortedBuffer): number {
  return timestamps.length === head ? -Infinity : timestamps[timestamps.length - 1]!;
}

/** Puts an element behind all that are not later. */
export function insert(buffer: TimeSortedBuffer, timestamp: number, value: unknown): void {
  const {timestamps, values, head} = buffer;
  let at = timestamps.length;
  const near = Math.max(head, at - NEAR_MAX);
  if (at > near && timestamps[near]! > timestamp) {
    insertFar(buffer, timestamp, value);
    return;
  }
  timestamps.push(timestamp);
  values.push(value);
  for (; at > near && timestamps[at - 1]! > timestamp; at -= 1) {
    timestamps[at] = timestamps[at - 1]!;
    values[at] = values[at - 1];
  }
  timestamps[at] = timestamp;
  values[at] = value;
}

function insertFar(buffer: TimeSortedBuffer, timestamp: number, value: unknown): void {
  const at = firstAfter(buffer, timestamp);
  buffer.timestamps.splice(at, 0, timestamp);
  buffer.values.splice(at, 0, value);
}

/** The position of the first entry whose timestamp is at least `timestamp`. */
export function firstFrom({timestamps, head}: TimeSortedBuffer, timestamp: number): number {
  let low = head;
  let high = timestamps.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (timestamps[middle]! < timestamp) low = middle + 1;
    else high = middle;
  }
  return low;
}

function firstAfter({timestamps, head}: TimeSortedBuffer, timestamp: number): number {
  let low = head;
  let high = timestamps.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (timestamps[middle]! <= timestamp) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Drops the entries that `lifeMs` after their timestamp are not later than `watermark`. */
export function dropOld(buffer: TimeSortedBuffer, lifeMs: number, watermark: number): void {
  const {timestamps, values} = buffer;
  let {head} = buffer;
  while (head < timestamps.length && timestamps[head]! + lifeMs <= watermark) {
    values[head] = undefined;
    head += 1;
  }
  if (head === 0) return;
  if (head === timestamps.length) {
    buffer.timestamps = [];
    buffer.values = [];
    buffer.head = 0;
  } else if (head > DROPPED_MIN && head * 2 > timestamps.length) {
    buffer.timestamps = timestamps.slice(head);
    buffer.values = values.slice(head);
    buffer.head = 0;
  } else {
    buffer.head = head;
  }
}
