/**
 * One doorbell per thread: where it sleeps, and how all others wake it.
 *
 *   word   0  BELL      anyone: a count that changes when a sleeper is woken; the thread waits on it
 *   word  32  SLEEPING  1 stored by the thread before it sleeps; 0 by the thread, or by a ringer
 *   word  33  CONTROL   flags, set by the control plane, polled by the thread once per batch
 *   word  34  BEATS     the thread: how many turns its loop has made
 *   word  35  BEAT_MS   the thread: when it made the last one (a monotonic ms, cut to int32)
 *
 * The thread:                                  A ringer:
 *   T1  seen = load BELL                         R1  store work (Atomics: a ring's TAIL, a credit)
 *   T2  store SLEEPING = 1                       R2  load SLEEPING; done if 0
 *   T3  look for work (Atomics loads)            R3  exchange SLEEPING = 0; done if it was 0
 *       if found: awake(), go and do it          R4  add 1 to BELL
 *   T4  wait on BELL while it equals `seen`      R5  notify
 *   T5  store SLEEPING = 0
 *
 * No wake-up is lost. All these accesses are sequentially consistent, so they have one total order.
 * Take work stored at R1 which T3 did not see: then T2 < T3 < R1 < R2. So SLEEPING was 1 at T2, and
 * if the ringer finds 0 at R2 or R3, someone changed it after T2. That was the thread at T5, which
 * then is awake and looks for work, or another ringer at its R3. Either way there is a ringer whose
 * R3 lies after T2, whose R4 therefore lies after T1, and so BELL differs from `seen` from then on:
 * if T4 comes later it does not sleep, if it came earlier R5 wakes it. (`seen` is read BEFORE the
 * flag is set for the sake of a late ringer, one that passed R2 during an earlier sleep: it may
 * clear the flag of this sleep, but then its R4 still follows T1. Read afterwards, `seen` could
 * include that R4, and the thread would sleep with a cleared flag.) test/memory/doorbell.test.ts
 * runs through every interleaving of these steps; test/stress/doorbell.test.ts has real threads.
 *
 * A ringer clears the flag so that only the first of many pays for `notify`. While the thread is
 * awake, a ring is one load of a line that is not being written.
 *
 * Two limits, which is why every park has a timeout: a ringer that is terminated between R3 and R5
 * takes the wake-up with it (the coordinator, which notices the death, wakes all with `setControl`,
 * which does not look at the flag); and work stored without Atomics has no place in the order.
 */
import {assert} from '../base/assert.ts';
import type {Arena, ArenaPlan, Region} from './arena.ts';

const BELL = 0;
const SLEEPING = 32;
const CONTROL = 33;
const BEATS = 34;
const BEAT_MS = 35;
const STRIDE_WORDS = 64;

/** Where the doorbells lie. Plain data: crosses threads as it is. */
export interface DoorbellLayout {
  readonly region: Region;
  readonly count: number;
}

/** Reserves `count` doorbells, one per thread. A fresh arena holds them silent. */
export function planDoorbells(plan: ArenaPlan, count: number): DoorbellLayout {
  assert(Number.isSafeInteger(count) && count > 0, 'the number of doorbells must be positive');
  const sizeBytes = count * STRIDE_WORDS * Int32Array.BYTES_PER_ELEMENT;
  return {region: plan.reserve('doorbells', sizeBytes), count};
}

/**
 * A handle on the doorbell of thread `index`; the thread itself and all ringers hold one.
 * `prepareToPark`, `park`, `parkAsync`, `awake` and `beat` belong to the thread, the rest to all.
 */
export class Doorbell {
  readonly index: number;
  readonly #words: Int32Array;
  readonly #bell: number;
  readonly #sleeping: number;
  readonly #control: number;
  readonly #beats: number;
  readonly #beatMs: number;

  constructor(arena: Arena, layout: DoorbellLayout, index: number) {
    assert(index >= 0 && index < layout.count, 'there is no doorbell with this index');
    const base = (layout.region.offsetBytes >> 2) + index * STRIDE_WORDS;
    this.index = index;
    this.#words = arena.words;
    this.#bell = base + BELL;
    this.#sleeping = base + SLEEPING;
    this.#control = base + CONTROL;
    this.#beats = base + BEATS;
    this.#beatMs = base + BEAT_MS;
  }

  /** Wakes the thread if it sleeps or is about to. Call it after the work has been published. */
  ring(): void {
    if (Atomics.load(this.#words, this.#sleeping) === 0) return;
    if (Atomics.exchange(this.#words, this.#sleeping, 0) === 0) return;
    Atomics.add(this.#words, this.#bell, 1);
    Atomics.notify(this.#words, this.#bell);
  }

  /** Wakes the thread whatever the flag says: for the control plane, about 35 ns. */
  wake(): void {
    Atomics.add(this.#words, this.#bell, 1);
    Atomics.notify(this.#words, this.#bell);
  }

  /**
   * Says that the thread is about to sleep. The caller then looks for work once more (rings,
   * credits, free segments, control flags), and either calls `awake` because there is some, or
   * `park` with the value returned here, and `awake` afterwards.
   */
  prepareToPark(): number {
    const seen = Atomics.load(this.#words, this.#bell);
    Atomics.store(this.#words, this.#sleeping, 1);
    return seen;
  }

  /** Blocks the thread until someone rings or `timeoutMs` have passed. Deaf to messages. */
  park(seen: number, timeoutMs: number): 'rung' | 'timeout' {
    return Atomics.wait(this.#words, this.#bell, seen, timeoutMs) === 'timed-out'
      ? 'timeout'
      : 'rung';
  }

  /**
   * Like `park`, but the event loop goes on: for a thread that has promises pending. The caller
   * holds a ref'd handle (a port, a timer), because this alone does not keep a thread alive.
   */
  parkAsync(seen: number, timeoutMs: number): Promise<'rung' | 'timeout'> | 'rung' {
    const waiting = Atomics.waitAsync(this.#words, this.#bell, seen, timeoutMs);
    if (waiting.async) {
      return waiting.value.then(outcome => (outcome === 'timed-out' ? 'timeout' : 'rung'));
    }
    return waiting.value === 'timed-out' ? Promise.resolve('timeout') : 'rung';
  }

  /** Says that the thread is awake again. */
  awake(): void {
    Atomics.store(this.#words, this.#sleeping, 0);
  }

  /** Whether the thread has said that it sleeps and nobody has rung since. */
  isSleeping(): boolean {
    return Atomics.load(this.#words, this.#sleeping) !== 0;
  }

  /** The control flags set now. Cost: one Atomics load; once per batch. */
  control(): number {
    return Atomics.load(this.#words, this.#control);
  }

  /** Sets flags, then wakes the thread, also when a dead ringer took its wake-up along. */
  setControl(flags: number): void {
    Atomics.or(this.#words, this.#control, flags);
    this.wake();
  }

  /** Clears flags: done by the thread when it has obeyed them. */
  clearControl(flags: number): void {
    Atomics.and(this.#words, this.#control, ~flags);
  }

  /** Sign of life: counts a turn of the loop and notes its time (a monotonic clock's ms). */
  beat(nowMs: number): void {
    this.#words[this.#beatMs] = nowMs;
    Atomics.store(this.#words, this.#beats, (this.#words[this.#beats] + 1) | 0);
  }

  /** How many turns the thread's loop has made (an int32 that wraps). */
  beatCount(): number {
    return Atomics.load(this.#words, this.#beats);
  }

  /** What the thread passed to its last `beat`, cut to an int32. */
  lastBeatMs(): number {
    return Atomics.load(this.#words, this.#beatMs);
  }
}
