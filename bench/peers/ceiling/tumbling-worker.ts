/**
 * J3x as a plain program, in the manner of j2x-worker.ts: this thread makes its half of the records, sends
 * those of the other thread's keys through slots of three columns, and counts its own keys per window.
 *
 * Both sources go along the same time, each in order, so a batch says how far its source has come: the time
 * of its last row. A window is over when both sources are past it.
 *
 * There is one table per open window, used again when it has been emptied; at most a few are open, because
 * one source is ahead of the other by what lies between them. A row is {key + 1, count} int32, 8 bytes;
 * the key itself is the hash.
 */
import {murmur} from '../../../src/base/hash.ts';
import {rangeOf} from '../../jobs/j2x.ts';
import type {TumblingParameters} from '../../jobs/windows.ts';
import {servePair, type PairData} from './pair.ts';
import {END, Idler, SLOTS, SLOT_BYTES, SlotReader, SlotWriter, slotOffset} from './slot-ring.ts';

export interface TumblingResult {
  readonly results: number;
  readonly counts: number;
  readonly squares: number;
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

/** What `ownerOf` of jobs/j2x.ts computes, for 128 key groups and two workers. */
function ownerOf(key: number): number {
  return (murmur(key) & 127) >> 6;
}

/** Counts `rows` rows from `from` on into a table, as long as they lie before `end`; where it stopped. */
function count(
  words: Int32Array,
  mask: number,
  {keys, times}: Columns,
  from: number,
  rows: number,
  end: number,
): number {
  let i = from;
  for (; i < rows && times[i] < end; i += 1) {
    const key = keys[i];
    let slot = key & mask;
    let held = words[slot << 1];
    while (held !== key + 1) {
      if (held === 0) {
        words[slot << 1] = key + 1;
        break;
      }
      slot = (slot + 1) & mask;
      held = words[slot << 1];
    }
    words[(slot << 1) + 1] += 1;
  }
  return i;
}

class Windows {
  readonly #sizeMs: number;
  readonly #capacity: number;
  readonly #open = new Map<number, Int32Array>();
  readonly #free: Int32Array[] = [];
  /** How far each source has come. */
  readonly #times = [-1, -1];
  #fired = 0;
  results = 0;
  counts = 0;
  squares = 0;

  constructor({keys, sizeMs}: TumblingParameters) {
    this.#sizeMs = sizeMs;
    // Each thread owns about half of the keys.
    this.#capacity = 2 ** Math.ceil(Math.log2(keys));
  }

  take(batch: Columns, rows: number, source: number): void {
    for (let at = 0; at < rows;) {
      const window = Math.floor(batch.times[at] / this.#sizeMs);
      let words = this.#open.get(window);
      if (words === undefined) {
        words = this.#free.pop() ?? new Int32Array(this.#capacity * 2);
        this.#open.set(window, words);
      }
      const end = (window + 1) * this.#sizeMs;
      at = count(words, this.#capacity - 1, batch, at, rows, end);
    }
    this.advance(source, batch.times[rows - 1]);
  }

  /** Source `source` has come to `time`. */
  advance(source: number, time: number): void {
    this.#times[source] = time;
    const now = Math.min(this.#times[0], this.#times[1]);
    while ((this.#fired + 1) * this.#sizeMs <= now && this.#open.size > 0) {
      this.#fire(this.#fired);
      this.#fired += 1;
    }
  }

  #fire(window: number): void {
    const words = this.#open.get(window);
    if (words === undefined) return;
    this.#open.delete(window);
    for (let at = 0; at < words.length; at += 2) {
      if (words[at] === 0) continue;
      const n = words[at + 1];
      this.results += 1;
      this.counts += n;
      this.squares += n * n;
    }
    words.fill(0);
    this.#free.push(words);
  }
}

function produce(
  {keys: keyCount, perMs}: TumblingParameters,
  first: number,
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
  const begin = remoteFill;
  for (let i = from; i < to; i += 1) {
    const key = (Math.imul(i, 0x9e3779b1) >>> 0) % keyCount;
    const time = Math.floor((i - first) / perMs);
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
  return remoteFill - begin;
}

function work(run: TumblingParameters, {self, rings, bells}: PairData): TumblingResult {
  const writer = new SlotWriter(rings[self], bells[1 - self]);
  const reader = new SlotReader(rings[1 - self], bells[1 - self]);
  const columns = (buffer: SharedArrayBuffer) =>
    Array.from({length: SLOTS}, (_, slot) => new Columns(buffer, slotOffset(slot)));
  const outgoing = columns(rings[self]);
  const incoming = columns(rings[1 - self]);
  const local = new Columns(new ArrayBuffer(SLOT_BYTES), 0);
  const windows = new Windows(run);
  const idler = new Idler(bells[self]);

  const {from, to} = rangeOf(run.records, self);
  let next = from;
  let slot = -1;
  let localFill = 0;
  let remoteFill = 0;
  let sentEnd = false;
  let sawEnd = false;

  while (!sentEnd || !sawEnd) {
    let hadWork = false;
    idler.look();

    const arrived = sawEnd ? -1 : reader.next();
    if (arrived >= 0) {
      const rows = reader.count(arrived);
      if (rows === END) {
        sawEnd = true;
        windows.advance(1 - self, Infinity);
      } else {
        windows.take(incoming[arrived], rows, 1 - self);
      }
      reader.release();
      hadWork = true;
    }

    if (slot < 0 && !sentEnd) slot = writer.claim();
    if (slot >= 0) {
      const limit = Math.min(next + ROWS - Math.max(localFill, remoteFill), to);
      if (limit > next) {
        const remote = outgoing[slot];
        const sent = produce(run, from, next, limit, self, local, localFill, remote, remoteFill);
        remoteFill += sent;
        localFill += limit - next - sent;
        next = limit;
        hadWork = true;
      }
      const isLast = next === to;
      if (localFill === ROWS || (isLast && localFill > 0)) {
        windows.take(local, localFill, self);
        localFill = 0;
      }
      if (remoteFill === ROWS || (isLast && remoteFill > 0)) {
        writer.publish(remoteFill);
        remoteFill = 0;
        slot = -1;
      } else if (isLast) {
        windows.advance(self, Infinity);
        writer.publish(END);
        sentEnd = true;
        slot = -1;
      }
    }
    idler.idle(hadWork, undefined);
  }
  const {results, counts, squares} = windows;
  return {results, counts, squares};
}

servePair(work);
