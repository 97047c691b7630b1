/**
 * Keyed rows whose keys are texts. A key can be looked up by its bytes where they lie in a batch, so that
 * a known key never becomes a JavaScript string again: that costs a new object, a hash over it, and a
 * comparison with a string somewhere on the heap (300 ns per word of a text, against 40; the words of
 * bench/jobs/wordcount.ts).
 *
 *   slots    [ hash | row + 1 ] …      open addressing, linear probing, half full at most
 *   starts   where the bytes of a row's key begin, lengths how many there are
 *   bytes    the keys, one after the other, one byte per UTF-16 unit
 *
 * Only texts of units up to 0xFF have such bytes; others live in a Map. No text is of both kinds. Bytes of
 * removed keys are left over until the table grows.
 */
import {flattenString} from '../records/flatten.ts';
import {DenseRows} from './dense-rows.ts';
import {NO_ROW} from './keyed-rows.ts';
import {LargeMap} from './large-map.ts';

const SLOTS_MIN = 1024;
const ROWS_MIN = SLOTS_MIN / 2;
const BYTES_MIN = 8192;

const HASH_START = 0x811c9dc5 | 0;
const HASH_STEP = 0x01000193;

/** The row word of an empty slot, and of one whose key was removed: probes go on behind it. */
const EMPTY = 0;
const REMOVED = -1;

/** `hashText` of a text that has no bytes. */
const WIDE = NaN;

export class StringKeyTable extends DenseRows<string> {
  readonly keyKind = 'string';
  /** Positions of keys with units above 0xFF. */
  readonly #wide = new LargeMap<string>();
  #slots = new Int32Array(2 * SLOTS_MIN);
  #mask = SLOTS_MIN - 1;
  /** Slots that are not empty. */
  #used = 0;
  #starts = new Int32Array(ROWS_MIN);
  #lengths = new Int32Array(ROWS_MIN);
  #bytes = new Uint8Array(BYTES_MIN);
  #bytesUsed = 0;

  override get sizeBytes(): number {
    const own = this.#slots.byteLength + this.#starts.byteLength + this.#lengths.byteLength;
    return super.sizeBytes + own + this.#bytes.byteLength;
  }

  accepts(key: unknown): boolean {
    return typeof key === 'string';
  }

  find(key: string): number {
    const hash = hashText(key);
    if (hash !== hash) return this.#wide.get(key) ?? NO_ROW;
    const slot = this.#slotOfText(key, hash);
    return slot < 0 ? NO_ROW : (this.#slots[slot + 1]! - 1) * this.stride;
  }

  /** As `find`, for the text whose units are the bytes from `start` to `end - 1`. */
  findBytes(bytes: Uint8Array, start: number, end: number): number {
    let hash = HASH_START;
    for (let i = start; i < end; i += 1) hash = Math.imul(hash ^ bytes[i]!, HASH_STEP);
    const slots = this.#slots;
    const mask = this.#mask;
    const length = end - start;
    let slot = (hash ^ (hash >>> 15)) & mask;
    probe: for (;;) {
      const rowWord = slots[2 * slot + 1]!;
      if (rowWord === EMPTY) return NO_ROW;
      if (slots[2 * slot] === hash && rowWord > 0 && this.#lengths[rowWord - 1] === length) {
        const own = this.#bytes;
        const from = this.#starts[rowWord - 1]!;
        for (let i = 0; i < length; i += 1) {
          if (own[from + i] !== bytes[start + i]) {
            slot = (slot + 1) & mask;
            continue probe;
          }
        }
        return (rowWord - 1) * this.stride;
      }
      slot = (slot + 1) & mask;
    }
  }

  upsert(key: string): number {
    const found = this.find(key);
    this.wasInserted = found === NO_ROW;
    if (!this.wasInserted) return found;
    const kept = flattenString(key);
    const position = this.addRow(kept);
    const hash = hashText(kept);
    if (hash !== hash) this.#wide.add(kept, position);
    else this.#addText(kept, hash, position / this.stride);
    return position;
  }

  remove(key: string): boolean {
    const position = this.find(key);
    if (position === NO_ROW) return false;
    const hash = hashText(key);
    if (hash !== hash) this.#wide.delete(key);
    else this.#slots[this.#slotOfText(key, hash) + 1] = REMOVED;
    const row = position / this.stride;
    if (row < this.#lengths.length) this.#lengths[row] = 0;
    this.dropRow(position);
    return true;
  }

  /** Where in `#slots` the slot of a key with bytes is, or -1. */
  #slotOfText(key: string, hash: number): number {
    const slots = this.#slots;
    let slot = (hash ^ (hash >>> 15)) & this.#mask;
    for (;;) {
      const rowWord = slots[2 * slot + 1]!;
      if (rowWord === EMPTY) return -1;
      const isSame = rowWord > 0 && slots[2 * slot] === hash;
      if (isSame && this.keyAt((rowWord - 1) * this.stride) === key) return 2 * slot;
      slot = (slot + 1) & this.#mask;
    }
  }

  #addText(key: string, hash: number, row: number): void {
    if (2 * (this.#used + 1) > this.#mask) this.#rehash();
    this.#reserve(row, key.length);
    const bytes = this.#bytes;
    const start = this.#bytesUsed;
    for (let i = 0; i < key.length; i += 1) bytes[start + i] = key.charCodeAt(i);
    this.#bytesUsed = start + key.length;
    this.#starts[row] = start;
    this.#lengths[row] = key.length;
    this.#fillSlot(hash, row);
  }

  #fillSlot(hash: number, row: number): void {
    const slots = this.#slots;
    let slot = (hash ^ (hash >>> 15)) & this.#mask;
    while (slots[2 * slot + 1] !== EMPTY) slot = (slot + 1) & this.#mask;
    slots[2 * slot] = hash;
    slots[2 * slot + 1] = row + 1;
    this.#used += 1;
  }

  /** Room for one more row and for the bytes of its key. */
  #reserve(row: number, length: number): void {
    if (row >= this.#starts.length) {
      this.#starts = grown(this.#starts, 2 * row);
      this.#lengths = grown(this.#lengths, 2 * row);
    }
    const needed = this.#bytesUsed + length;
    if (needed <= this.#bytes.length) return;
    const bytes = new Uint8Array(Math.max(2 * this.#bytes.length, needed));
    bytes.set(this.#bytes);
    this.#bytes = bytes;
  }

  /** Makes the table larger, or, if it is full of removed keys, as large as it was. */
  #rehash(): void {
    const old = this.#slots;
    let slotCount = this.#mask + 1;
    while (slotCount < 4 * (this.size + 1)) slotCount *= 2;
    this.#slots = new Int32Array(2 * slotCount);
    this.#mask = slotCount - 1;
    this.#used = 0;
    this.#packBytes();
    for (let slot = 0; slot < old.length; slot += 2) {
      if (old[slot + 1]! > 0) this.#fillSlot(old[slot]!, old[slot + 1]! - 1);
    }
  }

  /** Leaves out the bytes of removed keys. */
  #packBytes(): void {
    const old = this.#bytes;
    const packed = new Uint8Array(old.length);
    let used = 0;
    for (let at = this.nextRow(0); at !== NO_ROW; at = this.nextRow(at + this.stride)) {
      const row = at / this.stride;
      // The row that is being added, and those of wide keys, have no bytes.
      const length = row < this.#lengths.length ? this.#lengths[row]! : 0;
      if (length === 0) continue;
      const start = this.#starts[row]!;
      packed.set(old.subarray(start, start + length), used);
      this.#starts[row] = used;
      used += length;
    }
    this.#bytes = packed;
    this.#bytesUsed = used;
  }
}

/** The hash over the units of a text, or `WIDE` if one of them does not fit a byte. */
function hashText(text: string): number {
  let hash = HASH_START;
  let units = 0;
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    units |= unit;
    hash = Math.imul(hash ^ unit, HASH_STEP);
  }
  return units > 0xff ? WIDE : hash;
}

function grown(words: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(length);
  larger.set(words);
  return larger;
}
