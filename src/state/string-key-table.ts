/**
 * Keyed rows whose keys are texts. A Map finds them: it uses the hash that V8 keeps in a text, which
 * code in JavaScript cannot reach and would have to compute anew, character by character.
 *
 * A key is kept with memory of its own: cut out of a batch, it would keep the whole batch's text alive.
 */
import {flattenString} from '../records/flatten.ts';
import {DenseRows} from './dense-rows.ts';
import {NO_ROW} from './keyed-rows.ts';
import {LargeMap} from './large-map.ts';

export class StringKeyTable extends DenseRows<string> {
  readonly keyKind = 'string';
  readonly #positions = new LargeMap<string>();

  accepts(key: unknown): boolean {
    return typeof key === 'string';
  }

  find(key: string): number {
    return this.#positions.get(key) ?? NO_ROW;
  }

  upsert(key: string): number {
    const found = this.#positions.get(key);
    if (found !== undefined) {
      this.wasInserted = false;
      return found;
    }
    this.wasInserted = true;
    const kept = flattenString(key);
    const position = this.addRow(kept);
    this.#positions.add(kept, position);
    return position;
  }

  remove(key: string): boolean {
    const position = this.find(key);
    if (position === NO_ROW) return false;
    this.#positions.delete(key);
    this.dropRow(position);
    return true;
  }
}
