/**
 * wordcount as a plain program: each worker reads half of the file (cut at a line), finds words in
 * the bytes and counts them in a table of its own; nothing crosses before the end. That is what one
 * would write by hand: the counts of the two halves are added by the main thread.
 *
 * A word of at most 12 ASCII letters, which is nearly every word, never becomes a string before the
 * end: its bytes, lower-cased, are packed into three int32, which are the key. Any other word is
 * decoded, treated by the regular expression and counted in a Map.
 *
 *   table:  rows of int32 {bytes 0–3, bytes 4–7, bytes 8–11, count}; open addressing, half full at most
 *
 * Losing variants, on one thread, against 50 ns per word: the same table filled byte by byte (62);
 * words of any length in a byte heap beside the table, hashed and compared byte by byte (85).
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
/** Characters of a word that is packed. */
const SHORT_MAX = 12;
/** What may be read behind the end of a text. */
const GUARD = SHORT_MAX;
const MIX = 0x9e3779b1;
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
  #rows = new Int32Array((this.#mask + 1) * 4);
  #size = 0;
  /** Words that are longer or not ASCII. */
  readonly others = new Map<string, number>();

  /** Counts the word whose bytes are packed into these three. */
  add(first: number, second: number, third: number): void {
    const rows = this.#rows;
    const mask = this.#mask;
    let slot = slotOf(first, second, third) & mask;
    for (;;) {
      const row = slot << 2;
      if (rows[row] === first && rows[row + 1] === second && rows[row + 2] === third) {
        rows[row + 3] += 1;
        return;
      }
      if (rows[row + 3] === 0) return this.#insert(row, first, second, third);
      slot = (slot + 1) & mask;
    }
  }

  /** Counts the words in a piece of text. */
  addText(text: string): void {
    for (const found of text.match(WORDS) ?? []) {
      const word = found.toLowerCase();
      this.others.set(word, (this.others.get(word) ?? 0) + 1);
    }
  }

  #insert(row: number, first: number, second: number, third: number): void {
    this.#rows[row] = first;
    this.#rows[row + 1] = second;
    this.#rows[row + 2] = third;
    this.#rows[row + 3] = 1;
    this.#size += 1;
    if (this.#size * 2 > this.#mask) this.#grow();
  }

  #grow(): void {
    const old = this.#rows;
    this.#mask = this.#mask * 2 + 1;
    this.#rows = new Int32Array((this.#mask + 1) * 4);
    for (let row = 0; row < old.length; row += 4) {
      if (old[row + 3] === 0) continue;
      let slot = slotOf(old[row], old[row + 1], old[row + 2]) & this.#mask;
      while (this.#rows[slot * 4 + 3] !== 0) slot = (slot + 1) & this.#mask;
      this.#rows.set(old.subarray(row, row + 4), slot * 4);
    }
  }

  result(): WordcountResult {
    const words = [...this.others.keys()];
    const counts = [...this.others.values()];
    const bytes = Buffer.alloc(SHORT_MAX);
    for (let row = 0; row < this.#rows.length; row += 4) {
      if (this.#rows[row + 3] === 0) continue;
      for (let i = 0; i < 3; i += 1) bytes.writeInt32LE(this.#rows[row + i], i * 4);
      const end = bytes.indexOf(0);
      words.push(bytes.toString('latin1', 0, end < 0 ? SHORT_MAX : end));
      counts.push(this.#rows[row + 3]);
    }
    return {words, counts};
  }
}

function slotOf(first: number, second: number, third: number): number {
  const hash = Math.imul(first ^ Math.imul(second ^ Math.imul(third, MIX), MIX), MIX);
  return hash ^ (hash >>> 15);
}

/** Bit 7 of each of four bytes that is not an ASCII letter; the bytes are in lower case. */
function otherThanLetters(bytes: number, lower: number): number {
  // A byte from 128 up carries into those above it, but the lowest bit that is set is right.
  const letters = (lower + 0x1f1f1f1f) & ~(lower + 0x05050505);
  return (~letters | bytes) & 0x80808080;
}

/** How many bytes lie below the lowest bit that is set, which is bit 7 of a byte. */
function bytesBelow(mask: number): number {
  return (31 - Math.clz32(mask & -mask)) >> 3;
}

/**
 * Counts the words of `bytes[0 … end)`, which ends with a line. Four bytes are looked at at a time;
 * a run with anything but letters in it goes the slow way. There must be GUARD bytes behind `end`.
 */
function countWords(table: WordTable, bytes: Buffer, view: DataView, end: number): void {
  // So that a word ends there, too. It may be the first byte of the next line.
  const next = bytes[end];
  bytes[end] = 0;
  for (let at = 0; at < end;) {
    let first = 0;
    let second = 0;
    let third = 0;
    let word = view.getInt32(at, true);
    let lower = word | 0x20202020;
    let others = otherThanLetters(word, lower);
    let stop = at;
    if (others !== 0) {
      const count = bytesBelow(others);
      stop += count;
      first = lower & ((1 << (count << 3)) - 1);
    } else {
      first = lower;
      word = view.getInt32(at + 4, true);
      lower = word | 0x20202020;
      others = otherThanLetters(word, lower);
      stop += 4;
      if (others !== 0) {
        const count = bytesBelow(others);
        stop += count;
        second = lower & ((1 << (count << 3)) - 1);
      } else {
        second = lower;
        word = view.getInt32(at + 8, true);
        lower = word | 0x20202020;
        others = otherThanLetters(word, lower);
        stop += 4;
        if (others !== 0) {
          const count = bytesBelow(others);
          stop += count;
          third = lower & ((1 << (count << 3)) - 1);
        } else {
          third = lower;
          stop += 4;
        }
      }
    }
    if (CLASS[bytes[stop]] === 0) {
      if (first !== 0) table.add(first, second, third);
      at = stop + 1;
    } else at = countRun(table, bytes, at, stop);
  }
  bytes[end] = next;
}

/** The run from `from` on, of which `at` is a part: digits, foreign or many letters. */
function countRun(table: WordTable, bytes: Buffer, from: number, at: number): number {
  while (CLASS[bytes[at]] !== 0) at += 1;
  table.addText(bytes.toString('utf8', from, at));
  return at + 1;
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
  const buffer = Buffer.allocUnsafe(BLOCK + GUARD);
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
  let kept = 0;
  while (at < end || kept > 0) {
    const read = readSync(file, buffer, kept, Math.min(BLOCK - kept, end - at), at);
    at += read;
    const filled = kept + read;
    const lines = at === end ? filled : buffer.lastIndexOf(10, filled - 1) + 1;
    if (lines === 0) throw new Error('a line is longer than the buffer');
    countWords(table, buffer, view, lines);
    buffer.copy(buffer, 0, lines, filled);
    kept = filled - lines;
  }
  closeSync(file);
  return table.result();
});
