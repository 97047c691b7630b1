/**
 * The batches that one writer has open, one per target, and what appending to them needs. Fixed-width
 * columns are written straight into the segment; what goes to a heap waits in JavaScript memory until
 * the batch is closed: one string per text column, one byte buffer per column of encoded values.
 *
 * Per target `state` holds, in words from `target × stride`:
 *
 *   ROWS, CAPACITY    a target without open batch has capacity 0, so that it refuses every row
 *   SEGMENT           where the segment starts, in blocks of 8 bytes (int32 up to 16 GiB)
 *   BOUND, ROOM       bytes that the heap needs at most, and has
 *   EXACT             what BOUND was when the texts were last looked at
 *   MODES …           per heap column: plain, dictionary or local
 *   FLUSHED …         per heap column: units of its text that were written to bytes already
 *
 * A text costs one byte per unit, or two behind the first unit above 0xFF. Looking at each text would
 * cost more than storing it, so BOUND counts two, and only when BOUND reaches ROOM the texts so far are
 * searched, written to bytes, and counted exactly. Each time at least half of the remaining room is
 * won, so this happens a few times per batch, no unit is looked at twice, and the heap can never
 * overflow. The search costs nothing for texts that V8 stores as one byte per unit: the expression
 * cannot match there (42 ns for 10 000 units).
 *
 * A target whose reader is in this thread keeps its texts as they are, by reference (local-texts.ts). They
 * count as one byte per unit, so that a batch in flight is worth its segment all the same.
 *
 * One thread owns all of this; other threads see a batch only after `close`.
 */
import {assert} from '../base/assert.ts';
import type {Arena} from '../memory/arena.ts';
import {ValueEncoder} from './any-codec.ts';
import {
  endTerms,
  HEADER_HEAP_START,
  HEADER_ROW_CAPACITY,
  HEADER_ROW_COUNT,
  HEADER_SCHEMA_VERSION,
  HEADER_USED_BYTES,
  HEADER_WORDS,
  HEAP_DICTIONARY_COUNT,
  HEAP_MODE,
  HEAP_NARROW_UNITS,
  HEAP_START,
  HEAP_UNITS,
  HEAP_WORDS,
  heapRoomBytes,
  heapStartBytes,
  indexAt,
  MODE_DICTIONARY,
  MODE_LOCAL,
  MODE_PLAIN,
  rowCapacity,
  type BatchLayout,
} from './batch-layout.ts';
import {accepts} from './infer-schema.ts';
import {localTextsOf, type LocalTexts} from './local-texts.ts';
import {StringDictionary} from './string-dictionary.ts';

/** The row is written. */
export const APPENDED = 0;
/** The row is written and it was the last: close the batch. */
export const APPENDED_FULL = 1;
/** The value does not fit the schema; nothing was written. */
export const MISFIT = 2;
/** No batch is open, or its heap is full; nothing was written. Close, open, append again. */
export const NO_ROOM = 3;
/** The row would not even fit an empty batch; nothing was written. */
export const OVERSIZED = 4;

export const TARGET_ROWS = 0;
export const TARGET_CAPACITY = 1;
export const TARGET_SEGMENT = 2;
export const TARGET_BOUND = 3;
export const TARGET_ROOM = 4;
export const TARGET_EXACT = 5;
export const TARGET_MODES = 6;

/** Heap bytes per row of a text that is still unknown. */
const TEXT_BYTES_FIRST_GUESS = 24;

/** A dictionary pays while rows outnumber its entries by this factor. */
const ROWS_PER_ENTRY_MIN = 2;

/** Batches smaller than this say nothing about repetition. */
const JUDGED_ROWS_MIN = 32;

/** Batches until a dictionary is tried again; doubles with each vain attempt. */
const RETRY_BATCHES_FIRST = 64;
const RETRY_BATCHES_MAX = 8192;

/** Texts that a dictionary remembers before it is dropped. */
const DICTIONARY_SIZE_MAX = 16_384;

const WIDE = /[^\0-\xff]/;

/** What `close` tells about a batch. */
export interface ClosedBatch {
  readonly rowCount: number;
  readonly usedBytes: number;
}

/** Bytes waiting for their heap. */
interface PendingBytes {
  buffer: Buffer;
  length: number;
}

export class OpenBatches {
  readonly arena: Arena;
  readonly layout: BatchLayout;
  readonly stride: number;
  readonly state: Int32Array;
  /** Per target and heap column: the text of an open batch that is not flushed yet. */
  readonly texts: string[];
  /** Per target and heap column: the texts of an open batch in local mode, by row. */
  readonly localTexts: string[][];
  /** By target: whether what reads its batches is in this thread. */
  readonly isLocal: readonly boolean[];
  /** Per heap column; undefined unless it holds text. */
  readonly dictionaries: ReadonlyArray<StringDictionary | undefined>;
  readonly #segmentSizeBytes: number;
  readonly #schemaVersion: number;
  readonly #targetCount: number;
  readonly #encoder = new ValueEncoder();
  readonly #encodedStarts: Int32Array;
  readonly #pending: PendingBytes[];
  readonly #handedOver: LocalTexts;
  /** Per target and heap column: where each dictionary entry ends, behind a 0. */
  readonly #entryEnds: number[][];
  readonly #wantsDictionary: boolean[];
  readonly #retryIn: number[];
  readonly #retryBatches: number[];
  readonly #dictionaryUsers: number[];
  #heapBytesPerRow: number;

  constructor(
    arena: Arena,
    layout: BatchLayout,
    options: {
      segmentSizeBytes: number;
      targetCount: number;
      schemaVersion: number;
      isLocal?: readonly boolean[];
    },
  ) {
    assert(options.segmentSizeBytes % 8 === 0, 'a segment is a multiple of 8 bytes');
    const {heapCount, heaps} = layout;
    this.arena = arena;
    this.layout = layout;
    this.stride = TARGET_MODES + 2 * heapCount;
    this.state = new Int32Array(this.stride * options.targetCount);
    this.#segmentSizeBytes = options.segmentSizeBytes;
    this.#schemaVersion = options.schemaVersion;
    this.#targetCount = options.targetCount;
    const slots = options.targetCount * heapCount;
    this.texts = Array.from({length: slots}, () => '');
    this.localTexts = Array.from({length: slots}, () => NO_TEXTS);
    this.isLocal = options.isLocal ?? Array.from({length: options.targetCount}, () => false);
    assert(this.isLocal.length === options.targetCount, 'each target is local or is not');
    this.#handedOver = localTextsOf(arena);
    this.#pending = Array.from({length: slots}, () => ({buffer: NO_BYTES, length: 0}));
    this.#entryEnds = Array.from({length: slots}, () => []);
    this.dictionaries = heaps.map(({column}) =>
      column.type === 'string' ? new StringDictionary(options.targetCount) : undefined,
    );
    this.#wantsDictionary = heaps.map(({column}) => column.type === 'string');
    this.#retryIn = heaps.map(() => 0);
    this.#retryBatches = heaps.map(() => RETRY_BATCHES_FIRST);
    this.#dictionaryUsers = heaps.map(() => 0);
    this.#encodedStarts = new Int32Array(heapCount);
    this.#heapBytesPerRow = heapCount * TEXT_BYTES_FIRST_GUESS;
  }

  isOpen(target: number): boolean {
    return this.state[target * this.stride + TARGET_SEGMENT]! !== 0 || this.#isOpenAtZero(target);
  }

  /** Segment 0 of the arena is a place like any other: there ROOM tells. */
  #isOpenAtZero(target: number): boolean {
    return this.state[target * this.stride + TARGET_ROOM]! !== 0;
  }

  rowCount(target: number): number {
    return this.state[target * this.stride + TARGET_ROWS]!;
  }

  open(target: number, segmentOffsetBytes: number, rowLimit: number = Infinity): void {
    const {state, layout} = this;
    assert(rowLimit >= 1, 'a batch takes at least one row');
    const at = target * this.stride;
    assert(target >= 0 && target < this.#targetCount, 'a batch is opened for a target there is');
    assert(!this.isOpen(target), 'a target has one open batch at most');
    assert(segmentOffsetBytes % 8 === 0, 'a segment starts at a multiple of 8 bytes');
    state[at + TARGET_SEGMENT] = segmentOffsetBytes / 8;
    // With more columns than a segment has room for, the capacity is 0 and every row is oversized.
    const room = rowCapacity(layout, this.#segmentSizeBytes, this.#heapBytesPerRow);
    const capacity = Math.min(room, rowLimit);
    for (let heap = 0; heap < layout.heapCount; heap += 1) {
      const dictionary = this.dictionaries[heap];
      if (dictionary === undefined) continue;
      if (this.#wantsDictionary[heap]! && capacity > 0) {
        state[at + TARGET_MODES + heap] = MODE_DICTIONARY;
        dictionary.reset(target);
        this.#dictionaryUsers[heap]! += 1;
        const ends = this.#entryEnds[target * layout.heapCount + heap]!;
        ends.length = 0;
        ends.push(0);
      } else if (this.isLocal[target]!) {
        state[at + TARGET_MODES + heap] = MODE_LOCAL;
        this.localTexts[target * layout.heapCount + heap] = newTexts();
      } else {
        state[at + TARGET_MODES + heap] = MODE_PLAIN;
      }
    }
    this.#layOut(target, capacity);
  }

  #layOut(target: number, capacity: number): void {
    const {state, layout} = this;
    const at = target * this.stride;
    const segment = state[at + TARGET_SEGMENT]!;
    const room = heapRoomBytes(layout, capacity, this.#segmentSizeBytes);
    state[at + TARGET_ROWS] = 0;
    state[at + TARGET_CAPACITY] = capacity;
    state[at + TARGET_ROOM] = Math.max(1, room);
    const firstEntryBytes = 4 * this.#dictionaryColumns(target);
    state[at + TARGET_BOUND] = firstEntryBytes;
    state[at + TARGET_EXACT] = firstEntryBytes;
    if (capacity === 0) return;
    for (let heap = 0; heap < layout.heapCount; heap += 1) {
      this.arena.words[indexAt(endTerms(layout, heap), segment, capacity)] = 0;
    }
  }

  #dictionaryColumns(target: number): number {
    const at = target * this.stride + TARGET_MODES;
    let count = 0;
    for (let heap = 0; heap < this.layout.heapCount; heap += 1) {
      if (this.state[at + heap]! === MODE_DICTIONARY) count += 1;
    }
    return count;
  }

  /**
   * Whether `need` more heap bytes fit after the texts so far were counted exactly. Not repeated while
   * it cannot win enough to matter.
   */
  makeRoom(target: number, need: number): boolean {
    const {state} = this;
    const at = target * this.stride;
    const room = state[at + TARGET_ROOM]!;
    const unchecked = state[at + TARGET_BOUND]! - state[at + TARGET_EXACT]!;
    if (unchecked < room >> 3) return false;
    const exact = this.#exactBytes(target);
    state[at + TARGET_BOUND] = exact;
    state[at + TARGET_EXACT] = exact;
    return exact + need <= room;
  }

  #exactBytes(target: number): number {
    const {heapCount} = this.layout;
    const at = target * this.stride;
    let count = 0;
    for (let heap = 0; heap < heapCount; heap += 1) {
      const slot = target * heapCount + heap;
      const dictionary = this.dictionaries[heap];
      if (this.state[at + TARGET_MODES + heap]! === MODE_LOCAL) {
        count += unitsOf(this.localTexts[slot]!);
      } else if (dictionary !== undefined) {
        this.#flushText(at, heap, slot);
        count += 2 * this.texts[slot]!.length;
        if (this.state[at + TARGET_MODES + heap]! === MODE_DICTIONARY) {
          count += 4 * (dictionary.count(target) + 1);
        }
      }
      count += this.#pending[slot]!.length;
    }
    return count;
  }

  /** Writes the text so far to bytes, up to its first unit that needs two. */
  #flushText(at: number, heap: number, slot: number): void {
    const text = this.texts[slot]!;
    const narrow = narrowUnits(text);
    if (narrow === 0) return;
    const pending = this.#pending[slot]!;
    reserve(pending, narrow);
    const isWhole = narrow === text.length;
    const part = isWhole ? text : text.slice(0, narrow);
    pending.buffer.write(part, pending.length, narrow, 'latin1');
    pending.length += narrow;
    this.texts[slot] = isWhole ? '' : text.slice(narrow);
    this.state[at + TARGET_MODES + this.layout.heapCount + heap]! += narrow;
  }

  /**
   * Decides why a row that needs `need` heap bytes found no room. An empty batch whose rows turn out
   * larger than expected is laid out anew with fewer rows: then the result is `APPENDED`, and the
   * caller goes on. The record itself is not needed, so it can stay unbuilt.
   */
  refuse(target: number, need: number): number {
    const at = target * this.stride;
    if (!this.isOpen(target) || this.state[at + TARGET_ROWS]! > 0) return NO_ROOM;
    const needed = this.state[at + TARGET_BOUND]! + need;
    const capacity = rowCapacity(this.layout, this.#segmentSizeBytes, needed);
    const room = heapRoomBytes(this.layout, capacity, this.#segmentSizeBytes);
    if (capacity === 0 || needed > room) return OVERSIZED;
    assert(capacity !== this.state[at + TARGET_CAPACITY]!, 'a row that fits is not refused');
    this.#layOut(target, capacity);
    return APPENDED;
  }

  /** Starts the encoded fields of one record. */
  resetEncoder(): void {
    this.#encoder.reset();
  }

  /** Encodes a field of the record at hand and returns how many bytes it takes. */
  encodeField(heap: number, value: unknown): number {
    const start = this.#encoder.position;
    const {column} = this.layout.heaps[heap]!;
    this.#encodedStarts[heap] = start;
    if (column.type === 'bytes') this.#encoder.encodeBytes(value as Uint8Array);
    else this.#encoder.encode(value, column.path);
    return this.#encoder.position - start;
  }

  /** Moves the encoded field into its column and returns where the column's data now ends. */
  commitField(target: number, heap: number, length: number): number {
    const pending = this.#pending[target * this.layout.heapCount + heap]!;
    const end = pending.length + length;
    if (length > 0) {
      reserve(pending, length);
      const start = this.#encodedStarts[heap]!;
      this.#encoder.buffer.copy(pending.buffer, pending.length, start, start + length);
      pending.length = end;
    }
    return end;
  }

  /** Adds a text to the dictionary of the open batch. */
  addEntry(slot: number, text: string): void {
    this.texts[slot]! += text;
    const ends = this.#entryEnds[slot]!;
    ends.push(ends[ends.length - 1]! + text.length);
  }

  /** Whether a value is a list as the column at `columnIndex` wants it. */
  acceptsList(columnIndex: number, value: unknown): boolean {
    return accepts(this.layout.places[columnIndex]!.column, value);
  }

  /** Writes heap and header. The segment is complete afterwards and belongs to the caller. */
  close(target: number): ClosedBatch {
    assert(this.isOpen(target), 'only an open batch is closed');
    const {state, layout} = this;
    const {words} = this.arena;
    const at = target * this.stride;
    const rowCount = state[at + TARGET_ROWS]!;
    const capacity = state[at + TARGET_CAPACITY]!;
    const segment = state[at + TARGET_SEGMENT]!;
    const header = segment * 2;
    const heapStart = capacity === 0 ? 4 * HEADER_WORDS : heapStartBytes(layout, capacity);
    let position = heapStart;
    let localUnits = 0;
    for (let heap = 0; heap < layout.heapCount && capacity > 0; heap += 1) {
      if (state[at + TARGET_MODES + heap]! === MODE_LOCAL) {
        localUnits += this.#handOver(target, heap);
      } else {
        position = this.#writeHeap(target, heap, position);
      }
    }
    position += localUnits;
    assert(position <= this.#segmentSizeBytes, 'a closed batch fits its segment');
    words[header + HEADER_SCHEMA_VERSION] = this.#schemaVersion;
    words[header + HEADER_ROW_COUNT] = rowCount;
    words[header + HEADER_ROW_CAPACITY] = capacity;
    words[header + HEADER_HEAP_START] = heapStart;
    words[header + HEADER_USED_BYTES] = position;
    if (layout.heapCount > 0 && rowCount > 0) this.#learn(rowCount, position - heapStart);
    state[at + TARGET_ROWS] = 0;
    state[at + TARGET_CAPACITY] = 0;
    state[at + TARGET_SEGMENT] = 0;
    state[at + TARGET_ROOM] = 0;
    state[at + TARGET_BOUND] = 0;
    return {rowCount, usedBytes: position};
  }

  /** Leaves the texts of a column to the reader in this thread; returns how many units they have. */
  #handOver(target: number, heap: number): number {
    const {words} = this.arena;
    const at = target * this.stride;
    const slot = target * this.layout.heapCount + heap;
    const segment = this.state[at + TARGET_SEGMENT]!;
    const header = segment * 2 + HEADER_WORDS + HEAP_WORDS * heap;
    const texts = this.localTexts[slot]!;
    const units = unitsOf(texts);
    words[header + HEAP_MODE] = MODE_LOCAL;
    words[header + HEAP_START] = 0;
    words[header + HEAP_UNITS] = units;
    words[header + HEAP_NARROW_UNITS] = 0;
    words[header + HEAP_DICTIONARY_COUNT] = 0;
    if (this.state[at + TARGET_ROWS]! > 0) this.#handedOver.put(segment, heap, texts);
    this.localTexts[slot] = NO_TEXTS;
    this.#judgeDictionary(target, heap, this.dictionaries[heap]!);
    return units;
  }

  #writeHeap(target: number, heap: number, from: number): number {
    const {words, bytes} = this.arena;
    const {heapCount} = this.layout;
    const at = target * this.stride;
    const slot = target * heapCount + heap;
    const segmentBytes = this.state[at + TARGET_SEGMENT]! * 8;
    const header = this.state[at + TARGET_SEGMENT]! * 2 + HEADER_WORDS + HEAP_WORDS * heap;
    const start = (from + 3) & ~3;
    words[header + HEAP_START] = start;
    words[header + HEAP_MODE] = MODE_PLAIN;
    words[header + HEAP_DICTIONARY_COUNT] = 0;
    const dictionary = this.dictionaries[heap];
    const pending = this.#pending[slot]!;
    let position = start;
    if (this.state[at + TARGET_MODES + heap]! === MODE_DICTIONARY) {
      const ends = this.#entryEnds[slot]!;
      words[header + HEAP_MODE] = MODE_DICTIONARY;
      words[header + HEAP_DICTIONARY_COUNT] = ends.length - 1;
      const first = (segmentBytes + start) / 4;
      for (let code = 0; code < ends.length; code += 1) words[first + code] = ends[code]!;
      position += 4 * ends.length;
    }
    const flushed = pending.length;
    pending.buffer.copy(bytes, segmentBytes + position, 0, flushed);
    position += flushed;
    pending.length = 0;
    if (pending.buffer.length > 2 * this.#segmentSizeBytes) pending.buffer = NO_BYTES;
    const text = this.texts[slot]!;
    const narrow = narrowUnits(text);
    words[header + HEAP_UNITS] = flushed + text.length;
    words[header + HEAP_NARROW_UNITS] = flushed + narrow;
    if (narrow === text.length) {
      if (narrow > 0) bytes.write(text, segmentBytes + position, narrow, 'latin1');
      position += narrow;
    } else {
      bytes.write(text.slice(0, narrow), segmentBytes + position, narrow, 'latin1');
      position = (position + narrow + 1) & ~1;
      const wideBytes = 2 * (text.length - narrow);
      bytes.write(text.slice(narrow), segmentBytes + position, wideBytes, 'utf16le');
      position += wideBytes;
    }
    if (dictionary !== undefined) {
      this.texts[slot] = '';
      this.state[at + TARGET_MODES + heapCount + heap] = 0;
      this.#judgeDictionary(target, heap, dictionary);
    }
    return position;
  }

  /** Decides whether the next batches use a dictionary for the column. */
  #judgeDictionary(target: number, heap: number, dictionary: StringDictionary): void {
    const at = target * this.stride;
    const rows = this.state[at + TARGET_ROWS]!;
    if (this.state[at + TARGET_MODES + heap]! !== MODE_DICTIONARY) {
      this.#retryIn[heap]! -= 1;
      if (this.#retryIn[heap]! <= 0 && !this.#wantsDictionary[heap]!) {
        if (this.#dictionaryUsers[heap]! > 0) return;
        dictionary.clear();
        this.#wantsDictionary[heap] = true;
      }
      return;
    }
    this.#dictionaryUsers[heap]! -= 1;
    const isTooLarge = dictionary.size > DICTIONARY_SIZE_MAX;
    if (rows >= JUDGED_ROWS_MIN) {
      if (dictionary.count(target) * ROWS_PER_ENTRY_MIN > rows) {
        this.#dropDictionary(heap, this.#retryBatches[heap]!);
        this.#retryBatches[heap] = Math.min(RETRY_BATCHES_MAX, 2 * this.#retryBatches[heap]!);
      } else {
        this.#retryBatches[heap] = RETRY_BATCHES_FIRST;
      }
    } else if (dictionary.count(target) === rows && rows > 1 && isTooLarge) {
      this.#dropDictionary(heap, this.#retryBatches[heap]!);
    }
    if (isTooLarge) {
      if (this.#dictionaryUsers[heap] === 0) dictionary.clear();
      else this.#dropDictionary(heap, 1);
    } else if (!this.#wantsDictionary[heap]! && this.#dictionaryUsers[heap] === 0) {
      dictionary.clear();
    }
  }

  #dropDictionary(heap: number, batches: number): void {
    if (!this.#wantsDictionary[heap]!) return;
    this.#wantsDictionary[heap] = false;
    this.#retryIn[heap] = batches;
  }

  /** The next batches hold as many rows as this one's row size suggests, with a little to spare. */
  #learn(rowCount: number, heapBytes: number): void {
    const observed = (heapBytes / rowCount) * 1.02 + 1;
    const weight = rowCount >= JUDGED_ROWS_MIN ? 0.5 : 0.1;
    this.#heapBytesPerRow += weight * (observed - this.#heapBytesPerRow);
  }
}

const NO_BYTES = Buffer.alloc(0);

/** Of a column that is not in local mode; nothing is ever added. */
const NO_TEXTS: string[] = [];

/** An empty array that V8 knows to hold objects, so that adding the first text does not change its form. */
function newTexts(): string[] {
  const texts = [''];
  texts.pop();
  return texts;
}

function unitsOf(texts: readonly string[]): number {
  let units = 0;
  for (let row = 0; row < texts.length; row += 1) units += texts[row]!.length;
  return units;
}

function reserve(pending: PendingBytes, count: number): void {
  const needed = pending.length + count;
  if (needed <= pending.buffer.length) return;
  const larger = Buffer.allocUnsafeSlow(Math.max(256, needed, 2 * pending.buffer.length));
  pending.buffer.copy(larger, 0, 0, pending.length);
  pending.buffer = larger;
}

/** Units in front of the first one above 0xFF. */
function narrowUnits(text: string): number {
  const first = text.search(WIDE);
  return first < 0 ? text.length : first;
}
