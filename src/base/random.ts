/**
 * The engine's only source of chance: a small generator with a seed (the mixing steps are those of
 * "splitmix32"), so that whatever was drawn can be drawn again. `systemSeed` is the one
 * place where unrepeatable chance enters.
 */

/** A seeded sequence of pseudo-random numbers. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** The next 32 bits, as an unsigned integer. */
  nextUint32(): number {
    this.#state = (this.#state + 0x9e3779b9) | 0;
    let z = this.#state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  }

  /** An integer from 0 to `limit - 1`; `limit` up to 2^32. */
  below(limit: number): number {
    return Math.floor((this.nextUint32() / 0x1_0000_0000) * limit);
  }

  /** A number from 0 (inclusive) to 1 (exclusive) with 32 random bits. */
  next(): number {
    return this.nextUint32() / 0x1_0000_0000;
  }
}

/** A seed that differs from run to run. */
export function systemSeed(): number {
  return (Math.random() * 0x1_0000_0000) | 0;
}
