/**
 * Makes one stream of watermarks out of those of several splits, whose number may change: the smallest of
 * those that are not idle. An immediate output passes on at once what changes the minimum; a deferred one
 * is looked at with the next `onPeriodicEmit`. A split may use both: they write the same watermark.
 *
 * Source: Flink's WatermarkOutputMultiplexer.
 */
import {StreamError} from '../base/errors.ts';
import {CombinedWatermark, PartialWatermark} from './combined-watermark.ts';
import type {WatermarkOutput} from './watermark-generator.ts';

export class WatermarkOutputMultiplexer {
  readonly #output: WatermarkOutput;
  readonly #combined = new CombinedWatermark();
  readonly #parts = new Map<string, PartialWatermark>();

  constructor(output: WatermarkOutput) {
    this.#output = output;
  }

  /** A new split begins. Errors: `E_WATERMARK_OUTPUT` if one of this id is there already. */
  registerNewOutput(id: string): void {
    if (this.#parts.has(id)) {
      throw new StreamError('E_WATERMARK_OUTPUT', 'there is a watermark output of this id', {id});
    }
    const part = new PartialWatermark();
    this.#parts.set(id, part);
    this.#combined.add(part);
  }

  /** A split has ended; it holds nobody back any more. Returns whether there was one of this id. */
  unregisterOutput(id: string): boolean {
    const part = this.#parts.get(id);
    if (part === undefined) return false;
    this.#parts.delete(id);
    this.#combined.remove(part);
    return true;
  }

  /** Errors: `E_WATERMARK_OUTPUT` if there is no such split. */
  getImmediateOutput(id: string): WatermarkOutput {
    const part = this.#part(id);
    return {
      emitWatermark: watermark => {
        if (part.advance(watermark) && watermark > this.#combined.watermark) this.#update();
      },
      markIdle: () => {
        part.isIdle = true;
        this.#update();
      },
      markActive: () => {
        part.isIdle = false;
        this.#update();
      },
    };
  }

  /** Errors: `E_WATERMARK_OUTPUT` if there is no such split. */
  getDeferredOutput(id: string): WatermarkOutput {
    const part = this.#part(id);
    return {
      emitWatermark: watermark => void part.advance(watermark),
      markIdle: () => {
        part.isIdle = true;
      },
      markActive: () => {
        part.isIdle = false;
      },
    };
  }

  /** Emits what the deferred outputs have come to. */
  onPeriodicEmit(): void {
    this.#update();
  }

  /** The splits with where they stand, for whoever asks what holds the watermark back. */
  splits(): Array<{readonly id: string; readonly watermark: number; readonly isIdle: boolean}> {
    return [...this.#parts].map(([id, {watermark, isIdle}]) => ({id, watermark, isIdle}));
  }

  #part(id: string): PartialWatermark {
    const part = this.#parts.get(id);
    if (part === undefined) {
      throw new StreamError('E_WATERMARK_OUTPUT', 'there is no watermark output of this id', {id});
    }
    return part;
  }

  #update(): void {
    if (this.#combined.update()) this.#output.emitWatermark(this.#combined.watermark);
    if (this.#combined.isIdle) this.#output.markIdle();
  }
}
