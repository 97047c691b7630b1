/**
 * A Map without V8's limit of 2^24 entries: when one is full, the next one is begun, and a key is looked
 * for in all of them. Up to the limit it costs what a Map costs. Values are numbers.
 */

/** What V8 allows in one Map, with a little to spare. */
const ENTRIES_MAX = 2 ** 24 - 16;

export class LargeMap<K> {
  readonly #entriesMax: number;
  /** The one that is being filled. */
  #last = new Map<K, number>();
  readonly #full: Array<Map<K, number>> = [];

  constructor(entriesMax = ENTRIES_MAX) {
    this.#entriesMax = entriesMax;
  }

  get(key: K): number | undefined {
    const found = this.#last.get(key);
    return found !== undefined || this.#full.length === 0 ? found : this.#getFromFull(key);
  }

  /** Adds a key that is not there. */
  add(key: K, value: number): void {
    if (this.#last.size >= this.#entriesMax) {
      this.#full.push(this.#last);
      this.#last = new Map();
    }
    this.#last.set(key, value);
  }

  delete(key: K): boolean {
    return this.#last.delete(key) || this.#full.some(map => map.delete(key));
  }

  #getFromFull(key: K): number | undefined {
    for (const map of this.#full) {
      const found = map.get(key);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}
