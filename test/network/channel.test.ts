/**
 * Both ends of a channel on one thread: credit, room, events, and every point at which one side may
 * be caught by the other. Real threads: test/stress/channel.test.ts.
 */
import test from 'ava';
import {InvariantError} from '../../src/base/assert.ts';
import {ArenaPlan} from '../../src/memory/arena.ts';
import {Doorbell, planDoorbells} from '../../src/memory/doorbell.ts';
import {ringCapacity} from '../../src/memory/spsc-ring.ts';
import {
  EVENTS_IN_FLIGHT_MAX,
  InputChannel,
  OutputChannel,
  planChannel,
  resetChannel,
} from '../../src/network/channel.ts';
import {BATCH, WATERMARK} from '../../src/network/descriptor.ts';
import {runPreempted} from '../support/preempt.ts';

function channel({
  exclusive = 2,
  creditsMax = exclusive,
}: {
  exclusive?: number;
  creditsMax?: number;
}) {
  const plan = new ArenaPlan();
  const layout = planChannel(plan, 'channel', exclusive, creditsMax);
  const bells = planDoorbells(plan, 2);
  const arena = plan.create();
  const producerBell = new Doorbell(arena, bells, 0);
  const consumerBell = new Doorbell(arena, bells, 1);
  const input = new InputChannel(arena, layout, 0, producerBell);
  const output = new OutputChannel(arena, layout, consumerBell);
  return {arena, layout, input, output, producerBell, consumerBell};
}

/** All that can be read now, as kind and second word, released with `credits` each. */
function readAll(input: InputChannel, credits: number): Array<[kind: number, word: number]> {
  const seen: Array<[number, number]> = [];
  while (input.queueLength() > 0) {
    seen.push([input.kind(), input.word(1)]);
    input.release(input.kind() === BATCH ? credits : 0);
  }
  return seen;
}

test('a producer sends as many batches as it has credits, and no more', t => {
  const {input, output} = channel({exclusive: 2});

  for (const segment of [7, 8]) {
    t.true(output.hasCredit());
    output.send(BATCH, segment, 10, 100);
  }
  t.false(output.hasCredit());
  t.throws(() => output.send(BATCH, 9, 10, 100), {
    instanceOf: InvariantError,
    message: 'a batch was sent without credit',
  });

  t.is(input.exactQueueLength(), 2);
  t.deepEqual([input.kind(), input.word(1), input.word(2), input.word(3)], [BATCH, 7, 10, 100]);
  input.release();
  t.false(output.hasCredit(), 'a release alone is no credit');
  input.release(1);
  t.true(output.hasCredit());
});

test('a channel without a credit of its own is refused when it is planned', t => {
  const plan = new ArenaPlan();

  t.throws(() => planChannel(plan, 'a', 0, 4), {message: /needs a credit/});
  t.throws(() => planChannel(plan, 'b', 4, 3), {message: /part of all/});
});

test('a ring has room for all credits and for events beside them', t => {
  for (const creditsMax of [1, 2, 16, 17, 100]) {
    const {layout} = channel({exclusive: 1, creditsMax});
    t.true(ringCapacity(layout.ring) >= creditsMax + EVENTS_IN_FLIGHT_MAX);
  }
});

test('events need no credit and keep their place between batches', t => {
  const {input, output} = channel({exclusive: 2});

  output.sendEvent(WATERMARK, 1);
  output.hasCredit();
  output.send(BATCH, 2, 1, 1);
  output.sendEvent(WATERMARK, 3);
  output.send(BATCH, 4, 1, 1);
  output.sendEvent(WATERMARK, 5);

  t.deepEqual(readAll(input, 0), [
    [WATERMARK, 1],
    [BATCH, 2],
    [WATERMARK, 3],
    [BATCH, 4],
    [WATERMARK, 5],
  ]);
  t.false(output.hasCredit());
});

test('events beyond the room of the ring wait, are not overtaken, and arrive in order', t => {
  const {input, output, layout} = channel({exclusive: 1});
  const count = 3 * ringCapacity(layout.ring);

  for (let n = 0; n < count; n += 1) output.sendEvent(WATERMARK, n);
  t.true(output.hasWaitingEvents);
  t.false(output.hasCredit(), 'a batch must not overtake events');

  const seen: number[] = [];
  while (output.hasWaitingEvents) {
    seen.push(...readAll(input, 0).map(([, n]) => n));
    output.flushEvents();
  }
  seen.push(...readAll(input, 0).map(([, n]) => n));
  t.true(output.hasCredit());
  output.send(BATCH, count, 1, 1);
  seen.push(...readAll(input, 1).map(([, n]) => n));
  t.deepEqual(
    seen,
    Array.from({length: count + 1}, (_, n) => n),
  );
});

test('an event does not overtake those that wait, though there is room by now', t => {
  const {input, output, layout} = channel({});
  const capacity = ringCapacity(layout.ring);
  for (let n = 0; n < capacity + 2; n += 1) output.sendEvent(WATERMARK, n);
  for (let n = 0; n < 2; n += 1) {
    t.is(input.queueLength() > 0 && input.word(1), n);
    input.release();
  }

  output.sendEvent(WATERMARK, capacity + 2);

  const seen = readAll(input, 0);
  output.flushEvents();
  seen.push(...readAll(input, 0));
  t.deepEqual(
    seen.map(([, n]) => n),
    Array.from({length: capacity + 1}, (_, n) => n + 2),
  );
});

test('a ring full of events has no room for a batch, whatever its credit, until one is read', t => {
  const {input, output, layout} = channel({exclusive: 2, creditsMax: 8});
  for (let n = 0; n < ringCapacity(layout.ring); n += 1) output.sendEvent(WATERMARK, n);

  t.false(output.claimCredit());
  t.false(output.hasWaitingEvents);

  input.queueLength();
  input.release();
  t.true(output.claimCredit());
  output.send(BATCH, 0, 1, 1);
  t.false(output.claimCredit(), 'one place was free, one credit is left');
});

test('credits that grow while the ring is full of events are used as room appears', t => {
  // Floating credits: each batch read is worth two more, behind it the ring is full of events.
  const {input, output, layout} = channel({exclusive: 2, creditsMax: 10});
  output.hasCredit();
  output.send(BATCH, 0, 1, 1);
  output.send(BATCH, 1, 1, 1);
  for (let n = 0; n < 2 * ringCapacity(layout.ring); n += 1) output.sendEvent(WATERMARK, n);
  input.queueLength();
  input.release(2);
  input.release(2);

  const seen: number[] = [];
  for (let sent = 2; sent < 6;) {
    if (output.claimCredit()) output.send(BATCH, sent++, 1, 1);
    else seen.push(...readAll(input, 0).map(([kind]) => kind));
  }
  seen.push(...readAll(input, 0).map(([kind]) => kind));
  t.is(seen.filter(kind => kind === WATERMARK).length, 2 * ringCapacity(layout.ring));
  t.deepEqual(seen.slice(-4), [BATCH, BATCH, BATCH, BATCH]);
});

test('a drained channel is one whose last descriptor was released', t => {
  const {input, output} = channel({});
  t.true(output.isDrained());

  output.sendEvent(WATERMARK, 1);
  t.false(output.isDrained());
  input.queueLength();
  t.false(output.isDrained());
  input.release();
  t.true(output.isDrained());
});

test('a row limit crosses the channel', t => {
  const {input, output} = channel({});
  t.is(output.rowLimit(), 0);

  input.limitRows(17);

  t.is(output.rowLimit(), 17);
});

test('the consumer sees that its producer waits, until a batch is sent', t => {
  const {input, output} = channel({exclusive: 1});
  t.false(input.isProducerWaiting());
  output.hasCredit();
  output.send(BATCH, 0, 1, 1);

  t.false(output.hasCredit());
  t.false(input.isProducerWaiting(), 'who only asks does not wait');
  t.false(output.claimCredit());
  t.true(input.isProducerWaiting());

  input.queueLength();
  input.release(1);
  t.true(output.claimCredit());
  output.send(BATCH, 1, 1, 1);
  t.false(input.isProducerWaiting());
});

test('events that wait for room do not look like batches that wait for credit', t => {
  const {input, output, layout} = channel({exclusive: 1});
  for (let n = 0; n <= ringCapacity(layout.ring); n += 1) output.sendEvent(WATERMARK, n);

  t.true(output.hasWaitingEvents);
  t.false(input.isProducerWaiting());
});

test('sending wakes a sleeping consumer', t => {
  const {output, consumerBell} = channel({});
  const seen = consumerBell.prepareToPark();

  output.sendEvent(WATERMARK, 1);

  t.is(consumerBell.park(seen, 60_000), 'rung');
});

test('a thread that sends to itself in its last look does not sleep', t => {
  const {arena, layout, consumerBell} = channel({});
  const toItself = new OutputChannel(arena, layout, consumerBell);
  const seen = consumerBell.prepareToPark();

  toItself.sendEvent(WATERMARK);

  t.is(consumerBell.park(seen, 60_000), 'rung');
});

test('a consumer that is done with a descriptor does not ring for a producer that wants nothing', t => {
  const {input, output, producerBell} = channel({exclusive: 2});
  output.hasCredit();
  output.send(BATCH, 0, 1, 1);
  producerBell.prepareToPark();

  input.queueLength();
  input.release(1);

  t.true(producerBell.isSleeping());
});

test('nor for one whose events have found room', t => {
  const {input, output, layout, producerBell} = channel({});
  for (let n = 0; n <= ringCapacity(layout.ring); n += 1) output.sendEvent(WATERMARK, n);
  input.queueLength();
  input.release();
  t.true(output.flushEvents());
  producerBell.prepareToPark();

  input.release();

  t.true(producerBell.isSleeping());
});

test('a channel that was reset is as good as new', t => {
  const {arena, layout, input, output, producerBell, consumerBell} = channel({exclusive: 2});
  output.hasCredit();
  output.send(BATCH, 0, 1, 1);
  output.send(BATCH, 1, 1, 1);
  output.claimCredit();
  input.queueLength();
  input.release(1);
  input.limitRows(5);

  resetChannel(arena, layout);

  const newInput = new InputChannel(arena, layout, 0, producerBell);
  const newOutput = new OutputChannel(arena, layout, consumerBell);
  t.is(newInput.exactQueueLength(), 0);
  t.false(newInput.isProducerWaiting());
  t.is(newOutput.rowLimit(), 0);
  let sent = 0;
  for (; newOutput.hasCredit(); sent += 1) newOutput.send(BATCH, 10 + sent, 1, 1);
  t.is(sent, 2);
  t.deepEqual(readAll(newInput, 0), [
    [BATCH, 10],
    [BATCH, 11],
  ]);
});

/** What the producer of a full channel does in its last look before it sleeps. */
const WAITS: Record<string, {fill: (scene: Scene) => void; isBlocked: (scene: Scene) => boolean}> =
  {
    'a batch waits for credit': {
      fill: ({output}) => {
        for (let n = 0; output.hasCredit(); n += 1) output.send(BATCH, n, 1, 1);
      },
      isBlocked: ({output}) => !output.claimCredit(),
    },
    'a batch waits for room': {
      fill: ({output, layout}) => {
        for (let n = 0; n < ringCapacity(layout.ring); n += 1) output.sendEvent(WATERMARK, n);
      },
      isBlocked: ({output}) => !output.claimCredit(),
    },
    'an event waits for room': {
      fill: ({output, layout}) => {
        for (let n = 0; n < ringCapacity(layout.ring); n += 1) output.sendEvent(WATERMARK, n);
      },
      isBlocked: ({output}) => {
        output.sendEvent(WATERMARK, 99);
        return output.hasWaitingEvents;
      },
    },
    'an event waits already': {
      fill: ({output, layout}) => {
        for (let n = 0; n < ringCapacity(layout.ring) + 1; n += 1) output.sendEvent(WATERMARK, n);
      },
      isBlocked: ({output}) => !output.flushEvents(),
    },
  };

type Scene = ReturnType<typeof channel>;

/** The consumer reads one descriptor, at once. */
const readOne = ({input}: Scene) => {
  input.queueLength();
  input.release(input.kind() === BATCH ? 1 : 0);
};

for (const [what, {fill, isBlocked}] of Object.entries(WAITS)) {
  test(`a release at any point of the last look is seen or rung for: ${what}`, t => {
    let points = 0;
    for (; ; points += 1) {
      const scene = channel({exclusive: 2});
      fill(scene);
      let seen = 0;
      let isAsleep = false;
      const isInterrupted = runPreempted(
        () => {
          seen = scene.producerBell.prepareToPark();
          isAsleep = isBlocked(scene);
        },
        points,
        () => readOne(scene),
      );
      if (!isInterrupted) break;
      if (isAsleep) t.is(scene.producerBell.park(seen, 1), 'rung', `before call ${points}`);
    }
    t.true(points >= 3, 'the producer makes Atomics calls at which it can be caught');
  });

  test(`a producer that falls asleep at any point of a release is woken: ${what}`, t => {
    let points = 0;
    let slept = 0;
    for (; ; points += 1) {
      const scene = channel({exclusive: 2});
      fill(scene);
      let seen = 0;
      let isAsleep = false;
      const isInterrupted = runPreempted(
        () => readOne(scene),
        points,
        () => {
          seen = scene.producerBell.prepareToPark();
          isAsleep = isBlocked(scene);
        },
      );
      if (!isInterrupted) break;
      if (!isAsleep) continue;
      slept += 1;
      t.is(scene.producerBell.park(seen, 1), 'rung', `before call ${points}`);
    }
    t.true(slept > 0);
  });
}
