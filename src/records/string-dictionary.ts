/**
 * The dictionary of one text column of one writer. Which texts were met is remembered over batches
 * and targets (an entry in the Map costs several times a look-up), but codes count from 0 in each
 * open batch, which holds the texts of its own codes and can be read alone.
 *
 *   ids        text → id, for the life of the dictionary
 *   codes      per target: id → code in the open batch
 *   order      per target: code → id
 *
 * `codes[id]` may be left over from an earlier batch. It counts only if `order` points back: so
 * opening a batch forgets all codes by setting a counter to 0.
 */
import {flattenString} from './flatten.ts';

export class StringDictionary {
  readonly #ids = new Map<string, number>();
  readonly #counts: Int32Array;
  readonly #codes: Int32Array[] = [];
  readonly #order: Int32Array[] = [];
  #lastId = 0;

  constructor(targetCount: number) {
    this.#counts = new Int32Array(targetCount);
    for (let target = 0; target < targetCount; target += 1) {
      this.#codes.push(new Int32Array(64));
      this.#order.push(new Int32Array(64));
    }
  }

  /** Distinct texts met since the last `clear`. */
  get size(): number {
    return this.#ids.size;
  }

  /** Distinct texts in the open batch of `target`. */
  count(target: number): number {
    return this.#counts[target]!;
  }

  /** Starts a batch. */
  reset(target: number): void {
    this.#counts[target] = 0;
  }

  /** Forgets all texts; no batch that uses the dictionary may be open. */
  clear(): void {
    this.#ids.clear();
    this.#counts.fill(0);
  }

  /** The code of `text` in the open batch of `target`, or -1; remembered for a following `add`. */
  find(target: number, text: string): number {
    let id = this.#ids.get(text);
    if (id === undefined) {
      id = this.#ids.size;
      // A text that came out of a batch would keep the whole text of that batch alive.
      this.#ids.set(flattenString(text), id);
    }
    this.#lastId = id;
    const codes = this.#codes[target]!;
    if (id >= codes.length) return -1;
    const code = codes[id]!;
    return code < this.#counts[target]! && this.#order[target]![code] === id ? code : -1;
  }

  /** Gives the text of the last `find`, which returned -1, the next code. */
  add(target: number): number {
    const id = this.#lastId;
    if (id >= this.#codes[target]!.length) this.#codes[target] = grown(this.#codes[target]!, id);
    const code = this.#counts[target]!;
    if (code >= this.#order[target]!.length)
      this.#order[target] = grown(this.#order[target]!, code);
    this.#codes[target]![id] = code;
    this.#order[target]![code] = id;
    this.#counts[target] = code + 1;
    return code;
  }
}

function grown(words: Int32Array, index: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(Math.max(2 * words.length, index + 1));
  larger.set(words);
  return larger;
}
