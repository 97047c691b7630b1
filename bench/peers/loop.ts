/**
 * The hand-written loop: what someone writes who needs no engine. One thread, plain objects, a Map,
 * functions called one after the other. In the jobs for two workers it does the same work alone.
 */
import {readSync, openSync, closeSync} from 'node:fs';
import {bid, foldTexts, type BidsParameters} from '../jobs/bids.ts';
import type {J1Parameters} from '../jobs/j1.ts';
import {j2Record, type J2Parameters} from '../jobs/j2.ts';
import {keyFunction, type J2xParameters, type J2xRecord} from '../jobs/j2x.ts';
import {checksumOf, type Outcome} from '../jobs/job.ts';
import type {StartParameters} from '../jobs/start.ts';
import {wordcountAnswer, wordcountFile, type WordcountParameters} from '../jobs/wordcount.ts';
import {coldStarts} from '../lib/cold-start.ts';
import type {Runners} from '../lib/engines.ts';

/** What a keyed count emits for each record. */
interface Update {
  readonly key: number;
  readonly count: number;
  readonly sum: number;
}

/** The sink of the keyed jobs: how many updates came, and the sum of their counts. */
class Sink {
  updates = 0;
  counts = 0;

  accept(update: Update): void {
    this.updates += 1;
    this.counts += update.count;
  }
}

/** Running count and sum per key, in a Map of objects. */
class KeyedSums {
  readonly #states = new Map<number, {count: number; sum: number}>();

  add(key: number, value: number): Update {
    let state = this.#states.get(key);
    if (state === undefined) this.#states.set(key, (state = {count: 0, sum: 0}));
    state.count += 1;
    state.sum += value;
    return {key, count: state.count, sum: state.sum};
  }
}

interface J1Record {
  readonly value: number;
}

function runJ1({records}: J1Parameters): Outcome {
  const source = (i: number): J1Record => ({value: i});
  const map = (record: J1Record): J1Record => ({value: 2 * record.value + 1});
  const filter = (record: J1Record): boolean => record.value % 3 !== 0;
  let sum = 0;
  for (let i = 0; i < records; i += 1) {
    const mapped = map(source(i));
    if (filter(mapped)) sum += mapped.value;
  }
  return {records, checksum: checksumOf(sum)};
}

function runJ2({records}: J2Parameters): Outcome {
  const sums = new KeyedSums();
  const sink = new Sink();
  for (let i = 0; i < records; i += 1) {
    const record = j2Record(i);
    sink.accept(sums.add(record.k, record.v));
  }
  return {records, checksum: checksumOf(sink.updates, sink.counts)};
}

function runJ2x({records, keys}: J2xParameters): Outcome {
  const key = keyFunction(keys);
  const source = (i: number): J2xRecord => ({key: key(i), value: i, ts: Math.floor(i / 100)});
  const sums = new KeyedSums();
  const sink = new Sink();
  for (let i = 0; i < records; i += 1) {
    const record = source(i);
    sink.accept(sums.add(record.key, record.value));
  }
  return {records, checksum: checksumOf(sink.updates, sink.counts)};
}

function runBids({records}: BidsParameters): Outcome {
  const sums = new KeyedSums();
  const sink = new Sink();
  let texts = 0;
  for (let i = 0; i < records; i += 1) {
    const record = bid(i);
    sink.accept(sums.add(record.auction, record.price));
    texts += foldTexts(record.channel, record.url, record.extra);
  }
  return {records, checksum: checksumOf(sink.updates, sink.counts, texts)};
}

function runWordcount(parameters: WordcountParameters): Outcome {
  const counts = new Map<string, number>();
  const file = openSync(wordcountFile(parameters), 'r');
  const buffer = Buffer.allocUnsafe(1 << 20);
  const words = /[\p{L}\p{N}]+/gu;
  let kept = 0;
  for (;;) {
    const read = readSync(file, buffer, kept, buffer.length - kept, null);
    const filled = kept + read;
    if (filled === 0) break;
    // Only whole lines, so that neither a word nor a character is cut.
    const end = read === 0 ? filled : buffer.lastIndexOf(10, filled - 1) + 1;
    if (end === 0) throw new Error('a line is longer than the buffer');
    for (const found of buffer.toString('utf8', 0, end).match(words) ?? []) {
      const word = found.toLowerCase();
      counts.set(word, (counts.get(word) ?? 0) + 1);
    }
    buffer.copy(buffer, 0, end, filled);
    kept = filled - end;
  }
  closeSync(file);
  return wordcountAnswer(counts);
}

function runStart({processes}: StartParameters): Promise<Outcome> {
  return coldStarts([process.execPath, '-e', '0'], processes, {printsNothing: true});
}

export const runners: Runners = {
  j1: async () => runJ1,
  j2: async () => runJ2,
  j2x: async () => runJ2x,
  bids: async () => runBids,
  wordcount: async () => runWordcount,
  start: async () => runStart,
};
