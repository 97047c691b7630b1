/**
 * All channels that feed one input of a task. It polls them fairly, one descriptor at a time, gives
 * segments back and decides over credits: each channel has its exclusive ones; floating ones are
 * lent to a channel whose producer is stalled and come back when it no longer is.
 *
 * Used by one thread. Credits granted and not yet given back never exceed
 * `exclusive × channels + floating`, which is what the segment budget counts.
 *
 * What `poll` returned may be read until it is released; a channel that was not polled may begin with
 * a piece of a payload, which is the gate's own business.
 */
import {assert} from '../base/assert.ts';
import type {Arena} from '../memory/arena.ts';
import type {LocalPool} from '../memory/local-pool.ts';
import type {SegmentPool} from '../memory/segment-pool.ts';
import {dropLocalTexts} from '../records/local-texts.ts';
import type {InputChannel} from './channel.ts';
import {Debloater, type DebloaterOptions} from './debloater.ts';
import {BATCH, OVERSIZED, PART, needsCredit} from './descriptor.ts';
import {IncomingPayload} from './payload.ts';

export interface InputGateOptions {
  readonly arena: Arena;
  readonly pool: SegmentPool;
  readonly segments: LocalPool;
  readonly channels: readonly InputChannel[];
  readonly floatingCredits: number;
  readonly debloater?: DebloaterOptions;
}

export class InputGate {
  readonly channels: readonly InputChannel[];
  /** Pieces of payloads taken so far: a poll that finds nothing to return may have taken some. */
  piecesTaken = 0;
  readonly #arena: Arena;
  readonly #pool: SegmentPool;
  readonly #segments: LocalPool;
  /** Floating credits that each channel has borrowed. */
  readonly #borrowed: Int32Array;
  /** Payloads of which pieces have arrived, by channel. */
  readonly #payloads: Array<IncomingPayload | undefined>;
  readonly #debloater: Debloater;
  #floatingFree: number;
  #next = 0;
  /** Of the present period, for the debloater. */
  #rows = 0;
  #largestRows = 0;
  #periodStartMs = NaN;
  #idleMsAtStart = 0;

  constructor(options: InputGateOptions) {
    this.channels = options.channels;
    this.#arena = options.arena;
    this.#pool = options.pool;
    this.#segments = options.segments;
    this.#borrowed = new Int32Array(options.channels.length);
    this.#payloads = options.channels.map(() => undefined);
    this.#floatingFree = options.floatingCredits;
    this.#debloater = new Debloater(options.debloater);
  }

  /** The next channel with something to read, or undefined. Each call starts behind the last one. */
  poll(): InputChannel | undefined {
    const {channels} = this;
    for (let tried = 0; tried < channels.length; tried += 1) {
      const channel = channels[this.#next];
      this.#next = this.#next + 1 === channels.length ? 0 : this.#next + 1;
      while (channel.queueLength() > 0) {
        if (channel.kind() !== PART) return channel;
        this.#collect(channel);
        this.#releaseSegment(channel);
        this.piecesTaken += 1;
      }
    }
    return undefined;
  }

  /** Descriptors waiting in all channels. */
  queueLength(): number {
    let length = 0;
    for (const channel of this.channels) length += channel.exactQueueLength();
    return length;
  }

  /** Byte offset of the segment that the oldest descriptor of `channel` names. */
  segmentOffset(channel: InputChannel): number {
    return this.#pool.offsetBytes(channel.word(1));
  }

  /**
   * The payload of the SCHEMA or OVERSIZED descriptor that was polled, as a copy; once. Release the
   * segment right afterwards, before the record is processed: what it emits may be as large.
   */
  payload(channel: InputChannel): Buffer {
    this.#collect(channel);
    const {bytes} = this.#payloads[channel.index]!;
    this.#payloads[channel.index] = undefined;
    return bytes;
  }

  /** Done with the oldest descriptor of `channel`, an event. */
  releaseEvent(channel: InputChannel): void {
    channel.release();
  }

  /** Done with the oldest descriptor of `channel`: gives its segment back and renews its credit. */
  releaseSegments(channel: InputChannel): void {
    const kind = channel.kind();
    const rows = kind === BATCH ? channel.word(2) : kind === OVERSIZED ? 1 : 0;
    this.#rows += rows;
    if (rows > this.#largestRows) this.#largestRows = rows;
    this.#releaseSegment(channel);
  }

  /**
   * Adjusts the rows per batch that producers are asked for, so that what is in flight is worth a target
   * time. Call it as often as you like; it decides once per period. `nowMs` is a monotonic clock;
   * `idleMs` says how long the task has had no input so far, all in all: that time does not count.
   */
  debloat(nowMs: number, idleMs = 0): void {
    if (this.#periodStartMs !== this.#periodStartMs) this.#beginPeriod(nowMs, idleMs);
    const elapsedMs = nowMs - this.#periodStartMs;
    if (elapsedMs < this.#debloater.periodMs) return;
    const activeMs = elapsedMs - (idleMs - this.#idleMsAtStart);
    const batches = this.#batchesInFlight();
    if (this.#debloater.sample(this.#rows, activeMs, batches, this.#largestRows)) {
      for (const channel of this.channels) channel.limitRows(this.#debloater.rowLimit);
    }
    this.#beginPeriod(nowMs, idleMs);
  }

  /** Rows per batch that producers were asked for; 0 for any number. */
  get rowLimit(): number {
    return this.#debloater.rowLimit;
  }

  /**
   * Gives back the segments of everything that was not read. Call it again when the producers have
   * ended, for what they sent in between; segments of producers that were killed are reclaimed.
   */
  dispose(): void {
    for (const channel of this.channels) {
      this.#payloads[channel.index] = undefined;
      while (channel.queueLength() > 0) {
        if (channel.kind() === BATCH) dropLocalTexts(this.#arena, this.segmentOffset(channel));
        if (needsCredit(channel.kind())) this.#segments.give(channel.word(1));
        channel.release();
      }
    }
  }

  #collect(channel: InputChannel): void {
    const payload = (this.#payloads[channel.index] ??= new IncomingPayload(channel.word(3)));
    payload.readPiece(this.#arena, this.segmentOffset(channel), channel.word(2));
  }

  #releaseSegment(channel: InputChannel): void {
    // First the segment, then the credit: who gets a credit must find a segment.
    this.#segments.give(channel.word(1));
    channel.release(this.#creditsFor(channel));
  }

  /** How many credits the channel gets for the one that its oldest descriptor has used. */
  #creditsFor(channel: InputChannel): number {
    const {index} = channel;
    const isStalled = channel.isProducerWaiting();
    if (isStalled && this.#floatingFree > 0) {
      this.#floatingFree -= 1;
      this.#borrowed[index] += 1;
      return 2;
    }
    if (!isStalled && this.#borrowed[index] > 0) {
      // The producer has caught up: the credit just used goes back to the others.
      this.#borrowed[index] -= 1;
      this.#floatingFree += 1;
      return 0;
    }
    assert(this.#floatingFree >= 0, 'more floating credits are lent than the gate has');
    return 1;
  }

  /** What is queued, and what producers hold back because it is. */
  #batchesInFlight(): number {
    let count = 0;
    for (const channel of this.channels) {
      count += channel.exactQueueLength() + (channel.isProducerWaiting() ? 1 : 0);
    }
    return count;
  }

  #beginPeriod(nowMs: number, idleMs: number): void {
    this.#periodStartMs = nowMs;
    this.#idleMsAtStart = idleMs;
    this.#rows = 0;
    this.#largestRows = 0;
  }
}
