/**
 * Keys under the times at which they are due: a bucket per time, and a heap of the times. Nothing is ever
 * taken out but what is due, so whoever becomes due later is put in again when his time has come.
 */
export class DueKeys {
  readonly #buckets = new Map<number, unknown[]>();
  /** A binary heap: the parent of `times[i]` is `times[(i - 1) >> 1]`. */
  readonly #times: number[] = [];

  /** The first time, or Infinity. */
  get next(): number {
    return this.#times.length === 0 ? Infinity : this.#times[0]!;
  }

  add(time: number, key: unknown): void {
    const bucket = this.#buckets.get(time);
    if (bucket !== undefined) {
      bucket.push(key);
      return;
    }
    this.#buckets.set(time, [key]);
    this.#push(time);
  }

  /** Takes out the keys of the first time. */
  take(): unknown[] {
    const time = this.#times[0]!;
    const bucket = this.#buckets.get(time)!;
    this.#buckets.delete(time);
    this.#pop();
    return bucket;
  }

  #push(time: number): void {
    const times = this.#times;
    let at = times.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (times[parent]! <= time) break;
      times[at] = times[parent]!;
      at = parent;
    }
    times[at] = time;
  }

  #pop(): void {
    const times = this.#times;
    const last = times.pop()!;
    const {length} = times;
    if (length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= length) break;
      if (child + 1 < length && times[child + 1]! < times[child]!) child += 1;
      if (times[child]! >= last) break;
      times[at] = times[child]!;
      at = child;
    }
    times[at] = last;
  }
}
