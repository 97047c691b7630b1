/**
 * The last step before watermarks leave the operator that makes them: only what is larger than the last
 * one goes on, idleness is told once, and a watermark ends it.
 */
import type {WatermarkOutput} from './watermark-generator.ts';
import {MIN_WATERMARK} from './watermark.ts';

/** Where watermarks go: an operator's context. */
export interface EventTimeOutput {
  emitWatermark(timestamp: number): void;
  emitStatus(isIdle: boolean): void;
}

export class WatermarkEmitter implements WatermarkOutput {
  readonly #output: EventTimeOutput;
  #watermark = MIN_WATERMARK;
  #isIdle = false;

  constructor(output: EventTimeOutput) {
    this.#output = output;
  }

  /** The last one that was emitted. */
  get watermark(): number {
    return this.#watermark;
  }

  get isIdle(): boolean {
    return this.#isIdle;
  }

  emitWatermark(watermark: number): void {
    if (!(watermark > this.#watermark)) return;
    this.#watermark = watermark;
    this.markActive();
    this.#output.emitWatermark(watermark);
  }

  markIdle(): void {
    if (this.#isIdle) return;
    this.#isIdle = true;
    this.#output.emitStatus(true);
  }

  markActive(): void {
    if (!this.#isIdle) return;
    this.#isIdle = false;
    this.#output.emitStatus(false);
  }
}
