/**
 * A worker of the postMessage peer. Over the port go arrays of records, `ACK` for each array that
 * was consumed, and `END`. Making records is cut into slices, between which messages are served.
 */
import {parentPort, workerData, type MessagePort} from 'node:worker_threads';
import {bid, foldTexts, type Bid} from '../../jobs/bids.ts';
import {handoffFlags, handoffKey, handoffTime} from '../../jobs/handoff.ts';
import {keyFunction, ownerOf, rangeOf, type J2xRecord} from '../../jobs/j2x.ts';

export interface PostRun {
  readonly job: 'j2x' | 'bids' | 'handoff';
  readonly records: number;
  readonly keys: number;
}

export interface PostResult {
  readonly updates: number;
  readonly counts: number;
  readonly fields: number;
}

interface HandoffRecord {
  readonly key: number;
  readonly flags: number;
  readonly value: number;
  readonly ts: number;
}

/** What one job makes of a number, where that goes, and what becomes of it there. */
interface Side<R> {
  from: number;
  to: number;
  make(i: number): R;
  ownerOf(record: R): number;
  consume(record: R): void;
}

const ACK = 1;
const END = 2;
const BATCH = 1000;
const IN_FLIGHT_MAX = 16;
const SLICE = 4 * BATCH;

const {self, port} = workerData as {self: number; port: MessagePort};

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

function j2xSide(run: PostRun, total: Total): Side<J2xRecord> {
  const key = keyFunction(run.keys);
  return {
    ...rangeOf(run.records, self),
    make: i => ({key: key(i), value: i, ts: Math.floor(i / 100)}),
    ownerOf: record => ownerOf(record.key),
    consume: record => total.add(record.key, record.value),
  };
}

function bidsSide(run: PostRun, total: Total): Side<Bid> {
  return {
    ...rangeOf(run.records, self),
    make: bid,
    ownerOf: record => ownerOf(record.auction),
    consume: record => {
      total.add(record.auction, record.price);
      total.fields += foldTexts(record.channel, record.url, record.extra);
    },
  };
}

/** Worker 0 makes everything, worker 1 consumes everything. */
function handoffSide(run: PostRun, total: Total): Side<HandoffRecord> {
  return {
    from: 0,
    to: self === 0 ? run.records : 0,
    make: i => ({key: handoffKey(i), flags: handoffFlags(i), value: i, ts: handoffTime(i)}),
    ownerOf: () => 1,
    consume: record => {
      total.add(record.key, record.value);
      total.fields += record.flags + record.value + record.ts;
    },
  };
}

function work<R>(side: Side<R>, total: Total): Promise<PostResult> {
  return new Promise(resolve => {
    const other = 1 - self;
    let next = side.from;
    let batch: R[] = [];
    let inFlight = 0;
    let sentEnd = false;
    let sawEnd = false;

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
        const record = side.make(next);
        if (side.ownerOf(record) === other) {
          batch.push(record);
          if (batch.length === BATCH) {
            port.postMessage(batch);
            inFlight += 1;
            batch = [];
          }
        } else side.consume(record);
      }
      if (next < side.to) {
        if (inFlight < IN_FLIGHT_MAX) setImmediate(produce);
        return;
      }
      if (batch.length > 0) {
        port.postMessage(batch);
        inFlight += 1;
        batch = [];
      }
      port.postMessage(END);
      sentEnd = true;
      finish();
    };
    const onMessage = (message: R[] | number) => {
      if (message === ACK) {
        inFlight -= 1;
        // The producer stopped at the limit; below it, it goes on by itself.
        if (inFlight === IN_FLIGHT_MAX - 1) setImmediate(produce);
      } else if (message === END) sawEnd = true;
      else {
        for (const record of message as R[]) side.consume(record);
        port.postMessage(ACK);
      }
      finish();
    };
    port.on('message', onMessage);
    produce();
  });
}

parentPort!.on('message', (run: PostRun) => {
  const total = new Total();
  const done =
    run.job === 'j2x'
      ? work(j2xSide(run, total), total)
      : run.job === 'bids'
        ? work(bidsSide(run, total), total)
        : work(handoffSide(run, total), total);
  void done.then(result => parentPort!.postMessage(result));
});
