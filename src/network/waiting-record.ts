/** What waits in a record writer for credit or room, in the order in which it was emitted. */
import {decodeOversized, encodeOversized} from '../records/batch-writer.ts';
import type {OutgoingPayload} from './payload.ts';

/** A complete batch without credit. */
export interface ParkedBatch {
  readonly segment: number;
  readonly rows: number;
  readonly usedBytes: number;
}

/** A record that could not be placed: its value, or its encoded form if it is oversized. */
export interface UnplacedRecord {
  readonly channel: number;
  readonly event: undefined;
  readonly value: unknown;
  readonly timestamp: number;
  payload: OutgoingPayload | undefined;
}

/** What a channel is told between its records. */
export interface WriterEvent {
  readonly kind: number;
  readonly a: number;
  readonly b: number;
}

/** An event that could not be sent, because what was emitted before it waits. */
interface UnplacedEvent {
  readonly channel: number;
  readonly event: WriterEvent;
}

export type WaitingRecord = UnplacedRecord | UnplacedEvent;

/** A record that has not been encoded yet. */
export function unplaced(channel: number, value: unknown, timestamp: number): UnplacedRecord {
  return {channel, event: undefined, value, timestamp, payload: undefined};
}

/** A copy that the user's code cannot change; the value itself if it is not plain data. */
export function copyOfRecord(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  try {
    return decodeOversized(encodeOversized(value, NaN)).value;
  } catch {
    // The schema may project away what cannot be carried: then `append` takes it, later as now.
    return value;
  }
}
