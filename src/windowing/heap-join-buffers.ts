/**
 * Buffers of an interval join on the JavaScript heap: a Map from the key to its buffers. Keys whose elements
 * are all too old are found through a calendar, so that no timer is needed:
 *
 *   day 17 ──► [buffers, buffers, …]        `dayMs` of event time each; a key is in one day at most
 *   day 19 ──► […]
 *
 * A key is entered under the day after its newest element's life. When event time has passed a day, its
 * keys are looked at: a key without elements is forgotten, any other is entered anew.
 *
 * It is state only in a snapshot: then it is written into the backend, and taken from there when restored.
 * 3 million elements per second instead of 1.3 through the backend's tables and timers (1000 keys).
 */
import {hashKey} from '../base/key-group.ts';
import {StreamError} from '../base/errors.ts';
import {compositeKeyText, isPlainKey, ownKey} from '../state/any-key-table.ts';
import type {ValueState} from '../state/keyed-state.ts';
import type {KeyedStateBackend} from '../state/keyed-state-backend.ts';
import {ValueStateDescriptor} from '../state/state-descriptors.ts';
import {MIN_WATERMARK} from '../time/watermark.ts';
import {
  areEmpty,
  endOfLives,
  prune,
  type JoinBuffers,
  type JoinBufferStore,
  type LivesMs,
} from './join-buffers.ts';

/** The buffers as they are written into snapshots. */
export type SavedBuffers = Pick<JoinBuffers, 'left' | 'right'>;

export const SAVED_BUFFERS = new ValueStateDescriptor<SavedBuffers>('interval-join-buffers');

/** Days of the calendar that a life lasts, about. */
const DAYS_PER_LIFE = 8;

/** What V8 allows in a Map, with a little to spare. */
const KEYS_MAX = 2 ** 24 - 16;

export interface HeapBuffers extends JoinBuffers {
  readonly key: unknown;
  /** Whether the calendar has it. */
  isEntered: boolean;
}

export class HeapJoinBuffers implements JoinBufferStore<HeapBuffers> {
  watermark = MIN_WATERMARK;
  readonly #backend: KeyedStateBackend;
  readonly #saved: ValueState<SavedBuffers>;
  readonly #livesMs: LivesMs;
  readonly #dayMs: number;
  readonly #byKey = new Map<unknown, HeapBuffers>();
  readonly #days = new Map<number, HeapBuffers[]>();
  /** No day before it is in the calendar. */
  #firstDay = Infinity;
  /** Whether the backend has what was written for a snapshot. */
  #isSaved = false;

  constructor(backend: KeyedStateBackend, livesMs: LivesMs) {
    this.#backend = backend;
    this.#livesMs = livesMs;
    this.#dayMs = Math.max(1, Math.ceil(Math.max(...livesMs) / DAYS_PER_LIFE));
    this.#saved = backend.getState(SAVED_BUFFERS);
    this.#restore();
  }

  get waitsForEventTime(): boolean {
    return this.#days.size > 0;
  }

  /** How many keys have something, or had it lately. */
  get keyCount(): number {
    return this.#byKey.size;
  }

  open(key: unknown): HeapBuffers {
    const buffers = this.#byKey.get(isPlainKey(key) ? key : compositeKeyText(key));
    if (buffers === undefined) return this.#create(key);
    if (buffers.prunedTo !== this.watermark) prune(buffers, this.#livesMs, this.watermark);
    return buffers;
  }

  keep(buffers: HeapBuffers, endOfLife: number): void {
    if (!buffers.isEntered) this.#enter(buffers, endOfLife);
  }

  advance(watermark: number, canGoOn: () => boolean): boolean {
    this.watermark = watermark;
    // The snapshot has been taken long since.
    if (this.#isSaved) this.#clearSaved();
    // The end of a day belongs to the next one: what dies in it is dead when event time is there.
    while (this.#days.size > 0 && this.#firstDay * this.#dayMs <= watermark) {
      const day = this.#days.get(this.#firstDay);
      while (day !== undefined && day.length > 0) {
        if (!canGoOn()) return false;
        this.#lookAt(day.pop()!);
      }
      this.#days.delete(this.#firstDay);
      this.#firstDay = Infinity;
      for (const number of this.#days.keys()) {
        if (number < this.#firstDay) this.#firstDay = number;
      }
    }
    return true;
  }

  /** Restored buffers begin at the start of time, where it could no longer be told what is too old. */
  prepareSnapshot(): void {
    this.#clearSaved();
    this.#isSaved = true;
    for (const buffers of this.#byKey.values()) {
      if (buffers.prunedTo !== this.watermark) prune(buffers, this.#livesMs, this.watermark);
      if (areEmpty(buffers)) continue;
      this.#backend.setCurrentKey(buffers.key);
      // Copies: these here go on changing while the snapshot is written.
      this.#saved.update({left: copyOf(buffers.left), right: copyOf(buffers.right)});
    }
  }

  /** What is kept for a key, for a look from outside. */
  readKey(key: unknown): Readonly<Record<string, unknown>> | undefined {
    const buffers = this.#byKey.get(isPlainKey(key) ? key : compositeKeyText(key));
    if (buffers === undefined) return undefined;
    return {[SAVED_BUFFERS.name]: {left: copyOf(buffers.left), right: copyOf(buffers.right)}};
  }

  #clearSaved(): void {
    this.#isSaved = false;
    for (const key of [...this.#backend.keys(SAVED_BUFFERS.name, undefined)]) {
      this.#backend.setCurrentKey(key);
      this.#saved.clear();
    }
  }

  #restore(): void {
    for (const key of [...this.#backend.keys(SAVED_BUFFERS.name, undefined)]) {
      this.#backend.setCurrentKey(key);
      const {left, right} = this.#saved.value()!;
      const buffers: HeapBuffers = {
        left: copyOf(left),
        right: copyOf(right),
        prunedTo: this.watermark,
        key,
        isEntered: false,
      };
      this.#byKey.set(isPlainKey(key) ? key : compositeKeyText(key), buffers);
      this.#enter(buffers, endOfLives(buffers, this.#livesMs));
      this.#saved.clear();
    }
  }

  #create(key: unknown): HeapBuffers {
    // Refuses what is no key.
    hashKey(key);
    if (this.#byKey.size >= KEYS_MAX) {
      throw new StreamError(
        'E_STATE_MEMORY',
        'an interval join has more keys than a subtask can hold in memory',
        {keys: this.#byKey.size},
        {remedy: 'raise the parallelism, or set the state backend to lmdb'},
      );
    }
    const kept = ownKey(key);
    const buffers: HeapBuffers = {
      left: undefined,
      right: undefined,
      prunedTo: this.watermark,
      key: kept,
      isEntered: false,
    };
    this.#byKey.set(isPlainKey(kept) ? kept : compositeKeyText(kept), buffers);
    return buffers;
  }

  /** A day of the calendar has passed. */
  #lookAt(buffers: HeapBuffers): void {
    buffers.isEntered = false;
    if (buffers.prunedTo !== this.watermark) prune(buffers, this.#livesMs, this.watermark);
    if (areEmpty(buffers)) {
      const {key} = buffers;
      this.#byKey.delete(isPlainKey(key) ? key : compositeKeyText(key));
    } else {
      this.#enter(buffers, endOfLives(buffers, this.#livesMs));
    }
  }

  #enter(buffers: HeapBuffers, endOfLife: number): void {
    buffers.isEntered = true;
    // Not a day that has passed: what is past its life already is looked at when event time moves on.
    const earliest = Math.max(endOfLife, this.watermark + 1);
    const number = Math.ceil(earliest / this.#dayMs);
    const day = this.#days.get(number);
    if (day === undefined) this.#days.set(number, [buffers]);
    else day.push(buffers);
    if (number < this.#firstDay) this.#firstDay = number;
  }
}

function copyOf(buffer: JoinBuffers['left']): JoinBuffers['left'] {
  if (buffer === undefined) return undefined;
  const {timestamps, values, head} = buffer;
  return {timestamps: timestamps.slice(head), values: values.slice(head), head: 0};
}
