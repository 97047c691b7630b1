/**
 * Keyed rows with keys of any kind: texts, numbers, booleans, bigints, dates, and composite keys, which
 * are arrays of these. The general case, and what the other tables become when keys of several kinds
 * meet.
 *
 * A Map tells plain values apart by type and value, as Flink does, save -0 and 0. Those, dates and
 * composite keys are found by a text of their parts, in a Map of its own.
 */
import {flattenString} from '../records/flatten.ts';
import {DenseRows} from './dense-rows.ts';
import {NO_ROW} from './keyed-rows.ts';
import {LargeMap} from './large-map.ts';

export class AnyKeyTable extends DenseRows<unknown> {
  readonly keyKind = 'any';
  readonly #plain = new LargeMap<unknown>();
  readonly #composite = new LargeMap<string>();

  accepts(key: unknown): boolean {
    return key !== undefined && key !== null && key === key;
  }

  find(key: unknown): number {
    return (
      (isPlainKey(key) ? this.#plain.get(key) : this.#composite.get(compositeKeyText(key))) ??
      NO_ROW
    );
  }

  upsert(key: unknown): number {
    const found = this.find(key);
    this.wasInserted = found === NO_ROW;
    if (!this.wasInserted) return found;
    const kept = ownKey(key);
    const position = this.addRow(kept);
    if (isPlainKey(kept)) this.#plain.add(kept, position);
    else this.#composite.add(compositeKeyText(kept), position);
    return position;
  }

  remove(key: unknown): boolean {
    const position = this.find(key);
    if (position === NO_ROW) return false;
    if (isPlainKey(key)) this.#plain.delete(key);
    else this.#composite.delete(compositeKeyText(key));
    this.dropRow(position);
    return true;
  }
}

/** A copy that neither keeps a batch alive nor changes when the user changes an array or a date. */
export function ownKey(key: unknown): unknown {
  if (typeof key === 'string') return flattenString(key);
  if (Array.isArray(key)) return key.map(ownKey);
  return key instanceof Date ? new Date(key.getTime()) : key;
}

/** Whether a Map tells `key` apart by itself. */
export function isPlainKey(key: unknown): boolean {
  if (typeof key === 'number') return key !== 0 || 1 / key > 0;
  return typeof key !== 'object';
}

/** A text that is equal for equal keys and no others. */
export function compositeKeyText(key: unknown): string {
  if (Array.isArray(key)) return `[${key.map(compositeKeyText).join(',')}]`;
  if (key instanceof Date) return `d${key.getTime()}`;
  if (typeof key === 'string') return JSON.stringify(key);
  if (typeof key === 'number') return key === 0 && 1 / key < 0 ? '-0' : String(key);
  return `${typeof key} ${String(key)}`;
}
