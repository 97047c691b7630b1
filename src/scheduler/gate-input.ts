/**
 * The input of a task that reads other tasks (or the host): one gate per input of its head operator.
 * It drains a gate descriptor by descriptor. Batches go through the chain's loop, which knows nothing
 * of control; everything else is handled here, between two batches.
 *
 *   poll ──► BATCH      attach the channel's reader, run rows, give the segment back, renew the credit
 *        ──► SCHEMA     the channel's batches look different from here on
 *        ──► OVERSIZED  a single record
 *        ──► WATERMARK, IDLE_STATUS, ACTIVE_STATUS: through the valve of the gate, to the consumer
 *        ──► END_OF_DATA
 *
 * The inputs of a connected operator take turns, and so do the channels of a gate. A batch that an
 * output has stopped stays attached; nothing else is polled until it is through, so records of a
 * channel keep their order.
 *
 * Channels whose batches look the same share one reader, because the chain compiles a loop per reader.
 */
import {assert} from '../base/assert.ts';
import type {Arena} from '../memory/arena.ts';
import type {InputChannel} from '../network/channel.ts';
import {
  ACTIVE_STATUS,
  BATCH,
  END_OF_DATA,
  IDLE_STATUS,
  OVERSIZED,
  SCHEMA,
  WATERMARK,
  doubleOfWords,
} from '../network/descriptor.ts';
import type {InputGate} from '../network/input-gate.ts';
import {HEADER_USED_BYTES} from '../records/batch-layout.ts';
import {BatchReader} from '../records/batch-reader.ts';
import {decodeOversized} from '../records/oversized.ts';
import type {RecordSchema} from '../records/schema.ts';
import {StatusWatermarkValve} from '../time/watermark-valve.ts';
import {FINISHED, IDLE, PROGRESSED, type Progress} from './progress.ts';
import type {TaskInput} from './task-input.ts';

/** Takes what a gate brings: the chain of a task, or the host. */
export interface RecordConsumer {
  /** Rows `from` to `to - 1` of the attached batch; returns the row where it stopped. */
  runBatch(reader: BatchReader, inputIndex: number, from: number, to: number): number;
  runOne(value: unknown, timestamp: number, inputIndex: number): void;
  /** All channels of an input have come to a watermark, which it may go on with before the next call. */
  processWatermark(watermark: number, inputIndex: number): unknown;
  /** All channels of an input are idle, or one is active again. */
  processStatus(isIdle: boolean, inputIndex: number): unknown;
}

export interface GateInputOptions {
  readonly arena: Arena;
  /** By input index of the head operator. */
  readonly gates: readonly InputGate[];
  readonly consumer: RecordConsumer;
  readonly segmentSizeBytes: number;
  /** Use no generated code. */
  readonly interpret: boolean;
  /** Milliseconds that the task has been idle so far; present if batches are debloated. */
  readonly debloatIdleMs?: (() => number) | undefined;
  /** The producer is the host's thread, which does not hear of `stop`. */
  readonly isFromHost: boolean;
}

export class GateInput implements TaskInput {
  rowsStepped = 0;
  recordsIn = 0;
  bytesIn = 0;
  readonly wakeAtMs = Infinity;
  readonly awaitsPromises = false;
  readonly #options: GateInputOptions;
  readonly #gates: readonly InputGate[];
  /** By input and channel; undefined before the channel's schema has come. */
  readonly #readers: ReadonlyArray<Array<BatchReader | undefined>>;
  /** By input: readers by what their batches look like. */
  readonly #readersByShape: ReadonlyArray<Map<string, BatchReader>>;
  /** By input. */
  readonly valves: readonly StatusWatermarkValve[];
  readonly #channelsLeft: number[];
  #inputsLeft: number;
  #nextInput = 0;
  /** The batch at hand; `#channel` is undefined if there is none. */
  #channel: InputChannel | undefined;
  #reader: BatchReader | undefined;
  #input = 0;
  #row = 0;
  #isStopped = false;

  constructor(options: GateInputOptions) {
    const {gates, consumer} = options;
    this.#options = options;
    this.#gates = gates;
    this.#readers = gates.map(gate => gate.channels.map(() => undefined));
    this.#readersByShape = gates.map(() => new Map());
    this.valves = gates.map(
      (gate, input) =>
        new StatusWatermarkValve(gate.channels.length, {
          emitWatermark: watermark => void consumer.processWatermark(watermark, input),
          markIdle: () => void consumer.processStatus(true, input),
          markActive: () => void consumer.processStatus(false, input),
        }),
    );
    this.#channelsLeft = gates.map(gate => gate.channels.length);
    this.#inputsLeft = gates.length;
  }

  open(): void {}

  step(rowsMax: number, nowMs: number): Progress {
    this.rowsStepped = 0;
    if (this.#channel === undefined && !this.#poll(nowMs)) {
      return this.#inputsLeft === 0 || this.#isStopped ? FINISHED : IDLE;
    }
    // What was polled may have been an event.
    if (this.#channel !== undefined) this.#run(rowsMax);
    return PROGRESSED;
  }

  /** Descriptors that wait in all channels. */
  queueLength(): number {
    let length = 0;
    for (const gate of this.#gates) length += gate.queueLength();
    return length;
  }

  /** Other tasks end by themselves when their sources do. What the host has sent is still read. */
  stop(): void {
    this.#isStopped = this.#options.isFromHost;
  }

  close(): void {
    for (const gate of this.#gates) gate.dispose();
  }

  #poll(nowMs: number): boolean {
    const gates = this.#gates;
    for (let tried = 0; tried < gates.length; tried += 1) {
      const input = this.#nextInput;
      this.#nextInput = input + 1 === gates.length ? 0 : input + 1;
      const gate = gates[input];
      const pieces = gate.piecesTaken;
      const channel = gate.poll();
      if (channel === undefined) {
        // Pieces of a payload were taken: its producer may go on, perhaps in this very thread.
        if (gate.piecesTaken > pieces) return true;
        continue;
      }
      const {debloatIdleMs} = this.#options;
      if (debloatIdleMs !== undefined) gate.debloat(nowMs, debloatIdleMs());
      this.#take(input, gate, channel);
      return true;
    }
    return false;
  }

  #take(input: number, gate: InputGate, channel: InputChannel): void {
    switch (channel.kind()) {
      case BATCH: {
        const reader = this.#readers[input][channel.index];
        assert(reader !== undefined, 'a batch came before the schema of its channel');
        const offset = gate.segmentOffset(channel);
        reader.attach(offset);
        this.bytesIn += this.#options.arena.words[(offset >> 2) + HEADER_USED_BYTES];
        this.#channel = channel;
        this.#reader = reader;
        this.#input = input;
        this.#row = 0;
        return;
      }
      case SCHEMA:
        this.#readers[input][channel.index] = this.#readerOf(input, gate.payload(channel));
        gate.releaseSegments(channel);
        return;
      case OVERSIZED: {
        const payload = gate.payload(channel);
        gate.releaseSegments(channel);
        const {value, timestamp} = decodeOversized(payload);
        this.bytesIn += payload.length;
        this.recordsIn += 1;
        this.rowsStepped = 1;
        this.#options.consumer.runOne(value, timestamp, input);
        return;
      }
      case WATERMARK: {
        const watermark = doubleOfWords(channel.word(1), channel.word(2));
        gate.releaseEvent(channel);
        this.valves[input].inputWatermark(watermark, channel.index);
        return;
      }
      case IDLE_STATUS:
      case ACTIVE_STATUS: {
        const isIdle = channel.kind() === IDLE_STATUS;
        gate.releaseEvent(channel);
        this.valves[input].inputStatus(isIdle, channel.index);
        return;
      }
      case END_OF_DATA:
        gate.releaseEvent(channel);
        this.#channelsLeft[input] -= 1;
        if (this.#channelsLeft[input] === 0) this.#inputsLeft -= 1;
        return;
      default:
        assert(false, 'a channel carries a descriptor of an unknown kind');
    }
  }

  #run(rowsMax: number): void {
    const reader = this.#reader!;
    const to = Math.min(reader.rowCount, this.#row + rowsMax);
    const stoppedAt = this.#options.consumer.runBatch(reader, this.#input, this.#row, to);
    this.rowsStepped = stoppedAt - this.#row;
    this.recordsIn += this.rowsStepped;
    this.#row = stoppedAt;
    if (stoppedAt < reader.rowCount) return;
    this.#gates[this.#input].releaseSegments(this.#channel!);
    this.#channel = undefined;
  }

  #readerOf(input: number, announcement: Buffer): BatchReader {
    const shape = announcement.toString();
    const readers = this.#readersByShape[input];
    let reader = readers.get(shape);
    if (reader === undefined) {
      const {schema, timestamps} = JSON.parse(shape) as {
        schema: RecordSchema;
        timestamps: boolean;
      };
      const {arena, segmentSizeBytes, interpret} = this.#options;
      reader = new BatchReader(arena, {schema, timestamps, segmentSizeBytes, interpret});
      readers.set(shape, reader);
    }
    return reader;
  }
}
