/**
 * One state that lies on disk, behind a cache of values as the user sees them. One thread.
 *
 *   handle ──► current entry ──► cache ──► table of the state on disk
 *
 *   table    key = key group, key, namespace;  value = value, time    ordered by key group
 *
 * The cache writes behind: what changes is only marked, and written when the cache is full, many
 * entries in one transaction, or when something wants to see the whole table. It is bounded by the
 * backend (`CacheBudget`) over all states together. Which entries go is decided by second chance: the oldest
 * that were not used since they were looked at last.
 *
 * For checkpoints to come: after `flush` the table is all there is, and a read transaction sees it as it
 * was then; an incremental one needs the keys that were written since, which `flush` knows.
 */
import {createHash} from 'node:crypto';
import {hashKey, keyGroupOf} from '../base/key-group.ts';
import {ValueDecoder, ValueEncoder} from '../records/any-codec.ts';
import {compositeKeyText, isPlainKey, ownKey} from './any-key-table.ts';
import type {DiskDatabase, DiskTable} from './disk-table.ts';
import type {KeySpace} from './key-space.ts';
import {fromPlainNamespace, toPlainNamespace, type PlainNamespace} from './keyed-snapshot.ts';
import {sameNamespace, type StateNamespace} from './keyed-state.ts';
import {ownTexts} from './own-texts.ts';
import {codecOfSchema, refuseValue, type RowCodec} from './row-codec.ts';
import type {RecordSchema} from '../records/schema.ts';
import {StateMap} from './state-map.ts';
import type {StateStore, SweepVisitor} from './state-store.ts';
import type {StateKind} from './state-descriptors.ts';

/** Longer keys are found by a digest; LMDB takes 1978 bytes. */
const KEY_BYTES_MAX = 1900;
const GROUP_BYTES = 2;
const DIGEST_TAG = 0xff;

/** Of the cache, this part goes at once when it is full. */
const EVICTED_PART = 1 / 8;

/** However small the cache is to be. */
const ENTRIES_MIN = 16;

/** What an entry of the cache costs besides its value. */
const ENTRY_BYTES = 250;

/** A decoded value takes about so many times what it takes encoded. */
const HEAP_FACTOR = 3;

/** Entries on disk that one pass of clean-up looks at. */
const SWEEP_CHUNK = 64;

interface Entry {
  readonly key: unknown;
  readonly namespace: StateNamespace;
  /** Undefined: there is none. */
  value: unknown;
  timeMs: number;
  /** Differs from what lies on disk. */
  isDirty: boolean;
  isOnDisk: boolean;
  isUsed: boolean;
  /** No longer part of the cache: whoever still holds it looks again. */
  isGone: boolean;
}

/** How much all caches of a backend may hold together, and how well they do. */
export class CacheBudget {
  readonly sizeBytesMax: number;
  hits = 0;
  misses = 0;
  entries = 0;
  /** Encoded, of values read or written lately. */
  #meanBytes = 50;

  constructor(sizeBytesMax: number) {
    this.sizeBytesMax = sizeBytesMax;
  }

  get entriesMax(): number {
    return Math.max(ENTRIES_MIN, this.sizeBytesMax / this.#entryBytes);
  }

  get sizeBytes(): number {
    return this.entries * this.#entryBytes;
  }

  noteSize(encodedBytes: number): void {
    this.#meanBytes += (encodedBytes - this.#meanBytes) / 256;
  }

  get #entryBytes(): number {
    return ENTRY_BYTES + HEAP_FACTOR * this.#meanBytes;
  }
}

export interface DiskStoreOptions {
  readonly name: string;
  readonly kind: StateKind;
  readonly hasTime: boolean;
  readonly schema?: RecordSchema | undefined;
  readonly keys: KeySpace;
  readonly maxParallelism: number;
  readonly database: DiskDatabase;
  readonly budget: CacheBudget;
  /** Makes all states of the backend evict a part of their entries. */
  readonly makeRoom: () => void;
}

export class DiskStore implements StateStore {
  namespace: StateNamespace = undefined;
  readonly #options: DiskStoreOptions;
  readonly #keys: KeySpace;
  readonly #table: DiskTable;
  readonly #budget: CacheBudget;
  readonly #isSingle: boolean;
  /** What a declared schema refuses is refused here too. */
  readonly #codec: RowCodec | undefined;
  readonly #lanes: Float64Array;
  /** Entries without namespace, by keys that a Map can tell apart; all others by a text. */
  readonly #plain = new Map<unknown, Entry>();
  readonly #others = new Map<string, Entry>();
  readonly #encoder = new ValueEncoder();
  readonly #decoder = new ValueDecoder();
  #current: Entry | undefined;
  #currentTurn = -1;
  #sweepCache: Iterator<Entry> | undefined;
  /** Where the next pass over the disk begins. */
  #sweepFrom: Buffer | undefined;

  constructor(options: DiskStoreOptions) {
    this.#options = options;
    this.#keys = options.keys;
    this.#budget = options.budget;
    this.#table = options.database.table(options.name);
    const {kind, schema} = options;
    this.#isSingle = kind !== 'list' && kind !== 'map';
    this.#codec = this.#isSingle && schema !== undefined ? codecOfSchema(schema) : undefined;
    this.#lanes = new Float64Array(this.#codec?.laneCount ?? 0);
  }

  get size(): number {
    return this.#plain.size + this.#others.size;
  }

  setNamespace(namespace: StateNamespace): void {
    if (namespace === this.namespace) return;
    this.namespace = namespace;
    this.#current = undefined;
  }

  get(): unknown {
    return this.#entry().value;
  }

  put(value: unknown): void {
    if (this.#codec !== undefined) {
      if (!this.#codec.write(this.#lanes, 0, value)) refuseValue(this.#options.name, value);
      value = this.#codec.read(this.#lanes, 0);
    } else if (this.#isSingle) {
      value = ownTexts(value);
    }
    const entry = this.#entry();
    entry.value = value;
    entry.isDirty = true;
  }

  remove(): void {
    const entry = this.#entry();
    if (entry.value === undefined) return;
    entry.value = undefined;
    entry.isDirty = true;
  }

  getTime(): number {
    return this.#entry().timeMs;
  }

  setTime(timeMs: number): void {
    const entry = this.#entry();
    entry.timeMs = timeMs;
    entry.isDirty = true;
  }

  /** First through the cache; when it is through, a piece of what lies on disk only. */
  sweep(count: number, visit: SweepVisitor): void {
    this.#sweepCache ??= this.#all();
    for (let seen = 0; seen < count;) {
      const {done, value: entry} = this.#sweepCache.next();
      if (done === true) {
        this.#sweepCache = undefined;
        this.#sweepDisk(visit);
        return;
      }
      if (entry.value === undefined) continue;
      seen += 1;
      const verdict = visit(entry.value, entry.timeMs);
      if (verdict === 'keep') continue;
      if (verdict === 'drop') entry.value = undefined;
      entry.isDirty = true;
    }
  }

  /** Everything, in the order of the table. The state must not change meanwhile. */
  forEach(
    visit: (key: unknown, namespace: StateNamespace, value: unknown, timeMs: number) => void,
  ): void {
    this.flush();
    for (const {key, value} of this.#table.range()) {
      const found = this.#decode(key, value);
      visit(found.key, found.namespace, found.value, found.timeMs);
    }
  }

  *keysIn(namespace: StateNamespace): IterableIterator<unknown> {
    this.flush();
    for (const {key, value} of this.#table.range()) {
      const found = this.#decode(key, value);
      if (sameNamespace(found.namespace, namespace)) yield found.key;
    }
  }

  /** Writes what has changed. */
  flush(): void {
    this.#options.database.write(() => {
      for (const entry of this.#all()) if (entry.isDirty) this.#write(entry);
    });
  }

  /** Makes room in the cache. */
  evict(): void {
    let left = Math.ceil(this.size * EVICTED_PART);
    this.#options.database.write(() => {
      for (const cache of [this.#plain, this.#others] as Array<Map<unknown, Entry>>) {
        for (const [id, entry] of cache) {
          if (left === 0) return;
          cache.delete(id);
          if (entry.isUsed) {
            entry.isUsed = false;
            cache.set(id, entry);
            continue;
          }
          if (entry.isDirty) this.#write(entry);
          entry.isGone = true;
          this.#budget.entries -= 1;
          left -= 1;
        }
      }
    });
  }

  /** The entry of the current key and namespace. */
  #entry(): Entry {
    const current = this.#current;
    if (current !== undefined && this.#currentTurn === this.#keys.turns && !current.isGone) {
      return current;
    }
    const found = this.#find();
    this.#current = found;
    this.#currentTurn = this.#keys.turns;
    return found;
  }

  #find(): Entry {
    const key = this.#keys.current;
    const isPlain = this.namespace === undefined && isPlainKey(key);
    const id = isPlain ? key : this.#textOf(key);
    const cache = (isPlain ? this.#plain : this.#others) as Map<unknown, Entry>;
    const cached = cache.get(id);
    if (cached !== undefined) {
      this.#budget.hits += 1;
      cached.isUsed = true;
      return cached;
    }
    this.#budget.misses += 1;
    if (this.#budget.entries >= this.#budget.entriesMax) this.#options.makeRoom();
    const entry = this.#load(ownKey(key));
    cache.set(isPlain ? entry.key : id, entry);
    this.#budget.entries += 1;
    return entry;
  }

  #textOf(key: unknown): string {
    return `${compositeKeyText(key)} ${JSON.stringify(toText(this.namespace))}`;
  }

  #load(key: unknown): Entry {
    const {namespace} = this;
    const bytes = this.#table.get(this.#keyBytes(key, namespace));
    const loaded = bytes === undefined ? undefined : this.#decodeValue(bytes);
    return {
      key,
      namespace,
      value: loaded?.value,
      timeMs: loaded?.timeMs ?? 0,
      isDirty: false,
      isOnDisk: loaded !== undefined,
      isUsed: false,
      isGone: false,
    };
  }

  #write(entry: Entry): void {
    entry.isDirty = false;
    const key = this.#keyBytes(entry.key, entry.namespace);
    if (entry.value === undefined) {
      if (entry.isOnDisk) this.#table.remove(key);
      entry.isOnDisk = false;
      return;
    }
    this.#table.put(key, this.#encodeValue(entry, key[GROUP_BYTES] === DIGEST_TAG));
    entry.isOnDisk = true;
  }

  #keyBytes(key: unknown, namespace: StateNamespace): Buffer {
    const encoder = this.#encoder;
    encoder.reset();
    encoder.encode(key);
    encoder.encode(toPlainNamespace(namespace));
    let bytes: Uint8Array = encoder.buffer.subarray(0, encoder.position);
    const isLong = bytes.length > KEY_BYTES_MAX;
    if (isLong) bytes = createHash('sha256').update(bytes).digest();
    const result = Buffer.allocUnsafe(GROUP_BYTES + (isLong ? 1 : 0) + bytes.length);
    result.writeUInt16BE(keyGroupOf(hashKey(key), this.#options.maxParallelism), 0);
    if (isLong) result[GROUP_BYTES] = DIGEST_TAG;
    result.set(bytes, result.length - bytes.length);
    return result;
  }

  #encodeValue({key, namespace, value, timeMs}: Entry, hasDigest: boolean): Buffer {
    const encoder = this.#encoder;
    encoder.reset();
    encoder.encode(value instanceof StateMap ? [...value.entries()] : value);
    if (this.#options.hasTime) encoder.encode(timeMs);
    if (hasDigest) {
      encoder.encode(key);
      encoder.encode(toPlainNamespace(namespace));
    }
    this.#budget.noteSize(encoder.position);
    return Buffer.from(encoder.buffer.subarray(0, encoder.position));
  }

  #decode(
    keyBytes: Buffer,
    valueBytes: Buffer,
  ): {key: unknown; namespace: StateNamespace; value: unknown; timeMs: number} {
    const {value, timeMs, rest} = this.#decodeValue(valueBytes);
    const [key, namespace] =
      keyBytes[GROUP_BYTES] === DIGEST_TAG
        ? rest
        : this.#decoder.decodeAll(keyBytes.subarray(GROUP_BYTES));
    return {key, namespace: fromPlainNamespace(namespace as PlainNamespace), value, timeMs};
  }

  #decodeValue(bytes: Buffer): {value: unknown; timeMs: number; rest: unknown[]} {
    const [value, ...rest] = this.#decoder.decodeAll(bytes);
    this.#budget.noteSize(bytes.length);
    const timeMs = this.#options.hasTime ? (rest.shift() as number) : 0;
    if (this.#options.kind !== 'map') return {value, timeMs, rest};
    const map = new StateMap<unknown>();
    for (const [key, entry] of value as Array<[unknown, unknown]>) map.set(key, entry);
    return {value: map, timeMs, rest};
  }

  *#all(): IterableIterator<Entry> {
    yield* this.#plain.values();
    yield* this.#others.values();
  }

  #sweepDisk(visit: SweepVisitor): void {
    const changed: Array<{key: Buffer; entry: Entry | undefined}> = [];
    let seen = 0;
    let next: Buffer | undefined;
    for (const {key, value} of this.#table.range(this.#sweepFrom)) {
      if (seen === SWEEP_CHUNK) {
        next = key;
        break;
      }
      seen += 1;
      const found = this.#decode(key, value);
      if (this.#isCached(found.key, found.namespace)) continue;
      const verdict = visit(found.value, found.timeMs);
      if (verdict === 'keep') continue;
      const flags = {isDirty: true, isOnDisk: true, isUsed: false, isGone: true};
      changed.push({key, entry: verdict === 'drop' ? undefined : {...found, ...flags}});
    }
    this.#sweepFrom = next;
    if (changed.length === 0) return;
    this.#options.database.write(() => {
      for (const {key, entry} of changed) {
        if (entry === undefined) this.#table.remove(key);
        else this.#write(entry);
      }
    });
  }

  #isCached(key: unknown, namespace: StateNamespace): boolean {
    if (namespace === undefined && isPlainKey(key)) return this.#plain.has(key);
    return this.#others.has(`${compositeKeyText(key)} ${JSON.stringify(toText(namespace))}`);
  }
}

/** JSON knows no infinities, and undefined is not null there. */
function toText(namespace: StateNamespace): unknown {
  const plain = toPlainNamespace(namespace);
  return typeof plain === 'object' ? plain.map(String) : (plain ?? null);
}
