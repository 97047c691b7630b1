/**
 * The keys of one keyed backend: each has an id, a small number that stands for it in timers and in
 * tables of windowed state, and a row of lanes in which all states without a namespace keep what has a
 * fixed width. So the one look-up of `setCurrent` is all that any number of such states cost.
 *
 *   at ──► [ id | mask | references | lane 3 … ]    the row of the current key; -1 if it has none
 *
 * As long as all keys are numbers the rows are the slots of an open-addressing table, with the key in the
 * word before the id: looking up a key brings its state into the cache (18 against 8.5 million
 * updates per second at a million keys, if they lie apart). When a key of another kind comes, the rows
 * become dense, by id, and the ids are found through Maps.
 *
 * A bit of the mask says that a state has something for the key; `references` counts what else does
 * (windows, timers). A key with neither is `noteEmptied` and loses its row when the next key is set, never
 * at once: `at` of the current key only changes when the key itself gets a row.
 *
 * For checkpoints to come: a row changes through `at` of the current key only, so a page of rows
 * (a fixed run of words) can be marked dirty there and copied before its first write after a barrier.
 */
import {assert} from '../base/assert.ts';
import {StreamError} from '../base/errors.ts';
import {hashDouble} from '../base/hash.ts';
import {hashKey} from '../base/key-group.ts';
import {compositeKeyText, isPlainKey, ownKey} from './any-key-table.ts';
import {allocateLanes} from './lanes.ts';
import {LargeMap} from './large-map.ts';
import {FIBONACCI} from './number-key-table.ts';

/** The place of a row that is not there. */
export const NO_KEY = -1;

/** Lanes of each row that belong to the key space itself. */
const OWN_LANES = 3;
const REFERENCES = 2;

/** States whose presence one mask holds. */
export const MASK_BITS = 30;

const SLOTS_MIN = 1024;
const ROWS_MIN = 512;
const KEYS_MAX = 2 ** 26;

const HOLE = Symbol('hole');

export class KeySpace {
  /** The lanes of all rows; replaced when they move. */
  lanes: Float64Array<ArrayBuffer>;
  /** Where the row of the current key is, or NO_KEY. */
  at = NO_KEY;
  current: unknown = undefined;
  /** Grows whenever a key is made the current one. */
  turns = 0;
  /** Lanes that hold masks: lane 1, and more if there are many states. */
  readonly maskLanes: number[] = [1];
  #laneCount = OWN_LANES;
  #masksUsed = 0;
  /** Distance between two rows. */
  #stride: number;
  /** Words of a row before its first lane: the key, if rows are slots. */
  #lead = 1;
  #isNumeric = true;
  #size = 0;

  // Rows as slots.
  #slotCount = SLOTS_MIN;
  #shift = 32 - Math.log2(SLOTS_MIN);
  /** Behind the last slot there is one more row, for the key -0. */
  #end: number;

  // Rows by id.
  #plain = new LargeMap<unknown>();
  #composite = new LargeMap<string>();

  readonly #keys: unknown[] = [];
  readonly #freeIds: number[] = [];
  readonly #emptied: number[] = [];

  constructor() {
    this.#stride = this.#lead + this.#laneCount;
    this.#end = this.#slotCount * this.#stride;
    this.lanes = emptySlots(this.#slotCount, this.#stride, 0);
  }

  /** Whether all keys are numbers. */
  get isNumeric(): boolean {
    return this.#isNumeric;
  }

  /** How many keys there are; emptied ones are gone. */
  get size(): number {
    this.#sweep();
    return this.#size;
  }

  get sizeBytes(): number {
    return this.lanes.byteLength;
  }

  /** Errors: `E_KEY_NULL`, `E_KEY_NAN`, `E_KEY_TYPE`, as `hashKey`. */
  setCurrent(key: unknown): void {
    if (this.#emptied.length > 0) this.#sweep();
    if (typeof key === 'number' && this.#isNumeric) {
      this.at = this.#findNumber(key);
      // NaN is no key, and is found to be missing.
      if (key !== key) hashKey(key);
    } else {
      const at = this.#findOther(key);
      if (at === NO_KEY) hashKey(key);
      this.at = at;
    }
    this.current = key;
    this.turns += 1;
  }

  /** Makes a key the current one that is known to have a row: `key`, whose id is `id`. */
  setCurrentKnown(id: number, key: unknown): void {
    if (this.#emptied.length > 0) this.#sweep();
    this.at = this.#isNumeric ? this.#findNumber(key as number) : id * this.#stride;
    this.current = key;
    this.turns += 1;
  }

  /**
   * Reads something of the row of a key that will soon be the current one, so that it is in the cache then.
   * The caller has to do something with the number, or the reading is optimised away.
   */
  touch(id: number, key: unknown): number {
    const at = this.#isNumeric ? this.#home(key as number) : id * this.#stride;
    return this.lanes[at]!;
  }

  /** Gives the current key a row, if it has none, and returns where it is. */
  ensureRow(): number {
    return this.at === NO_KEY ? this.#insert() : this.at;
  }

  /** The id of the current key, which gets a row if it has none. */
  ensureId(): number {
    const at = this.ensureRow();
    return this.lanes[at]!;
  }

  /** The id of the current key, or NO_KEY. */
  get currentId(): number {
    return this.at === NO_KEY ? NO_KEY : this.lanes[this.at]!;
  }

  keyOf(id: number): unknown {
    return this.#keys[id];
  }

  /** Where the row of the key with this id is. */
  atOf(id: number): number {
    return this.#isNumeric ? this.#findNumber(this.#keys[id] as number) : id * this.#stride;
  }

  /** Something outside of the row begins to exist for the current key, which has a row. */
  retainCurrent(): void {
    this.lanes[this.at + REFERENCES]! += 1;
  }

  /** It has ended for this key; no cache miss if it is the current one. */
  release(id: number): void {
    const {lanes} = this;
    const at = this.at !== NO_KEY && lanes[this.at] === id ? this.at : this.atOf(id);
    const left = lanes[at + REFERENCES]! - 1;
    assert(left >= 0, 'a key is released as often as it was retained');
    lanes[at + REFERENCES] = left;
    if (left === 0) this.#emptied.push(id);
  }

  /** The row of this key has lost something and may be empty. */
  noteEmptied(id: number): void {
    this.#emptied.push(id);
  }

  /** Takes `count` lanes for a state: the first of them, counted from `at`. Rows move. */
  addLanes(count: number): number {
    const first = this.#laneCount;
    this.#relayout(this.#laneCount + count);
    return first;
  }

  /** Takes a bit of a mask: which lane, and which bit. */
  addMaskBit(): {lane: number; bit: number} {
    const index = this.#masksUsed;
    this.#masksUsed += 1;
    const mask = Math.floor(index / MASK_BITS);
    if (mask === this.maskLanes.length) this.maskLanes.push(this.addLanes(1));
    return {lane: this.maskLanes[mask]!, bit: 1 << (index % MASK_BITS)};
  }

  /**
   * The first row at or behind `position`, or NO_KEY:
   * `for (let at = space.firstRow(); at !== NO_KEY; at = space.rowBehind(at))`.
   */
  firstRow(): number {
    return this.#rowFrom(0);
  }

  rowBehind(at: number): number {
    return this.#rowFrom(at - this.#lead + this.#stride);
  }

  /** Ids are below; not all of them stand for a key. */
  get idLimit(): number {
    return this.#keys.length;
  }

  hasId(id: number): boolean {
    return id < this.#keys.length && this.#keys[id] !== HOLE;
  }

  #rowFrom(position: number): number {
    if (this.#isNumeric) {
      const {lanes} = this;
      const stride = this.#stride;
      for (let at = position; at <= this.#end; at += stride) {
        if (lanes[at] === lanes[at]) return at + 1;
      }
      return NO_KEY;
    }
    for (let id = position / this.#stride; id < this.#keys.length; id += 1) {
      if (this.#keys[id] !== HOLE) return id * this.#stride;
    }
    return NO_KEY;
  }

  /** Where the row of a key is; not of -0. */
  #findSlot(key: number): number {
    const {lanes} = this;
    const stride = this.#stride;
    let position = this.#home(key);
    for (;;) {
      const found = lanes[position]!;
      if (found === key) return position + 1;
      if (found !== found) return NO_KEY;
      position += stride;
      if (position === this.#end) position = 0;
    }
  }

  /** 0 and -0 are different keys; -0 has a row behind all others. */
  #findZero(key: number): number {
    if (1 / key > 0) return this.#findSlot(key);
    return this.lanes[this.#end] === this.lanes[this.#end] ? this.#end + 1 : NO_KEY;
  }

  #findNumber(key: number): number {
    return key === 0 ? this.#findZero(key) : this.#findSlot(key);
  }

  #findOther(key: unknown): number {
    if (this.#isNumeric) return NO_KEY;
    const id = isPlainKey(key) ? this.#plain.get(key) : this.#composite.get(compositeKeyText(key));
    return id === undefined ? NO_KEY : id * this.#stride;
  }

  #home(key: number): number {
    const hash = (key | 0) === key ? key : hashDouble(key);
    return (Math.imul(hash, FIBONACCI) >>> this.#shift) * this.#stride;
  }

  #insert(): number {
    const key = this.current;
    assert(key !== undefined, 'state is used after a key was set');
    if (this.#isNumeric && typeof key !== 'number') this.#leaveSlots();
    if (this.#size >= KEYS_MAX) {
      throw new StreamError(
        'E_STATE_MEMORY',
        'a subtask has more keys than a backend in memory can hold',
        {keys: this.#size},
        {remedy: 'raise the parallelism, or set stateBackend to lmdb'},
      );
    }
    const kept = ownKey(key);
    // An id is given away only when nothing can fail any more.
    const id = this.#freeIds.length > 0 ? this.#freeIds.at(-1)! : this.#keys.length;
    this.at = this.#isNumeric ? this.#fillSlot(key as number) : this.#fillRow(kept, id);
    if (this.#freeIds.length > 0) this.#freeIds.pop();
    this.#keys[id] = kept;
    this.lanes[this.at] = id;
    this.#size += 1;
    return this.at;
  }

  #fillSlot(key: number): number {
    if ((this.#size + 1) * 2 > this.#slotCount) this.#growSlots(this.#slotCount * 2, this.#stride);
    const position = key === 0 && 1 / key < 0 ? this.#end : this.#freeSlot(key);
    this.lanes.fill(0, position, position + this.#stride);
    this.lanes[position] = key;
    return position + 1;
  }

  #freeSlot(key: number): number {
    const {lanes} = this;
    let position = this.#home(key);
    while (lanes[position] === lanes[position]) {
      position += this.#stride;
      if (position === this.#end) position = 0;
    }
    return position;
  }

  #fillRow(key: unknown, id: number): number {
    const at = id * this.#stride;
    if (at + this.#stride > this.lanes.length) {
      const lanes = allocateLanes(2 * this.lanes.length, this.#size);
      lanes.set(this.lanes);
      this.lanes = lanes;
    }
    this.lanes.fill(0, at, at + this.#stride);
    this.#index(key, id);
    return at;
  }

  #index(key: unknown, id: number): void {
    if (isPlainKey(key)) this.#plain.add(key, id);
    else this.#composite.add(compositeKeyText(key), id);
  }

  /** Moves the slots into `slotCount` new ones of `stride` words. */
  #growSlots(slotCount: number, stride: number): void {
    const old = this.lanes;
    const oldStride = this.#stride;
    const oldEnd = this.#end;
    const lanes = emptySlots(slotCount, stride, this.#size);
    this.#slotCount = slotCount;
    this.#shift = 32 - Math.log2(slotCount);
    this.#stride = stride;
    this.#end = slotCount * stride;
    this.lanes = lanes;
    for (let from = 0; from <= oldEnd; from += oldStride) {
      const key = old[from]!;
      if (key !== key) continue;
      const to = from === oldEnd ? this.#end : this.#freeSlot(key);
      for (let word = 0; word < oldStride; word += 1) lanes[to + word] = old[from + word]!;
    }
    if (this.at !== NO_KEY) this.at = this.#findNumber(this.current as number);
  }

  #relayout(laneCount: number): void {
    const currentId = this.currentId;
    if (this.#isNumeric) {
      this.#growSlots(this.#slotCount, 1 + laneCount);
    } else {
      const old = this.lanes;
      const oldStride = this.#stride;
      const rows = this.#keys.length;
      const lanes = allocateLanes(Math.max(ROWS_MIN, rows) * laneCount, rows);
      for (let id = 0; id < rows; id += 1) {
        const [from, to] = [id * oldStride, id * laneCount];
        for (let lane = 0; lane < oldStride; lane += 1) lanes[to + lane] = old[from + lane]!;
      }
      this.lanes = lanes;
      this.#stride = laneCount;
      if (currentId !== NO_KEY) this.at = currentId * laneCount;
    }
    this.#laneCount = laneCount;
  }

  /** Numbers are no longer the only keys. */
  #leaveSlots(): void {
    const old = this.lanes;
    const oldStride = this.#stride;
    const laneCount = this.#laneCount;
    const rows = this.#keys.length;
    const lanes = allocateLanes(Math.max(ROWS_MIN, rows) * laneCount, rows);
    for (let from = 0; from <= this.#end; from += oldStride) {
      const key = old[from]!;
      if (key !== key) continue;
      const id = old[from + 1]!;
      for (let lane = 0; lane < laneCount; lane += 1) {
        lanes[id * laneCount + lane] = old[from + 1 + lane]!;
      }
      this.#index(key, id);
    }
    const currentId = this.currentId;
    this.lanes = lanes;
    this.#stride = laneCount;
    this.#lead = 0;
    this.#isNumeric = false;
    this.at = currentId === NO_KEY ? NO_KEY : currentId * laneCount;
  }

  /** Takes the rows of keys that have nothing any more. */
  #sweep(): void {
    for (const id of this.#emptied) {
      if (this.#keys[id] === HOLE) continue;
      const at = this.atOf(id);
      if (this.lanes[at + REFERENCES]! > 0) continue;
      if (this.maskLanes.some(lane => this.lanes[at + lane] !== 0)) continue;
      this.#remove(id, at);
    }
    this.#emptied.length = 0;
  }

  #remove(id: number, at: number): void {
    const currentId = this.currentId;
    if (this.#isNumeric) {
      this.#removeSlot(at - 1);
    } else {
      const key = this.#keys[id];
      if (isPlainKey(key)) this.#plain.delete(key);
      else this.#composite.delete(compositeKeyText(key));
    }
    this.#keys[id] = HOLE;
    this.#freeIds.push(id);
    this.#size -= 1;
    if (currentId === id) this.at = NO_KEY;
    else if (currentId !== NO_KEY && this.#isNumeric) this.at = this.atOf(currentId);
  }

  /** Rows behind the hole that it would cut off from their home move up (no tombstones). */
  #removeSlot(hole: number): void {
    const {lanes} = this;
    const stride = this.#stride;
    const end = this.#end;
    if (hole !== end) {
      for (let probe = hole; ;) {
        probe += stride;
        if (probe === end) probe = 0;
        const moved = lanes[probe]!;
        if (moved !== moved) break;
        const home = this.#home(moved);
        const isReachable =
          hole <= probe ? hole < home && home <= probe : hole < home || home <= probe;
        if (isReachable) continue;
        for (let word = 0; word < stride; word += 1) lanes[hole + word] = lanes[probe + word]!;
        hole = probe;
      }
    }
    lanes[hole] = NaN;
  }
}

/** Slots without keys, and one more behind them for the key -0. */
function emptySlots(slotCount: number, stride: number, keys: number): Float64Array<ArrayBuffer> {
  const rows = allocateLanes((slotCount + 1) * stride, keys);
  for (let at = 0; at < rows.length; at += stride) rows[at] = NaN;
  return rows;
}
