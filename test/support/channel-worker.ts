/**
 * Worker entry of the channel stress tests. A thread runs one task of every exchange that it is part of:
 * a writer to all threads of the exchange, itself included, and a gate from all of them. It checks
 * what it receives, and posts the violations with what it has sent and received.
 */
import {parentPort, workerData} from 'node:worker_threads';
import {Random} from '../../src/base/random.ts';
import {Arena} from '../../src/memory/arena.ts';
import {Doorbell} from '../../src/memory/doorbell.ts';
import {LocalPool} from '../../src/memory/local-pool.ts';
import {SegmentPool} from '../../src/memory/segment-pool.ts';
import {InputChannel, OutputChannel} from '../../src/network/channel.ts';
import {BATCH, END_OF_DATA, OVERSIZED, SCHEMA, WATERMARK} from '../../src/network/descriptor.ts';
import {InputGate} from '../../src/network/input-gate.ts';
import {shufflePartitioner} from '../../src/network/partitioner.ts';
import {RecordWriter} from '../../src/network/record-writer.ts';
import {BatchReader} from '../../src/records/batch-reader.ts';
import {decodeOversized} from '../../src/records/batch-writer.ts';
import type {RecordSchema} from '../../src/records/schema.ts';
import {
  COMPLETE,
  ownerOfThread,
  PROGRESS,
  START,
  STOP,
  type ChannelThreadInput,
  type ChannelThreadResult,
  type ExchangeLayout,
} from './channel-threads.ts';

/** A park this long means that nobody is going to ring. */
const STUCK_AFTER_MS = 20_000;

interface StressRecord {
  readonly from: number;
  readonly to: number;
  readonly seq: number;
  /** Events that the producer had sent before. */
  readonly after: number;
  readonly sum: number;
  readonly text: string;
}

const input = workerData as ChannelThreadInput;
const arena = new Arena(input.buffer);
const {words} = arena;
const check = input.check.offsetBytes >> 2;
const pool = new SegmentPool(arena, input.pool);
const segments = new LocalPool(pool, ownerOfThread(input.thread), input.cacheMax);
const bell = new Doorbell(arena, input.bells, input.thread);
const random = new Random(input.seed);
const violations: string[] = [];

const fail = (what: string) => {
  if (violations.length < 10) violations.push(`thread ${input.thread}: ${what}`);
};

const sumOf = (from: number, to: number, seq: number) =>
  Math.imul(seq + 1, 0x9e3779b1) ^ (from << 8) ^ to;

/** One task: both ends of an exchange in this thread. */
class Task {
  sent = 0;
  received = 0;
  readonly #layout: ExchangeLayout;
  readonly #writer: RecordWriter;
  readonly #gate: InputGate;
  readonly #readers: Array<BatchReader | undefined>;
  /** Records sent to and received from each thread, and events received from each. */
  readonly #sentTo: number[];
  readonly #receivedFrom: number[];
  readonly #eventsFrom: number[];
  readonly #endedFrom: boolean[];
  #events = 0;
  #hasEnded = false;

  constructor(layout: ExchangeLayout) {
    const {channels, floatingCredits} = layout;
    const peers = channels.map((_, index) => index);
    // This thread rings itself, too: what the last round before a sleep sends to the own gate counts.
    const bellOf = (peer: number) => new Doorbell(arena, input.bells, peer);
    this.#layout = layout;
    this.#sentTo = peers.map(() => 0);
    this.#receivedFrom = peers.map(() => 0);
    this.#eventsFrom = peers.map(() => 0);
    this.#endedFrom = peers.map(() => false);
    this.#readers = peers.map(() => undefined);
    this.#gate = new InputGate({
      arena,
      pool,
      segments,
      channels: peers.map(
        peer => new InputChannel(arena, channels[peer][input.thread], peer, bellOf(peer)),
      ),
      floatingCredits,
    });
    this.#writer = new RecordWriter({
      arena,
      pool,
      segments,
      owner: ownerOfThread(input.thread),
      channels: peers.map(
        peer => new OutputChannel(arena, channels[input.thread][peer], bellOf(peer)),
      ),
      consumerOwners: peers.map(ownerOfThread),
      partitioner: shufflePartitioner(peers.length, random),
      schema: undefined,
      timestamps: random.below(2) === 0,
      stop: {requested: false},
      debug: false,
      interpret: false,
    });
  }

  get isComplete(): boolean {
    return this.#hasEnded && !this.#writer.isBlocked && this.#endedFrom.every(Boolean);
  }

  /** Does a little of everything that can be done; whether that was anything. */
  step(): boolean {
    const hasRead = this.#read(1 + random.below(4));
    return this.#write() || hasRead;
  }

  dispose(): void {
    this.#writer.dispose();
    this.#gate.dispose();
  }

  #write(): boolean {
    const writer = this.#writer;
    if (writer.isBlocked && !writer.resolve()) return false;
    if (this.#hasEnded) return false;
    if (this.sent === this.#layout.records) {
      if (!writer.flush(false)) return false;
      writer.end();
      this.#hasEnded = true;
      return true;
    }
    writer.stop.requested = false;
    for (let n = 1 + random.below(60); n > 0 && this.sent < this.#layout.records; n -= 1) {
      this.#emit();
      if (writer.stop.requested) break;
    }
    switch (random.below(6)) {
      case 0:
        writer.flush(false);
        break;
      case 1:
        if (writer.flush(false)) this.#event();
        break;
      default:
        writer.flush(true);
    }
    return true;
  }

  #event(): void {
    this.#events += 1;
    this.#writer.broadcastEvent(WATERMARK, this.#events);
  }

  #emit(): void {
    const from = input.thread;
    const to = this.#writer.partitioner.select(undefined);
    const seq = this.#sentTo[to]++;
    const {largeEvery} = input;
    const isLarge = largeEvery > 0 && random.below(largeEvery) === 0;
    const text = isLarge ? String.fromCharCode(97 + (seq % 26)).repeat(random.below(2_000)) : '';
    const record: StressRecord = {
      from,
      to,
      // Not an int32 now and then: the schema widens once.
      seq: random.below(5_000) === 0 ? seq + 0.5 : seq,
      after: this.#events,
      sum: sumOf(from, to, seq),
      text,
    };
    this.#writer.emitTo(to, record, this.sent);
    this.sent += 1;
  }

  #read(count: number): boolean {
    for (let n = 0; n < count; n += 1) {
      const channel = this.#gate.poll();
      if (channel === undefined) return n > 0;
      const from = channel.index;
      switch (channel.kind()) {
        case SCHEMA: {
          const shape = JSON.parse(this.#gate.payload(channel).toString()) as {
            schema: RecordSchema;
            timestamps: boolean;
          };
          this.#gate.releaseSegments(channel);
          const {segmentSizeBytes} = pool;
          this.#readers[from] = new BatchReader(arena, {...shape, segmentSizeBytes});
          break;
        }
        case BATCH: {
          const reader = this.#readers[from]!;
          reader.attach(this.#gate.segmentOffset(channel));
          if (reader.rowCount !== channel.word(2)) fail('torn: the rows of a batch');
          for (let row = 0; row < reader.rowCount; row += 1) this.#check(from, reader.read(row));
          this.#gate.releaseSegments(channel);
          break;
        }
        case OVERSIZED: {
          const payload = this.#gate.payload(channel);
          this.#gate.releaseSegments(channel);
          this.#check(from, decodeOversized(payload).value);
          break;
        }
        case WATERMARK:
          this.#eventsFrom[from] += 1;
          if (channel.word(1) !== this.#eventsFrom[from]) fail('an event is lost or out of order');
          this.#gate.releaseEvent(channel);
          break;
        case END_OF_DATA:
          if (this.#endedFrom[from]) fail('twice: the end');
          this.#endedFrom[from] = true;
          this.#gate.releaseEvent(channel);
          break;
        default:
          fail(`torn: a descriptor of kind ${channel.kind()}`);
          this.#gate.releaseEvent(channel);
      }
    }
    return true;
  }

  #check(from: number, value: unknown): void {
    const record = value as StressRecord;
    const due = this.#receivedFrom[from];
    const seq = Math.floor(record.seq);
    if (seq > due) fail(`lost: record ${seq} of ${from} came where ${due} was due`);
    if (seq < due) fail(`twice or out of order: record ${seq} of ${from} instead of ${due}`);
    if (record.after !== this.#eventsFrom[from])
      fail(`record ${seq} overtook an event, or was overtaken`);
    if (this.#endedFrom[from]) fail(`record ${seq} came behind the end`);
    const letter = String.fromCharCode(97 + (seq % 26));
    if (
      record.from !== from ||
      record.to !== input.thread ||
      record.sum !== sumOf(from, input.thread, seq) ||
      record.text !== letter.repeat(record.text.length)
    ) {
      fail(`torn: record ${seq} of ${from}`);
    }
    this.#receivedFrom[from] = due + 1;
    this.received += 1;
  }
}

function run(): ChannelThreadResult {
  const tasks = input.exchanges.map(layout => new Task(layout));
  const never = new Int32Array(new SharedArrayBuffer(4));
  let parks = 0;
  /** One step of every task. */
  const round = () => {
    let moved = false;
    for (const task of tasks) if (!task.isComplete && task.step()) moved = true;
    return moved;
  };
  let received = 0;
  let complete = 0;
  const say = (place: number, value: number) => {
    Atomics.store(words, check + place + input.thread, value);
    Atomics.notify(words, check + place + input.thread);
  };
  while (!tasks.every(task => task.isComplete) && violations.length === 0) {
    if (Atomics.load(words, check + STOP) !== 0) break;
    const moved = round();
    const now = tasks.reduce((sum, task) => sum + task.received, 0);
    if (now !== received) say(PROGRESS, (received = now));
    const done = tasks.filter(task => task.isComplete).length;
    if (done !== complete) say(COMPLETE, (complete = done));
    if (input.isDrowsy && random.below(200) === 0) {
      Atomics.wait(never, 0, 0, random.below(100) / 100);
    }
    if (moved) continue;
    const seen = bell.prepareToPark();
    const isDone = tasks.every(task => task.isComplete);
    if (!round() && !isDone && Atomics.load(words, check + STOP) === 0) {
      parks += 1;
      if (bell.park(seen, STUCK_AFTER_MS) === 'timeout') fail('stuck: nobody rang');
    }
    bell.awake();
  }
  const isComplete = tasks.map(task => task.isComplete);
  for (const task of tasks) task.dispose();
  segments.drain();
  return {
    sent: tasks.map(task => task.sent),
    received: tasks.map(task => task.received),
    isComplete,
    parks,
    violations,
  };
}

Atomics.wait(words, check + START, 0, STUCK_AFTER_MS);
parentPort!.postMessage(run());
