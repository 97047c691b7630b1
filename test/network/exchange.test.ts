/**
 * Random walks of whole exchanges against a model that is a list per channel: any stream of records, any
 * credits and partitioners, consumers of any speed, flushes, events and row limits at any time. Each
 * record arrives once, unchanged and in its place, never are more segments in flight than the
 * budget counts, and in the end all are back. One thread; test/stress/channel.test.ts has more.
 */
import {isDeepStrictEqual} from 'node:util';
import test from 'ava';
import fc from 'fast-check';
import {Random} from '../../src/base/random.ts';
import {WATERMARK} from '../../src/network/descriptor.ts';
import {
  ALL_CHANNELS,
  broadcastPartitioner,
  constantPartitioner,
  roundRobinPartitioner,
  shufflePartitioner,
  type Partitioner,
} from '../../src/network/partitioner.ts';
import type {RecordWriter} from '../../src/network/record-writer.ts';
import {APPENDED, type BatchWriter} from '../../src/records/batch-writer.ts';
import {Exchange, type Received} from '../support/exchange.ts';
import {recordStream} from '../support/record-values.ts';

/** Values for one walk: of one shape that widens now and then, or wild; and now and then a large one. */
function valuesFor(random: Random): unknown[] {
  const isWild = random.below(2) === 0;
  const values = isWild
    ? fc.sample(recordStream, {seed: random.nextUint32() | 0, numRuns: 40}).flat()
    : Array.from({length: 200 + random.below(2_000)}, (_, n) => tameValue(random, n));
  return values.flatMap(value => {
    if (random.below(60) !== 0) return [value];
    const text = (random.below(2) === 0 ? 'é' : '中').repeat(random.below(4_000));
    return [value, isWild ? {id: -1, text} : {id: -1, key: 0.5, text}];
  });
}

function tameValue(random: Random, n: number): unknown {
  const text = 'abcdefghij'.slice(0, random.below(10));
  const key = random.below(300) === 0 ? 0.5 : random.below(9);
  const record = {id: n, key, text: random.below(500) === 0 ? null : text};
  return random.below(1_000) === 0 ? {...record, more: n} : record;
}

function partitionerFor(random: Random, consumers: number): Partitioner {
  switch (random.below(5)) {
    case 0:
      return broadcastPartitioner();
    case 1:
      return constantPartitioner(random.below(consumers));
    case 2:
      return shufflePartitioner(consumers, new Random(random.nextUint32()));
    default:
      return roundRobinPartitioner(consumers, random.below(consumers));
  }
}

/** What the user's code may do to a record once it is emitted. */
function spoil(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  if (Object.getPrototypeOf(value) !== Object.prototype) return;
  for (const name of Object.keys(value)) {
    if (name !== '__proto__') (value as Record<string, unknown>)[name] = -1;
  }
}

function shallowCopy(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return Object.getPrototypeOf(value) === Object.prototype ? {...value} : value;
}

/** A producing task: knows what it has sent to whom, and may hold code of an old schema. */
class Producer {
  readonly sent: Received[][];
  readonly #writer: RecordWriter;
  readonly #random: Random;
  readonly #values: unknown[];
  readonly #timestamps: boolean;
  #compiledFor: BatchWriter | undefined;
  #position = 0;

  constructor(writer: RecordWriter, random: Random, timestamps: boolean) {
    this.#writer = writer;
    this.#random = random;
    this.#values = valuesFor(random);
    this.#timestamps = timestamps;
    this.sent = writer.channels.map(() => []);
  }

  get isDone(): boolean {
    return this.#position === this.#values.length;
  }

  /** One run of the chain's loop, if the writer lets it: a few records beyond the stop at most. */
  run(): void {
    const writer = this.#writer;
    const random = this.#random;
    if (writer.isBlocked && random.below(20) !== 0) return;
    writer.stop.requested = false;
    if (random.below(10) !== 0) this.#compiledFor = writer.batch;
    // One input record may emit many, which draws on the overdraft.
    let beyond = random.below(4) === 0 ? random.below(400) : 0;
    for (let n = 1 + random.below(100) + beyond; n > 0 && !this.isDone; n -= 1) {
      this.#emitNext();
      if (writer.stop.requested && beyond-- === 0) break;
    }
  }

  /** Some events in a row, now and then more than a ring takes. */
  events(n: number): void {
    if (!this.#writer.flush(false)) return;
    const count = this.#random.below(10) === 0 ? 50 : 1;
    for (let each = 0; each < count; each += 1) {
      this.#writer.broadcastEvent(WATERMARK, n, ~each, this.#position);
      for (const channel of this.sent) {
        channel.push({event: WATERMARK, words: [n, ~each, this.#position]});
      }
    }
  }

  #emitNext(): void {
    const writer = this.#writer;
    const value = this.#values[this.#position];
    const timestamp = this.#position;
    this.#position += 1;
    const emitted = shallowCopy(value);
    const channel = writer.partitioner.select(emitted);
    const channels = channel === ALL_CHANNELS ? [...writer.channels.keys()] : [channel];
    for (const each of channels) {
      const old = this.#compiledFor;
      if (old === undefined || this.#random.below(3) === 0) {
        writer.emitTo(each, emitted, timestamp);
      } else {
        const result = old.append(each, emitted, timestamp);
        if (result !== APPENDED) writer.handle(result, each, emitted, timestamp);
      }
      this.sent[each].push({value, timestamp: this.#timestamps ? timestamp : NaN});
    }
    spoil(emitted);
  }
}

/** The first difference between what was sent and what has arrived, or undefined. */
function difference(sent: Received[], received: Received[]): string | undefined {
  for (let n = 0; n < Math.max(sent.length, received.length); n += 1) {
    if (isDeepStrictEqual(sent[n], received[n])) continue;
    return `place ${n}: sent ${fc.stringify(sent[n])}, received ${fc.stringify(received[n])}`;
  }
  return undefined;
}

const SEEDS = Number(process.env['WALKS'] ?? 40);

for (let seed = 1; seed <= SEEDS; seed += 1) {
  test(`whatever happens, records arrive once, in order and unchanged, seed ${seed}`, t => {
    const random = new Random(seed);
    const consumers = 1 + random.below(4);
    const timestamps = random.below(2) === 0;
    const exchange = new Exchange({
      producers: 1 + random.below(3),
      consumers,
      segmentSizeBytes: 256 << random.below(4),
      exclusiveCredits: 1 + random.below(3),
      floatingCredits: random.below(4),
      cacheMax: 1 + random.below(4),
      isLocal: random.below(4) === 0,
      partitioner: () => partitionerFor(random, consumers),
      writer: {
        timestamps,
        interpret: random.below(3) === 0,
        overdraftSegments: random.below(5),
        ...(random.below(4) === 0 ? {rowLimit: 1 + random.below(20)} : {}),
      },
    });
    const {writers} = exchange;
    const producers = writers.map(writer => new Producer(writer, random, timestamps));
    const speeds = exchange.consumers.map(() => 1 + random.below(12));

    for (let step = 0; !producers.every(producer => producer.isDone); step += 1) {
      if (step > 200_000) t.fail('the walk comes to no end');
      const index = random.below(writers.length);
      const consumer = random.below(consumers);
      switch (random.below(8)) {
        case 0:
        case 1:
          producers[index].run();
          break;
        case 2:
          writers[index].resolve();
          break;
        case 3:
          writers[index].flush(random.below(2) === 0);
          break;
        case 4:
          if (random.below(3) === 0) producers[index].events(step);
          break;
        case 5:
          if (random.below(20) === 0) {
            exchange.inputs[consumer][index].limitRows(random.below(30));
          }
          break;
        default:
          exchange.consumers[consumer].read(speeds[consumer]);
      }
      if (step % 16 === 0 && !exchange.isLocal) {
        for (let each = 0; each < consumers; each += 1) {
          t.true(exchange.inFlight(each) <= exchange.inFlightMax, `in flight at step ${step}`);
        }
      }
    }

    t.true(exchange.settle());
    for (const writer of writers) {
      t.true(writer.isReady || writer.isUntouched);
      writer.end();
    }
    exchange.settle();
    for (const [p, producer] of producers.entries()) {
      for (const [c, consumer] of exchange.consumers.entries()) {
        t.true(consumer.hasEnded(p));
        t.is(difference(producer.sent[c], consumer.received[p].slice(0, -1)), undefined);
      }
    }
    t.is(exchange.close(), 0);
  });
}
