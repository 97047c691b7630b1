/**
 * The one thing that the hand-written two-thread programs share: a ring of slots from one thread to
 * another, and a bell to sleep on.
 *
 *   words   0  TAIL   slots published so far, written by the producer
 *   words  32  HEAD   slots released so far, written by the consumer
 *   words  64  COUNT  records in each slot, or END
 *   then        slots  SLOTS blocks of SLOT_BYTES
 *
 * Publishing stores TAIL after the slot's bytes, so a consumer that sees the position sees them too.
 * Each position is written by one side only.
 */

export const SLOTS = 16;
export const SLOT_BYTES = 1 << 16;
/** In place of a count: nothing comes after this. */
export const END = -1;

const TAIL = 0;
const HEAD = 32;
const COUNT = 64;
const DATA_WORDS = COUNT + SLOTS;
const DATA_BYTES = DATA_WORDS * 4;

export function allocateSlotRing(): SharedArrayBuffer {
  return new SharedArrayBuffer(DATA_BYTES + SLOTS * SLOT_BYTES);
}

/** Where slot `slot` begins, in bytes. A multiple of 8. */
export function slotOffset(slot: number): number {
  return DATA_BYTES + slot * SLOT_BYTES;
}

/** Wakes whoever sleeps on `bell`. */
export function ring(bell: Int32Array): void {
  Atomics.add(bell, 0, 1);
  Atomics.notify(bell, 0);
}

export class SlotWriter {
  readonly #words: Int32Array;
  readonly #bell: Int32Array;
  #tail: number;
  #headSeen: number;

  constructor(buffer: SharedArrayBuffer, bell: Int32Array) {
    this.#words = new Int32Array(buffer, 0, DATA_WORDS);
    this.#bell = bell;
    this.#tail = Atomics.load(this.#words, TAIL);
    this.#headSeen = Atomics.load(this.#words, HEAD);
  }

  /** The slot to write next, or -1 while all are full. */
  claim(): number {
    if (((this.#tail - this.#headSeen) | 0) === SLOTS) {
      this.#headSeen = Atomics.load(this.#words, HEAD);
      if (((this.#tail - this.#headSeen) | 0) === SLOTS) return -1;
    }
    return this.#tail & (SLOTS - 1);
  }

  /** Hands the claimed slot over. */
  publish(count: number): void {
    this.#words[COUNT + (this.#tail & (SLOTS - 1))] = count;
    this.#tail = (this.#tail + 1) | 0;
    Atomics.store(this.#words, TAIL, this.#tail);
    ring(this.#bell);
  }
}

export class SlotReader {
  readonly #words: Int32Array;
  readonly #bell: Int32Array;
  #head: number;
  #tailSeen: number;

  constructor(buffer: SharedArrayBuffer, bell: Int32Array) {
    this.#words = new Int32Array(buffer, 0, DATA_WORDS);
    this.#bell = bell;
    this.#head = Atomics.load(this.#words, HEAD);
    this.#tailSeen = this.#head;
  }

  /** The slot to read next, or -1 while there is none. */
  next(): number {
    if (this.#tailSeen === this.#head) {
      this.#tailSeen = Atomics.load(this.#words, TAIL);
      if (this.#tailSeen === this.#head) return -1;
    }
    return this.#head & (SLOTS - 1);
  }

  count(slot: number): number {
    return this.#words[COUNT + slot];
  }

  release(): void {
    this.#head = (this.#head + 1) | 0;
    Atomics.store(this.#words, HEAD, this.#head);
    ring(this.#bell);
  }
}

const SPINS = 200;
const SLEEP_MS = 1;

/** What a thread does when it can do nothing: look again for a while, then sleep on its bell. */
export class Idler {
  readonly #bell: Int32Array;
  #seen = 0;
  #spins = 0;

  constructor(bell: Int32Array) {
    this.#bell = bell;
  }

  /** Before the thread looks for work: whatever rings from here on ends the sleep. */
  look(): void {
    this.#seen = Atomics.load(this.#bell, 0);
  }

  /** After it looked. */
  idle(hadWork: boolean, sleepMs = SLEEP_MS): void {
    if (hadWork) this.#spins = 0;
    else if ((this.#spins += 1) > SPINS) Atomics.wait(this.#bell, 0, this.#seen, sleepMs);
  }
}
