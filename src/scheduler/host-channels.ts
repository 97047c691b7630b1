/**
 * The host's ends of the channels between it and a job. Its thread is one more producer and one more
 * consumer, with a doorbell and an owner number of its own, under the same credits as any task; it
 * only must never block. Used by the host's thread.
 */
import {StreamError, showValue, type ErrorDetails} from '../base/errors.ts';
import {Random, systemSeed} from '../base/random.ts';
import type {Arena} from '../memory/arena.ts';
import {Doorbell} from '../memory/doorbell.ts';
import {LOCAL_CACHE_MAX, LocalPool} from '../memory/local-pool.ts';
import {SegmentPool} from '../memory/segment-pool.ts';
import {InputChannel, OutputChannel} from '../network/channel.ts';
import {InputGate} from '../network/input-gate.ts';
import {roundRobinPartitioner} from '../network/partitioner.ts';
import {RecordWriter, type StopFlag} from '../network/record-writer.ts';
import type {BatchReader} from '../records/batch-reader.ts';
import type {RecordSchema} from '../records/schema.ts';
import {MAX_WATERMARK} from '../time/watermark.ts';
import {
  OVERDRAFT_SEGMENTS_MAX,
  hostChannelsNamed,
  ownerOfHost,
  ownerOfWorker,
  type ArenaLayout,
} from './arena-layout.ts';
import {GateInput, type RecordConsumer} from './gate-input.ts';
import {FINISHED, IDLE} from './progress.ts';
import type {HostBell, HostInput, HostOutput} from './runtime-contract.ts';

/** Records that one poll gathers before it returns. */
const POLL_ROWS = 4096;

export interface HostOptions {
  readonly arena: Arena;
  readonly layout: ArenaLayout;
  readonly jobName: string;
  readonly workerCount: number;
  /** By task index. */
  readonly workerOfTask: readonly number[];
  readonly floatingCredits: number;
  readonly recordSizeBytesMax: number;
  readonly debug: boolean;
  readonly interpret: boolean;
  /** Declared shapes of host inputs, by name. */
  readonly inputSchemas: Readonly<Record<string, RecordSchema>>;
}

/** All ends that the host opens of one job. */
export class Host {
  readonly #options: HostOptions;
  readonly #pool: SegmentPool;
  readonly #segments: LocalPool;
  readonly #owner: number;
  readonly #bell: HostBell;

  constructor(options: HostOptions) {
    const {arena, layout, debug, workerCount} = options;
    this.#options = options;
    this.#owner = ownerOfHost(workerCount);
    this.#pool = new SegmentPool(arena, layout.pool, {debug});
    this.#segments = new LocalPool(this.#pool, this.#owner, LOCAL_CACHE_MAX);
    this.#bell = new Doorbell(arena, layout.doorbells, workerCount);
  }

  /** Errors: `E_HOST_STREAM` if the job has no such input. */
  openInput(name: string): HostInput {
    const {arena, layout, debug, interpret, inputSchemas, workerOfTask, recordSizeBytesMax} =
      this.#options;
    const host = hostChannelsNamed(layout.hostInputs, name, 'input');
    const stop: StopFlag = {requested: false};
    const workers = host.tasks.map(task => workerOfTask[task]);
    const start = new Random(systemSeed()).below(host.channels.length);
    const writer = new RecordWriter({
      arena,
      pool: this.#pool,
      segments: this.#segments,
      recordSizeBytesMax,
      overdraftSegments: OVERDRAFT_SEGMENTS_MAX,
      owner: this.#owner,
      channels: host.channels.map(
        (channel, index) => new OutputChannel(arena, channel, this.#bellOf(workers[index])),
      ),
      consumerOwners: workers.map(ownerOfWorker),
      partitioner: roundRobinPartitioner(host.channels.length, start),
      schema: inputSchemas[name],
      timestamps: false,
      stop,
      debug,
      interpret,
    });
    return new WriterInput(writer, stop, this.#bell, {job: this.#options.jobName, input: name});
  }

  /** Errors: `E_HOST_STREAM` if the job has no such output. */
  openOutput(name: string): HostOutput {
    const {arena, layout, floatingCredits, interpret, workerOfTask} = this.#options;
    const host = hostChannelsNamed(layout.hostOutputs, name, 'output');
    const gate = new InputGate({
      arena,
      pool: this.#pool,
      segments: this.#segments,
      channels: host.channels.map(
        (channel, index) =>
          new InputChannel(arena, channel, index, this.#bellOf(workerOfTask[host.tasks[index]])),
      ),
      floatingCredits,
    });
    const consumer = new Gatherer();
    const input = new GateInput({
      arena,
      gates: [gate],
      consumer,
      segmentSizeBytes: layout.pool.segmentSizeBytes,
      interpret,
      isFromHost: false,
    });
    return new GateOutput(this.#bell, gate, input, consumer);
  }

  #bellOf(workerIndex: number): Doorbell {
    const {arena, layout} = this.#options;
    return new Doorbell(arena, layout.doorbells, workerIndex);
  }
}

class WriterInput implements HostInput {
  readonly bell: HostBell;
  readonly #writer: RecordWriter;
  readonly #stop: StopFlag;
  readonly #place: {readonly job: string; readonly input: string};
  #hasEnded = false;

  constructor(
    writer: RecordWriter,
    stop: StopFlag,
    bell: HostBell,
    place: {readonly job: string; readonly input: string},
  ) {
    this.bell = bell;
    this.#writer = writer;
    this.#stop = stop;
    this.#place = place;
  }

  offer(value: unknown): boolean {
    try {
      this.#writer.emit(value, NaN);
    } catch (thrown) {
      throw this.#located(thrown, {record: showValue(value)});
    }
    return !this.#stop.requested && !this.#writer.isBlocked;
  }

  settle(): boolean {
    try {
      if ((this.#stop.requested || this.#writer.isBlocked) && !this.#writer.resolve()) return false;
    } catch (thrown) {
      throw this.#located(thrown);
    }
    this.#stop.requested = false;
    return true;
  }

  flush(): boolean {
    if (!this.settle()) return false;
    try {
      return this.#writer.flush(false);
    } catch (thrown) {
      throw this.#located(thrown);
    }
  }

  close(): boolean {
    if (!this.#hasEnded) {
      if (!this.flush()) return false;
      this.#writer.emitWatermark(MAX_WATERMARK);
      this.#writer.end();
      this.#hasEnded = true;
    }
    return this.#writer.channels.every(channel => channel.flushEvents());
  }

  #located(thrown: unknown, record: ErrorDetails = {}): unknown {
    return thrown instanceof StreamError ? thrown.at({...this.#place, ...record}) : thrown;
  }
}

class GateOutput implements HostOutput {
  readonly bell: HostBell;
  readonly #gate: InputGate;
  readonly #input: GateInput;
  readonly #consumer: Gatherer;
  #isEnded = false;

  constructor(bell: HostBell, gate: InputGate, input: GateInput, consumer: Gatherer) {
    this.bell = bell;
    this.#gate = gate;
    this.#input = input;
    this.#consumer = consumer;
  }

  poll(): readonly unknown[] | undefined {
    let rows = 0;
    while (!this.#isEnded && rows < POLL_ROWS) {
      const progress = this.#input.step(POLL_ROWS, 0);
      if (progress === IDLE) break;
      this.#isEnded = progress === FINISHED;
      rows += this.#input.rowsStepped;
    }
    return this.#consumer.take();
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  isHoldingBack(): boolean {
    return this.#gate.channels.some(channel => channel.isProducerWaiting());
  }

  close(): void {
    this.#consumer.drops = true;
  }
}

/** Keeps the records that arrive until they are fetched. */
class Gatherer implements RecordConsumer {
  drops = false;
  #values: unknown[] = [];

  take(): readonly unknown[] | undefined {
    if (this.#values.length === 0) return undefined;
    const values = this.#values;
    this.#values = [];
    return values;
  }

  runBatch(reader: BatchReader, _inputIndex: number, from: number, to: number): number {
    if (this.drops) return to;
    for (let row = from; row < to; row += 1) this.#values.push(reader.read(row));
    return to;
  }

  runOne(value: unknown): void {
    if (!this.drops) this.#values.push(value);
  }

  processWatermark(): void {}

  processStatus(): void {}
}
