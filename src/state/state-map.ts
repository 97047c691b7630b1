/**
 * The entries of a map state. Keys are told apart by type and value: texts, numbers, booleans and bigints
 * as a Map does, save -0 and 0, dates and arrays by their parts, anything else by identity. Iteration
 * follows the order in which keys came. One thread.
 */
import {compositeKeyText, isPlainKey} from './any-key-table.ts';

/** What stands for a key in the Map below; an object, so that it equals no key of a user. */
interface Composite {
  readonly key: unknown;
}

export class StateMap<V> {
  readonly #values = new Map<unknown, V>();
  /** From the text of a composite key to what stands for it in `#values`. */
  #composites: Map<string, Composite> | undefined;

  get size(): number {
    return this.#values.size;
  }

  get(key: unknown): V | undefined {
    return this.#values.get(isSimple(key) ? key : this.#find(key));
  }

  has(key: unknown): boolean {
    return this.#values.has(isSimple(key) ? key : this.#find(key));
  }

  set(key: unknown, value: V): void {
    if (isSimple(key)) {
      this.#values.set(key, value);
      return;
    }
    const text = compositeKeyText(key);
    this.#composites ??= new Map();
    let composite = this.#composites.get(text);
    if (composite === undefined) {
      composite = new CompositeKey(structuredClone(key));
      this.#composites.set(text, composite);
    }
    this.#values.set(composite, value);
  }

  delete(key: unknown): boolean {
    if (isSimple(key)) return this.#values.delete(key);
    const text = compositeKeyText(key);
    const composite = this.#composites?.get(text);
    if (composite === undefined) return false;
    this.#composites!.delete(text);
    return this.#values.delete(composite);
  }

  clear(): void {
    this.#values.clear();
    this.#composites = undefined;
  }

  *entries(): IterableIterator<[unknown, V]> {
    for (const [key, value] of this.#values) yield [ownKey(key), value];
  }

  *keys(): IterableIterator<unknown> {
    for (const key of this.#values.keys()) yield ownKey(key);
  }

  values(): IterableIterator<V> {
    return this.#values.values();
  }

  #find(key: unknown): unknown {
    return this.#composites?.get(compositeKeyText(key)) ?? NOT_THERE;
  }
}

class CompositeKey implements Composite {
  readonly key: unknown;

  constructor(key: unknown) {
    this.key = key;
  }
}

const NOT_THERE = Symbol('no such key');

/** Whether a Map can tell the key apart from others by itself. */
function isSimple(key: unknown): boolean {
  if (typeof key === 'object') return !(Array.isArray(key) || key instanceof Date);
  return isPlainKey(key);
}

function ownKey(key: unknown): unknown {
  return key instanceof CompositeKey ? key.key : key;
}
