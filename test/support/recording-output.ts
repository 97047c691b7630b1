/** A watermark output that keeps what it was told. */
import type {WatermarkOutput} from '../../src/time/watermark-generator.ts';

export type Told = number | 'idle' | 'active';

export class RecordingOutput implements WatermarkOutput {
  #told: Told[] = [];

  emitWatermark(watermark: number): void {
    this.#told.push(watermark);
  }

  markIdle(): void {
    this.#told.push('idle');
  }

  markActive(): void {
    this.#told.push('active');
  }

  /** What came since the last call. */
  take(): Told[] {
    const told = this.#told;
    this.#told = [];
    return told;
  }
}
