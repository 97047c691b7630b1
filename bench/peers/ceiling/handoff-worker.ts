/**
 * handoff as a plain program: worker 0 makes the records, worker 1 counts them per key.
 *
 *   slot:  key int32 × ROWS | flags int32 × ROWS | value float64 × ROWS | ts float64 × ROWS
 */
import {HANDOFF_KEYS, handoffFlags, handoffKey, handoffTime} from '../../jobs/handoff.ts';
import {servePair, type PairData} from './pair.ts';
import {END, Idler, SLOTS, SlotReader, SlotWriter, slotOffset} from './slot-ring.ts';

export interface HandoffRun {
  readonly records: number;
}

export interface HandoffResult {
  readonly received: number;
  readonly counts: number;
  readonly fields: number;
}

const ROWS = 2048;

class Columns {
  readonly keys: Int32Array;
  readonly flags: Int32Array;
  readonly values: Float64Array;
  readonly times: Float64Array;

  constructor(buffer: SharedArrayBuffer, offset: number) {
    this.keys = new Int32Array(buffer, offset, ROWS);
    this.flags = new Int32Array(buffer, offset + ROWS * 4, ROWS);
    this.values = new Float64Array(buffer, offset + ROWS * 8, ROWS);
    this.times = new Float64Array(buffer, offset + ROWS * 16, ROWS);
  }
}

function slotColumns(buffer: SharedArrayBuffer): Columns[] {
  return Array.from({length: SLOTS}, (_, slot) => new Columns(buffer, slotOffset(slot)));
}

function fill({keys, flags, values, times}: Columns, first: number, count: number): void {
  for (let row = 0; row < count; row += 1) {
    const i = first + row;
    keys[row] = handoffKey(i);
    flags[row] = handoffFlags(i);
    values[row] = i;
    times[row] = handoffTime(i);
  }
}

function produce(records: number, {rings, bells}: PairData): HandoffResult {
  const writer = new SlotWriter(rings[0], bells[1]);
  const slots = slotColumns(rings[0]);
  const idler = new Idler(bells[0]);
  let next = 0;
  for (let done = false; !done;) {
    idler.look();
    const slot = writer.claim();
    if (slot >= 0) {
      const count = Math.min(ROWS, records - next);
      done = count === 0;
      if (!done) fill(slots[slot], next, count);
      writer.publish(done ? END : count);
      next += count;
    }
    idler.idle(slot >= 0);
  }
  return {received: 0, counts: 0, fields: 0};
}

function consume({rings, bells}: PairData): HandoffResult {
  const reader = new SlotReader(rings[0], bells[0]);
  const slots = slotColumns(rings[0]);
  const idler = new Idler(bells[1]);
  const table = new Int32Array(HANDOFF_KEYS);
  let received = 0;
  let counts = 0;
  let fields = 0;
  for (;;) {
    idler.look();
    const slot = reader.next();
    if (slot >= 0) {
      const count = reader.count(slot);
      if (count === END) break;
      const {keys, flags, values, times} = slots[slot];
      for (let row = 0; row < count; row += 1) {
        counts += table[keys[row]] += 1;
        fields += flags[row] + values[row] + times[row];
      }
      received += count;
      reader.release();
    }
    idler.idle(slot >= 0);
  }
  reader.release();
  return {received, counts, fields};
}

servePair(({records}: HandoffRun, pair): HandoffResult =>
  pair.self === 0 ? produce(records, pair) : consume(pair),
);
