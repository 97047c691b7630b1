/**
 * The producing side of one edge: takes records, finds their channel, appends them to the open batch
 * of that channel and sends batches off under credit.
 *
 * Appending is done by code that the chain compiler puts into its loop, or by `emit`. Both end in the
 * same slow path, `handle`, when a batch is full, the heap has no room, a value does not fit the
 * schema, or a record is larger than a batch. `handle` never blocks and never loses: what cannot be
 * placed now goes to a list, `stop` is raised, the loop ends after the present record, and the task
 * calls `resolve` until nothing waits any more. So at most the records of one input record wait.
 *
 *   append ──► open batch (one segment per channel) ──full──► credit? ──► ring, next segment opened
 *                                                              │ no
 *                                                              └──► closed, `stop`, backpressured
 *
 * Segments: the open batch of each channel holds one, batches in flight hold as many as there are
 * credits. Both are counted when the job is planned, so taking the next segment never fails. Only
 * records larger than a segment draw on a reserve of their own, all or nothing, and wait for it.
 */
import {assert} from '../base/assert.ts';
import {StreamError} from '../base/errors.ts';
import type {Arena} from '../memory/arena.ts';
import type {LocalPool} from '../memory/local-pool.ts';
import {NO_SEGMENT, type SegmentPool} from '../memory/segment-pool.ts';
import {
  APPENDED,
  APPENDED_FULL,
  BatchWriter,
  MISFIT,
  NO_ROOM,
  OVERSIZED as OVERSIZED_VALUE,
  encodeOversized,
} from '../records/batch-writer.ts';
import {inferSchema, widen} from '../records/infer-schema.ts';
import type {RecordSchema} from '../records/schema.ts';
import type {OutputChannel} from './channel.ts';
import {BATCH, END_OF_DATA, OVERSIZED, SCHEMA} from './descriptor.ts';
import {ALL_CHANNELS, type Partitioner} from './partitioner.ts';
import {segmentsForPayload, writePayload} from './payload.ts';

/** Records from which a schema is inferred before the first batch is opened. */
const SAMPLE_RECORDS_MAX = 64;

/** Raised when the chain has to stop after the present record; shared by all writers of a task. */
export interface StopFlag {
  requested: boolean;
}

/** A channel has an open batch that takes rows. */
const OPEN = 0;
/** The batch is full, or has to leave before anything else, and waits for credit. */
const CLOSING = 1;
/** The held segment is empty, and the schema has to be announced first. */
const UNANNOUNCED = 2;

export interface RecordWriterOptions {
  readonly arena: Arena;
  readonly pool: SegmentPool;
  readonly segments: LocalPool;
  /** Segments for payloads larger than a batch; apart, so that they never take what is promised. */
  readonly largePool: SegmentPool;
  /** Who owns the segments of this thread. */
  readonly owner: number;
  readonly channels: readonly OutputChannel[];
  /** Owner of the segments that each channel's consumer receives. */
  readonly consumerOwners: readonly number[];
  readonly partitioner: Partitioner;
  readonly schema: RecordSchema | undefined;
  readonly timestamps: boolean;
  readonly stop: StopFlag;
  /** Refuse fields beyond a declared schema. */
  readonly debug: boolean;
  /** Use no generated code. */
  readonly interpret: boolean;
}

export class RecordWriter {
  readonly channels: readonly OutputChannel[];
  readonly partitioner: Partitioner;
  readonly stop: StopFlag;
  /** Undefined until the schema is known. A new one means that compiled code must be made anew. */
  batch: BatchWriter | undefined;
  /** Batches, bytes and rows sent so far; oversized records count as one batch and one row. */
  batchesSent = 0;
  bytesSent = 0;
  rowsSent = 0;
  readonly #options: RecordWriterOptions;
  readonly #state: Uint8Array;
  readonly #segment: Int32Array;
  #schemaVersion = 0;
  #announcement: Buffer | undefined;
  /** Records that could not be placed, oldest first, with their channel. */
  readonly #waiting: Array<{channel: number; value: unknown; timestamp: number}> = [];
  #hasClosing = false;

  constructor(options: RecordWriterOptions) {
    const channelCount = options.channels.length;
    this.#options = options;
    this.channels = options.channels;
    this.partitioner = options.partitioner;
    this.stop = options.stop;
    this.#state = new Uint8Array(channelCount).fill(UNANNOUNCED);
    this.#segment = new Int32Array(channelCount).fill(NO_SEGMENT);
    for (let channel = 0; channel < channelCount; channel += 1) {
      this.#segment[channel] = this.#takeSegment();
    }
    if (options.schema !== undefined) this.#useSchema(options.schema);
  }

  /** Sends `value` on its way; the general form of what compiled chains do inline. */
  emit(value: unknown, timestamp: number): void {
    const channel = this.partitioner.select(value);
    if (channel !== ALL_CHANNELS) {
      this.emitTo(channel, value, timestamp);
      return;
    }
    for (let each = 0; each < this.channels.length; each += 1) this.emitTo(each, value, timestamp);
  }

  emitTo(channel: number, value: unknown, timestamp: number): void {
    if (this.batch === undefined) {
      this.#waiting.push({channel, value, timestamp});
      if (this.#waiting.length >= SAMPLE_RECORDS_MAX) this.stop.requested = true;
      return;
    }
    if (this.#waiting.length > 0) {
      this.#wait(channel, value, timestamp);
      return;
    }
    const result = this.batch.append(channel, value, timestamp);
    if (result !== APPENDED) this.handle(result, channel, value, timestamp);
  }

  /** The slow path of an append that did not answer APPENDED. */
  handle(result: number, channel: number, value: unknown, timestamp: number): void {
    if (result === APPENDED_FULL) {
      this.#close(channel);
      if (!this.#send(channel)) this.stop.requested = true;
      return;
    }
    if (result === NO_ROOM && this.#waiting.length === 0 && this.#state[channel] === OPEN) {
      // Mostly the heap is full while credit is there: make room and go on without stopping.
      this.#close(channel);
      if (this.#send(channel)) {
        const again = this.batch!.append(channel, value, timestamp);
        if (again === APPENDED) return;
        this.handle(again, channel, value, timestamp);
        return;
      }
    }
    this.#wait(channel, value, timestamp);
  }

  /** Whether the loop may run: nothing waits and every channel takes at least one more row. */
  get isReady(): boolean {
    return this.#waiting.length === 0 && !this.#hasClosing && this.batch !== undefined;
  }

  /** Whether nothing has been emitted from which a schema could be inferred. */
  get isUntouched(): boolean {
    return this.batch === undefined && this.#waiting.length === 0;
  }

  /** Whether records or batches wait for credit. */
  get isBlocked(): boolean {
    return this.#hasClosing || (this.batch !== undefined && this.#waiting.length > 0);
  }

  /**
   * Does what can be done about waiting batches and records. True if nothing waits any more.
   * Sets a new `batch` if the schema had to be found or widened.
   */
  resolve(): boolean {
    if (this.batch === undefined) {
      if (this.#waiting.length === 0) return true;
      this.#useSchema(inferSchema(this.#waiting.map(record => record.value)));
    }
    const hadClosing = this.#hasClosing;
    if (hadClosing && !this.#sendClosing() && this.#waiting.length === 0) return false;
    let placed = 0;
    while (placed < this.#waiting.length && this.#place(this.#waiting[placed]!)) placed += 1;
    if (placed > 0) this.#waiting.splice(0, placed);
    return this.#waiting.length === 0 && (!this.#hasClosing || this.#sendClosing());
  }

  /**
   * Sends partly filled batches. `onlyHungry`: only to consumers that have nothing left to read.
   * True if nothing is left (of those).
   */
  flush(onlyHungry: boolean): boolean {
    if (this.batch === undefined) {
      // Too few records so far for a good guess; they must not wait for more.
      if (this.#waiting.length === 0) return true;
      if (!this.resolve()) return false;
    }
    let isFlushed = true;
    for (let channel = 0; channel < this.channels.length; channel += 1) {
      const output = this.channels[channel]!;
      if (!output.flushEvents()) isFlushed = false;
      if (this.#state[channel] !== OPEN || this.batch!.rowCount(channel) === 0) continue;
      if (onlyHungry && !output.isDrained()) continue;
      if (!output.hasCredit()) {
        isFlushed = false;
        continue;
      }
      this.#close(channel);
      this.#send(channel);
    }
    return isFlushed && !this.isBlocked;
  }

  /** Sends an event to every channel, behind everything emitted so far. The caller has flushed. */
  broadcastEvent(kind: number, a = 0, b = 0, c = 0): void {
    assert(this.#waiting.length === 0, 'an event would overtake records');
    for (const channel of this.channels) channel.sendEvent(kind, a, b, c);
  }

  /** Says on every channel that no record will follow. The caller has flushed. */
  end(): void {
    this.broadcastEvent(END_OF_DATA);
  }

  /** Gives the segments of open batches back. */
  dispose(): void {
    for (let channel = 0; channel < this.channels.length; channel += 1) {
      const segment = this.#segment[channel]!;
      if (segment !== NO_SEGMENT) this.#options.segments.give(segment);
      this.#segment[channel] = NO_SEGMENT;
    }
  }

  #wait(channel: number, value: unknown, timestamp: number): void {
    // Nothing that comes later may overtake: a closed batch refuses compiled appends, too.
    if (this.#state[channel] === OPEN) this.#close(channel);
    this.#waiting.push({channel, value, timestamp});
    this.stop.requested = true;
  }

  /** Places one waiting record; false if it has to wait on. */
  #place({
    channel,
    value,
    timestamp,
  }: {
    channel: number;
    value: unknown;
    timestamp: number;
  }): boolean {
    for (;;) {
      if (!this.#ensureOpen(channel)) return false;
      const result = this.batch!.append(channel, value, timestamp);
      switch (result) {
        case APPENDED:
          return true;
        case APPENDED_FULL:
          this.#close(channel);
          this.#send(channel);
          return true;
        case NO_ROOM:
          assert(this.batch!.rowCount(channel) > 0, 'an empty batch has no room for a record');
          this.#close(channel);
          this.#send(channel);
          break;
        case MISFIT:
          if (!this.#flushForWidening()) return false;
          this.#useSchema(widen(this.batch!.schema, value));
          break;
        default:
          assert(result === OVERSIZED_VALUE, 'append answered an unknown code');
          return this.#sendOversized(channel, value, timestamp);
      }
    }
  }

  /** Brings the channel into a state that takes rows, if credit allows. */
  #ensureOpen(channel: number): boolean {
    if (this.#state[channel] === CLOSING && !this.#send(channel)) return false;
    return this.#state[channel] === OPEN || this.#announce(channel);
  }

  /** Closes the open batch of `channel`; it leaves as soon as `#send` finds credit. */
  #close(channel: number): void {
    this.#state[channel] = CLOSING;
    this.#hasClosing = true;
    const closed = this.batch!.close(channel);
    this.#closedRows[channel] = closed.rowCount;
    this.#closedBytes[channel] = closed.usedBytes;
  }

  /** Sends the closed batch of `channel` and opens the next one; false without credit. */
  #send(channel: number): boolean {
    assert(this.#state[channel] === CLOSING, 'only a closed batch can be sent');
    const rows = this.#closedRows[channel]!;
    if (rows === 0) {
      this.#open(channel);
      return true;
    }
    const output = this.channels[channel]!;
    if (!output.hasCredit()) {
      output.showBacklog(1);
      return false;
    }
    this.#dispatch(channel, BATCH, rows);
    this.batchesSent += 1;
    this.rowsSent += rows;
    this.bytesSent += this.#closedBytes[channel]!;
    this.#open(channel);
    return true;
  }

  #dispatch(channel: number, kind: number, size: number): void {
    const segment = this.#segment[channel]!;
    this.#options.pool.transfer(segment, this.#options.consumerOwners[channel]!);
    this.channels[channel]!.send(kind, segment, size, 1);
    this.#segment[channel] = this.#takeSegment();
  }

  #open(channel: number): void {
    this.#state[channel] = OPEN;
    this.batch!.open(channel, this.#options.pool.offsetBytes(this.#segment[channel]!));
  }

  /** Sends all closed batches that have credit; true if none is left. */
  #sendClosing(): boolean {
    let isLeft = false;
    for (let channel = 0; channel < this.channels.length; channel += 1) {
      if (this.#state[channel] === CLOSING && !this.#send(channel)) isLeft = true;
      if (this.#state[channel] === UNANNOUNCED && !this.#announce(channel)) isLeft = true;
    }
    this.#hasClosing = isLeft;
    return !isLeft;
  }

  /** Before the schema changes, everything written under the old one has to leave. */
  #flushForWidening(): boolean {
    let isFlushed = true;
    for (let channel = 0; channel < this.channels.length; channel += 1) {
      if (this.#state[channel] === OPEN && this.batch!.rowCount(channel) > 0) this.#close(channel);
      if (this.#state[channel] === CLOSING && !this.#send(channel)) isFlushed = false;
    }
    return isFlushed;
  }

  #useSchema(schema: RecordSchema): void {
    const {arena, pool, timestamps, debug} = this.#options;
    this.#schemaVersion += 1;
    this.batch = new BatchWriter(arena, {
      segmentSizeBytes: pool.segmentSizeBytes,
      targetCount: this.channels.length,
      schema,
      timestamps,
      schemaVersion: this.#schemaVersion,
      checkFields: debug || !schema.declared,
      interpret: this.#options.interpret,
    });
    this.#announcement = Buffer.from(JSON.stringify({schema, timestamps}));
    this.#state.fill(UNANNOUNCED);
    this.#hasClosing = true;
    this.#sendClosing();
  }

  #announce(channel: number): boolean {
    const output = this.channels[channel]!;
    if (!output.hasCredit()) {
      output.showBacklog(1);
      return false;
    }
    const {arena, pool} = this.#options;
    const payload = this.#announcement!;
    if (segmentsForPayload(payload.length, pool.segmentSizeBytes) === 1) {
      writePayload(arena, pool, [this.#segment[channel]!], payload);
      this.#dispatch(channel, SCHEMA, payload.length);
    } else if (!this.#sendPayload(channel, SCHEMA, payload)) {
      return false;
    }
    this.#open(channel);
    return true;
  }

  #sendOversized(channel: number, value: unknown, timestamp: number): boolean {
    if (this.batch!.rowCount(channel) > 0) {
      this.#close(channel);
      if (!this.#send(channel)) return false;
    }
    const payload = encodeOversized(value, timestamp);
    if (!this.#sendPayload(channel, OVERSIZED, payload)) return false;
    this.batchesSent += 1;
    this.rowsSent += 1;
    this.bytesSent += payload.length;
    return true;
  }

  /** Sends a payload in a chain of segments from the reserve; false if it has to wait. */
  #sendPayload(channel: number, kind: number, payload: Uint8Array): boolean {
    const {arena, largePool, owner, consumerOwners} = this.#options;
    const count = segmentsForPayload(payload.length, largePool.segmentSizeBytes);
    if (count > largePool.segmentCount) {
      throw new StreamError(
        'E_RECORD_TOO_LARGE',
        'a record is larger than the memory set aside for large records',
        {
          sizeBytes: payload.length,
          neededSegments: count,
          reservedSegments: largePool.segmentCount,
          segmentSizeBytes: largePool.segmentSizeBytes,
        },
        {remedy: `raise recordReserve to at least ${payload.length} bytes`},
      );
    }
    const output = this.channels[channel]!;
    if (!output.hasCredit()) {
      output.showBacklog(1);
      return false;
    }
    const chain: number[] = [];
    if (!largePool.takeAll(owner, count, chain)) return false;
    writePayload(arena, largePool, chain, payload);
    for (const segment of chain) largePool.transfer(segment, consumerOwners[channel]!);
    output.send(kind, chain[0]!, payload.length, count);
    return true;
  }

  #takeSegment(): number {
    const segment = this.#options.segments.take();
    assert(segment !== NO_SEGMENT, 'the segment budget does not cover what is in use');
    return segment;
  }

  readonly #closedRows: number[] = [];
  readonly #closedBytes: number[] = [];
}
