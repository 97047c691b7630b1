/** What counts: by user functions, connectors and the engine itself. */

/** A number that one thread changes and all threads may read. */
export interface Counter {
  /** The present value, exact in the thread that counts. */
  readonly value: number;
  /** Adds `amount`, default 1. Cost: one plain store to shared memory. */
  add(amount?: number): void;
}
