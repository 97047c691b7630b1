/**
 * Several watermarks as one: the smallest of those that are not idle. What an operator with several
 * inputs does, and a source with several splits (Flink: `CombinedWatermarkStatus`).
 *
 * The combined watermark never goes back: an input that was idle and comes back behind it holds it where it
 * is. When all are idle it goes to the largest of them, so that the order in which they became idle
 * makes no difference.
 */
import {MIN_WATERMARK} from './watermark.ts';

/** One of the watermarks. */
export class PartialWatermark {
  #watermark = MIN_WATERMARK;
  isIdle = false;

  get watermark(): number {
    return this.#watermark;
  }

  /** A larger watermark makes the input active again. Returns whether it was larger. */
  advance(watermark: number): boolean {
    this.isIdle = false;
    if (!(watermark > this.#watermark)) return false;
    this.#watermark = watermark;
    return true;
  }
}

export class CombinedWatermark {
  readonly #parts = new Set<PartialWatermark>();
  #watermark = MIN_WATERMARK;
  #isIdle = false;

  /** `count` parts to begin with. */
  constructor(count = 0) {
    for (let index = 0; index < count; index += 1) this.#parts.add(new PartialWatermark());
  }

  get watermark(): number {
    return this.#watermark;
  }

  /** Whether all parts are idle. */
  get isIdle(): boolean {
    return this.#isIdle;
  }

  get parts(): readonly PartialWatermark[] {
    return [...this.#parts];
  }

  add(part: PartialWatermark): void {
    this.#parts.add(part);
  }

  remove(part: PartialWatermark): void {
    this.#parts.delete(part);
  }

  /** Looks at the parts anew; returns whether the combined watermark has become larger. */
  update(): boolean {
    // Without parts there is nobody for whom a watermark would hold.
    if (this.#parts.size === 0) return false;
    let smallest = Infinity;
    let largest = MIN_WATERMARK;
    this.#isIdle = true;
    for (const {watermark, isIdle} of this.#parts) {
      largest = Math.max(largest, watermark);
      if (isIdle) continue;
      this.#isIdle = false;
      smallest = Math.min(smallest, watermark);
    }
    const combined = this.#isIdle ? largest : smallest;
    if (!(combined > this.#watermark)) return false;
    this.#watermark = combined;
    return true;
  }
}
