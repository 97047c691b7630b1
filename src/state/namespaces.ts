/**
 * The namespaces of one keyed backend as small numbers: 0 is the void one, others live as long as
 * state or a timer refers to them. Windows are equal if their ends are; texts and numbers are names. One thread.
 *
 * Windows are found in an open-addressing table over their ends, because sessions make and drop one per
 * key. Who holds an id without a reference looks at `version`: it changes when an id may have begun or
 * ended to stand for something.
 */
import {assert} from '../base/assert.ts';
import {StreamError} from '../base/errors.ts';
import {hashDouble} from '../base/hash.ts';
import {TimeWindow} from '../time/time-window.ts';
import type {StateNamespace} from './keyed-state.ts';

export const VOID = 0;
/** The id of a namespace that nothing refers to. */
export const NO_NAMESPACE = -1;
/** Ids are below. */
export const NAMESPACE_LIMIT = 2 ** 26;

const SLOTS_MIN = 64;

export class Namespaces {
  version = 0;
  readonly #values: StateNamespace[] = [undefined];
  readonly #references: number[] = [1];
  readonly #freeIds: number[] = [];
  readonly #names = new Map<string | number, number>();
  /** Ids of windows, 0 where there is none. */
  #slots = new Int32Array(SLOTS_MIN);
  #mask = SLOTS_MIN - 1;
  #windowCount = 0;
  // Most records belong to the window of the one before.
  #lastStart = NaN;
  #lastEnd = NaN;
  #lastId = NO_NAMESPACE;

  /** The id of `namespace`, or NO_NAMESPACE. */
  find(namespace: StateNamespace): number {
    if (namespace === undefined) return VOID;
    if (!(namespace instanceof TimeWindow)) {
      return this.#names.get(namespace) ?? NO_NAMESPACE;
    }
    const {start, end} = namespace;
    if (start === this.#lastStart && end === this.#lastEnd) return this.#lastId;
    const id = this.#slots[this.#slotOf(start, end)]!;
    if (id === 0) return NO_NAMESPACE;
    this.#lastStart = start;
    this.#lastEnd = end;
    this.#lastId = id;
    return id;
  }

  /** The id of `namespace`, with one more reference to it. */
  retain(namespace: StateNamespace): number {
    if (namespace === undefined) return VOID;
    let id = this.find(namespace);
    if (id === NO_NAMESPACE) id = this.#add(namespace);
    this.#references[id]! += 1;
    return id;
  }

  /** One reference less. */
  release(id: number): void {
    if (id === VOID) return;
    const left = this.#references[id]! - 1;
    assert(left >= 0, 'a namespace is released as often as it was retained');
    this.#references[id] = left;
    if (left === 0) this.#remove(id);
  }

  valueOf(id: number): StateNamespace {
    return this.#values[id];
  }

  #add(namespace: TimeWindow | string | number): number {
    const id = this.#freeIds.pop() ?? this.#values.length;
    if (id >= NAMESPACE_LIMIT) {
      throw new StreamError(
        'E_STATE_MEMORY',
        'a subtask has more windows than a backend in memory can hold',
        {windows: id},
        {remedy: 'raise the parallelism, or make the windows larger'},
      );
    }
    this.version += 1;
    this.#values[id] = namespace;
    this.#references[id] = 0;
    if (!(namespace instanceof TimeWindow)) {
      this.#names.set(namespace, id);
      return id;
    }
    if (2 * (this.#windowCount + 1) > this.#slots.length) this.#grow();
    this.#windowCount += 1;
    this.#slots[this.#slotOf(namespace.start, namespace.end)] = id;
    return id;
  }

  #remove(id: number): void {
    this.version += 1;
    const namespace = this.#values[id]!;
    if (namespace instanceof TimeWindow) {
      if (this.#lastId === id) this.#lastStart = NaN;
      this.#windowCount -= 1;
      this.#vacate(this.#slotOf(namespace.start, namespace.end));
    } else {
      this.#names.delete(namespace);
    }
    this.#values[id] = undefined;
    this.#freeIds.push(id);
  }

  /** The slot of the window, or the empty one where it belongs. */
  #slotOf(start: number, end: number): number {
    const slots = this.#slots;
    const mask = this.#mask;
    let slot = hashWindow(start, end) & mask;
    for (;;) {
      const id = slots[slot]!;
      if (id === 0) return slot;
      const window = this.#values[id] as TimeWindow;
      if (window.start === start && window.end === end) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #vacate(hole: number): void {
    const slots = this.#slots;
    const mask = this.#mask;
    for (let probe = (hole + 1) & mask; slots[probe] !== 0; probe = (probe + 1) & mask) {
      const {start, end} = this.#values[slots[probe]!] as TimeWindow;
      const home = hashWindow(start, end) & mask;
      if (((probe - home) & mask) < ((probe - hole) & mask)) continue;
      slots[hole] = slots[probe]!;
      hole = probe;
    }
    slots[hole] = 0;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Int32Array(2 * old.length);
    this.#mask = this.#slots.length - 1;
    for (const id of old) {
      if (id === 0) continue;
      const {start, end} = this.#values[id] as TimeWindow;
      this.#slots[this.#slotOf(start, end)] = id;
    }
  }
}

function hashWindow(start: number, end: number): number {
  const hash = Math.imul(hashDouble(start), 0x9e3779b1) ^ Math.imul(hashDouble(end), 0x85ebca6b);
  return hash ^ (hash >>> 15);
}
