/**
 * One state of the memory backend. Values of fixed width lie in lanes, others on the heap:
 *
 *   without namespace   lanes of the key's row in the key space; heap values in `#cells`, by key id
 *   with one            a row of `#entries`; heap values in `#entryCells`, at the place that its lane names
 *
 * The first value decides, or the schema. When a value comes that does not fit, all lanes of the state
 * become heap values; lanes of the key's row stay unused then. One thread.
 *
 * For checkpoints to come: every change goes through `put`, `remove`, `setTime` and `sweep`, with the position at
 * hand, so pages of lanes can be marked there, and heap values by their cell.
 */
import {assert} from '../base/assert.ts';
import type {RecordSchema} from '../records/schema.ts';
import {EntryTable, NO_ENTRY, entryOf, keyIdOf, namespaceIdOf} from './entry-table.ts';
import type {KeySpace} from './key-space.ts';
import {NO_KEY} from './key-space.ts';
import type {StateNamespace} from './keyed-state.ts';
import {NO_NAMESPACE, VOID, type Namespaces} from './namespaces.ts';
import {ownTexts} from './own-texts.ts';
import {codecOfSchema, codecOfValue, refuseValue, type RowCodec} from './row-codec.ts';
import type {StateStore, SweepVisitor} from './state-store.ts';

export interface MemoryStoreOptions {
  readonly name: string;
  readonly keys: KeySpace;
  readonly namespaces: Namespaces;
  /** False for lists and maps, which are objects of their own. */
  readonly mayUseLanes: boolean;
  readonly schema?: RecordSchema | undefined;
  /** Whether each value has the time of its last update beside it. */
  readonly hasTime: boolean;
}

/** Rows without a value that a sweep may pass for each one that it looks at. */
const HOLES_PER_ENTRY = 16;

/** A value in the order of the tables: with its key and namespace. */
export type EntryVisitor = (
  keyId: number,
  namespace: StateNamespace,
  value: unknown,
  timeMs: number,
) => void;

export class MemoryStore implements StateStore {
  namespace: StateNamespace = undefined;
  readonly #name: string;
  readonly #keys: KeySpace;
  readonly #namespaces: Namespaces;
  readonly #hasTime: boolean;
  /** Whether a value is what a user stored, not a list or a map of such values. */
  readonly #isPlain: boolean;
  #codec: RowCodec | undefined;
  /** Whether the form is settled: `#codec`, or the heap if there is none. */
  #isDecided: boolean;

  // Without a namespace. Lanes are counted from `keys.at`.
  #bit = 0;
  #maskLane = 1;
  #lane = 0;
  #timeLane = 0;
  #cells: unknown[] = [];

  // With a namespace. Lanes are counted from the position of the entry.
  #entries: EntryTable | undefined;
  #entryCells: unknown[] = [];
  readonly #freeCells: number[] = [];
  #namespaceId = VOID;
  #namespaceVersion = 0;
  /** Where the entry looked up last is; void after a change of the table. */
  #lastEntry = -1;
  #lastPosition = NO_ENTRY;

  // Where the next sweep goes on.
  #sweepId = 0;
  #sweepEntry = 0;

  constructor({name, keys, namespaces, mayUseLanes, schema, hasTime}: MemoryStoreOptions) {
    this.#name = name;
    this.#keys = keys;
    this.#namespaces = namespaces;
    this.#hasTime = hasTime;
    this.#isPlain = mayUseLanes;
    this.#codec = mayUseLanes && schema !== undefined ? codecOfSchema(schema) : undefined;
    this.#isDecided = !mayUseLanes || schema !== undefined;
  }

  setNamespace(namespace: StateNamespace): void {
    if (namespace === this.namespace) return;
    this.namespace = namespace;
    this.#namespaceVersion = this.#namespaces.version;
    this.#namespaceId = this.#namespaces.find(namespace);
  }

  get(): unknown {
    if (this.namespace !== undefined) return this.#getEntry();
    const {at, lanes} = this.#keys;
    if (at === NO_KEY || (lanes[at + this.#maskLane]! & this.#bit) === 0) return undefined;
    const codec = this.#codec;
    if (codec === undefined) return this.#cells[lanes[at]!];
    return codec.read(lanes, at + this.#lane);
  }

  /** A value in lanes that replaces another is what counts; everything else goes the long way. */
  put(value: unknown): void {
    const codec = this.#codec;
    if (codec !== undefined && this.namespace === undefined) {
      const {at, lanes} = this.#keys;
      if (at !== NO_KEY && (lanes[at + this.#maskLane]! & this.#bit) !== 0) {
        if (codec.write(lanes, at + this.#lane, value)) return;
      }
    }
    this.#put(value);
  }

  remove(): void {
    if (this.namespace !== undefined) {
      const position = this.#find();
      if (position !== NO_ENTRY) this.#removeEntry(position);
      return;
    }
    const {at} = this.#keys;
    if (at !== NO_KEY) this.#removeAt(at);
  }

  getTime(): number {
    if (!this.#hasTime) return 0;
    if (this.namespace === undefined) return this.#keys.lanes[this.#keys.at + this.#timeLane]!;
    return this.#entries!.lanes[this.#find() + 1]!;
  }

  setTime(timeMs: number): void {
    assert(this.#hasTime, 'only states with a TTL have times');
    if (this.namespace === undefined) {
      this.#keys.lanes[this.#keys.at + this.#timeLane] = timeMs;
    } else {
      this.#entries!.lanes[this.#find() + 1] = timeMs;
    }
  }

  sweep(count: number, visit: SweepVisitor): void {
    if (this.#bit !== 0) this.#sweepRows(count, visit);
    if (this.#entries !== undefined) this.#sweepEntries(count, visit);
  }

  /** All values. The state must not change meanwhile. */
  forEach(visit: EntryVisitor): void {
    const keys = this.#keys;
    if (this.#bit !== 0) {
      for (let at = keys.firstRow(); at !== NO_KEY; at = keys.rowBehind(at)) {
        const {lanes} = keys;
        if ((lanes[at + this.#maskLane]! & this.#bit) === 0) continue;
        const time = this.#hasTime ? lanes[at + this.#timeLane]! : 0;
        visit(lanes[at]!, undefined, this.#readRow(at), time);
      }
    }
    const entries = this.#entries;
    if (entries === undefined) return;
    const {stride} = entries;
    for (let at = entries.nextRow(0); at !== NO_ENTRY; at = entries.nextRow(at + stride)) {
      const entry = entries.lanes[at]!;
      const time = this.#hasTime ? entries.lanes[at + 1]! : 0;
      const namespace = this.#namespaces.valueOf(namespaceIdOf(entry));
      visit(keyIdOf(entry), namespace, this.#readEntry(at), time);
    }
  }

  get sizeBytes(): number {
    return this.#entries?.lanes.byteLength ?? 0;
  }

  #put(value: unknown): void {
    if (!this.#isDecided || (this.#codec !== undefined && !this.#codec.fits(value))) {
      this.#settle(value);
    }
    if (this.#isPlain && this.#codec === undefined) value = ownTexts(value);
    if (this.namespace !== undefined) {
      this.#putEntry(value);
      return;
    }
    const keys = this.#keys;
    if (this.#bit === 0) this.#takeLanes();
    const at = keys.ensureRow();
    const {lanes} = keys;
    const mask = lanes[at + this.#maskLane]!;
    if ((mask & this.#bit) === 0) lanes[at + this.#maskLane] = mask | this.#bit;
    if (this.#codec === undefined) this.#setCell(lanes[at]!, value);
    else this.#codec.write(lanes, at + this.#lane, value);
  }

  /** Finds the form for `value`, which does not fit the present one. */
  #settle(value: unknown): void {
    if (!this.#isDecided) {
      this.#isDecided = true;
      this.#codec = codecOfValue(value);
      return;
    }
    const codec = this.#codec!;
    if (codec.isDeclared) refuseValue(this.#name, value);
    this.#moveToHeap(codec);
  }

  #moveToHeap(codec: RowCodec): void {
    const keys = this.#keys;
    if (this.#bit !== 0) {
      for (let at = keys.firstRow(); at !== NO_KEY; at = keys.rowBehind(at)) {
        const {lanes} = keys;
        if ((lanes[at + this.#maskLane]! & this.#bit) === 0) continue;
        this.#setCell(lanes[at]!, codec.read(lanes, at + this.#lane));
      }
    }
    const old = this.#entries;
    this.#codec = undefined;
    if (old === undefined) return;
    const entries = this.#createEntries();
    for (let at = old.nextRow(0); at !== NO_ENTRY; at = old.nextRow(at + old.stride)) {
      const value = codec.read(old.lanes, at + this.#entryLane);
      const to = entries.insert(old.lanes[at]!);
      if (this.#hasTime) entries.lanes[to + 1] = old.lanes[at + 1]!;
      entries.lanes[to + this.#entryLane] = this.#takeCell(value);
    }
    this.#entries = entries;
    this.#lastEntry = -1;
    this.#sweepEntry = 0;
  }

  // ---- without a namespace ----

  /** Without gaps: V8 would make a dictionary of an array that begins far behind its end. */
  #setCell(keyId: number, value: unknown): void {
    const cells = this.#cells;
    while (cells.length < keyId) cells.push(undefined);
    cells[keyId] = value;
  }

  #takeLanes(): void {
    const {lane, bit} = this.#keys.addMaskBit();
    this.#maskLane = lane;
    this.#bit = bit;
    const lanes = (this.#codec?.laneCount ?? 0) + (this.#hasTime ? 1 : 0);
    if (lanes === 0) return;
    this.#lane = this.#keys.addLanes(lanes);
    this.#timeLane = this.#lane + lanes - 1;
  }

  #readRow(at: number): unknown {
    const {lanes} = this.#keys;
    return this.#codec === undefined
      ? this.#cells[lanes[at]!]
      : this.#codec.read(lanes, at + this.#lane);
  }

  #removeAt(at: number): void {
    const {lanes} = this.#keys;
    const mask = lanes[at + this.#maskLane]!;
    if ((mask & this.#bit) === 0) return;
    const left = mask & ~this.#bit;
    lanes[at + this.#maskLane] = left;
    if (this.#codec === undefined) this.#cells[lanes[at]!] = undefined;
    if (left === 0) this.#keys.noteEmptied(lanes[at]!);
  }

  /** By id, because rows move. Stops at the last one; the next sweep begins anew. */
  #sweepRows(count: number, visit: SweepVisitor): void {
    const keys = this.#keys;
    let id = this.#sweepId < keys.idLimit ? this.#sweepId : 0;
    const end = Math.min(keys.idLimit, id + count * HOLES_PER_ENTRY);
    for (let seen = 0; seen < count && id < end; id += 1) {
      if (!keys.hasId(id)) continue;
      const at = keys.atOf(id);
      if ((keys.lanes[at + this.#maskLane]! & this.#bit) === 0) continue;
      seen += 1;
      const time = this.#hasTime ? keys.lanes[at + this.#timeLane]! : 0;
      if (visit(this.#readRow(at), time) === 'drop') this.#removeAt(at);
    }
    this.#sweepId = id;
  }

  // ---- with a namespace ----

  /** The first lane of a value, behind the entry and its time. */
  get #entryLane(): number {
    return this.#hasTime ? 2 : 1;
  }

  #createEntries(): EntryTable {
    return new EntryTable((this.#codec?.laneCount ?? 1) + (this.#hasTime ? 1 : 0));
  }

  /** The position of the entry of the current key and namespace, or NO_ENTRY. */
  #find(): number {
    const entries = this.#entries;
    const {at, lanes} = this.#keys;
    if (entries === undefined || at === NO_KEY) return NO_ENTRY;
    if (this.#namespaceVersion !== this.#namespaces.version) {
      this.#namespaceVersion = this.#namespaces.version;
      this.#namespaceId = this.#namespaces.find(this.namespace);
    }
    if (this.#namespaceId === NO_NAMESPACE) return NO_ENTRY;
    const entry = entryOf(lanes[at]!, this.#namespaceId);
    if (entry === this.#lastEntry) return this.#lastPosition;
    const position = entries.find(entry);
    if (position === NO_ENTRY) return NO_ENTRY;
    this.#lastEntry = entry;
    this.#lastPosition = position;
    return position;
  }

  #getEntry(): unknown {
    const position = this.#find();
    return position === NO_ENTRY ? undefined : this.#readEntry(position);
  }

  #readEntry(position: number): unknown {
    const {lanes} = this.#entries!;
    const at = position + this.#entryLane;
    return this.#codec === undefined ? this.#entryCells[lanes[at]!] : this.#codec.read(lanes, at);
  }

  #putEntry(value: unknown): void {
    const found = this.#find();
    const position = found === NO_ENTRY ? this.#insertEntry() : found;
    const {lanes} = this.#entries!;
    const at = position + this.#entryLane;
    if (this.#codec !== undefined) this.#codec.write(lanes, at, value);
    else if (found === NO_ENTRY) lanes[at] = this.#takeCell(value);
    else this.#entryCells[lanes[at]!] = value;
  }

  #insertEntry(): number {
    this.#entries ??= this.#createEntries();
    const keyId = this.#keys.ensureId();
    const namespaceId = this.#namespaces.retain(this.namespace);
    this.#keys.retainCurrent();
    this.#namespaceId = namespaceId;
    this.#namespaceVersion = this.#namespaces.version;
    const entry = entryOf(keyId, namespaceId);
    this.#lastPosition = this.#entries.insert(entry);
    this.#lastEntry = entry;
    return this.#lastPosition;
  }

  #removeEntry(position: number): void {
    const entries = this.#entries!;
    const entry = entries.lanes[position]!;
    if (this.#codec === undefined) {
      const cell = entries.lanes[position + this.#entryLane]!;
      this.#entryCells[cell] = undefined;
      this.#freeCells.push(cell);
    }
    entries.removeAt(position);
    this.#lastEntry = -1;
    this.#keys.release(keyIdOf(entry));
    this.#namespaces.release(namespaceIdOf(entry));
  }

  #takeCell(value: unknown): number {
    const cell = this.#freeCells.pop() ?? this.#entryCells.length;
    this.#entryCells[cell] = value;
    return cell;
  }

  #sweepEntries(count: number, visit: SweepVisitor): void {
    const entries = this.#entries!;
    let at = entries.nextRow(this.#sweepEntry);
    if (at === NO_ENTRY) at = entries.nextRow(0);
    for (let seen = 0; seen < count && at !== NO_ENTRY; seen += 1) {
      const time = this.#hasTime ? entries.lanes[at + 1]! : 0;
      if (visit(this.#readEntry(at), time) === 'drop') {
        // Another entry may have moved here; the table may be smaller.
        this.#removeEntry(at);
        at = entries.nextRow(at);
      } else {
        at = entries.nextRow(at + entries.stride);
      }
    }
    this.#sweepEntry = at === NO_ENTRY ? entries.lanes.length : at;
  }
}
