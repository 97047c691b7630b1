/**
 * A chain of operators with everything around it that a task gives it: column batches or values as input,
 * sinks that remember what they got, writers whose batches are read again, and a driver that settles
 * outputs when the chain has stopped.
 */
import assert from 'node:assert/strict';
import {ManualClock} from '../../src/base/clock.ts';
import {doubleOfWords} from '../../src/network/descriptor.ts';
import type {RecordWriter, StopFlag} from '../../src/network/record-writer.ts';
import type {Partitioner} from '../../src/network/partitioner.ts';
import {Chain} from '../../src/operators/chain.ts';
import type {ChainEdge, ChainNode} from '../../src/operators/chain-plan.ts';
import type {TaskContext} from '../../src/operators/functions.ts';
import type {OperatorSpec} from '../../src/operators/operator.ts';
import {OperatorError} from '../../src/operators/operator-error.ts';
import type {Sink} from '../../src/operators/sink.ts';
import {BatchReader} from '../../src/records/batch-reader.ts';
import {
  APPENDED,
  APPENDED_FULL,
  BatchWriter,
  MISFIT,
  OVERSIZED,
} from '../../src/records/batch-writer.ts';
import {inferSchema, widen} from '../../src/records/infer-schema.ts';
import type {RecordSchema} from '../../src/records/schema.ts';
import {memoryBackends} from '../../src/scheduler/memory-backends.ts';
import {Exchange} from './exchange.ts';
import {testArena} from './record-stream.ts';

/** A record with its timestamp; NaN for none. */
export interface Timed {
  readonly value: unknown;
  readonly timestamp: number;
}

/** The context of one operator, without engine around it. */
export function testContext(name: string): TaskContext {
  return {
    jobName: 'test',
    operatorName: name,
    uid: name,
    subtaskIndex: 0,
    parallelism: 1,
    maxParallelism: 128,
    attemptNumber: 0,
    clock: new ManualClock(),
    addToAccumulator() {},
    counter: () => ({value: 0, add() {}}),
  };
}

/** A sink that keeps what it got. It refuses after each record whose number is in `fullAfter`. */
export class CollectingSink implements Sink<unknown> {
  readonly name = 'collect';
  readonly received: Timed[] = [];
  /** What each record looked like when it came: nobody may change it later. */
  readonly snapshots: unknown[] = [];
  readonly #fullAfter: ReadonlySet<number>;
  #isFull = false;

  constructor(fullAfter: readonly number[] = []) {
    this.#fullAfter = new Set(fullAfter);
  }

  /** Takes records again. */
  drain(): void {
    this.#isFull = false;
  }

  createWriter() {
    return {
      write: (value: unknown, timestamp: number) => {
        this.received.push({value, timestamp});
        this.snapshots.push(snapshot(value));
        this.#isFull ||= this.#fullAfter.has(this.received.length);
      },
      ...(this.#fullAfter.size > 0 ? {isWritable: () => !this.#isFull} : {}),
    };
  }

  /** Fails if a record was changed after it had come. */
  assertUnchanged(): void {
    assert.deepEqual(
      this.received.map(({value}) => value),
      this.snapshots,
    );
  }
}

function snapshot(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return Object.getPrototypeOf(value) === Object.prototype || Array.isArray(value)
    ? structuredClone(value)
    : value;
}

export interface WriterSpec {
  readonly consumers: number;
  readonly partitioner: () => Partitioner;
  readonly schema?: RecordSchema;
  readonly segmentSizeBytes?: number;
}

export interface ChainHarnessOptions {
  readonly nodes: ReadonlyArray<{spec: OperatorSpec; outputs?: readonly ChainEdge[]}>;
  readonly writers?: readonly WriterSpec[];
  readonly interpret?: boolean;
  readonly counts?: boolean;
}

/** An edge to operator `index`. */
export function to(index: number, sideOutput?: string, inputIndex = 0): ChainEdge {
  return {sideOutput, target: {kind: 'operator', index, inputIndex}};
}

/** An edge to writer `index`. */
export function toWriter(index: number, sideOutput?: string): ChainEdge {
  return {sideOutput, target: {kind: 'writer', index}};
}

export class ChainHarness {
  readonly chain: Chain;
  readonly stop: StopFlag = {requested: false};
  readonly exchanges: readonly Exchange[];
  readonly writers: readonly RecordWriter[];
  readonly sinks: readonly CollectingSink[];
  /** How often the chain stopped before its input ended. */
  stops = 0;
  readonly #interpret: boolean;

  constructor({nodes, writers = [], interpret = false, counts = true}: ChainHarnessOptions) {
    this.#interpret = interpret;
    this.exchanges = writers.map(
      ({consumers, partitioner, schema, segmentSizeBytes}) =>
        new Exchange({
          consumers,
          segmentSizeBytes: segmentSizeBytes ?? 1024,
          partitioner,
          writer: {schema, timestamps: true, stop: this.stop, interpret},
        }),
    );
    this.writers = this.exchanges.map(exchange => exchange.writer);
    const chainNodes = nodes.map(({spec, outputs = []}, index): ChainNode => ({
      name: `${spec.type} ${index}`,
      uid: `uid-${index}`,
      spec,
      outputs,
    }));
    this.sinks = nodes.flatMap(({spec}) =>
      spec.type === 'sink' && spec.sink instanceof CollectingSink ? [spec.sink] : [],
    );
    this.chain = new Chain({
      plan: {nodes: chainNodes},
      writers: this.writers,
      stop: this.stop,
      contexts: chainNodes.map(node => testContext(node.name)),
      wakeUp: () => {},
      interpret,
      name: 'harness',
      counts,
      stateBackends: memoryBackends,
    });
  }

  /** Runs values through, settling outputs whenever the chain has stopped. */
  runValues(values: readonly unknown[], timestamps?: readonly number[], inputIndex = 0): this {
    return this.#drive(values.length, (from, until) =>
      this.chain.runValues(values, timestamps, from, until, inputIndex),
    );
  }

  runRange(generator: (index: number) => unknown, from: number, until: number): this {
    return this.#drive(until, (row, end) => this.chain.runRange(generator, row, end), from);
  }

  /** Runs records through that come as column batches of at most `rowsMax` rows. */
  runBatches(
    values: readonly unknown[],
    timestamps?: readonly number[],
    {inputIndex = 0, rowsMax = Infinity, schema}: BatchOptions = {},
  ): this {
    new BatchFeed(this.#interpret, timestamps !== undefined, schema).run(
      values,
      timestamps ?? [],
      rowsMax,
      (reader, rowCount) =>
        this.#drive(rowCount, (from, until) =>
          this.chain.runBatch(reader, inputIndex, from, until),
        ),
      (value, timestamp) => {
        this.settle();
        this.chain.runOne(value, timestamp, inputIndex);
        this.settle();
      },
    );
    return this;
  }

  /** Finishes and closes the chain, and delivers what is in open batches. */
  finish(): this {
    for (let round = 0; ; round += 1) {
      assert.ok(round < 100_000, 'a chain finishes');
      this.settle();
      if (this.chain.finish()) break;
    }
    this.settle();
    this.chain.close();
    return this;
  }

  /** What all sinks and all channels of all writers have got, in order. */
  outputs(): Timed[][] {
    const channels = this.exchanges.flatMap(({consumers}) =>
      consumers.map(({received}) => received.flat().filter(each => 'value' in each)),
    );
    return [...this.sinks.map(sink => sink.received), ...channels];
  }

  /** Does what a task does before it lets the chain run again. */
  settle(): void {
    for (const exchange of this.exchanges) {
      for (let round = 0; !exchange.settle(); round += 1) {
        assert.ok(round < 1_000, 'writers come to rest');
      }
    }
    for (const sink of this.sinks) sink.drain();
    this.stop.requested = false;
    for (let round = 0; !this.chain.proceed(); round += 1) {
      assert.ok(round < 1_000, 'watermarks come to rest');
      for (const exchange of this.exchanges) exchange.settle();
      for (const sink of this.sinks) sink.drain();
      this.stop.requested = false;
    }
  }

  /** What all channels of all writers have got, watermarks and status in their places. */
  events(): unknown[][] {
    return this.exchanges.flatMap(({consumers}) =>
      consumers.map(({received}) =>
        received
          .flat()
          .map(each =>
            'event' in each
              ? [each.event, doubleOfWords(each.words[0]!, each.words[1]!)]
              : each.timestamp,
          ),
      ),
    );
  }

  #drive(until: number, run: (from: number, until: number) => number, from = 0): this {
    let row = from;
    while (row < until) {
      const stoppedAt = run(row, until);
      assert.ok(stoppedAt > row, 'a loop takes one record at least');
      if (stoppedAt < until) {
        assert.ok(this.stop.requested, 'a loop ends early only when it was asked to');
        this.stops += 1;
      }
      row = stoppedAt;
      if (this.stop.requested) this.settle();
    }
    return this;
  }
}

interface BatchOptions {
  readonly inputIndex?: number;
  readonly rowsMax?: number;
  /** Declared; else the schema is inferred from the first record and widens. */
  readonly schema?: RecordSchema;
}

const FEED_SEGMENT_BYTES = 4096;

/** Turns records into batches, as the writer of another task would. */
class BatchFeed {
  readonly #interpret: boolean;
  readonly #timestamps: boolean;
  readonly #declared: RecordSchema | undefined;

  constructor(interpret: boolean, timestamps: boolean, schema: RecordSchema | undefined) {
    this.#interpret = interpret;
    this.#timestamps = timestamps;
    this.#declared = schema;
  }

  run(
    values: readonly unknown[],
    timestamps: readonly number[],
    rowsMax: number,
    onBatch: (reader: BatchReader, rowCount: number) => void,
    onOversized: (value: unknown, timestamp: number) => void,
  ): void {
    if (values.length === 0) return;
    const arena = testArena(FEED_SEGMENT_BYTES + 8);
    let schema = this.#declared ?? inferSchema([values[0]]);
    let ends: [BatchWriter, BatchReader] | undefined;
    const flush = () => {
      if (ends === undefined || !ends[0].isOpen(0)) return;
      ends[0].close(0);
      ends[1].attach(8);
      if (ends[1].rowCount > 0) onBatch(ends[1], ends[1].rowCount);
    };
    for (const [index, value] of values.entries()) {
      for (;;) {
        ends ??= this.#createEnds(arena, schema);
        const [writer] = ends;
        if (!writer.isOpen(0)) writer.open(0, 8);
        const timestamp = timestamps[index] ?? NaN;
        const result = writer.append(0, value, timestamp);
        if (result === APPENDED_FULL || (result === APPENDED && writer.rowCount(0) >= rowsMax)) {
          flush();
          break;
        }
        if (result === APPENDED) break;
        flush();
        if (result === MISFIT) {
          schema = widen(schema, value);
          ends = undefined;
        } else if (result === OVERSIZED) {
          onOversized(value, this.#timestamps ? timestamp : NaN);
          break;
        }
      }
    }
    flush();
  }

  #createEnds(
    arena: ReturnType<typeof testArena>,
    schema: RecordSchema,
  ): [BatchWriter, BatchReader] {
    const options = {
      segmentSizeBytes: FEED_SEGMENT_BYTES,
      schema,
      timestamps: this.#timestamps,
      interpret: this.#interpret,
    };
    return [
      new BatchWriter(arena, {...options, targetCount: 1, schemaVersion: 1}),
      new BatchReader(arena, options),
    ];
  }
}

/** Runs `action`, which must throw out of a chain, and gives the error. */
export function operatorErrorOf(action: () => unknown): OperatorError {
  try {
    action();
  } catch (error) {
    assert.ok(error instanceof OperatorError, String(error));
    return error;
  }
  assert.fail('nothing was thrown');
}
