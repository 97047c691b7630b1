/**
 * Appends without generated code: the oracle of the generated text in tests, and what runs where a
 * process forbids code generation. The same two phases, driven by the tree of columns; several times
 * slower.
 */
import {
  byteTerms,
  doubleTerms,
  endTerms,
  indexAt,
  integerTerms,
  MODE_DICTIONARY,
  MODE_LOCAL,
  STATE_MISSING,
  STATE_NULL,
  STATE_UNDEFINED,
  STATE_VALUE,
  type ColumnPlace,
} from './batch-layout.ts';
import {isPlainObject} from './any-codec.ts';
import {accepts} from './infer-schema.ts';
import {isNullable, recordTree, type ObjectNode} from './record-tree.ts';
import {ALLOWS_MISSING, ALLOWS_NULL, ALLOWS_UNDEFINED} from './schema.ts';
import {
  APPENDED,
  APPENDED_FULL,
  MISFIT,
  TARGET_BOUND,
  TARGET_CAPACITY,
  TARGET_MODES,
  TARGET_ROOM,
  TARGET_ROWS,
  TARGET_SEGMENT,
  type OpenBatches,
} from './open-batches.ts';

/** A function that appends one row to the batches of `batches`. */
export function interpretAppend(
  batches: OpenBatches,
  countFields: boolean,
): (target: number, value: unknown, timestamp: number) => number {
  const interpreter = new AppendInterpreter(batches, countFields);
  return (target, value, timestamp) => interpreter.append(target, value, timestamp);
}

class AppendInterpreter {
  readonly #batches: OpenBatches;
  readonly #countFields: boolean;
  readonly #tree: ObjectNode | undefined;
  readonly #indexes = new Map<ColumnPlace, number>();
  /** Per column, of the record at hand. */
  readonly #values: unknown[] = [];
  readonly #states: number[] = [];

  constructor(batches: OpenBatches, countFields: boolean) {
    const {places, schema} = batches.layout;
    this.#batches = batches;
    this.#countFields = countFields;
    this.#tree = schema.kind === 'record' ? recordTree(places) : undefined;
    for (const [index, place] of places.entries()) this.#indexes.set(place, index);
  }

  append(target: number, value: unknown, timestamp: number): number {
    const batches = this.#batches;
    const {layout, state} = batches;
    this.#values.length = 0;
    this.#states.length = 0;
    const fits =
      this.#tree === undefined
        ? this.#takeField(layout.places[0]!, value, true)
        : this.#takeObject(this.#tree, value);
    if (!fits) return MISFIT;

    const at = target * batches.stride;
    batches.resetEncoder();
    const lengths: number[] = [];
    const codes: number[] = [];
    let need = 0;
    for (const place of layout.heaps) {
      const index = this.#indexes.get(place)!;
      const heap = place.regionIndex;
      const isPresent = (this.#states[index] ?? STATE_MISSING) === STATE_VALUE;
      if (place.column.type !== 'string') {
        lengths[heap] = isPresent ? batches.encodeField(heap, this.#values[index]) : 0;
        need += lengths[heap];
        continue;
      }
      const text = isPresent ? (this.#values[index] as string) : '';
      const mode = state[at + TARGET_MODES + heap]!;
      if (mode !== MODE_DICTIONARY) {
        need += mode === MODE_LOCAL ? text.length : 2 * text.length;
      } else {
        codes[heap] = batches.dictionaries[heap]!.find(target, text);
        if (codes[heap] < 0) need += 2 * text.length + 4;
      }
    }
    const fitsHeap =
      state[at + TARGET_BOUND]! + need <= state[at + TARGET_ROOM]! || layout.heapCount === 0;
    const hasRow = state[at + TARGET_ROWS]! < state[at + TARGET_CAPACITY]!;
    if (!hasRow || (!fitsHeap && !batches.makeRoom(target, need))) {
      const result = batches.refuse(target, need);
      if (result !== APPENDED) return result;
    }
    state[at + TARGET_BOUND]! += need;
    this.#store(target, timestamp, lengths, codes);
    const rows = state[at + TARGET_ROWS]! + 1;
    state[at + TARGET_ROWS] = rows;
    return rows === state[at + TARGET_CAPACITY]! ? APPENDED_FULL : APPENDED;
  }

  #takeObject(node: ObjectNode, value: unknown): boolean {
    if (!isPlainObject(value)) return false;
    let present = 0;
    for (const child of node.children) {
      const isPresent = Object.hasOwn(value, child.name);
      if (isPresent) present += 1;
      const field = isPresent ? value[child.name] : undefined;
      const fits =
        child.kind === 'leaf'
          ? this.#takeField(child.place, field, isPresent)
          : this.#takeNested(child, field, isPresent);
      if (!fits) return false;
    }
    return !this.#countFields || Object.keys(value).length === present;
  }

  #takeNested(node: ObjectNode, value: unknown, isPresent: boolean): boolean {
    if (!isNullable(node)) return this.#takeObject(node, value);
    const state = absenceOf(value, isPresent);
    if (!this.#takeState(node.place!, state)) return false;
    return state !== STATE_VALUE || this.#takeObject(node, value);
  }

  #takeField(place: ColumnPlace, value: unknown, isPresent: boolean): boolean {
    const {column} = place;
    const index = this.#indexes.get(place)!;
    const holdsAny = column.type === 'any' && place.region !== 'none';
    const state = holdsAny && isPresent ? STATE_VALUE : absenceOf(value, isPresent);
    if (!this.#takeState(place, state)) return false;
    if (state !== STATE_VALUE) return true;
    if (place.region === 'none' || !accepts(column, value)) return false;
    this.#values[index] = value;
    return true;
  }

  #takeState(place: ColumnPlace, state: number): boolean {
    this.#states[this.#indexes.get(place)!] = state;
    const {nullability} = place.column;
    if (state === STATE_NULL) return (nullability & ALLOWS_NULL) !== 0;
    if (state === STATE_UNDEFINED) return (nullability & ALLOWS_UNDEFINED) !== 0;
    return state === STATE_VALUE || (nullability & ALLOWS_MISSING) !== 0;
  }

  #store(target: number, timestamp: number, lengths: number[], codes: number[]): void {
    const batches = this.#batches;
    const {layout, state, arena} = batches;
    const {words, doubles, bytes} = arena;
    const at = target * batches.stride;
    const rows = state[at + TARGET_ROWS]!;
    const capacity = state[at + TARGET_CAPACITY]!;
    const segment = state[at + TARGET_SEGMENT]!;
    if (layout.hasTimestamps) {
      doubles[indexAt(doubleTerms(layout, 0), segment, capacity) + rows] = timestamp;
    }
    for (const [index, place] of layout.places.entries()) {
      const value = this.#values[index];
      const {region, regionIndex} = place;
      if (region === 'integers') {
        const first = indexAt(integerTerms(layout, regionIndex), segment, capacity);
        words[first + rows] = (value as number | undefined) ?? 0;
      } else if (region === 'doubles') {
        const first = indexAt(doubleTerms(layout, regionIndex), segment, capacity);
        const number = value instanceof Date ? value.getTime() : (value as number | undefined);
        doubles[first + rows] = number ?? 0;
      } else if (region === 'bytes') {
        bytes[indexAt(byteTerms(layout, regionIndex), segment, capacity) + rows] = value ? 1 : 0;
      } else if (region === 'ends') {
        const first = indexAt(endTerms(layout, regionIndex), segment, capacity);
        const text = (value as string | undefined) ?? '';
        words[first + rows + 1] =
          place.column.type === 'string'
            ? this.#storeText(target, regionIndex, text, codes[regionIndex], rows)
            : batches.commitField(target, regionIndex, lengths[regionIndex]!);
      }
      if (place.stateIndex >= 0) {
        const first = indexAt(byteTerms(layout, place.stateIndex), segment, capacity);
        bytes[first + rows] = this.#states[index] ?? STATE_VALUE;
      }
    }
  }

  #storeText(
    target: number,
    heap: number,
    text: string,
    code: number | undefined,
    row: number,
  ): number {
    const batches = this.#batches;
    const slot = target * batches.layout.heapCount + heap;
    if (batches.state[target * batches.stride + TARGET_MODES + heap]! === MODE_LOCAL) {
      batches.localTexts[slot]!.push(text);
      return row;
    }
    if (code === undefined) {
      const texts = batches.texts[slot]! + text;
      batches.texts[slot] = texts;
      const flushed = target * batches.stride + TARGET_MODES + batches.layout.heapCount + heap;
      return batches.state[flushed]! + texts.length;
    }
    if (code >= 0) return code;
    // Another column's look-up never comes between: each column has a dictionary of its own.
    batches.addEntry(slot, text);
    return batches.dictionaries[heap]!.add(target);
  }
}

function absenceOf(value: unknown, isPresent: boolean): number {
  if (!isPresent) return STATE_MISSING;
  if (value === null) return STATE_NULL;
  return value === undefined ? STATE_UNDEFINED : STATE_VALUE;
}
