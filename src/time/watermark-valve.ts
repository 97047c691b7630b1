/**
 * Merges the watermarks of the channels of one input. The output is the smallest watermark over the
 * channels that are aligned, and never goes back.
 *
 *   channel    ACTIVE, aligned       counts
 *              ACTIVE, not aligned   came back from idleness behind the output: counts again when it has
 *                                    caught up; until then it holds nobody back, its records may be late
 *              IDLE                  does not count, and its watermarks are ignored
 *
 * When the last channel becomes idle the largest watermark of all goes out first, then that the input is
 * idle: so it makes no difference which channel was the last.
 *
 * Source: Flink's StatusWatermarkValve as of 2.3 (flink.md §3, §26).
 */
import {assert} from '../base/assert.ts';
import type {WatermarkOutput} from './watermark-generator.ts';
import {MIN_WATERMARK} from './watermark.ts';

export class StatusWatermarkValve {
  readonly #output: WatermarkOutput;
  readonly #watermarks: Float64Array;
  readonly #isIdle: Uint8Array;
  readonly #isAligned: Uint8Array;
  #lastOutput = MIN_WATERMARK;
  #isOutputIdle = false;

  constructor(channelCount: number, output: WatermarkOutput) {
    this.#output = output;
    this.#watermarks = new Float64Array(channelCount).fill(MIN_WATERMARK);
    this.#isIdle = new Uint8Array(channelCount);
    this.#isAligned = new Uint8Array(channelCount).fill(1);
  }

  /** The last watermark that went out. */
  get watermark(): number {
    return this.#lastOutput;
  }

  get channelCount(): number {
    return this.#watermarks.length;
  }

  /** Whether the channel counts; one that came back behind the output does not. */
  isChannelAligned(channel: number): boolean {
    return this.#isAligned[channel] === 1;
  }

  /** The last watermark of a channel. */
  channelWatermark(channel: number): number {
    return this.#watermarks[channel]!;
  }

  isChannelIdle(channel: number): boolean {
    return this.#isIdle[channel] === 1;
  }

  /** Takes a watermark of a channel. Cost: a look at each channel. */
  inputWatermark(watermark: number, channel: number): void {
    this.#check(channel);
    if (this.#isOutputIdle || this.#isIdle[channel] === 1) return;
    if (!(watermark > this.#watermarks[channel]!)) return;
    this.#watermarks[channel] = watermark;
    if (watermark >= this.#lastOutput) this.#isAligned[channel] = 1;
    this.#emitSmallest();
  }

  /** Takes the idleness of a channel; only a change counts. */
  inputStatus(isIdle: boolean, channel: number): void {
    this.#check(channel);
    if (isIdle === (this.#isIdle[channel] === 1)) return;
    this.#isIdle[channel] = isIdle ? 1 : 0;
    const stoodAtOutput = this.#watermarks[channel] === this.#lastOutput;
    if (!isIdle) {
      if (this.#watermarks[channel]! >= this.#lastOutput) this.#isAligned[channel] = 1;
      if (!this.#isOutputIdle) return;
      this.#isOutputIdle = false;
      this.#output.markActive();
      return;
    }
    this.#isAligned[channel] = 0;
    if (this.#isIdle.includes(0)) {
      if (stoodAtOutput) this.#emitSmallest();
      return;
    }
    if (stoodAtOutput) this.#emitIfLarger(Math.max(...this.#watermarks));
    this.#isOutputIdle = true;
    this.#output.markIdle();
  }

  #emitSmallest(): void {
    let smallest = Infinity;
    let isAnyAligned = false;
    for (let channel = 0; channel < this.#watermarks.length; channel += 1) {
      if (this.#isAligned[channel] === 0) continue;
      isAnyAligned = true;
      if (this.#watermarks[channel]! < smallest) smallest = this.#watermarks[channel]!;
    }
    if (isAnyAligned) this.#emitIfLarger(smallest);
  }

  #emitIfLarger(watermark: number): void {
    if (!(watermark > this.#lastOutput)) return;
    this.#lastOutput = watermark;
    this.#output.emitWatermark(watermark);
  }

  #check(channel: number): void {
    assert(channel >= 0 && channel < this.#watermarks.length, 'a valve has no such channel');
  }
}
