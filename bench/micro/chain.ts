/**
 * What a chain costs that makes records: alone, and with an exchange behind it. One thread.
 *
 *   J1         indexes ─► make ─► map ─► filter ─► map ─► sink that adds up
 *   exchange   indexes ─► make ─► hash by key ─► batches of 2 channels ─► gates that only count rows
 *
 * Each stands beside the loop that one writes by hand: over objects for J1, and for the exchange
 * straight into columns, with two partitions, as in bench/peers/ceiling/. `numbers` are {key, value, ts}
 * as in J2x; `bids` four numbers and three texts.
 *
 * `npm run bench -- --micro chain`.
 */
import {ManualClock, systemClock} from '../../src/base/clock.ts';
import {ArenaPlan, type Arena} from '../../src/memory/arena.ts';
import {LocalPool} from '../../src/memory/local-pool.ts';
import {planSegmentPool, SegmentPool} from '../../src/memory/segment-pool.ts';
import {InputChannel, OutputChannel, planChannel} from '../../src/network/channel.ts';
import {BATCH} from '../../src/network/descriptor.ts';
import {InputGate} from '../../src/network/input-gate.ts';
import {hashPartitioner} from '../../src/network/partitioner.ts';
import {RecordWriter} from '../../src/network/record-writer.ts';
import {Chain} from '../../src/operators/chain.ts';
import type {ChainNode} from '../../src/operators/chain-plan.ts';
import {keyReader} from '../../src/operators/key.ts';
import {float64, int32, schema, string, type RecordSchema} from '../../src/records/schema.ts';
import {auctionOf, bid, bidderOf, dateTimeOf, priceOf, textBits, textOf} from '../jobs/bids.ts';
import {keyOf1024, ownerOf} from '../jobs/j2x.ts';
import type {MicroBench, MicroCase} from '../lib/micro.ts';

const SEGMENT_SIZE_BYTES = 32 * 1024;
const CONSUMERS = 2;
const CREDITS = 8;
/** Indexes of one call of the loop, as a busy task has them. */
const PORTION = 1 << 14;

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

function createChain(
  nodes: readonly ChainNode[],
  writers: RecordWriter[],
  stop = {requested: false},
) {
  const chain = new Chain({
    plan: {nodes},
    writers,
    stop,
    contexts: nodes.map(() => context),
    wakeUp() {},
    interpret: false,
    name: 'bench',
    counts: true,
  });
  chain.open();
  return {chain, stop};
}

const to = (index: number) => ({
  sideOutput: undefined,
  target: {kind: 'operator' as const, index, inputIndex: 0},
});

/** Times `run`, whose first call prepares what the others use again. */
function warmCase<State>(
  sizes: {full: number; smoke: number},
  prepare: () => State,
  run: (state: State, operations: number) => number,
  answer: (operations: number) => number,
): MicroCase {
  let state: State | undefined;
  return {
    operations: sizes,
    run(operations) {
      state ??= prepare();
      const startMs = systemClock.monotonicNow();
      const found = run(state, operations);
      return {ms: systemClock.monotonicNow() - startMs, answer: found};
    },
    answer,
  };
}

// J1

const J1_SIZES = {full: 10_000_000, smoke: 10_000};

class SumSink {
  sum = 0;
  readonly name = 'sum';
  createWriter() {
    return {
      write: (value: number) => {
        this.sum += value;
      },
    };
  }
}

function j1Answer(records: number): number {
  let sum = 0;
  for (let i = 0; i < records; i += 1) if ((2 * i + 1) % 3 !== 0) sum += 2 * i + 1;
  return sum;
}

const j1Chain = warmCase(
  J1_SIZES,
  () => {
    const sink = new SumSink();
    const {chain} = createChain(
      [
        {
          name: 'map',
          uid: '0',
          spec: {type: 'map', fn: record => ({value: 2 * record.value + 1})},
          outputs: [to(1)],
        },
        {
          name: 'filter',
          uid: '1',
          spec: {type: 'filter', fn: record => record.value % 3 !== 0},
          outputs: [to(2)],
        },
        {name: 'map', uid: '2', spec: {type: 'map', fn: record => record.value}, outputs: [to(3)]},
        {name: 'sink', uid: '3', spec: {type: 'sink', sink}, outputs: []},
      ],
      [],
    );
    return {sink, chain, make: (i: number) => ({value: i})};
  },
  ({sink, chain, make}, records) => {
    sink.sum = 0;
    for (let from = 0; from < records; from += PORTION) {
      chain.runRange(make, from, Math.min(records, from + PORTION));
    }
    return sink.sum;
  },
  j1Answer,
);

/** By hand over objects, with one function for each step. */
const j1Hand = warmCase(
  J1_SIZES,
  () => ({
    make: (i: number) => ({value: i}),
    first: (record: {value: number}) => ({value: 2 * record.value + 1}),
    keep: (record: {value: number}) => record.value % 3 !== 0,
    last: (record: {value: number}) => record.value,
  }),
  ({make, first, keep, last}, records) => {
    let sum = 0;
    for (let i = 0; i < records; i += 1) {
      const record = first(make(i));
      if (keep(record)) sum += last(record);
    }
    return sum;
  },
  j1Answer,
);

// Exchange

/** A writer with channels in this thread, whose batches are counted and given back at once. */
class Exchange {
  readonly writer: RecordWriter;
  readonly stop = {requested: false};
  rows = 0;
  readonly #gates: InputGate[] = [];

  constructor(recordSchema: RecordSchema, keyField: string) {
    const plan = new ArenaPlan();
    const layouts = Array.from({length: CONSUMERS}, (_, index) =>
      planChannel(plan, `channel ${index}`, CREDITS, CREDITS),
    );
    const poolLayout = planSegmentPool(plan, CONSUMERS * (1 + CREDITS) + 16, SEGMENT_SIZE_BYTES);
    const arena = plan.create();
    const pool = new SegmentPool(arena, poolLayout);
    pool.format();
    const segments = new LocalPool(pool, 1);
    for (const layout of layouts) {
      const channels = [new InputChannel(arena, layout, 0, undefined)];
      this.#gates.push(new InputGate({arena, pool, segments, channels, floatingCredits: 0}));
    }
    this.writer = new RecordWriter({
      arena,
      pool,
      segments,
      owner: 1,
      channels: layouts.map(layout => new OutputChannel(arena, layout, undefined)),
      consumerOwners: layouts.map(() => 1),
      partitioner: hashPartitioner(
        keyReader({kind: 'fields', paths: [[keyField]]}),
        CONSUMERS,
        128,
      ),
      schema: {...recordSchema, declared: false},
      timestamps: false,
      stop: this.stop,
      debug: false,
      interpret: false,
    });
  }

  /** Reads all that has been sent, and lets the writer go on. */
  settle(): void {
    do {
      for (const gate of this.#gates) {
        for (let channel = gate.poll(); channel !== undefined; channel = gate.poll()) {
          if (channel.kind() === BATCH) this.rows += channel.word(2);
          else gate.payload(channel);
          gate.releaseSegments(channel);
        }
      }
    } while (!this.writer.resolve());
    this.stop.requested = false;
  }
}

const exchangeSizes = (full: number) => ({full, smoke: 4_000});

function exchangeChain(
  sizes: {full: number; smoke: number},
  make: (index: number) => unknown,
  recordSchema: RecordSchema,
  keyField: string,
): MicroCase {
  return warmCase(
    sizes,
    () => {
      const exchange = new Exchange(recordSchema, keyField);
      const source = {name: 'numbers', isBounded: true, assignment: 'static', generator: make};
      const spec = {type: 'source', source: source as never} as const;
      const edge = {sideOutput: undefined, target: {kind: 'writer' as const, index: 0}};
      const {chain} = createChain(
        [{name: 'source', uid: '0', spec, outputs: [edge]}],
        [exchange.writer],
        exchange.stop,
      );
      exchange.settle();
      return {exchange, chain};
    },
    ({exchange, chain}, records) => {
      exchange.rows = 0;
      for (let row = 0; row < records;) {
        row = chain.runRange(make, row, Math.min(records, row + PORTION));
        exchange.settle();
      }
      while (!exchange.writer.flush(false)) exchange.settle();
      exchange.settle();
      return exchange.rows;
    },
    records => records,
  );
}

const NUMBERS = schema({key: int32, value: int32, ts: float64});
const ROWS = SEGMENT_SIZE_BYTES / 16;

class Columns {
  readonly keys = new Int32Array(new SharedArrayBuffer(ROWS * 4));
  readonly values = new Int32Array(new SharedArrayBuffer(ROWS * 4));
  readonly times = new Float64Array(new SharedArrayBuffer(ROWS * 8));
}

/** Fills whichever of the two is meant, until one is full; returns how far it came. */
function fill(
  from: number,
  end: number,
  left: Columns,
  right: Columns,
  filled: [number, number],
): number {
  let [leftRows, rightRows] = filled;
  let i = from;
  for (; i < end && leftRows < ROWS && rightRows < ROWS; i += 1) {
    const key = keyOf1024(i);
    if (ownerOf(key) === 0) {
      left.keys[leftRows] = key;
      left.values[leftRows] = i;
      left.times[leftRows] = Math.floor(i / 100);
      leftRows += 1;
    } else {
      right.keys[rightRows] = key;
      right.values[rightRows] = i;
      right.times[rightRows] = Math.floor(i / 100);
      rightRows += 1;
    }
  }
  filled[0] = leftRows;
  filled[1] = rightRows;
  return i;
}

const numbersHand = warmCase(
  exchangeSizes(10_000_000),
  () => [new Columns(), new Columns()] as const,
  ([left, right], records) => {
    let rows = 0;
    const filled: [number, number] = [0, 0];
    for (let i = 0; i < records;) {
      i = fill(i, records, left, right, filled);
      for (const side of [0, 1] as const) {
        if (filled[side] < ROWS && i < records) continue;
        rows += filled[side];
        filled[side] = 0;
      }
    }
    return rows;
  },
  records => records,
);

const BIDS = schema({
  auction: int32,
  bidder: int32,
  price: int32,
  dateTime: float64,
  channel: string,
  url: string,
  extra: string,
});
const BID_ROWS = 180;

/** One partition by hand: columns, and a string for each column of texts, written when it is full. */
class BidColumns {
  readonly arena: Arena;
  rows = 0;
  sent = 0;
  channels = '';
  urls = '';
  extras = '';
  readonly #words: Int32Array;
  readonly #times: Float64Array;

  constructor() {
    const plan = new ArenaPlan();
    plan.reserve('segment', 2 * SEGMENT_SIZE_BYTES);
    this.arena = plan.create();
    this.#words = this.arena.words;
    this.#times = this.arena.doubles;
  }

  add(i: number, auction: number, channel: string, url: string, extra: string): void {
    const {rows} = this;
    this.#times[rows] = dateTimeOf(i);
    const at = 2 * BID_ROWS + rows;
    this.#words[at] = auction;
    this.#words[at + BID_ROWS] = bidderOf(i);
    this.#words[at + 2 * BID_ROWS] = priceOf(i);
    this.#words[at + 3 * BID_ROWS] = channel.length;
    this.#words[at + 4 * BID_ROWS] = url.length;
    this.#words[at + 5 * BID_ROWS] = extra.length;
    this.channels += channel;
    this.urls += url;
    this.extras += extra;
    this.rows = rows + 1;
    if (this.rows === BID_ROWS) this.flush();
  }

  flush(): void {
    const {bytes} = this.arena;
    let at = 32 * BID_ROWS;
    at += bytes.write(this.channels, at, 'latin1');
    at += bytes.write(this.urls, at, 'latin1');
    bytes.write(this.extras, at, 'latin1');
    this.channels = this.urls = this.extras = '';
    this.sent += this.rows;
    this.rows = 0;
  }
}

const bidsHand = warmCase(
  exchangeSizes(500_000),
  () => [new BidColumns(), new BidColumns()] as const,
  (sides, records) => {
    for (const side of sides) side.sent = 0;
    for (let i = 0; i < records; i += 1) {
      const auction = auctionOf(i);
      const channel = textOf(textBits(i, 0));
      const url = textOf(textBits(i, 1));
      const extra = textOf(textBits(i, 2));
      sides[ownerOf(auction)]!.add(i, auction, channel, url, extra);
    }
    for (const side of sides) side.flush();
    return sides[0].sent + sides[1].sent;
  },
  records => records,
);

export const bench: MicroBench = {
  unit: 'record',
  cases: {
    'J1, by hand': j1Hand,
    'J1, chain': j1Chain,
    'exchange of numbers, by hand': numbersHand,
    'exchange of numbers, chain': exchangeChain(
      exchangeSizes(10_000_000),
      i => ({key: keyOf1024(i), value: i, ts: Math.floor(i / 100)}),
      NUMBERS,
      'key',
    ),
    'exchange of bids, by hand': bidsHand,
    'exchange of bids, chain': exchangeChain(exchangeSizes(500_000), bid, BIDS, 'auction'),
  },
};
