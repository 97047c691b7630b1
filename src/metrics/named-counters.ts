/**
 * Counters that user functions and connectors name at run time: a table in shared memory, one per task,
 * that the task's thread fills and anyone reads.
 *
 *   word 0          COUNT   entries, published after the entry is complete
 *   byte 64 + 64·i  entry   value float64 | length of the name, int32 | the name, UTF-8
 *
 * Names are written once and values only by the task's thread, so a reader needs no lock.
 */
import {StreamError, showValue} from '../base/errors.ts';
import type {Arena, ArenaPlan, Region} from '../memory/arena.ts';
import type {Counter} from './counter.ts';

const HEADER_BYTES = 64;
const ENTRY_BYTES = 64;
const NAME_LENGTH = 8;
const NAME = 12;

/** Named counters of one task. */
export const NAMED_COUNTERS_MAX = 32;

/** Bytes of UTF-8 that a name may have. */
export const COUNTER_NAME_BYTES_MAX = ENTRY_BYTES - NAME;

/** Reserves the table of one task. */
export function planNamedCounters(plan: ArenaPlan, name: string): Region {
  return plan.reserve(name, HEADER_BYTES + NAMED_COUNTERS_MAX * ENTRY_BYTES);
}

/** The writing end; belongs to the task's thread. */
export class NamedCounters {
  readonly #arena: Arena;
  readonly #region: Region;
  readonly #counters = new Map<string, Counter>();

  constructor(arena: Arena, region: Region) {
    this.#arena = arena;
    this.#region = region;
  }

  /** The counter of this name; a new one at 0 if there is none. Errors: see `RuntimeContext`. */
  counter(name: string): Counter {
    const known = this.#counters.get(name);
    if (known !== undefined) return known;
    const bytes = typeof name === 'string' ? Buffer.from(name) : Buffer.alloc(0);
    if (bytes.length === 0 || bytes.length > COUNTER_NAME_BYTES_MAX) {
      throw new StreamError(
        'E_METRIC_NAME',
        'a counter needs a short name',
        {name: showValue(name)},
        {remedy: `give a text of 1 to ${COUNTER_NAME_BYTES_MAX} bytes`},
      );
    }
    const index = this.#counters.size;
    if (index === NAMED_COUNTERS_MAX) {
      throw new StreamError(
        'E_METRIC_COUNT',
        'a task has too many counters',
        {name, max: NAMED_COUNTERS_MAX},
        {remedy: 'use fewer names; values such as keys do not belong into a name'},
      );
    }
    const offset = this.#region.offsetBytes + HEADER_BYTES + index * ENTRY_BYTES;
    const {words, doubles, bytes: memory} = this.#arena;
    doubles[offset >> 3] = 0;
    words[(offset + NAME_LENGTH) >> 2] = bytes.length;
    memory.set(bytes, offset + NAME);
    Atomics.store(words, this.#region.offsetBytes >> 2, index + 1);
    const counter = new SharedCounter(doubles, offset >> 3);
    this.#counters.set(name, counter);
    return counter;
  }
}

/** Values by name, as they are now; from any thread. */
export function readNamedCounters(arena: Arena, region: Region): Record<string, number> {
  const {words, doubles, bytes} = arena;
  const values: Record<string, number> = {};
  const count = Atomics.load(words, region.offsetBytes >> 2);
  for (let index = 0; index < count; index += 1) {
    const offset = region.offsetBytes + HEADER_BYTES + index * ENTRY_BYTES;
    const length = words[(offset + NAME_LENGTH) >> 2];
    values[bytes.toString('utf8', offset + NAME, offset + NAME + length)] = doubles[offset >> 3];
  }
  return values;
}

class SharedCounter implements Counter {
  readonly #doubles: Float64Array;
  readonly #place: number;

  constructor(doubles: Float64Array, place: number) {
    this.#doubles = doubles;
    this.#place = place;
  }

  get value(): number {
    return this.#doubles[this.#place];
  }

  add(amount = 1): void {
    this.#doubles[this.#place] += amount;
  }
}
