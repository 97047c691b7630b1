/**
 * What a worker does when a round moved nothing: a few rounds more ("spinning"), then sleep. Waking
 * a sleeper costs as much as 100–300 rounds, so a short spin pays while data flows; a long one is
 * ruinous as soon as threads outnumber cores (platform.md §3). It counts rounds, not time: a
 * round without work reads no clock.
 */

/** Try another round at once. */
export const SPIN = 0;
/** Go to sleep on the doorbell. */
export const PARK = 1;
export type IdleAction = typeof SPIN | typeof PARK;

export class IdleStrategy {
  readonly #spinCountMax: number;
  #spinCount = 0;

  constructor(spinCountMax: number) {
    this.#spinCountMax = spinCountMax;
  }

  /** A round moved nothing: what now? */
  idle(): IdleAction {
    if (this.#spinCount >= this.#spinCountMax) return PARK;
    this.#spinCount += 1;
    return SPIN;
  }

  /** A round moved something, or the worker has slept. */
  reset(): void {
    this.#spinCount = 0;
  }
}
