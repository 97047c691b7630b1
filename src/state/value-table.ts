/**
 * Keyed state with keys of any kind and JavaScript values: the fallback where a schema does not allow
 * typed rows. Slots are dense, in the order in which keys came; what hangs on a key lies in arrays
 * that are indexed by its slot.
 *
 * Keys are told apart as Flink does: by type and value, so -0 is not 0, 1 is not '1', and composite
 * keys and dates are compared by their parts.
 */
import {flattenString} from '../records/flatten.ts';
import {hashKey} from './key-group.ts';

/** Slot of a key that is not there. */
export const NO_SLOT = -1;

function parts(key: unknown): string {
  if (Array.isArray(key)) return `[${key.map(parts).join(',')}]`;
  if (key instanceof Date) return `d${key.getTime()}`;
  if (typeof key === 'string') return JSON.stringify(key);
  if (typeof key === 'number') return key === 0 && 1 / key < 0 ? '-0' : String(key);
  return `${typeof key} ${String(key)}`;
}

export class ValueTable {
  /** Slots of keys that a Map tells apart as we do. */
  readonly #plain = new Map<unknown, number>();
  /** Slots of composite keys, dates and -0, by a text of their parts. */
  readonly #composite = new Map<string, number>();
  /** The key of each slot. */
  readonly keys: unknown[] = [];
  /** Whether `upsert` made a new slot. */
  wasInserted = false;

  get size(): number {
    return this.keys.length;
  }

  find(key: unknown): number {
    return (isPlain(key) ? this.#plain.get(key) : this.#composite.get(parts(key))) ?? NO_SLOT;
  }

  /** Slot of `key`; a new one behind all others if it was not there. Refuses what has no hash. */
  upsert(key: unknown): number {
    const slot = this.find(key);
    if (slot !== NO_SLOT) {
      this.wasInserted = false;
      return slot;
    }
    hashKey(key);
    this.wasInserted = true;
    const added = this.keys.length;
    // A key cut out of a batch's text would keep all of that text alive.
    const kept = typeof key === 'string' ? flattenString(key) : key;
    if (isPlain(kept)) this.#plain.set(kept, added);
    else this.#composite.set(parts(kept), added);
    this.keys.push(kept);
    return added;
  }
}

function isPlain(key: unknown): boolean {
  if (typeof key === 'number') return key !== 0 || 1 / key > 0;
  return typeof key !== 'object';
}
