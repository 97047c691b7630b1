/**
 * J2x, and its open-loop form for `latency`, as a plain program: this thread makes its half of the
 * records, sends those of the other thread's keys through slots of three columns, and counts its
 * own keys. Nothing is general: the columns, the hash and the two partitions are written out.
 *
 *   slot:  key int32 × ROWS | value int32 × ROWS | ts float64 × ROWS
 *
 * Records for this thread itself go through a batch of the same form, which costs less than counting
 * them one by one between two writes. A row is written to both batches and only one of them moves on:
 * half of all rows go either way, in no order that a branch could be predicted by (12 ns per record
 * against 15, with the counting).
 *
 * State is one table for both key counts: open addressing, as large as there are keys, so at most
 * about half full; a row is {key + 1, count} int32 and {sum} float64 in 16 bytes, one cache line. The
 * key itself is the hash, as for Java's Integer: dense keys never collide (with a million keys 67 ns
 * against 91 for a mixed hash). Losing variants: touching all rows of a batch first, so that their
 * cache misses overlap (70–84 ns with a mixed hash, nothing with this one); counts and sums in two
 * arrays (two misses instead of one).
 */
import {murmur} from '../../../src/base/hash.ts';
import {keyOf1024, keyOfMillion, rangeOf} from '../../jobs/j2x.ts';
import {SAMPLE} from '../../jobs/latency.ts';
import {LatencyCounts} from '../../lib/statistics.ts';
import {servePair, type PairData} from './pair.ts';
import {END, Idler, SLOTS, SLOT_BYTES, SlotReader, SlotWriter, slotOffset} from './slot-ring.ts';

export interface J2xRun {
  readonly records: number;
  readonly keys: number;
  /** For an open load: when it begins (as `clockMs`), and records per ms and thread; else 0. */
  readonly startMs: number;
  readonly ratePerMs: number;
  /** What is due earlier is not timed. */
  readonly timedFromMs: number;
}

export interface J2xResult {
  readonly updates: number;
  readonly counts: number;
  readonly latencies: Int32Array | undefined;
}

const ROWS = SLOT_BYTES / 16;

class Columns {
  readonly keys: Int32Array;
  readonly values: Int32Array;
  readonly times: Float64Array;

  constructor(buffer: ArrayBufferLike, offset: number) {
    this.keys = new Int32Array(buffer, offset, ROWS);
    this.values = new Int32Array(buffer, offset + ROWS * 4, ROWS);
    this.times = new Float64Array(buffer, offset + ROWS * 8, ROWS);
  }
}

function slotColumns(buffer: SharedArrayBuffer): Columns[] {
  return Array.from({length: SLOTS}, (_, slot) => new Columns(buffer, slotOffset(slot)));
}

/** Milliseconds on a clock that all threads of this process share. */
function clockMs(): number {
  return performance.timeOrigin + performance.now();
}

/** Count and sum per key. */
class Table {
  readonly words: Int32Array;
  readonly sums: Float64Array;
  readonly mask: number;

  constructor(keys: number) {
    // Each thread owns about half of the keys.
    const capacity = 2 ** Math.ceil(Math.log2(keys));
    this.words = new Int32Array(capacity * 4);
    this.sums = new Float64Array(this.words.buffer);
    this.mask = capacity - 1;
  }
}

/** Adds a batch to the table; the result is the sum of the counts that the updates carry. */
function consume(table: Table, batch: Columns, count: number): number {
  const {keys, values} = batch;
  const {words, sums, mask} = table;
  let folded = 0;
  for (let i = 0; i < count; i += 1) {
    const key = keys[i];
    let slot = key & mask;
    let held = words[slot << 2];
    while (held !== key + 1) {
      if (held === 0) {
        words[slot << 2] = key + 1;
        break;
      }
      slot = (slot + 1) & mask;
      held = words[slot << 2];
    }
    const updated = words[(slot << 2) + 1] + 1;
    words[(slot << 2) + 1] = updated;
    sums[(slot << 1) + 1] += values[i];
    folded += updated;
  }
  return folded;
}

/** Times the sampled records of a batch, at its end: each with a clock read of its own. */
function time(
  latencies: LatencyCounts,
  {values, times}: Columns,
  count: number,
  fromMs: number,
): void {
  for (let i = 0; i < count; i += 1) {
    if (values[i] % SAMPLE === 0 && times[i] >= fromMs) latencies.record(clockMs() - times[i]);
  }
}

/** What `ownerOf` of jobs/j2x.ts computes, for 128 key groups and two workers. */
function ownerOf(key: number): number {
  return (murmur(key) & 127) >> 6;
}

/** Makes records `from` to `to`; returns how many of them go to the other thread. */
function produce1024(
  from: number,
  to: number,
  self: number,
  local: Columns,
  localFill: number,
  remote: Columns,
  remoteFill: number,
): number {
  const {keys: localKeys, values: localValues, times: localTimes} = local;
  const {keys: remoteKeys, values: remoteValues, times: remoteTimes} = remote;
  const first = remoteFill;
  for (let i = from; i < to; i += 1) {
    const key = keyOf1024(i);
    const time = (i / 100) | 0;
    const isRemote = ownerOf(key) ^ self;
    localKeys[localFill] = key;
    localValues[localFill] = i;
    localTimes[localFill] = time;
    remoteKeys[remoteFill] = key;
    remoteValues[remoteFill] = i;
    remoteTimes[remoteFill] = time;
    localFill += 1 - isRemote;
    remoteFill += isRemote;
  }
  return remoteFill - first;
}

/** The same for a million keys. A function of its own, so that the key's is inlined in both. */
function produceMillion(
  from: number,
  to: number,
  self: number,
  local: Columns,
  localFill: number,
  remote: Columns,
  remoteFill: number,
): number {
  const {keys: localKeys, values: localValues, times: localTimes} = local;
  const {keys: remoteKeys, values: remoteValues, times: remoteTimes} = remote;
  const first = remoteFill;
  for (let i = from; i < to; i += 1) {
    const key = keyOfMillion(i);
    const time = (i / 100) | 0;
    const isRemote = ownerOf(key) ^ self;
    localKeys[localFill] = key;
    localValues[localFill] = i;
    localTimes[localFill] = time;
    remoteKeys[remoteFill] = key;
    remoteValues[remoteFill] = i;
    remoteTimes[remoteFill] = time;
    localFill += 1 - isRemote;
    remoteFill += isRemote;
  }
  return remoteFill - first;
}

/** Overwrites the times of new rows by the moments at which they were due. */
function stamp(batch: Columns, from: number, to: number, first: number, run: J2xRun): void {
  for (let i = from; i < to; i += 1) {
    batch.times[i] = run.startMs + (batch.values[i] - first) / run.ratePerMs;
  }
}

function work(run: J2xRun, {self, rings, bells}: PairData): J2xResult {
  const writer = new SlotWriter(rings[self], bells[1 - self]);
  const reader = new SlotReader(rings[1 - self], bells[1 - self]);
  const outgoing = slotColumns(rings[self]);
  const incoming = slotColumns(rings[1 - self]);
  const local = new Columns(new ArrayBuffer(SLOT_BYTES), 0);
  const table = new Table(run.keys);
  const idler = new Idler(bells[self]);
  const produce = run.keys === 1024 ? produce1024 : produceMillion;
  const isOpen = run.ratePerMs > 0;
  const latencies = isOpen ? new LatencyCounts() : undefined;

  const {from, to} = rangeOf(run.records, self);
  let next = from;
  let slot = -1;
  let localFill = 0;
  let remoteFill = 0;
  let sentEnd = false;
  let sawEnd = false;
  let updates = 0;
  let counts = 0;

  while (!sentEnd || !sawEnd) {
    let hadWork = false;
    idler.look();

    const arrived = sawEnd ? -1 : reader.next();
    if (arrived >= 0) {
      const count = reader.count(arrived);
      if (count === END) {
        sawEnd = true;
      } else {
        counts += consume(table, incoming[arrived], count);
        if (latencies !== undefined) time(latencies, incoming[arrived], count, run.timedFromMs);
        updates += count;
      }
      reader.release();
      hadWork = true;
    }

    if (slot < 0 && !sentEnd) slot = writer.claim();
    if (slot >= 0) {
      const due = isOpen ? Math.floor((clockMs() - run.startMs) * run.ratePerMs) + from : to;
      const room = ROWS - Math.max(localFill, remoteFill);
      const limit = Math.min(next + room, to, due);
      if (limit > next) {
        const remote = outgoing[slot];
        const sent = produce(next, limit, self, local, localFill, remote, remoteFill);
        const kept = limit - next - sent;
        if (isOpen) {
          stamp(remote, remoteFill, remoteFill + sent, from, run);
          stamp(local, localFill, localFill + kept, from, run);
        }
        remoteFill += sent;
        localFill += kept;
        next = limit;
        hadWork = true;
      }
      // Under an open load nothing waits for a batch to fill up.
      const flush = next === to || isOpen;
      if (localFill === ROWS || (flush && localFill > 0)) {
        counts += consume(table, local, localFill);
        if (latencies !== undefined) time(latencies, local, localFill, run.timedFromMs);
        updates += localFill;
        localFill = 0;
      }
      if (remoteFill === ROWS || (flush && remoteFill > 0)) {
        writer.publish(remoteFill);
        remoteFill = 0;
        slot = -1;
      } else if (next === to) {
        writer.publish(END);
        sentEnd = true;
        slot = -1;
      }
    }
    idler.idle(hadWork, isOpen ? 0.1 : undefined);
  }
  return {updates, counts, latencies: latencies?.counts};
}

servePair(work);
