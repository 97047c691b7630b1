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
 *                                        `stop`, backpressured ┴──► overdraft? ──► parked, next opened
 *                                                                    │ no
 *                                                                    └──► closed; records wait
 *
 * Overdraft: one input record may emit many, and cannot be stopped in the middle. So without credit a
 * writer goes on for a few segments, which it parks until there is credit; the loop ends behind the
 * record in any case. Only what is still emitted afterwards waits record by record, which costs
 * microseconds each. (Flink does the same with its overdraft buffers.)
 *
 * A channel holds one segment at any time and is in one of three states:
 *
 *   OPEN      a batch is open on it and takes rows
 *   CLOSING   it holds a complete batch, which waits for credit
 *   EMPTY     it holds nothing yet; a schema or pieces of a large record go first
 *
 * Invariant: a channel on which records wait is not OPEN. A channel that is not OPEN refuses every
 * append, that of compiled code too, so nothing overtakes: records of a channel keep their order, and
 * events follow only when nothing waits. Between channels there is no order.
 *
 * When the schema widens, the batches of the old one are closed and leave whenever they can; each
 * channel announces the new one before its next batch. Compiled code that still holds the old
 * `batch` finds it closed for good, ends up in `handle`, and is right, only slow.
 *
 * Segments: the held one of each channel, those parked, and in flight as many as there are credits. All
 * are counted when the job is planned, so taking the next segment never fails. Records of any size and
 * schemas go through the same segments, piece by piece (payload.ts).
 *
 * Used by one thread.
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
import {dropLocalTexts} from '../records/local-texts.ts';
import type {RecordSchema} from '../records/schema.ts';
import type {OutputChannel} from './channel.ts';
import {
  ACTIVE_STATUS,
  BATCH,
  END_OF_DATA,
  IDLE_STATUS,
  OVERSIZED,
  PART,
  SCHEMA,
  WATERMARK,
  wordsOfDouble,
} from './descriptor.ts';
import {ALL_CHANNELS, type Partitioner} from './partitioner.ts';
import {OutgoingPayload} from './payload.ts';
import {project} from './projection.ts';
import {
  copyOfRecord,
  unplaced,
  type ParkedBatch,
  type WaitingRecord,
  type WriterEvent,
} from './waiting-record.ts';

/** Records from which a schema is inferred before the first batch is opened. */
const SAMPLE_RECORDS_MAX = 64;

/** Channels that one `flush(true)` looks at; the next call goes on behind them. */
const HUNGRY_CHANNELS_MAX = 16;

/** The largest record if nothing else is said. */
const RECORD_SIZE_BYTES_MAX = 2 ** 30;

/** No room, widen, no room again, oversized: more tries than that are a loop. */
const PLACE_TRIES_MAX = 8;

/** How often a segment that the budget promises is looked for while others take and give. */
const TAKE_TRIES_MAX = 10_000;

/** Raised when the chain has to stop after the present record; shared by all writers of a task. */
export interface StopFlag {
  requested: boolean;
}

const OPEN = 0;
const CLOSING = 1;
const EMPTY = 2;

export interface RecordWriterOptions {
  readonly arena: Arena;
  readonly pool: SegmentPool;
  readonly segments: LocalPool;
  /** Larger records are refused: the option `memory` of the job. Default 1 GiB. */
  readonly recordSizeBytesMax?: number;
  /** Who owns the segments of this thread. A consumer with the same owner is in this thread. */
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
  /** Batches that may be parked within one record, beyond what there is credit for; default 0. */
  readonly overdraftSegments?: number;
  /** Rows per batch at most; 1 sends every record by itself. Default: what fits. */
  readonly rowLimit?: number;
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
  readonly #recordSizeBytesMax: number;
  readonly #rowLimit: number;
  readonly #overdraftSegments: number;
  readonly #state: Uint8Array;
  readonly #segment: Int32Array;
  readonly #closedRows: Int32Array;
  readonly #closedBytes: Int32Array;
  /** By channel: the schema version that its consumer knows. */
  readonly #announced: Int32Array;
  /** By channel: an announcement that is under way, and its version. */
  readonly #announcing: Array<{payload: OutgoingPayload; version: number} | undefined>;
  #version = 0;
  #announcement: Uint8Array = new Uint8Array(0);
  /** Records that could not be placed, and events behind them, oldest first. */
  #waiting: WaitingRecord[] = [];
  /** By channel: how many of them. */
  readonly #waitingOn: Int32Array;
  /** By channel: batches that are complete and go before the held one, oldest first. */
  readonly #parked: ParkedBatch[][];
  #parkedCount = 0;
  /** Whether the chain is in the middle of a record; between two, nobody overdraws. */
  #isWithinRecord = true;
  #notOpen: number;
  #hasWaitingEvents = false;
  #nextHungry = 0;

  constructor(options: RecordWriterOptions) {
    const {channels} = options;
    const channelCount = channels.length;
    this.#options = options;
    this.channels = channels;
    this.partitioner = options.partitioner;
    this.stop = options.stop;
    this.#recordSizeBytesMax = options.recordSizeBytesMax ?? RECORD_SIZE_BYTES_MAX;
    this.#rowLimit = options.rowLimit ?? Infinity;
    this.#overdraftSegments = options.overdraftSegments ?? 0;
    this.#state = new Uint8Array(channelCount).fill(EMPTY);
    this.#notOpen = channelCount;
    this.#segment = new Int32Array(channelCount).fill(NO_SEGMENT);
    this.#closedRows = new Int32Array(channelCount);
    this.#closedBytes = new Int32Array(channelCount);
    this.#announced = new Int32Array(channelCount);
    this.#announcing = channels.map(() => undefined);
    this.#waitingOn = new Int32Array(channelCount);
    this.#parked = channels.map(() => []);
    for (let channel = 0; channel < channelCount; channel += 1) {
      this.#segment[channel] = this.#takeSegment();
    }
    if (options.schema !== undefined) {
      this.#useSchema(options.schema);
      this.#openAll();
    }
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
      // Refused here, where the error can still name the operator and the record.
      inferSchema([value]);
      this.#wait(unplaced(channel, value, timestamp));
      this.stop.requested ||= this.#waiting.length >= SAMPLE_RECORDS_MAX;
      return;
    }
    const result = this.batch.append(channel, value, timestamp);
    if (result !== APPENDED) this.handle(result, channel, value, timestamp);
  }

  /**
   * The slow path of an append that did not answer APPENDED. Throws if the record can never be sent; the
   * writer is then as if the record had not been emitted.
   */
  handle(result: number, channel: number, value: unknown, timestamp: number): void {
    if (result === APPENDED_FULL) {
      this.#close(channel);
      if (!this.#advance(channel)) this.stop.requested = true;
      return;
    }
    const record = unplaced(channel, value, timestamp);
    if (this.#waitingOn[channel] > 0 || !this.#place(record)) {
      this.#wait(record);
      this.stop.requested = true;
    } else if (!this.#advance(channel)) {
      this.stop.requested = true;
    }
  }

  /**
   * Tells every consumer that event time has come to `timestamp`, behind everything emitted so far: partly
   * filled batches leave before it. Where they have no credit it waits in its place, `stop` is raised,
   * and records emitted later wait behind it.
   */
  emitWatermark(timestamp: number): void {
    const [a, b] = wordsOfDouble(timestamp);
    this.#emitEvent({kind: WATERMARK, a, b});
  }

  /** Tells every consumer that nothing will come for a while, or that it goes on. As `emitWatermark`. */
  emitStatus(isIdle: boolean): void {
    this.#emitEvent({kind: isIdle ? IDLE_STATUS : ACTIVE_STATUS, a: 0, b: 0});
  }

  /** Whether the loop may run: nothing waits and every channel takes at least one more row. */
  get isReady(): boolean {
    return (
      this.#notOpen === 0 &&
      this.#parkedCount === 0 &&
      this.#waiting.length === 0 &&
      !this.#hasWaitingEvents
    );
  }

  /** Whether nothing has been emitted from which a schema could be inferred. */
  get isUntouched(): boolean {
    return this.batch === undefined && this.#waiting.length === 0;
  }

  /** Whether records, batches or events wait for credit or room. */
  get isBlocked(): boolean {
    return this.#hasWaitingEvents || (this.batch !== undefined && !this.isReady);
  }

  /**
   * Does what can be done about waiting batches, records and events. True if nothing waits any more.
   * Sets a new `batch` if the schema had to be found or widened. Throws like `handle`; the record is
   * then dropped, and nothing else.
   */
  resolve(): boolean {
    const areEventsSent = this.#flushEvents();
    if (this.batch === undefined) {
      if (this.#waiting.length === 0) return areEventsSent;
      const records = this.#waiting.filter(each => each.event === undefined);
      this.#useSchema(inferSchema(records.map(record => record.value)));
    }
    this.#isWithinRecord = false;
    try {
      if (this.#parkedCount > 0) this.#sendAllParked();
      if (this.#waiting.length > 0) this.#placeWaiting();
      if (this.#notOpen > 0) this.#openAll();
    } finally {
      this.#isWithinRecord = true;
    }
    return this.isReady;
  }

  /**
   * Sends partly filled batches. `onlyHungry`: only to consumers that have nothing left to read, and
   * only to some of them at each call. True if nothing is left (of those). Without credit a batch
   * stays open and goes on growing; the thread will be rung.
   */
  flush(onlyHungry: boolean): boolean {
    if (this.isUntouched) return this.#flushEvents();
    // Too few records so far for a good guess at the schema must not wait for more.
    if (!this.isReady) this.resolve();
    let isFlushed = true;
    const {channels} = this;
    if (onlyHungry) {
      const count = Math.min(channels.length, HUNGRY_CHANNELS_MAX);
      for (let looked = 0; looked < count; looked += 1) {
        const channel = this.#nextHungry;
        this.#nextHungry = channel + 1 === channels.length ? 0 : channel + 1;
        if (this.#isPartlyFilled(channel) && channels[channel].isDrained()) {
          isFlushed = this.#flushChannel(channel) && isFlushed;
        }
      }
    } else {
      for (let channel = 0; channel < channels.length; channel += 1) {
        if (this.#isPartlyFilled(channel)) isFlushed = this.#flushChannel(channel) && isFlushed;
      }
    }
    return isFlushed && this.isReady;
  }

  /** Sends an event to every channel, behind everything emitted so far. The caller has flushed. */
  broadcastEvent(kind: number, a = 0, b = 0, c = 0): void {
    assert(
      this.#waiting.length === 0 && this.#parkedCount === 0,
      'an event would overtake records that wait',
    );
    for (let channel = 0; channel < this.channels.length; channel += 1) {
      assert(
        this.#state[channel] !== CLOSING && !this.#isPartlyFilled(channel),
        'an event would overtake the records of a batch',
      );
      assert(this.#announcing[channel] === undefined, 'an event would come between two pieces');
    }
    for (const channel of this.channels) {
      channel.sendEvent(kind, a, b, c);
      if (channel.hasWaitingEvents) this.#hasWaitingEvents = true;
    }
  }

  /** Says on every channel that no record will follow. The caller has flushed. */
  end(): void {
    this.broadcastEvent(END_OF_DATA);
  }

  /** Gives all segments back and forgets what waits; for the end, or for a task that is cancelled. */
  dispose(): void {
    this.#waiting = [];
    this.#waitingOn.fill(0);
    for (let channel = 0; channel < this.channels.length; channel += 1) {
      // Closed, so that code which still runs cannot write into a segment of somebody else.
      if (this.batch?.isOpen(channel) === true) this.batch.close(channel);
      const segment = this.#segment[channel];
      if (segment !== NO_SEGMENT) this.#giveBack(segment);
      this.#segment[channel] = NO_SEGMENT;
      for (const {segment: parked} of this.#parked[channel]) this.#giveBack(parked);
      this.#parked[channel] = [];
      this.#announcing[channel] = undefined;
      this.#state[channel] = EMPTY;
    }
    this.#parkedCount = 0;
    this.#notOpen = this.channels.length;
  }

  /** Gives back a segment that nobody has read. */
  #giveBack(segment: number): void {
    const {arena, pool, segments} = this.#options;
    dropLocalTexts(arena, pool.offsetBytes(segment));
    segments.give(segment);
  }

  #wait(record: WaitingRecord): void {
    assert(this.#state[record.channel] !== OPEN, 'a later record would overtake one that waits');
    assert(
      this.#segment[record.channel] !== NO_SEGMENT,
      'a record came after the writer had ended',
    );
    // Nobody may change the record while it waits: the user's code may have it still.
    this.#waiting.push(
      record.event === undefined && record.payload === undefined
        ? {...record, value: copyOfRecord(record.value)}
        : record,
    );
    this.#waitingOn[record.channel] += 1;
  }

  #emitEvent(event: WriterEvent): void {
    for (let channel = 0; channel < this.channels.length; channel += 1) {
      if (this.#waitingOn[channel] === 0 && this.#placeEvent(channel, event)) {
        if (this.batch !== undefined && !this.#advance(channel)) this.stop.requested = true;
        if (this.#hasWaitingEvents) this.stop.requested = true;
      } else {
        this.#wait({channel, event});
        // Before there is a schema nobody waits for credit: the next flush sees to it.
        this.stop.requested ||= this.batch !== undefined;
      }
    }
  }

  /** Sends an event behind which no record waits; false if something has to go before it. */
  #placeEvent(channel: number, event: WriterEvent): boolean {
    if (this.#state[channel] === OPEN) {
      if (this.batch!.rowCount(channel) > 0 || this.#parked[channel].length > 0) {
        this.#close(channel);
      }
    }
    if (this.#state[channel] === CLOSING && !this.#sendBatch(channel)) return false;
    if (!this.#sendParked(channel)) return false;
    // Nothing may come between the pieces of an announcement.
    if (this.#announcing[channel] !== undefined && !this.#announce(channel)) return false;
    const output = this.channels[channel];
    output.sendEvent(event.kind, event.a, event.b);
    if (output.hasWaitingEvents) this.#hasWaitingEvents = true;
    return true;
  }

  /** Places the waiting records that can be placed; one that has to wait holds up its channel only. */
  #placeWaiting(): void {
    const waiting = this.#waiting;
    const left: WaitingRecord[] = [];
    const isStuck = new Uint8Array(this.channels.length);
    let index = 0;
    try {
      while (index < waiting.length) {
        const record = waiting[index];
        index += 1;
        if (isStuck[record.channel] === 0 && this.#place(record)) {
          this.#waitingOn[record.channel] -= 1;
        } else {
          isStuck[record.channel] = 1;
          left.push(record);
        }
      }
    } catch (error) {
      this.#waitingOn[waiting[index - 1].channel] -= 1;
      for (const {channel} of waiting.slice(index)) {
        if (this.#state[channel] === OPEN) this.#close(channel);
      }
      throw error;
    } finally {
      this.#waiting = index === waiting.length ? left : [...left, ...waiting.slice(index)];
    }
  }

  /** Appends or sends a record on which no other waits; false if it has to wait. */
  #place(record: WaitingRecord): boolean {
    if (record.event !== undefined) return this.#placeEvent(record.channel, record.event);
    const {channel, value, timestamp} = record;
    for (let tries = 0; ; tries += 1) {
      assert(
        tries < PLACE_TRIES_MAX,
        'a widened schema does not take the record it was widened for',
      );
      if (record.payload !== undefined) return this.#sendOversized(channel, record.payload);
      if (!this.#advance(channel)) return false;
      const batch = this.batch!;
      const result = batch.append(channel, value, timestamp);
      switch (result) {
        case APPENDED:
          return true;
        case APPENDED_FULL:
          this.#close(channel);
          if (!this.#advance(channel)) this.stop.requested = true;
          return true;
        case NO_ROOM:
          assert(batch.rowCount(channel) > 0, 'an empty batch has no room for a record');
          this.#close(channel);
          break;
        case MISFIT:
          this.#useSchema(widen(batch.schema, value));
          break;
        default:
          assert(result === OVERSIZED_VALUE, 'append answered an unknown code');
          record.payload = this.#encode(value, timestamp);
      }
    }
  }

  /** Brings the channel into the state OPEN, as far as credit and, within a record, overdraft allow. */
  #advance(channel: number): boolean {
    if (this.#state[channel] === OPEN) return true;
    assert(this.#segment[channel] !== NO_SEGMENT, 'a record came after the writer had ended');
    if (this.#state[channel] === CLOSING && !this.#sendBatch(channel) && !this.#park(channel)) {
      return false;
    }
    if (this.#announced[channel] !== this.#version && !this.#announce(channel)) return false;
    const wanted = this.channels[channel].rowLimit();
    const limit = wanted > 0 && wanted < this.#rowLimit ? wanted : this.#rowLimit;
    const offset = this.#options.pool.offsetBytes(this.#segment[channel]);
    this.batch!.open(channel, offset, limit);
    this.#state[channel] = OPEN;
    this.#notOpen -= 1;
    return true;
  }

  /** Opens every channel that can be opened and on which nothing waits. */
  #openAll(): void {
    for (let channel = 0; channel < this.channels.length; channel += 1) {
      if (this.#waitingOn[channel] === 0) this.#advance(channel);
    }
  }

  /** Closes the open batch of `channel`; it leaves as soon as there is credit. */
  #close(channel: number): void {
    assert(this.#state[channel] === OPEN, 'only an open batch is closed');
    const {rowCount, usedBytes} = this.batch!.close(channel);
    this.#closedRows[channel] = rowCount;
    this.#closedBytes[channel] = usedBytes;
    this.#state[channel] = rowCount > 0 ? CLOSING : EMPTY;
    this.#notOpen += 1;
  }

  #sendBatch(channel: number): boolean {
    if (!this.#sendParked(channel) || !this.channels[channel].claimCredit()) return false;
    const rows = this.#closedRows[channel];
    const usedBytes = this.#closedBytes[channel];
    this.#dispatch(channel, BATCH, rows, usedBytes);
    this.#state[channel] = EMPTY;
    this.#count(rows, usedBytes);
    return true;
  }

  /** Puts the complete batch of `channel` aside, so that the record at hand can go on. */
  #park(channel: number): boolean {
    if (
      !this.#isWithinRecord ||
      this.#parkedCount === this.#overdraftSegments ||
      // What comes next would be an announcement, and that needs credit.
      this.#announced[channel] !== this.#version
    ) {
      return false;
    }
    this.#parked[channel].push({
      segment: this.#segment[channel],
      rows: this.#closedRows[channel],
      usedBytes: this.#closedBytes[channel],
    });
    this.#parkedCount += 1;
    this.#segment[channel] = this.#takeSegment();
    this.#state[channel] = EMPTY;
    this.stop.requested = true;
    return true;
  }

  /** Sends what is parked on `channel`; false if some of it has no credit yet. */
  #sendParked(channel: number): boolean {
    const parked = this.#parked[channel];
    while (parked.length > 0) {
      if (!this.channels[channel].claimCredit()) return false;
      const {segment, rows, usedBytes} = parked.shift()!;
      this.#parkedCount -= 1;
      this.#handOver(channel, segment, BATCH, rows, usedBytes);
      this.#count(rows, usedBytes);
    }
    return true;
  }

  #sendAllParked(): void {
    for (let channel = 0; channel < this.channels.length; channel += 1) this.#sendParked(channel);
  }

  #count(rows: number, usedBytes: number): void {
    this.batchesSent += 1;
    this.rowsSent += rows;
    this.bytesSent += usedBytes;
  }

  /** Hands the held segment over; the channel gets a new one. */
  #dispatch(channel: number, kind: number, size: number, detail: number): void {
    this.#handOver(channel, this.#segment[channel], kind, size, detail);
    this.#segment[channel] = NO_SEGMENT;
    this.#segment[channel] = this.#takeSegment();
  }

  #handOver(channel: number, segment: number, kind: number, size: number, detail: number): void {
    const {pool, owner, consumerOwners} = this.#options;
    if (consumerOwners[channel] !== owner) pool.transfer(segment, consumerOwners[channel]);
    this.channels[channel].send(kind, segment, size, detail);
  }

  /** Whether a batch is open that could leave: it holds rows, and nothing is in front of it. */
  #isPartlyFilled(channel: number): boolean {
    return (
      this.#state[channel] === OPEN &&
      this.#parked[channel].length === 0 &&
      this.batch!.rowCount(channel) > 0
    );
  }

  /** Sends the open batch if there is credit; otherwise it stays open. */
  #flushChannel(channel: number): boolean {
    if (!this.channels[channel].claimCredit()) return false;
    this.#close(channel);
    return this.#advance(channel);
  }

  #flushEvents(): boolean {
    if (!this.#hasWaitingEvents) return true;
    this.#hasWaitingEvents = false;
    for (const channel of this.channels) {
      if (!channel.flushEvents()) this.#hasWaitingEvents = true;
    }
    return !this.#hasWaitingEvents;
  }

  /** From now on batches have `schema`; what is open under the old one is closed. */
  #useSchema(schema: RecordSchema): void {
    const {arena, pool, timestamps, debug, owner, consumerOwners} = this.#options;
    for (let channel = 0; channel < this.channels.length; channel += 1) {
      if (this.#state[channel] === OPEN) this.#close(channel);
    }
    // Code that was compiled for the old batches must be made anew before it runs again.
    if (this.batch !== undefined) this.stop.requested = true;
    this.#version += 1;
    this.batch = new BatchWriter(arena, {
      segmentSizeBytes: pool.segmentSizeBytes,
      targetCount: this.channels.length,
      schema,
      timestamps,
      schemaVersion: this.#version,
      checkFields: debug || !schema.declared,
      interpret: this.#options.interpret,
      isLocal: consumerOwners.map(consumer => consumer === owner),
    });
    this.#announcement = Buffer.from(JSON.stringify({schema, timestamps}));
  }

  /** Tells the consumer what the next batches look like; false if it has to wait for credit. */
  #announce(channel: number): boolean {
    if (!this.#sendParked(channel)) return false;
    while (this.#announced[channel] !== this.#version) {
      if (!this.channels[channel].claimCredit()) return false;
      // One that is under way goes on, even if a newer one has come up meanwhile.
      const announcing = (this.#announcing[channel] ??= {
        payload: new OutgoingPayload(this.#announcement),
        version: this.#version,
      });
      if (!this.#sendPayload(channel, SCHEMA, announcing.payload)) return false;
      this.#announcing[channel] = undefined;
      this.#announced[channel] = announcing.version;
    }
    return true;
  }

  #sendOversized(channel: number, payload: OutgoingPayload): boolean {
    if (this.#state[channel] === OPEN) this.#close(channel);
    if (this.#state[channel] === CLOSING && !this.#sendBatch(channel)) return false;
    if (!this.#sendParked(channel) || !this.#sendPayload(channel, OVERSIZED, payload)) return false;
    this.#count(1, payload.sizeBytes);
    return true;
  }

  /** Sends the pieces of a payload for which there is credit; true if that were all. */
  #sendPayload(channel: number, kind: number, payload: OutgoingPayload): boolean {
    const {arena, pool} = this.#options;
    while (!payload.isDone) {
      if (!this.channels[channel].claimCredit()) return false;
      const offset = pool.offsetBytes(this.#segment[channel]);
      const sizeBytes = payload.writePiece(arena, offset, pool.segmentSizeBytes);
      this.#dispatch(channel, payload.isDone ? kind : PART, sizeBytes, payload.sizeBytes);
    }
    return true;
  }

  #encode(value: unknown, timestamp: number): OutgoingPayload {
    const {timestamps, debug} = this.#options;
    const {schema} = this.batch!;
    const carried = schema.declared && !debug ? project(schema, value) : value;
    const bytes = encodeOversized(carried, timestamps ? timestamp : NaN);
    if (bytes.length > this.#recordSizeBytesMax) {
      throw new StreamError(
        'E_RECORD_TOO_LARGE',
        'a record is larger than all the memory of the job',
        {sizeBytes: bytes.length, memoryBytes: this.#recordSizeBytesMax},
        {
          remedy:
            `set the option memory: '${Math.ceil(bytes.length / 2 ** 20)}MB' or more, ` +
            'or split the record',
        },
      );
    }
    return new OutgoingPayload(bytes);
  }

  /**
   * The segment that the budget promises. A look at the pool is not one instant: it may miss the free
   * segment that others swap for another meanwhile. So it looks again before it speaks of a bug.
   */
  #takeSegment(): number {
    for (let tries = 0; tries < TAKE_TRIES_MAX; tries += 1) {
      const segment = this.#options.segments.take();
      if (segment !== NO_SEGMENT) return segment;
    }
    assert(false, 'the segment budget does not cover what is in use');
  }
}
