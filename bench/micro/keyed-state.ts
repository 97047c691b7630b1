/**
 * The consuming half of a keyed exchange: batches that lie ready are read, every record goes into the
 * state of its key, every result into a sink that adds up counts. No thread, no channel.
 *
 *   batches (made before) ──► chain: keyed operator ─► sink      the engine, as a task drives it
 *                        └──► hand-written loop over the same columns
 *
 * Records: `numbers` {key, value, ts}, two int32 and a double, as in J2x; `bids` four numbers and three
 * texts; `words` {word, count}, as they come in a text; `names` the same with 256 distinct ones. Functions are written as users write them; the
 * cases differ in how. Everything is warm, the state too: the runs that count meet only known keys.
 *
 * `npm run bench -- --micro keyed-state`.
 */
import {ManualClock, systemClock} from '../../src/base/clock.ts';
import {ArenaPlan, type Arena} from '../../src/memory/arena.ts';
import {Chain} from '../../src/operators/chain.ts';
import type {OperatorSpec} from '../../src/operators/operator.ts';
import type {Sink} from '../../src/operators/sink.ts';
import {HEADER_WORDS, HEAP_WORDS, MODE_PLAIN} from '../../src/records/batch-layout.ts';
import {BatchReader} from '../../src/records/batch-reader.ts';
import {APPENDED, APPENDED_FULL, BatchWriter, NO_ROOM} from '../../src/records/batch-writer.ts';
import {float64, int32, schema, string, type RecordSchema} from '../../src/records/schema.ts';
import {bid, foldTexts, type Bid} from '../jobs/bids.ts';
import {keyOf1024, keyOfMillion} from '../jobs/j2x.ts';
import type {MicroBench, MicroCase} from '../lib/micro.ts';

const SEGMENT_SIZE_BYTES = 32 * 1024;

/** Records in full segments, and how many rows each has. */
class Batches {
  readonly arena: Arena;
  readonly reader: BatchReader;
  readonly offsets: number[] = [];
  readonly rows: number[] = [];

  constructor(count: number, make: (index: number) => object, recordSchema: RecordSchema) {
    // More than enough, also while the writer learns how long texts are.
    const plan = new ArenaPlan();
    const perSegment = Math.floor(SEGMENT_SIZE_BYTES / sizeOf(recordSchema));
    const segments = Math.ceil(count / perSegment) + 8;
    const region = plan.reserve('segments', segments * SEGMENT_SIZE_BYTES);
    this.arena = plan.create();
    const inferred = {...recordSchema, declared: false};
    const options = {
      segmentSizeBytes: SEGMENT_SIZE_BYTES,
      schema: inferred,
      timestamps: false,
    };
    const writer = new BatchWriter(this.arena, {...options, targetCount: 1, schemaVersion: 1});
    this.reader = new BatchReader(this.arena, options);
    let offset = region.offsetBytes;
    const close = () => {
      const {rowCount} = writer.close(0);
      this.offsets.push(offset);
      this.rows.push(rowCount);
      offset += SEGMENT_SIZE_BYTES;
    };
    for (let index = 0; index < count;) {
      if (!writer.isOpen(0)) writer.open(0, offset);
      const result = writer.append(0, make(index), NaN);
      if (result === APPENDED || result === APPENDED_FULL) index += 1;
      else if (result !== NO_ROOM) throw new Error(`a record was refused: ${result}`);
      if (result !== APPENDED) close();
    }
    if (writer.rowCount(0) > 0) close();
  }
}

function sizeOf({columns}: RecordSchema): number {
  return columns.reduce((sum, {type}) => sum + {int32: 4, float64: 8}[type as 'int32'] || 200, 0);
}

interface Update {
  readonly count: number;
  readonly texts?: number;
}

class CountSink implements Sink<Update> {
  readonly name = 'counts';
  counts = 0;
  createWriter() {
    return {
      write: (update: Update) => {
        this.counts += update.count;
      },
    };
  }
}

class TextsSink extends CountSink {
  override createWriter() {
    return {
      write: (update: Update) => {
        this.counts += update.count + update.texts!;
      },
    };
  }
}

function createChain(spec: OperatorSpec, sink: Sink<any>): Chain {
  const context = {
    jobName: 'bench',
    operatorName: 'bench',
    uid: 'bench',
    subtaskIndex: 0,
    parallelism: 1,
    maxParallelism: 128,
    attemptNumber: 0,
    clock: new ManualClock(),
    addToAccumulator() {},
    counter: () => ({value: 0, add() {}}),
  };
  const edge = {
    sideOutput: undefined,
    target: {kind: 'operator' as const, index: 1, inputIndex: 0},
  };
  const chain = new Chain({
    plan: {
      nodes: [
        {name: 'keyed', uid: 'keyed', spec, outputs: [edge]},
        {name: 'sink', uid: 'sink', spec: {type: 'sink', sink}, outputs: []},
      ],
    },
    writers: [],
    stop,
    contexts: [context, context],
    wakeUp() {},
    interpret: false,
    name: 'bench',
    counts: true,
  });
  chain.open();
  return chain;
}

const stop = {requested: false};

/** All batches through the chain, as a task does it. */
function runChain(chain: Chain, {reader, offsets, rows}: Batches): void {
  for (let batch = 0; batch < offsets.length; batch += 1) {
    reader.attach(offsets[batch]!);
    for (let row = 0; row < rows[batch]!;) {
      stop.requested = false;
      row = chain.runBatch(reader, 0, row, rows[batch]!);
    }
  }
}

/** What runs over the same records again and again, keeping its state. */
interface Counting {
  /** Goes over all records; returns the sum of the counts that their keys had got then. */
  pass(): number;
}

/**
 * A case over records that are made once. In pass number r every key has r times its records more than
 * in the first one, so the sum of counts is known for each.
 */
function countingCase(
  sizes: {full: number; smoke: number},
  recordSchema: RecordSchema,
  make: (index: number) => Record<string, unknown>,
  keyField: string,
  create: (batches: Batches) => Counting,
  extra: (record: any) => number = () => 0,
): MicroCase {
  let counting: Counting | undefined;
  let passes = 0;
  const expected = (records: number) => {
    const counts = new Map<unknown, number>();
    let first = 0;
    let extras = 0;
    for (let i = 0; i < records; i += 1) {
      const record = make(i);
      const count = (counts.get(record[keyField]) ?? 0) + 1;
      counts.set(record[keyField], count);
      first += count;
      extras += extra(record);
    }
    let squares = 0;
    for (const count of counts.values()) squares += count * count;
    return {first: first + extras, squares};
  };
  let squares = 0;
  return {
    operations: sizes,
    run(operations) {
      if (counting === undefined) {
        counting = create(new Batches(operations, make, recordSchema));
        squares = expected(operations).squares;
      }
      const startMs = systemClock.monotonicNow();
      const found = counting.pass();
      const ms = systemClock.monotonicNow() - startMs;
      const answer = found - passes * squares;
      passes += 1;
      return {ms, answer};
    },
    answer: operations => expected(operations).first,
  };
}

/** The chain, as a task drives it. */
function chainOver(spec: OperatorSpec, sink: CountSink): (batches: Batches) => Counting {
  return batches => {
    const chain = createChain(spec, sink);
    return {
      pass() {
        sink.counts = 0;
        runChain(chain, batches);
        return sink.counts;
      },
    };
  };
}

// Numbers

const NUMBERS = schema({key: int32, value: int32, ts: float64});
const SIZES = {full: 4_000_000, smoke: 4_000};

const numberOf = (keyOf: (i: number) => number) => (i: number) => ({
  key: keyOf(i),
  value: i & 0xffff,
  ts: i / 100,
});

function numbersCase(
  keyOf: (i: number) => number,
  create: (batches: Batches) => Counting,
): MicroCase {
  return countingCase(SIZES, NUMBERS, numberOf(keyOf), 'key', create);
}

const BY_KEY = {kind: 'fields', paths: [['key']]} as const;

const literalAggregate: OperatorSpec = {
  type: 'rollingAggregate',
  key: BY_KEY,
  emit: 'update',
  fn: {
    createAccumulator: () => ({key: 0, count: 0, sum: 0}),
    add: (record: any, {count, sum}: any) => ({
      key: record.key,
      count: count + 1,
      sum: sum + record.value,
    }),
    getResult: (accumulator: any) => accumulator,
  },
};

const assigningAggregate: OperatorSpec = {
  type: 'rollingAggregate',
  key: BY_KEY,
  emit: 'update',
  fn: {
    createAccumulator: () => ({key: 0, count: 0, sum: 0}),
    add(record: any, accumulator: any) {
      accumulator.key = record.key;
      accumulator.count += 1;
      accumulator.sum += record.value;
      return accumulator;
    },
    getResult: (accumulator: any) => accumulator,
  },
};

/** The shape of what `add` returns cannot be read off its text. */
const openAggregate: OperatorSpec = {
  type: 'rollingAggregate',
  key: BY_KEY,
  emit: 'update',
  fn: {
    createAccumulator: () => ({key: 0, count: 0, sum: 0}),
    add: (record: any, {count, sum}: any) => {
      const next = {key: record.key, count: count + 1, sum: sum + record.value};
      return next;
    },
    getResult: (accumulator: any) => accumulator,
  },
};

const nestedAggregate: OperatorSpec = {
  type: 'rollingAggregate',
  key: BY_KEY,
  emit: 'update',
  fn: {
    createAccumulator: () => ({totals: {count: 0, sum: 0}}),
    add(record: any, accumulator: any) {
      accumulator.totals.count += 1;
      accumulator.totals.sum += record.value;
      return accumulator;
    },
    getResult: ({totals: {count, sum}}: any) => ({count, sum}),
  },
};

/** What one writes by hand: columns, one open-addressing table (bench/peers/ceiling/j2x-worker.ts). */
function handTable(keys: number): (batches: Batches) => Counting {
  return ({arena, offsets, rows}) => {
    let capacity = 64;
    while (capacity < keys * 2) capacity *= 2;
    const table = new Int32Array(capacity * 2);
    const sums = new Float64Array(capacity);
    return {
      pass() {
        let folded = 0;
        for (let batch = 0; batch < offsets.length; batch += 1) {
          folded += consume(arena, offsets[batch]!, rows[batch]!, table, sums, capacity - 1);
        }
        return folded;
      },
    };
  };
}

/** Where the columns of NUMBERS lie: ts, then key, then value, behind a header of six words. */
function consume(
  {words}: Arena,
  offset: number,
  rowCount: number,
  table: Int32Array,
  sums: Float64Array,
  mask: number,
): number {
  const capacity = words[(offset >> 2) + 2]!;
  const keyAt = (offset >> 2) + 6 + 2 * capacity;
  const valueAt = keyAt + capacity;
  let folded = 0;
  for (let row = 0; row < rowCount; row += 1) {
    const key = words[keyAt + row]!;
    let slot = (Math.imul(key, 0x9e3779b1) >>> 7) & mask;
    let held = table[slot * 2]!;
    while (held !== key + 1) {
      if (held === 0) {
        table[slot * 2] = key + 1;
        break;
      }
      slot = (slot + 1) & mask;
      held = table[slot * 2]!;
    }
    const updated = table[slot * 2 + 1]! + 1;
    table[slot * 2 + 1] = updated;
    sums[slot] += words[valueAt + row]!;
    folded += updated;
  }
  return folded;
}

/** What one writes without thinking about it: records as objects, a Map of objects. */
function handMap({reader, offsets, rows}: Batches): Counting {
  const state = new Map<number, {key: number; count: number; sum: number}>();
  return {
    pass() {
      let folded = 0;
      for (let batch = 0; batch < offsets.length; batch += 1) {
        reader.attach(offsets[batch]!);
        for (let row = 0; row < rows[batch]!; row += 1) {
          const record = reader.read(row) as {key: number; value: number};
          let held = state.get(record.key);
          if (held === undefined) {
            held = {key: record.key, count: 0, sum: 0};
            state.set(record.key, held);
          }
          held.count += 1;
          held.sum += record.value;
          folded += held.count;
        }
      }
      return folded;
    },
  };
}

// Bids

const BIDS = schema({
  auction: int32,
  bidder: int32,
  price: int32,
  dateTime: float64,
  channel: string,
  url: string,
  extra: string,
});
const BID_SIZES = {full: 400_000, smoke: 2_000};

const textsOf = ({channel, url, extra}: Bid) => foldTexts(channel, url, extra);

const bidsCase = (create: (batches: Batches) => Counting): MicroCase =>
  countingCase(BID_SIZES, BIDS, i => ({...bid(i)}), 'auction', create, textsOf);

const bidsAggregate: OperatorSpec = {
  type: 'rollingAggregate',
  key: {kind: 'fields', paths: [['auction']]},
  emit: 'update',
  fn: {
    createAccumulator: () => ({auction: 0, count: 0, sum: 0, texts: 0}),
    add: (each: any, {count, sum}: any) => ({
      auction: each.auction,
      count: count + 1,
      sum: sum + each.price,
      texts: foldTexts(each.channel, each.url, each.extra),
    }),
    getResult: (accumulator: any) => accumulator,
  },
};

/** By hand: whole columns of text decoded once, substrings, arrays indexed by auction. */
function bidsHand({arena: {words}, reader, offsets, rows}: Batches): Counting {
  const counts = new Int32Array(1 << 12);
  const sums = new Float64Array(1 << 12);
  return {
    pass() {
      let folded = 0;
      for (let batch = 0; batch < offsets.length; batch += 1) {
        reader.attach(offsets[batch]!);
        const start = offsets[batch]! >> 2;
        // A few batches try whether a dictionary pays; they are read as anybody would.
        const modes = [0, 1, 2].map(heap => words[start + HEADER_WORDS + heap * HEAP_WORDS]);
        if (modes.some(mode => mode !== MODE_PLAIN)) {
          folded += consumeObjects(reader, rows[batch]!, counts, sums);
          continue;
        }
        const capacity = words[start + 2]!;
        // The header; then dateTime, three columns of int32, three of ends.
        const auctionAt = start + HEADER_WORDS + 3 * HEAP_WORDS + 2 * capacity;
        const priceAt = auctionAt + 2 * capacity;
        const endsAt = auctionAt + 3 * capacity;
        folded += consumeBids(
          words,
          [reader.text(0), reader.text(1), reader.text(2)],
          [auctionAt, priceAt, endsAt, endsAt + capacity + 1, endsAt + 2 * capacity + 2],
          rows[batch]!,
          counts,
          sums,
        );
      }
      return folded;
    },
  };
}

function consumeObjects(
  reader: BatchReader,
  rowCount: number,
  counts: Int32Array,
  sums: Float64Array,
): number {
  let folded = 0;
  for (let row = 0; row < rowCount; row += 1) {
    const {auction, price, channel, url, extra} = reader.read(row) as Bid;
    folded += counts[auction]! += 1;
    sums[auction]! += price;
    folded += foldTexts(channel, url, extra);
  }
  return folded;
}

function consumeBids(
  words: Int32Array,
  [channels, urls, extras]: [string, string, string],
  [auctionAt, priceAt, channelAt, urlAt, extraAt]: [number, number, number, number, number],
  rowCount: number,
  counts: Int32Array,
  sums: Float64Array,
): number {
  let folded = 0;
  for (let row = 0; row < rowCount; row += 1) {
    const auction = words[auctionAt + row]!;
    const channel = channels.substring(words[channelAt + row]!, words[channelAt + row + 1]!);
    const url = urls.substring(words[urlAt + row]!, words[urlAt + row + 1]!);
    const extra = extras.substring(words[extraAt + row]!, words[extraAt + row + 1]!);
    folded += counts[auction]! += 1;
    sums[auction]! += words[priceAt + row]!;
    folded += foldTexts(channel, url, extra);
  }
  return folded;
}

// Words

const WORDS = schema({word: string, count: int32});
const WORD_SIZES = {full: 2_000_000, smoke: 4_000};

/** Words with about the frequencies that they have in a text: a few make up half of it. */
const wordOf = (i: number): string => {
  const spread = (Math.imul(i, 0x9e3779b1) >>> 0) / 2 ** 32;
  return `word${Math.floor(8_000 ** spread)}`;
};
const wordRecord = (i: number) => ({word: wordOf(i), count: 1});

const nameOf = (i: number): string => `a name ${(Math.imul(i, 0x9e3779b1) >>> 0) % 256}`;

const wordsCase = (create: (batches: Batches) => Counting, textOf = wordOf): MicroCase =>
  countingCase(WORD_SIZES, WORDS, i => ({word: textOf(i), count: 1}), 'word', create);

const BY_WORD = {kind: 'fields', paths: [['word']]} as const;

function wordsHand({reader, offsets, rows}: Batches): Counting {
  const counts = new Map<string, number>();
  return {
    pass() {
      let folded = 0;
      for (let batch = 0; batch < offsets.length; batch += 1) {
        reader.attach(offsets[batch]!);
        for (let row = 0; row < rows[batch]!; row += 1) {
          const {word, count} = reader.read(row) as {word: string; count: number};
          const sum = (counts.get(word) ?? 0) + count;
          counts.set(word, sum);
          folded += sum;
        }
      }
      return folded;
    },
  };
}

const wordSum: OperatorSpec = {
  type: 'aggregate',
  key: BY_WORD,
  aggregation: 'sum',
  field: ['count'],
  first: true,
  emit: 'update',
};

export const bench: MicroBench = {
  unit: 'record',
  cases: {
    '1k keys, by hand': numbersCase(keyOf1024, handTable(1024)),
    '1k keys, Map of objects': numbersCase(keyOf1024, handMap),
    '1k keys, aggregate': numbersCase(keyOf1024, chainOver(literalAggregate, new CountSink())),
    '1k keys, aggregate, assigning': numbersCase(
      keyOf1024,
      chainOver(assigningAggregate, new CountSink()),
    ),
    '1k keys, aggregate, unproven': numbersCase(
      keyOf1024,
      chainOver(openAggregate, new CountSink()),
    ),
    '1k keys, aggregate, nested': numbersCase(
      keyOf1024,
      chainOver(nestedAggregate, new CountSink()),
    ),
    '1m keys, by hand': numbersCase(keyOfMillion, handTable(1_000_000)),
    '1m keys, Map of objects': numbersCase(keyOfMillion, handMap),
    '1m keys, aggregate': numbersCase(keyOfMillion, chainOver(literalAggregate, new CountSink())),
    'bids, by hand': bidsCase(bidsHand),
    'bids, aggregate': bidsCase(chainOver(bidsAggregate, new TextsSink())),
    'words, by hand': wordsCase(wordsHand),
    'words, sum': wordsCase(chainOver(wordSum, new CountSink())),
    'words, reduce': wordsCase(
      chainOver(
        {
          type: 'reduce',
          key: BY_WORD,
          fn: (a: any, b: any) => ({word: a.word, count: a.count + b.count}),
          emit: 'update',
        },
        new CountSink(),
      ),
    ),
    'names, by hand': wordsCase(wordsHand, nameOf),
    'names, sum': wordsCase(chainOver(wordSum, new CountSink()), nameOf),
  },
};
