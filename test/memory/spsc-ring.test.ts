/** The ring's contract on one thread. Races with real threads: test/stress/spsc-ring.test.ts. */
import test from 'ava';
import {InvariantError} from '../../src/base/assert.ts';
import {Random} from '../../src/base/random.ts';
import {ArenaPlan} from '../../src/memory/arena.ts';
import {
  planRing,
  resetRing,
  ringCapacity,
  RingConsumer,
  ringLength,
  RingProducer,
  ringSizeBytes,
} from '../../src/memory/spsc-ring.ts';

/** Both ends of a ring whose positions start at `position`, between two regions that stay 0. */
function ring({capacity, position = 0}: {capacity: number; position?: number}) {
  const plan = new ArenaPlan();
  const before = plan.reserve('before', 128);
  const region = planRing(plan, 'ring', capacity);
  const after = plan.reserve('after', 128, 8);
  const arena = plan.create();
  const base = region.offsetBytes >> 2;
  arena.words[base] = arena.words[base + 32] = position;
  const producer = new RingProducer(arena, region);
  const consumer = new RingConsumer(arena, region);
  return {arena, region, producer, consumer, before, after};
}

const entryOf = (consumer: RingConsumer, entry: number) =>
  ([0, 1, 2, 3] as const).map(word => consumer.peekWord(entry, word));

test('an entry is invisible until it is published, then all its words are there', t => {
  const {producer, consumer} = ring({capacity: 4});

  t.true(producer.offer(7, -8, 9, -(2 ** 31)));
  t.is(consumer.available(), 0);

  producer.publish();
  t.is(consumer.available(), 1);
  t.deepEqual(entryOf(consumer, 0), [7, -8, 9, -(2 ** 31)]);
});

test('a full ring refuses the next entry and takes it after a release', t => {
  const {producer, consumer} = ring({capacity: 2});
  producer.offer(1, 0, 0, 0);
  producer.offer(2, 0, 0, 0);
  producer.publish();

  t.is(producer.room, 0);
  t.false(producer.offer(3, 0, 0, 0));

  t.is(consumer.available(), 2);
  consumer.release(1);
  t.is(producer.room, 1);
  t.true(producer.offer(3, 0, 0, 0));
});

test('the ring is empty for its producer only when all that was offered is released', t => {
  const {producer, consumer} = ring({capacity: 4});
  t.true(producer.isEmpty());

  producer.offer(1, 0, 0, 0);
  t.false(producer.isEmpty());
  producer.publish();
  consumer.available();
  t.false(producer.isEmpty());

  consumer.release(1);
  t.true(producer.isEmpty());
});

test('available may lag behind, refresh is exact', t => {
  const {producer, consumer} = ring({capacity: 4});
  producer.offer(1, 0, 0, 0);
  producer.publish();
  t.is(consumer.available(), 1);

  producer.offer(2, 0, 0, 0);
  producer.publish();

  t.is(consumer.available(), 1);
  t.is(consumer.refresh(), 2);
});

test('positions may wrap past 2^31', t => {
  for (const position of [2 ** 31 - 3, -3]) {
    const {arena, region, producer, consumer} = ring({capacity: 4, position});

    for (let n = 0; n < 12; n += 1) {
      for (let k = 0; k < 4; k += 1) t.true(producer.offer(n, k, 0, 0));
      t.false(producer.offer(n, 4, 0, 0));
      producer.publish();
      t.is(ringLength(arena, region), 4);
      t.is(consumer.available(), 4);
      for (let k = 0; k < 4; k += 1) t.deepEqual(entryOf(consumer, k), [n, k, 0, 0]);
      consumer.release(4);
      t.true(producer.isEmpty());
    }
  }
});

test('new ends go on where the published positions are', t => {
  const {arena, region, producer, consumer} = ring({capacity: 4});
  for (const n of [1, 2, 3]) producer.offer(n, 0, 0, 0);
  producer.publish();
  producer.offer(99, 0, 0, 0);
  consumer.available();
  consumer.release(1);

  const nextProducer = new RingProducer(arena, region);
  const nextConsumer = new RingConsumer(arena, region);
  nextProducer.offer(4, 0, 0, 0);
  nextProducer.publish();

  t.is(nextConsumer.available(), 3);
  t.deepEqual(
    [0, 1, 2].map(entry => nextConsumer.peekWord(entry, 0)),
    [2, 3, 4],
  );
});

test('a reset ring is empty, and starts anew', t => {
  const {arena, region, producer} = ring({capacity: 4, position: 100});
  producer.offer(1, 0, 0, 0);
  producer.publish();

  resetRing(arena, region);

  t.is(new RingConsumer(arena, region).available(), 0);
  t.is(new RingProducer(arena, region).room, 4);
  t.is(ringLength(arena, region), 0);
});

test('a full ring writes nothing outside its region', t => {
  const {arena, producer, before, after} = ring({capacity: 8, position: 5});

  for (let n = 0; n < 8; n += 1) producer.offer(-1, -1, -1, -1);
  producer.publish();

  for (const {offsetBytes, sizeBytes} of [before, after]) {
    t.true(arena.bytes.subarray(offsetBytes, offsetBytes + sizeBytes).every(byte => byte === 0));
  }
});

test('capacities are powers of two and can be read from the region', t => {
  const {region} = ring({capacity: 16});

  t.is(ringSizeBytes(16), 256 + 16 * 16);
  t.is(ringCapacity(region), 16);
  for (const capacity of [0, -2, 3, 1.5, NaN]) {
    t.throws(() => ringSizeBytes(capacity), {instanceOf: InvariantError});
  }
});

test('releasing more than was available, and broken positions, are bugs of the caller', t => {
  const {arena, region, consumer} = ring({capacity: 4});

  t.throws(() => consumer.release(1), {instanceOf: InvariantError, message: /more entries than/});
  arena.words[region.offsetBytes >> 2] = 5;
  t.throws(() => new RingProducer(arena, region), {instanceOf: InvariantError});
  t.throws(() => new RingConsumer(arena, region), {instanceOf: InvariantError});
});

for (const seed of [1, 2, 3]) {
  test(`a random walk gives every entry once and in order, seed ${seed}`, t => {
    const random = new Random(seed);
    const {arena, region, producer, consumer} = ring({capacity: 8, position: 2 ** 31 - 500});
    let offered = 0;
    let published = 0;
    let expected = 0;

    for (let step = 0; step < 20_000; step += 1) {
      for (let n = random.below(10); n > 0; n -= 1) {
        const isFull = offered - expected === 8;
        if (producer.offer(offered, ~offered, step, 0) === isFull) t.fail(`step ${step}: full?`);
        if (!isFull) offered += 1;
      }
      if (random.below(2) === 0) {
        producer.publish();
        published = offered;
      }
      if (producer.room !== 8 - (offered - expected)) t.fail(`step ${step}: room`);
      if (ringLength(arena, region) !== published - expected) t.fail(`step ${step}: length`);

      const seen = random.below(2) === 0 ? consumer.available() : consumer.refresh();
      if (seen > published - expected) t.fail(`step ${step}: unpublished entries are visible`);
      const count = random.below(seen + 1);
      for (let entry = 0; entry < count; entry += 1) {
        const [a, b] = entryOf(consumer, entry);
        if (a !== expected + entry || b !== ~a) t.fail(`step ${step}: entry ${a}`);
      }
      consumer.release(count);
      expected += count;
    }

    t.true(expected > 20_000);
  });
}
