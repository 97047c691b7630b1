/**
 * All channels that feed one input of a task. It polls them fairly, one descriptor at a time, gives
 * segments back and decides over credits: each channel has its exclusive ones; floating ones are
 * lent to a channel whose producer is stalled and come back when it no longer is.
 *
 * Used by one thread. Credits granted and not yet given back never exceed
 * `exclusive × channels + floating`, which is what the segment budget counts.
 */
import {assert} from '../base/assert.ts';
import type {Arena} from '../memory/arena.ts';
import type {LocalPool} from '../memory/local-pool.ts';
import {NO_SEGMENT, type SegmentPool} from '../memory/segment-pool.ts';
import type {InputChannel} from './channel.ts';
import {OVERSIZED} from './descriptor.ts';
import {readPayload} from './payload.ts';

export class InputGate {
  readonly channels: readonly InputChannel[];
  readonly #arena: Arena;
  readonly #pool: SegmentPool;
  readonly #largePool: SegmentPool;
  readonly #segments: LocalPool;
  /** Floating credits that each channel has borrowed. */
  readonly #borrowed: Int32Array;
  #floatingFree: number;
  #next = 0;

  constructor(options: {
    arena: Arena;
    pool: SegmentPool;
    largePool: SegmentPool;
    segments: LocalPool;
    channels: readonly InputChannel[];
    floatingCredits: number;
  }) {
    this.channels = options.channels;
    this.#arena = options.arena;
    this.#pool = options.pool;
    this.#largePool = options.largePool;
    this.#segments = options.segments;
    this.#borrowed = new Int32Array(options.channels.length);
    this.#floatingFree = options.floatingCredits;
  }

  /** The next channel with something to read, or undefined. Each call starts behind the last one. */
  poll(): InputChannel | undefined {
    const channels = this.channels;
    for (let tried = 0; tried < channels.length; tried += 1) {
      const channel = channels[this.#next]!;
      this.#next = this.#next + 1 === channels.length ? 0 : this.#next + 1;
      if (channel.queueLength() > 0) return channel;
    }
    return undefined;
  }

  /** Descriptors waiting in all channels. */
  queueLength(): number {
    let length = 0;
    for (const channel of this.channels) length += channel.queueLength();
    return length;
  }

  /** Byte offset of the segment that the oldest descriptor of `channel` names. */
  segmentOffset(channel: InputChannel): number {
    return this.#pool.offsetBytes(channel.word(1));
  }

  /** The payload of a SCHEMA or OVERSIZED descriptor, copied out of its chain of segments. */
  payload(channel: InputChannel): Buffer {
    return readPayload(this.#arena, this.#poolOf(channel), channel.word(1), channel.word(2));
  }

  /** Done with the oldest descriptor of `channel`, an event. */
  releaseEvent(channel: InputChannel): void {
    channel.release();
  }

  /** Done with the oldest descriptor of `channel`: gives its segments back and renews its credit. */
  releaseSegments(channel: InputChannel): void {
    if (this.#poolOf(channel) === this.#pool) this.#segments.give(channel.word(1));
    else this.#releaseChain(channel.word(1));
    channel.release();
    this.#renewCredit(channel);
  }

  #poolOf(channel: InputChannel): SegmentPool {
    return channel.kind() === OVERSIZED || channel.word(3) > 1 ? this.#largePool : this.#pool;
  }

  #releaseChain(first: number): void {
    let segment = first;
    while (segment !== NO_SEGMENT) {
      const next = this.#arena.words[this.#largePool.offsetBytes(segment) >> 2]!;
      this.#largePool.give(segment);
      segment = next;
    }
  }

  #renewCredit(channel: InputChannel): void {
    const isStalled = channel.backlog() > 0;
    if (isStalled && this.#floatingFree > 0) {
      this.#floatingFree -= 1;
      this.#borrowed[channel.index]! += 1;
      channel.grant(2);
    } else if (!isStalled && this.#borrowed[channel.index]! > 0) {
      // The producer has caught up: the credit just used goes back to the others.
      this.#borrowed[channel.index]! -= 1;
      this.#floatingFree += 1;
    } else {
      channel.grant(1);
    }
    assert(this.#floatingFree >= 0, 'more floating credits lent than the gate has');
  }
}
