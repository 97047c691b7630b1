/**
 * Producers and consumers with channels between all of them, driven by hand on one thread: writers and
 * gates as tasks have them, on a pool in debug mode with exactly the segments that the budget counts.
 * Each side has an owner number and a doorbell of its own, as if it were a thread.
 */
import assert from 'node:assert/strict';
import {ArenaPlan, type Arena} from '../../src/memory/arena.ts';
import {Doorbell, planDoorbells} from '../../src/memory/doorbell.ts';
import {LocalPool} from '../../src/memory/local-pool.ts';
import {planSegmentPool, SegmentPool} from '../../src/memory/segment-pool.ts';
import {
  InputChannel,
  OutputChannel,
  planChannel,
  type ChannelLayout,
} from '../../src/network/channel.ts';
import type {DebloaterOptions} from '../../src/network/debloater.ts';
import {BATCH, END_OF_DATA, OVERSIZED, SCHEMA} from '../../src/network/descriptor.ts';
import {InputGate} from '../../src/network/input-gate.ts';
import {constantPartitioner, type Partitioner} from '../../src/network/partitioner.ts';
import {RecordWriter, type RecordWriterOptions} from '../../src/network/record-writer.ts';
import {BatchReader} from '../../src/records/batch-reader.ts';
import {localTextsOf} from '../../src/records/local-texts.ts';
import {decodeOversized} from '../../src/records/batch-writer.ts';
import type {RecordSchema} from '../../src/records/schema.ts';

export interface ExchangeOptions {
  readonly producers?: number;
  readonly consumers?: number;
  readonly segmentSizeBytes?: number;
  readonly exclusiveCredits?: number;
  readonly floatingCredits?: number;
  /** Segments that a side may keep to itself. */
  readonly cacheMax?: number;
  readonly partitioner?: (producer: number) => Partitioner;
  readonly writer?: Partial<RecordWriterOptions>;
  readonly debloater?: DebloaterOptions;
  /** All sides are one thread: one owner, no doorbells. */
  readonly isLocal?: boolean;
}

/** What a consumer has met: records, and events in their places. */
export type Received =
  | {readonly value: unknown; readonly timestamp: number}
  | {readonly event: number; readonly words: readonly number[]};

/** One consuming task: reads descriptors as a task does, and keeps what it has read, by channel. */
export class TestConsumer {
  readonly gate: InputGate;
  readonly received: Received[][];
  /** Rows of each batch, over all channels. */
  readonly batchRows: number[] = [];
  /** Kinds in the order in which they were polled. */
  readonly kinds: number[] = [];
  readonly channelOrder: number[] = [];
  readonly #arena: Arena;
  readonly #segmentSizeBytes: number;
  readonly #readers: Array<BatchReader | undefined>;

  constructor(arena: Arena, gate: InputGate, segmentSizeBytes: number) {
    this.#arena = arena;
    this.gate = gate;
    this.#segmentSizeBytes = segmentSizeBytes;
    this.received = gate.channels.map(() => []);
    this.#readers = gate.channels.map(() => undefined);
  }

  /** Reads up to `count` descriptors; says how many there were. */
  read(count = Infinity): number {
    let done = 0;
    while (done < count) {
      const channel = this.gate.poll();
      if (channel === undefined) break;
      done += 1;
      const received = this.received[channel.index];
      this.kinds.push(channel.kind());
      this.channelOrder.push(channel.index);
      switch (channel.kind()) {
        case SCHEMA: {
          const shape = JSON.parse(this.gate.payload(channel).toString()) as {
            schema: RecordSchema;
            timestamps: boolean;
          };
          this.gate.releaseSegments(channel);
          this.#readers[channel.index] = new BatchReader(this.#arena, {
            ...shape,
            segmentSizeBytes: this.#segmentSizeBytes,
          });
          break;
        }
        case BATCH: {
          const reader = this.#readers[channel.index];
          assert.ok(reader !== undefined, 'a batch came before its schema');
          reader.attach(this.gate.segmentOffset(channel));
          assert.equal(reader.rowCount, channel.word(2), 'the descriptor says how many rows');
          this.batchRows.push(reader.rowCount);
          for (let row = 0; row < reader.rowCount; row += 1) {
            received.push({value: reader.read(row), timestamp: reader.readTimestamp(row)});
          }
          this.gate.releaseSegments(channel);
          break;
        }
        case OVERSIZED: {
          const payload = this.gate.payload(channel);
          this.gate.releaseSegments(channel);
          received.push(decodeOversized(payload));
          break;
        }
        default:
          received.push({
            event: channel.kind(),
            words: [channel.word(1), channel.word(2), channel.word(3)],
          });
          this.gate.releaseEvent(channel);
      }
    }
    return done;
  }

  /** Values received over `channel`, without events. */
  values(channel = 0): unknown[] {
    return this.received[channel].flatMap(each => ('value' in each ? [each.value] : []));
  }

  hasEnded(channel = 0): boolean {
    const last = this.received[channel].at(-1);
    return last !== undefined && 'event' in last && last.event === END_OF_DATA;
  }
}

export class Exchange {
  readonly arena: Arena;
  readonly pool: SegmentPool;
  readonly writers: RecordWriter[] = [];
  readonly consumers: TestConsumer[] = [];
  readonly outputs: OutputChannel[][] = [];
  readonly inputs: InputChannel[][] = [];
  /** By producer, then consumer. */
  readonly layouts: ChannelLayout[][];
  readonly producerBells: Doorbell[];
  readonly consumerBells: Doorbell[];
  readonly producerPools: LocalPool[] = [];
  readonly consumerPools: LocalPool[] = [];
  /** Segments that may be in flight to one consumer. */
  readonly inFlightMax: number;
  /** All sides are one thread: what is in flight cannot be told from what is held. */
  readonly isLocal: boolean;

  constructor(options: ExchangeOptions = {}) {
    const {
      producers = 1,
      consumers = 1,
      segmentSizeBytes = 1024,
      exclusiveCredits = 2,
      floatingCredits = 0,
      cacheMax = 1,
      isLocal = false,
    } = options;
    const producerOwner = (index: number) => (isLocal ? 1 : 1 + index);
    const consumerOwner = (index: number) => (isLocal ? 1 : 1 + producers + index);
    this.isLocal = isLocal;
    const threads = isLocal ? 1 : producers + consumers;
    this.inFlightMax = exclusiveCredits * producers + floatingCredits;
    const overdraft = (options.writer?.overdraftSegments ?? 0) * producers;
    const budget =
      producers * consumers + overdraft + this.inFlightMax * consumers + cacheMax * threads;
    const plan = new ArenaPlan();
    const poolLayout = planSegmentPool(plan, budget, segmentSizeBytes);
    const bells = planDoorbells(plan, producers + consumers);
    const creditsMax = exclusiveCredits + floatingCredits;
    this.layouts = Array.from({length: producers}, (_, producer) =>
      Array.from({length: consumers}, (__, consumer) =>
        planChannel(plan, `${producer} to ${consumer}`, exclusiveCredits, creditsMax),
      ),
    );
    this.arena = plan.create();
    this.pool = new SegmentPool(this.arena, poolLayout, {debug: true});
    this.pool.format();
    const bell = (index: number) => new Doorbell(this.arena, bells, index);
    this.producerBells = Array.from({length: producers}, (_, index) => bell(index));
    this.consumerBells = Array.from({length: consumers}, (_, index) => bell(producers + index));

    const localPool = isLocal ? new LocalPool(this.pool, 1, cacheMax) : undefined;
    for (let index = 0; index < consumers; index += 1) {
      const segments = localPool ?? new LocalPool(this.pool, consumerOwner(index), cacheMax);
      this.consumerPools.push(segments);
      const channels = this.layouts.map(
        (row, producer) =>
          new InputChannel(
            this.arena,
            row[index],
            producer,
            isLocal ? undefined : this.producerBells[producer],
          ),
      );
      this.inputs.push(channels);
      const gate = new InputGate({
        arena: this.arena,
        pool: this.pool,
        segments,
        channels,
        floatingCredits,
        ...(options.debloater === undefined ? {} : {debloater: options.debloater}),
      });
      this.consumers.push(new TestConsumer(this.arena, gate, segmentSizeBytes));
    }
    for (let index = 0; index < producers; index += 1) {
      const segments = localPool ?? new LocalPool(this.pool, producerOwner(index), cacheMax);
      this.producerPools.push(segments);
      const channels = this.layouts[index].map(
        (layout, consumer) =>
          new OutputChannel(this.arena, layout, isLocal ? undefined : this.consumerBells[consumer]),
      );
      this.outputs.push(channels);
      this.writers.push(
        new RecordWriter({
          arena: this.arena,
          pool: this.pool,
          segments,
          owner: producerOwner(index),
          channels,
          consumerOwners: channels.map((_, consumer) => consumerOwner(consumer)),
          partitioner: options.partitioner?.(index) ?? constantPartitioner(0),
          schema: undefined,
          timestamps: false,
          stop: {requested: false},
          debug: false,
          interpret: false,
          ...options.writer,
        }),
      );
    }
  }

  get writer(): RecordWriter {
    return this.writers[0];
  }

  get consumer(): TestConsumer {
    return this.consumers[0];
  }

  /** Segments on their way to `consumer`; its cache has been emptied for the count. */
  inFlight(consumer = 0): number {
    const pool = this.consumerPools[consumer];
    pool.drain();
    return this.pool.ownedCount(pool.owner);
  }

  /**
   * Lets producers resolve and flush, and consumers read, until nothing moves. The result says whether
   * all writers are flushed.
   */
  settle(): boolean {
    for (let round = 0; ; round += 1) {
      assert.ok(round < 100_000, 'the exchange comes to rest');
      const before = this.#positions();
      let isFlushed = true;
      for (const writer of this.writers) isFlushed = writer.flush(false) && isFlushed;
      for (const consumer of this.consumers) consumer.read();
      if (this.#positions() === before) return isFlushed;
    }
  }

  /** Where all rings stand: changes with whatever is sent or read. */
  #positions(): string {
    return this.layouts
      .flat()
      .map(({ring}) => {
        const base = ring.offsetBytes >> 2;
        return `${this.arena.words[base]} ${this.arena.words[base + 32]}`;
      })
      .join();
  }

  /** Ends and disposes everything; the number of segments that are missing afterwards. */
  close(): number {
    for (const writer of this.writers) writer.dispose();
    for (const consumer of this.consumers) consumer.gate.dispose();
    for (const pool of [...this.producerPools, ...this.consumerPools]) pool.drain();
    assert.equal(localTextsOf(this.arena).size, 0, 'texts that nobody will read are forgotten');
    return this.pool.segmentCount - this.pool.freeCount();
  }
}
