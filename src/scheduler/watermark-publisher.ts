/** Shows where a task's event time stands in shared memory. Belongs to the task's thread. */
import type {Clock} from '../base/clock.ts';
import {
  CHANNEL_ACTIVE,
  CHANNEL_ENDED,
  CHANNEL_IDLE,
  type TaskWatermarksWriter,
} from '../metrics/task-watermarks.ts';
import type {Chain} from '../operators/chain.ts';
import {MAX_WATERMARK} from '../time/watermark.ts';
import {GateInput} from './gate-input.ts';
import {SortedInput} from './sorted-input.ts';
import {SourceInput} from './source-input.ts';
import type {TaskInput} from './task-input.ts';

/** People look at it, so a few times per second is enough. */
const INTERVAL_MS = 20;

export class WatermarkPublisher {
  readonly #writer: TaskWatermarksWriter;
  readonly #chain: Chain;
  readonly #input: TaskInput;
  readonly #clock: Clock;
  #publishedAtMs = -Infinity;

  constructor(writer: TaskWatermarksWriter, chain: Chain, input: TaskInput, clock: Clock) {
    this.#writer = writer;
    this.#chain = chain;
    this.#input = input;
    this.#clock = clock;
  }

  /** Publishes if it is time to, or if `isLast`. `nowMs` is the monotonic clock. */
  publish(nowMs: number, isLast: boolean): void {
    if (nowMs - this.#publishedAtMs < INTERVAL_MS && !isLast) return;
    this.#publishedAtMs = nowMs;
    const writer = this.#writer;
    const chain = this.#chain;
    const wallMs = this.#clock.now();
    for (let node = 0; node < chain.operators.length; node += 1) {
      writer.operator(
        node,
        chain.inputWatermark(node),
        chain.outputWatermark(node),
        chain.hasEventTimeTimers(node),
        wallMs,
      );
    }
    const input = this.#input instanceof SortedInput ? this.#input.gates : this.#input;
    if (input instanceof GateInput) {
      let index = 0;
      for (const valve of input.valves) {
        for (let channel = 0; channel < valve.channelCount; channel += 1) {
          const watermark = valve.channelWatermark(channel);
          const state =
            watermark === MAX_WATERMARK
              ? CHANNEL_ENDED
              : valve.isChannelIdle(channel) || !valve.isChannelAligned(channel)
                ? CHANNEL_IDLE
                : CHANNEL_ACTIVE;
          writer.channel(index, watermark, state, wallMs);
          index += 1;
        }
      }
    } else if (input instanceof SourceInput) {
      writer.splits(input.splitWatermarks(), wallMs);
    }
  }
}
