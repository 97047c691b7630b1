/**
 * wordcount as a plain program: each worker reads half of the file (cut at a line), finds words in
 * the bytes and counts them in a table of its own; nothing crosses before the end. That is what one
 * would write by hand: the counts of the two halves are added by the main thread.
 *
 * A word of ASCII is lower-cased and hashed byte by byte and never becomes a string before the end.
 * A word with any other character is decoded and treated by the regular expression.
 *
 *   table:  slot → hash, start and length in the byte heap, count; open addressing, half full at most
 */
import {closeSync, openSync, readSync} from 'node:fs';
import {servePair} from './pair.ts';

export interface WordcountRun {
  readonly file: string;
  /** Each worker takes the lines that begin in its half. */
  readonly bytes: number;
}

export interface WordcountResult {
  readonly words: string[];
  readonly counts: number[];
}

const BLOCK = 1 << 20;
const WORDS = /[\p{L}\p{N}]+/gu;

/** 0: no part of a word; else the lower-cased byte. From 128 up: 255, look closer. */
const CLASS = new Uint8Array(256);
for (let byte = 0; byte < 256; byte += 1) {
  const text = String.fromCharCode(byte);
  if (byte >= 128) CLASS[byte] = 255;
  else if (/[\p{L}\p{N}]/u.test(text)) CLASS[byte] = text.toLowerCase().charCodeAt(0);
}

class WordTable {
  #mask = (1 << 16) - 1;
  #slots = new Int32Array((this.#mask + 1) * 4);
  #heap = new Uint8Array(1 << 20);
  #heapEnd = 0;
  #size = 0;
  /** Words that are not ASCII. */
  readonly others = new Map<string, number>();

  /** Counts the word `bytes[from … to)`, which is in lower case and has this hash. */
  add(bytes: Uint8Array, from: number, to: number, hash: number): void {
    const slots = this.#slots;
    const heap = this.#heap;
    const length = to - from;
    let slot = (hash ^ (hash >>> 15)) & this.#mask;
    probe: for (;;) {
      const row = slot * 4;
      if (slots[row + 3] === 0) return this.#insert(row, bytes, from, to, hash);
      if (slots[row] === hash && slots[row + 2] === length) {
        const start = slots[row + 1];
        for (let i = 0; i < length; i += 1) {
          if (heap[start + i] !== bytes[from + i]) {
            slot = (slot + 1) & this.#mask;
            continue probe;
          }
        }
        slots[row + 3] += 1;
        return;
      }
      slot = (slot + 1) & this.#mask;
    }
  }

  #insert(row: number, bytes: Uint8Array, from: number, to: number, hash: number): void {
    if (this.#heapEnd + to - from > this.#heap.length) {
      const heap = new Uint8Array(this.#heap.length * 2 + to - from);
      heap.set(this.#heap);
      this.#heap = heap;
    }
    this.#slots[row] = hash;
    this.#slots[row + 1] = this.#heapEnd;
    this.#slots[row + 2] = to - from;
    this.#slots[row + 3] = 1;
    this.#heap.set(bytes.subarray(from, to), this.#heapEnd);
    this.#heapEnd += to - from;
    this.#size += 1;
    if (this.#size * 2 > this.#mask) this.#grow();
  }

  #grow(): void {
    const old = this.#slots;
    this.#mask = this.#mask * 2 + 1;
    this.#slots = new Int32Array((this.#mask + 1) * 4);
    for (let row = 0; row < old.length; row += 4) {
      if (old[row + 3] === 0) continue;
      let slot = (old[row] ^ (old[row] >>> 15)) & this.#mask;
      while (this.#slots[slot * 4 + 3] !== 0) slot = (slot + 1) & this.#mask;
      this.#slots.set(old.subarray(row, row + 4), slot * 4);
    }
  }

  result(): WordcountResult {
    const words = [...this.others.keys()];
    const counts = [...this.others.values()];
    const heap = Buffer.from(this.#heap.buffer);
    for (let row = 0; row < this.#slots.length; row += 4) {
      const [, start, length, count] = this.#slots.subarray(row, row + 4);
      if (count === 0) continue;
      words.push(heap.toString('latin1', start, start + length));
      counts.push(count);
    }
    return {words, counts};
  }
}

/** Counts the words of `bytes[0 … end)`, which ends with a line; words are lower-cased in place. */
function countWords(table: WordTable, bytes: Buffer, end: number): void {
  let at = 0;
  while (at < end) {
    let byte = CLASS[bytes[at]];
    if (byte === 0) {
      at += 1;
      continue;
    }
    const from = at;
    let hash = 0;
    while (byte !== 0 && byte !== 255) {
      bytes[at] = byte;
      hash = Math.imul(hash ^ byte, 0x01000193);
      byte = at + 1 < end ? CLASS[bytes[at + 1]] : 0;
      at += 1;
    }
    if (byte === 0) {
      table.add(bytes, from, at, hash);
      continue;
    }
    // The run of word and foreign bytes around it is decoded; it may hold several words.
    while (at < end && CLASS[bytes[at]] !== 0) at += 1;
    for (const found of bytes.toString('utf8', from, at).match(WORDS) ?? []) {
      const word = found.toLowerCase();
      table.others.set(word, (table.others.get(word) ?? 0) + 1);
    }
  }
}

/** The first position from `position` on at which a line begins. */
function lineStart(file: number, position: number): number {
  if (position === 0) return 0;
  const buffer = Buffer.allocUnsafe(1 << 16);
  for (let at = position - 1; ; at += buffer.length) {
    const read = readSync(file, buffer, 0, buffer.length, at);
    if (read === 0) return at;
    const found = buffer.subarray(0, read).indexOf(10);
    if (found >= 0) return at + found + 1;
  }
}

servePair(({file: path, bytes}: WordcountRun, {self}): WordcountResult => {
  const file = openSync(path, 'r');
  const end = lineStart(file, self === 0 ? Math.floor(bytes / 2) : bytes);
  let at = self === 0 ? 0 : lineStart(file, Math.floor(bytes / 2));
  const table = new WordTable();
  const buffer = Buffer.allocUnsafe(BLOCK);
  let kept = 0;
  while (at < end || kept > 0) {
    const read = readSync(file, buffer, kept, Math.min(buffer.length - kept, end - at), at);
    at += read;
    const filled = kept + read;
    const lines = at === end ? filled : buffer.lastIndexOf(10, filled - 1) + 1;
    if (lines === 0) throw new Error('a line is longer than the buffer');
    countWords(table, buffer, lines);
    buffer.copy(buffer, 0, lines, filled);
    kept = filled - lines;
  }
  closeSync(file);
  return table.result();
});
