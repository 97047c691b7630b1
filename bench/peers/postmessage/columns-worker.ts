/**
 * The other worker of the postMessage peer: batches of columns instead of objects. The numbers of a
 * batch lie in one buffer, which is transferred, not copied, and comes back when the batch was
 * consumed (so it is used again, and a sender knows when to wait); the strings of a bid are one
 * string per batch with a column of lengths. Making records is cut into slices, between which
 * messages are served.
 */
import {parentPort, workerData, type MessagePort} from 'node:worker_threads';
import {bid, foldTexts, type Bid} from '../../jobs/bids.ts';
import {handoffFlags, handoffKey, handoffTime} from '../../jobs/handoff.ts';
import {keyFunction, ownerOf, rangeOf} from '../../jobs/j2x.ts';
import type {PostResult, PostRun} from './worker.ts';

/** What goes over the port: `texts` is empty but for bids. */
interface Message {
  readonly buffer: ArrayBuffer;
  readonly rows: number;
  readonly texts: string;
}

const END = 'end';
const ROWS = 2000;
const IN_FLIGHT_MAX = 16;
const SLICE = 4 * ROWS;

const {self, port} = workerData as {self: number; port: MessagePort};

/** The columns of all three jobs; a job uses those that it needs. */
class Batch {
  readonly buffer: ArrayBuffer;
  readonly times: Float64Array;
  readonly values: Float64Array;
  readonly keys: Int32Array;
  readonly flags: Int32Array;
  readonly prices: Int32Array;
  readonly lengths: Uint8Array;
  rows = 0;
  texts = '';

  constructor(buffer: ArrayBuffer = new ArrayBuffer(ROWS * 31)) {
    this.buffer = buffer;
    this.times = new Float64Array(buffer, 0, ROWS);
    this.values = new Float64Array(buffer, ROWS * 8, ROWS);
    this.keys = new Int32Array(buffer, ROWS * 16, ROWS);
    this.flags = new Int32Array(buffer, ROWS * 20, ROWS);
    this.prices = new Int32Array(buffer, ROWS * 24, ROWS);
    this.lengths = new Uint8Array(buffer, ROWS * 28, ROWS * 3);
  }
}

class Total {
  readonly #states = new Map<number, {count: number; sum: number}>();
  updates = 0;
  counts = 0;
  fields = 0;

  add(key: number, value: number): void {
    let state = this.#states.get(key);
    if (state === undefined) this.#states.set(key, (state = {count: 0, sum: 0}));
    state.sum += value;
    this.updates += 1;
    this.counts += state.count += 1;
  }
}

/** One job's half: which records this worker makes, and what becomes of a batch from the other. */
interface Side {
  readonly from: number;
  readonly to: number;
  /** Makes record `i`: counts it if it is this worker's, else adds it to `batch`. */
  make(i: number, batch: Batch): void;
  consume(batch: Batch): void;
}

function j2xSide(run: PostRun, total: Total): Side {
  const keyOf = keyFunction(run.keys);
  return {
    ...rangeOf(run.records, self),
    make(i, batch) {
      const key = keyOf(i);
      if (ownerOf(key) === self) return total.add(key, i);
      const row = batch.rows;
      batch.keys[row] = key;
      batch.values[row] = i;
      batch.times[row] = Math.floor(i / 100);
      batch.rows = row + 1;
    },
    consume({rows, keys, values}) {
      for (let row = 0; row < rows; row += 1) total.add(keys[row], values[row]);
    },
  };
}

function bidsSide(run: PostRun, total: Total): Side {
  const count = ({auction, price, channel, url, extra}: Bid) => {
    total.add(auction, price);
    total.fields += foldTexts(channel, url, extra);
  };
  return {
    ...rangeOf(run.records, self),
    make(i, batch) {
      const record = bid(i);
      if (ownerOf(record.auction) === self) return count(record);
      const row = batch.rows;
      batch.keys[row] = record.auction;
      batch.flags[row] = record.bidder;
      batch.prices[row] = record.price;
      batch.times[row] = record.dateTime;
      batch.lengths[row * 3] = record.channel.length;
      batch.lengths[row * 3 + 1] = record.url.length;
      batch.lengths[row * 3 + 2] = record.extra.length;
      batch.texts += record.channel + record.url + record.extra;
      batch.rows = row + 1;
    },
    consume({rows, keys, flags, prices, times, lengths, texts}) {
      let at = 0;
      for (let row = 0; row < rows; row += 1) {
        count({
          auction: keys[row],
          bidder: flags[row],
          price: prices[row],
          dateTime: times[row],
          channel: texts.substring(at, (at += lengths[row * 3])),
          url: texts.substring(at, (at += lengths[row * 3 + 1])),
          extra: texts.substring(at, (at += lengths[row * 3 + 2])),
        });
      }
    },
  };
}

/** Worker 0 makes everything, worker 1 consumes everything. */
function handoffSide(run: PostRun, total: Total): Side {
  return {
    from: 0,
    to: self === 0 ? run.records : 0,
    make(i, batch) {
      const row = batch.rows;
      batch.keys[row] = handoffKey(i);
      batch.flags[row] = handoffFlags(i);
      batch.values[row] = i;
      batch.times[row] = handoffTime(i);
      batch.rows = row + 1;
    },
    consume({rows, keys, flags, values, times}) {
      for (let row = 0; row < rows; row += 1) {
        total.add(keys[row], values[row]);
        total.fields += flags[row] + values[row] + times[row];
      }
    },
  };
}

function work(side: Side, total: Total): Promise<PostResult> {
  return new Promise(resolve => {
    const spare: ArrayBuffer[] = [];
    let next = side.from;
    let batch = new Batch();
    let inFlight = 0;
    let sentEnd = false;
    let sawEnd = false;

    const send = () => {
      const {buffer, rows, texts} = batch;
      port.postMessage({buffer, rows, texts} satisfies Message, [buffer]);
      inFlight += 1;
      batch = new Batch(spare.pop());
    };
    const finish = () => {
      if (!sentEnd || !sawEnd || inFlight > 0) return;
      port.off('message', onMessage);
      const {updates, counts, fields} = total;
      resolve({updates, counts, fields});
    };
    const produce = () => {
      if (sentEnd || inFlight >= IN_FLIGHT_MAX) return;
      const limit = Math.min(next + SLICE, side.to);
      for (; next < limit; next += 1) {
        side.make(next, batch);
        if (batch.rows === ROWS) send();
      }
      if (next < side.to) {
        if (inFlight < IN_FLIGHT_MAX) setImmediate(produce);
        return;
      }
      if (batch.rows > 0) send();
      port.postMessage(END);
      sentEnd = true;
      finish();
    };
    const onMessage = (message: Message | ArrayBuffer | typeof END) => {
      if (message === END) sawEnd = true;
      else if (message instanceof ArrayBuffer) {
        spare.push(message);
        inFlight -= 1;
        // The producer stopped at the limit; below it, it goes on by itself.
        if (inFlight === IN_FLIGHT_MAX - 1) setImmediate(produce);
      } else {
        const arrived = new Batch(message.buffer);
        arrived.rows = message.rows;
        arrived.texts = message.texts;
        side.consume(arrived);
        port.postMessage(message.buffer, [message.buffer]);
      }
      finish();
    };
    port.on('message', onMessage);
    produce();
  });
}

function sideOf(run: PostRun, total: Total): Side {
  if (run.job === 'j2x') return j2xSide(run, total);
  return run.job === 'bids' ? bidsSide(run, total) : handoffSide(run, total);
}

parentPort!.on('message', (run: PostRun) => {
  const total = new Total();
  void work(sideOf(run, total), total).then(result => parentPort!.postMessage(result));
});
