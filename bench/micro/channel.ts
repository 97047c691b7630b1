/**
 * What handing batches over costs: a writer in one thread, a gate in another (or both in one), with the
 * loops that a chain would compile around them.
 *
 *   make records ─► RecordWriter ─► channel ─► InputGate ─► sum over all fields
 *
 * Kinds: `numbers` {int32, int32, float64}; `strings` three texts of 50 characters, mostly distinct in a
 * batch; `single` numbers, one row per batch: what a descriptor costs with all that hangs on it. `lazy`:
 * a batch leaves only when it is full; otherwise as soon as the consumer has nothing to read.
 *
 * `npm run bench -- --micro channel`.
 */
import {isMainThread, parentPort, Worker, workerData} from 'node:worker_threads';
import {systemClock} from '../../src/base/clock.ts';
import {Arena, ArenaPlan} from '../../src/memory/arena.ts';
import {Doorbell, planDoorbells, type DoorbellLayout} from '../../src/memory/doorbell.ts';
import {LOCAL_CACHE_MAX, LocalPool} from '../../src/memory/local-pool.ts';
import {
  planSegmentPool,
  SegmentPool,
  type SegmentPoolLayout,
} from '../../src/memory/segment-pool.ts';
import {
  InputChannel,
  OutputChannel,
  planChannel,
  type ChannelLayout,
} from '../../src/network/channel.ts';
import {BATCH, SCHEMA} from '../../src/network/descriptor.ts';
import {InputGate} from '../../src/network/input-gate.ts';
import {constantPartitioner} from '../../src/network/partitioner.ts';
import {RecordWriter} from '../../src/network/record-writer.ts';
import {BatchReader} from '../../src/records/batch-reader.ts';
import {compileFactory} from '../../src/records/compiler.ts';
import {inferSchema} from '../../src/records/infer-schema.ts';
import type {RecordSchema} from '../../src/records/schema.ts';
import type {MicroBench, MicroCase, MicroRun} from '../lib/micro.ts';

type ChannelBenchKind = 'numbers' | 'strings' | 'single';

interface ChannelBenchOptions {
  readonly threads: 1 | 2;
  readonly kind: ChannelBenchKind;
  readonly segmentSizeBytes: number;
  readonly exclusiveCredits: number;
  /** Whether a batch leaves as soon as the consumer has nothing to read. */
  readonly hungry: boolean;
  readonly records: number;
}

/** Records of one run of the producer's loop, as if they were a batch of its own input. */
const PORTION = 1_024;
const TEXTS = 4_096;
/** About 20 µs of asking, as the worker loop does. */
const SPINS_MAX = 1_000;
const PARK_MS = 10;

/** Flat texts of 50 characters. */
const texts = Array.from({length: TEXTS}, (_, n) =>
  Buffer.from(`${n} ${'abcdefghijklmnopqrstuvwxyz'.repeat(2)}`.slice(0, 50)).toString(),
);

/** The record number `$row` and what the consumer adds up, as text. */
const KINDS: Record<ChannelBenchKind, {record: string; sample: object; sum: string}> = {
  numbers: {
    record: '{key: $row & 1023, flags: $row & 7, value: $row + 0.5}',
    sample: {key: 1, flags: 1, value: 0.5},
    sum: '$value.key + $value.flags + $value.value',
  },
  strings: {
    record: `{
      a: $texts[$row & ${TEXTS - 1}],
      b: $texts[($row + 1) & ${TEXTS - 1}],
      c: $texts[($row + 2) & ${TEXTS - 1}],
    }`,
    sample: {a: '', b: '', c: ''},
    sum: '$value.a.charCodeAt(0) + $value.b.charCodeAt(1) + $value.c.length',
  },
  single: {
    record: '{key: $row & 1023, flags: $row & 7, value: $row + 0.5}',
    sample: {key: 1, flags: 1, value: 0.5},
    sum: '$value.key + $value.flags + $value.value',
  },
};

/** The answer, by a loop over objects. */
function expectedSum(kind: ChannelBenchKind, records: number): number {
  const {record, sum} = KINDS[kind];
  const body = `let sum = 0;
for (let $row = 0; $row < ${records}; $row += 1) { const $value = ${record}; sum += ${sum}; }
return sum;`;
  return compileFactory<number>('bench/expected', ['$texts'], body)(texts);
}

function planBench({threads, segmentSizeBytes, exclusiveCredits}: ChannelBenchOptions) {
  const plan = new ArenaPlan();
  const channel = planChannel(plan, 'channel', exclusiveCredits, exclusiveCredits);
  const bells = planDoorbells(plan, 2);
  const count = 1 + exclusiveCredits + threads * LOCAL_CACHE_MAX;
  const pool = planSegmentPool(plan, count, segmentSizeBytes);
  return {arena: plan.create(), channel, bells, pool};
}

class Producer {
  readonly bell: Doorbell;
  readonly writer: RecordWriter;
  readonly #options: ChannelBenchOptions;
  readonly #loop: (from: number, to: number) => number;
  #row = 0;
  #hasEnded = false;

  constructor(
    arena: Arena,
    pool: SegmentPool,
    segments: LocalPool,
    channel: ChannelLayout,
    bells: DoorbellLayout,
    options: ChannelBenchOptions,
  ) {
    const {kind, threads} = options;
    const {record, sample} = KINDS[kind];
    this.#options = options;
    this.bell = new Doorbell(arena, bells, 0);
    const consumer = threads === 1 ? undefined : new Doorbell(arena, bells, 1);
    const stop = {requested: false};
    this.writer = new RecordWriter({
      arena,
      pool,
      segments,
      owner: 1,
      channels: [new OutputChannel(arena, channel, consumer)],
      consumerOwners: [threads],
      partitioner: constantPartitioner(0),
      schema: inferSchema([sample]),
      timestamps: false,
      stop,
      debug: false,
      interpret: false,
      ...(kind === 'single' ? {rowLimit: 1} : {}),
    });
    const append = this.writer.batch!.appendText({
      value: '$value',
      target: '0',
      timestamp: 'NaN',
      result: '$result',
      prefix: 'out_',
      // As for a map that returns an object literal.
      isShapeProven: this.writer.batch!.isShapeProvenBy(Object.keys(sample)),
    });
    const body = `return function loop($from, $to) {
let $result = 0;
${append.prologue}
for (let $row = $from; $row < $to; $row += 1) {
const $value = ${record};
${append.statements}
if ($result !== 0) {
$writer.handle($result, 0, $value, NaN);
if ($stop.requested) return $row + 1;
}
}
return $to;
};`;
    const bindings = {...append.bindings, $writer: this.writer, $stop: stop, $texts: texts};
    this.#loop = compileFactory<(from: number, to: number) => number>(
      'bench/producer',
      Object.keys(bindings),
      body,
    )(...Object.values(bindings));
  }

  /** Whether anything moved. */
  step(): boolean {
    const {writer} = this;
    if (writer.isBlocked && !writer.resolve()) return false;
    const {records, hungry} = this.#options;
    if (this.#row === records) {
      if (this.#hasEnded || !writer.flush(false)) return false;
      writer.end();
      this.#hasEnded = true;
      return true;
    }
    writer.stop.requested = false;
    this.#row = this.#loop(this.#row, Math.min(records, this.#row + PORTION));
    if (hungry && writer.isReady) writer.flush(true);
    return true;
  }

  get isDone(): boolean {
    return this.#hasEnded;
  }
}

class Consumer {
  readonly bell: Doorbell;
  sum = 0;
  isDone = false;
  readonly #arena: Arena;
  readonly #gate: InputGate;
  readonly #options: ChannelBenchOptions;
  #reader: BatchReader | undefined;
  #loop: ((to: number) => number) | undefined;

  constructor(
    arena: Arena,
    pool: SegmentPool,
    segments: LocalPool,
    channel: ChannelLayout,
    bells: DoorbellLayout,
    options: ChannelBenchOptions,
  ) {
    this.#arena = arena;
    this.#options = options;
    this.bell = new Doorbell(arena, bells, 1);
    const producer = options.threads === 1 ? undefined : new Doorbell(arena, bells, 0);
    const channels = [new InputChannel(arena, channel, 0, producer)];
    this.#gate = new InputGate({arena, pool, segments, channels, floatingCredits: 0});
  }

  /** Whether anything moved. */
  step(): boolean {
    const gate = this.#gate;
    const channel = gate.poll();
    if (channel === undefined) return false;
    switch (channel.kind()) {
      case BATCH:
        this.#reader!.attach(gate.segmentOffset(channel));
        this.sum += this.#loop!(channel.word(2));
        gate.releaseSegments(channel);
        return true;
      case SCHEMA:
        this.#use(gate.payload(channel));
        gate.releaseSegments(channel);
        return true;
      default:
        gate.releaseEvent(channel);
        this.isDone = true;
        return true;
    }
  }

  #use(announcement: Buffer): void {
    const {schema} = JSON.parse(announcement.toString()) as {schema: RecordSchema};
    const {segmentSizeBytes, kind} = this.#options;
    const reader = new BatchReader(this.#arena, {schema, segmentSizeBytes, timestamps: false});
    const body = `return function loop($to) {
${reader.prologue}
let sum = 0;
for (let $row = 0; $row < $to; $row += 1) {
const $value = ${reader.recordText('$row')};
sum += ${KINDS[kind].sum};
}
return sum;
};`;
    const {bindings} = reader;
    this.#reader = reader;
    this.#loop = compileFactory<(to: number) => number>(
      'bench/consumer',
      Object.keys(bindings),
      body,
    )(...Object.values(bindings));
  }
}

/** Steps until it is done; spins a little when nothing moves, then sleeps on the bell. */
function runToEnd(task: {
  step(): boolean;
  readonly isDone: boolean;
  readonly bell: Doorbell;
}): void {
  for (let spins = 0; !task.isDone;) {
    if (task.step()) {
      spins = 0;
    } else if (spins < SPINS_MAX) {
      spins += 1;
    } else {
      const seen = task.bell.prepareToPark();
      if (!task.step()) task.bell.park(seen, PARK_MS);
      task.bell.awake();
    }
  }
}

interface ConsumerInput {
  readonly channelBench: true;
  readonly buffer: SharedArrayBuffer;
  readonly pool: SegmentPoolLayout;
  readonly channel: ChannelLayout;
  readonly bells: DoorbellLayout;
  readonly options: ChannelBenchOptions;
}

/** Hands `records` records over and says how long that took. */
async function channelBench(options: ChannelBenchOptions): Promise<MicroRun> {
  const {threads, records} = options;
  const {arena, channel, bells, pool: layout} = planBench(options);
  const pool = new SegmentPool(arena, layout);
  pool.format();
  const segments = new LocalPool(pool, 1);
  const start = () => ({ms: systemClock.monotonicNow(), cpu: process.cpuUsage()});
  const result = (
    {ms, cpu}: ReturnType<typeof start>,
    {writer}: Producer,
    answer: number,
  ): MicroRun => {
    const {user, system} = process.cpuUsage(cpu);
    return {
      ms: systemClock.monotonicNow() - ms,
      answer,
      notes: {
        // Of all threads together; less disturbed by what else the machine does.
        'CPU ns': ((user + system) * 1_000) / records,
        'rows per batch': writer.rowsSent / writer.batchesSent,
      },
    };
  };
  if (threads === 1) {
    const consumer = new Consumer(arena, pool, segments, channel, bells, options);
    const producer = new Producer(arena, pool, segments, channel, bells, options);
    const begin = start();
    while (!consumer.isDone) {
      producer.step();
      consumer.step();
    }
    return result(begin, producer, consumer.sum);
  }
  const input: ConsumerInput = {
    channelBench: true,
    buffer: arena.buffer,
    pool: layout,
    channel,
    bells,
    options,
  };
  const worker = new Worker(new URL(import.meta.url), {workerData: input});
  const once = () =>
    new Promise<number>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
  try {
    await once(); // it is ready
    const sum = once();
    const producer = new Producer(arena, pool, segments, channel, bells, options);
    const begin = start();
    runToEnd(producer);
    return result(begin, producer, await sum);
  } finally {
    await worker.terminate();
  }
}

if (!isMainThread && (workerData as ConsumerInput | null)?.channelBench === true) {
  const {buffer, pool: layout, channel, bells, options} = workerData as ConsumerInput;
  const arena = new Arena(buffer);
  const pool = new SegmentPool(arena, layout);
  const segments = new LocalPool(pool, 2);
  const consumer = new Consumer(arena, pool, segments, channel, bells, options);
  parentPort!.postMessage(0);
  runToEnd(consumer);
  parentPort!.postMessage(consumer.sum);
}

const RECORDS: Record<ChannelBenchKind, number> = {
  numbers: 8_000_000,
  strings: 300_000,
  single: 400_000,
};

function channelCase(
  threads: 1 | 2,
  kind: ChannelBenchKind,
  segmentKib: number,
  credits: number,
  hungry: boolean,
): [name: string, MicroCase] {
  const isLazy = hungry || threads === 1 ? '' : ', lazy';
  return [
    `${kind}, ${threads} threads, ${segmentKib} KiB × ${credits}${isLazy}`,
    {
      operations: {full: RECORDS[kind], smoke: 2_000},
      isInSmoke: kind === 'single' || (segmentKib === 32 && credits === 4),
      run: records =>
        channelBench({
          threads,
          kind,
          segmentSizeBytes: segmentKib * 1024,
          exclusiveCredits: credits,
          hungry,
          records,
        }),
      answer: records => expectedSum(kind, records),
    },
  ];
}

export const bench: MicroBench = {
  unit: 'record',
  cases: Object.fromEntries([
    ...(['numbers', 'strings'] as const).flatMap(kind => [
      channelCase(1, kind, 32, 4, false),
      ...[16, 32, 64].flatMap(size =>
        [2, 4, 8, 16].flatMap(credits =>
          [true, false].map(hungry => channelCase(2, kind, size, credits, hungry)),
        ),
      ),
    ]),
    ...([1, 2] as const).map(threads => channelCase(threads, 'single', 16, 16, false)),
  ]),
};
