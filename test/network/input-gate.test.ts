/** The gate on one thread: fairness, credits exclusive and lent, payloads in pieces, the end. */
import test from 'ava';
import {Random} from '../../src/base/random.ts';
import {NO_SEGMENT} from '../../src/memory/segment-pool.ts';
import {
  BATCH,
  END_OF_DATA,
  OVERSIZED,
  PART,
  SCHEMA,
  WATERMARK,
} from '../../src/network/descriptor.ts';
import {Exchange, type ExchangeOptions} from '../support/exchange.ts';
import {runPreempted} from '../support/preempt.ts';

/**
 * An exchange whose writers stay out of the way: batches are sent by hand, without content. `send` answers
 * whether there was credit.
 */
function bare(options: ExchangeOptions) {
  const exchange = new Exchange(options);
  for (const writer of exchange.writers) writer.dispose();
  const send = (producer: number, kind: number = BATCH, size = 1, detail = 1): boolean => {
    const output = exchange.outputs[producer][0];
    if (!output.claimCredit()) return false;
    const segment = exchange.producerPools[producer].take();
    if (segment === NO_SEGMENT) throw new Error('a credit without a segment');
    exchange.pool.transfer(segment, exchange.consumerPools[0].owner);
    output.send(kind, segment, size, detail);
    return true;
  };
  const sendAll = (producer: number): number => {
    let sent = 0;
    while (send(producer)) sent += 1;
    return sent;
  };
  const {gate} = exchange.consumer;
  /** Reads one descriptor of any channel; its channel. */
  const readOne = (): number => {
    const channel = gate.poll()!;
    gate.releaseSegments(channel);
    return channel.index;
  };
  return {exchange, gate, send, sendAll, readOne};
}

test('channels with something to read take turns', t => {
  const {send, readOne} = bare({producers: 3, exclusiveCredits: 3});
  for (const producer of [0, 0, 0, 2, 2]) send(producer);

  t.deepEqual(
    Array.from({length: 5}, () => readOne()),
    [0, 2, 0, 2, 0],
  );
});

test('a gate with nothing to read says so, each time', t => {
  const {gate, send, readOne} = bare({producers: 2});

  t.is(gate.poll(), undefined);
  t.is(gate.queueLength(), 0);
  send(1);
  t.is(gate.queueLength(), 1);
  t.is(readOne(), 1);
  t.is(gate.poll(), undefined);
});

test('what is read gives its credit back, and its segment to the pool', t => {
  const {exchange, sendAll, readOne} = bare({exclusiveCredits: 2});

  t.is(sendAll(0), 2);
  t.is(exchange.inFlight(), 2);
  readOne();
  t.is(exchange.inFlight(), 1);
  t.is(sendAll(0), 1);
  t.is(sendAll(0), 0);
});

test('who gets a credit finds a segment, at any point of a release', t => {
  let found = 0;
  for (let point = 0; ; point += 1) {
    const {exchange, gate, sendAll, send, readOne} = bare({exclusiveCredits: 2});
    const [producerPool] = exchange.producerPools;
    sendAll(0);
    readOne(); // the consumer's cache is full from here on
    t.is(sendAll(0), 1);
    // Nothing is left but what is in flight and what the consumer keeps.
    producerPool.drain();
    while (exchange.pool.take(99) !== NO_SEGMENT);

    const isInterrupted = runPreempted(readOne, point, () => {
      if (!exchange.outputs[0][0].claimCredit()) return;
      found += 1;
      t.notThrows(() => send(0), `before call ${point}`);
    });
    if (!isInterrupted) break;
    t.is(gate.queueLength() > 0, true);
  }
  t.true(found > 0);
});

test('an event gives no credit', t => {
  const {exchange, gate, sendAll} = bare({exclusiveCredits: 1});
  sendAll(0);
  exchange.outputs[0][0].sendEvent(WATERMARK);
  exchange.consumer.gate.releaseSegments(gate.poll()!);
  t.is(sendAll(0), 1);

  const channel = gate.poll()!;
  t.is(channel.kind(), WATERMARK);
  gate.releaseEvent(channel);

  t.is(sendAll(0), 0);
});

test('floating credits go to a channel whose producer waits, one per batch read', t => {
  const {sendAll, readOne} = bare({producers: 2, exclusiveCredits: 1, floatingCredits: 2});
  t.is(sendAll(0), 1); // and then it waits

  readOne();
  t.is(sendAll(0), 2);
  readOne();
  t.is(sendAll(0), 2);
  // Both floating credits are lent: from now on one for one.
  readOne();
  t.is(sendAll(0), 1);
});

test('a lent credit comes back when the producer waits no longer, and can be lent anew', t => {
  const {send, sendAll, readOne} = bare({producers: 2, exclusiveCredits: 1, floatingCredits: 1});
  sendAll(0);
  readOne();
  t.is(sendAll(0), 2); // the second one is on loan

  // It sends one after the other and never finds itself without credit.
  readOne();
  t.true(send(0));
  readOne();
  readOne();
  t.is(sendAll(0), 1, 'back to the exclusive one');

  t.is(sendAll(1), 1);
  readOne(); // of channel 0 or 1, both wait: the first one read gets the loan
  readOne();
  t.is(sendAll(0) + sendAll(1), 3);
});

for (const seed of [1, 2, 3, 4]) {
  test(`credits never exceed what the budget counts, nor does a channel fall below its own, seed ${seed}`, t => {
    const random = new Random(seed);
    const [producers, exclusiveCredits, floatingCredits] = [
      1 + random.below(5),
      1 + random.below(4),
      random.below(6),
    ];
    const {exchange, gate, send, sendAll} = bare({
      producers,
      exclusiveCredits,
      floatingCredits,
    });
    let highest = 0;
    for (let step = 0; step < 5_000; step += 1) {
      const producer = random.below(producers);
      const act = random.below(4);
      if (act === 0) send(producer);
      else if (act === 1) sendAll(producer);
      else if (act === 2) exchange.outputs[producer][0].sendEvent(WATERMARK);
      else {
        for (let n = random.below(6); n > 0; n -= 1) {
          const channel = gate.poll();
          if (channel?.kind() === WATERMARK) gate.releaseEvent(channel);
          else if (channel !== undefined) gate.releaseSegments(channel);
        }
      }
      if (step % 50 !== 0) continue;
      // Everyone who can send does: that is all the credit there is.
      for (let each = 0; each < producers; each += 1) sendAll(each);
      const inFlight = exchange.inFlight();
      highest = Math.max(highest, inFlight);
      t.true(inFlight <= exchange.inFlightMax, `step ${step}`);
      t.true(inFlight >= exclusiveCredits * producers, `step ${step}`);
    }
    t.is(highest, exchange.inFlightMax, 'all credits were in use at some time');
    while (gate.queueLength() > 0) {
      const channel = gate.poll()!;
      if (channel.kind() === WATERMARK) gate.releaseEvent(channel);
      else gate.releaseSegments(channel);
    }
    t.is(exchange.close(), 0);
  });
}

test('a payload in pieces arrives as one, and its pieces are not seen', t => {
  const {exchange, gate} = bare({exclusiveCredits: 1, segmentSizeBytes: 128});
  const text = Buffer.from(Array.from({length: 300}, (_, n) => n & 0xff));
  const output = exchange.outputs[0][0];
  const pieces: Array<[kind: number, from: number, to: number]> = [
    [PART, 0, 128],
    [PART, 128, 256],
    [SCHEMA, 256, 300],
  ];
  const polled: Array<number | undefined> = [];

  for (const [kind, from, to] of pieces) {
    t.true(output.claimCredit(), 'each piece that was collected gives its credit back');
    const segment = exchange.producerPools[0].take();
    exchange.arena.bytes.set(text.subarray(from, to), exchange.pool.offsetBytes(segment));
    exchange.pool.transfer(segment, exchange.consumerPools[0].owner);
    output.send(kind, segment, to - from, text.length);
    polled.push(gate.poll()?.kind());
  }

  t.deepEqual(polled, [undefined, undefined, SCHEMA]);
  const channel = exchange.inputs[0][0];
  t.deepEqual(gate.payload(channel), text);
  gate.releaseSegments(channel);
  t.is(exchange.close(), 0);
});

test('one payload follows another', t => {
  const {gate, send} = bare({exclusiveCredits: 4, segmentSizeBytes: 128});
  for (const size of [10, 200, 20]) {
    if (size > 128) send(0, PART, 128, size);
    send(0, SCHEMA, size % 128 === size ? size : size - 128, size);
    const channel = gate.poll()!;
    t.is(gate.payload(channel).length, size);
    gate.releaseSegments(channel);
  }
});

test('payloads of two channels may come interleaved', t => {
  const {exchange, gate} = bare({producers: 2, exclusiveCredits: 2, segmentSizeBytes: 128});
  const send = (producer: number, kind: number, from: string, size: number) => {
    const segment = exchange.producerPools[producer].take();
    exchange.arena.bytes.write(from, exchange.pool.offsetBytes(segment), 'latin1');
    exchange.pool.transfer(segment, exchange.consumerPools[0].owner);
    t.true(exchange.outputs[producer][0].claimCredit());
    exchange.outputs[producer][0].send(kind, segment, from.length, size);
  };
  send(0, PART, 'one, ', 8);
  send(1, PART, 'two, ', 9);
  t.is(gate.poll(), undefined);
  send(1, OVERSIZED, 'four', 9);
  send(0, OVERSIZED, 'six', 8);

  const texts = [gate.poll()!, gate.poll()!].map(channel => gate.payload(channel).toString());

  t.deepEqual(texts.sort(), ['one, six', 'two, four']);
});

test('a payload that ends before its last byte, or goes beyond it, is a bug', t => {
  const {gate, send} = bare({exclusiveCredits: 4, segmentSizeBytes: 128});
  send(0, PART, 100, 150);
  send(0, SCHEMA, 40, 150);
  t.throws(() => gate.payload(gate.poll()!), {message: /ended before/});

  const other = bare({exclusiveCredits: 4, segmentSizeBytes: 128});
  other.send(0, PART, 100, 150);
  other.send(0, SCHEMA, 60, 150);
  t.throws(() => other.gate.payload(other.gate.poll()!), {message: /larger than announced/});
});

test('dispose gives back what was not read, whatever it is, and may be called again', t => {
  const {exchange, gate, send, sendAll} = bare({producers: 2, exclusiveCredits: 4});
  send(0, PART, 10, 30);
  send(0, PART, 10, 30);
  sendAll(1);
  exchange.outputs[0][0].sendEvent(WATERMARK);
  gate.poll(); // collects the pieces, and leaves a batch in hand
  send(0, PART, 5, 30);
  send(0, OVERSIZED, 5, 30);
  exchange.outputs[1][0].sendEvent(END_OF_DATA);

  gate.dispose();
  t.is(gate.queueLength(), 0);
  t.is(exchange.inFlight(), 0);

  // A producer that had not heard of it yet:
  exchange.inputs[0][0].grant(1);
  t.true(send(0, OVERSIZED, 3, 3));
  t.is(gate.payload(gate.poll()!).length, 3, 'nothing is left of the pieces before');
  gate.dispose();
  t.is(exchange.close(), 0);
});

test('nobody gets a credit by dispose', t => {
  const {gate, sendAll} = bare({exclusiveCredits: 2});
  sendAll(0);

  gate.dispose();

  t.is(sendAll(0), 0);
});
