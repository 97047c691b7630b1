/**
 * handoff: one thread makes records of 24 bytes {key int32, flags int32, value float64,
 * ts float64}, another counts them per key. Checksum: records / Σ running counts / Σ of all fields
 * but the key, so that every field must have arrived.
 */
import {checksumOf, type Answer, type Job} from './job.ts';

export interface HandoffParameters {
  readonly records: number;
}

export const HANDOFF_KEYS = 1024;

export function handoffKey(i: number): number {
  return Math.imul(i, 0x9e3779b1) >>> 22;
}

export function handoffFlags(i: number): number {
  return i & 7;
}

export function handoffTime(i: number): number {
  return Math.floor(i / 100);
}

export const handoff: Job<HandoffParameters> = {
  name: 'handoff',
  module: 'handoff',
  full: {records: 90_000_000},
  smoke: {records: 20_000},
  engines: ['millrace', 'ceiling', 'piscina', 'postmessage', 'ringbuf'],
  share: {piscina: 0.02, postmessage: 0.05},

  expected({records}): Answer {
    const counts = new Map<number, number>();
    let sum = 0;
    let fields = 0;
    for (let i = 0; i < records; i += 1) {
      const key = handoffKey(i);
      const count = (counts.get(key) ?? 0) + 1;
      counts.set(key, count);
      sum += count;
      fields += handoffFlags(i) + i + handoffTime(i);
    }
    return {records, checksum: checksumOf(records, sum, fields)};
  },
};
