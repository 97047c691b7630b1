/** Watermarks and status on their way through writers: always behind what was emitted before them. */
import assert from 'node:assert/strict';
import test from 'ava';
import fc from 'fast-check';
import {
  ACTIVE_STATUS,
  BATCH,
  IDLE_STATUS,
  SCHEMA,
  WATERMARK,
  doubleOfWords,
} from '../../src/network/descriptor.ts';
import {broadcastPartitioner, roundRobinPartitioner} from '../../src/network/partitioner.ts';
import {inferSchema} from '../../src/records/infer-schema.ts';
import {Exchange, type Received, type TestConsumer} from '../support/exchange.ts';

const ID = inferSchema([{id: 1}]);

/** Ids of records, and texts of events, in their order. */
function trace({received}: TestConsumer, channel = 0): unknown[] {
  return received[channel]!.map(shown);
}

function shown(each: Received): unknown {
  if ('value' in each) return (each.value as {id: number}).id;
  const {event, words} = each;
  if (event === WATERMARK) return `wm ${doubleOfWords(words[0]!, words[1]!)}`;
  return event === IDLE_STATUS ? 'idle' : event === ACTIVE_STATUS ? 'active' : `event ${event}`;
}

test('a watermark closes the open batch and comes behind it, on every channel', t => {
  const exchange = new Exchange({
    consumers: 2,
    partitioner: () => roundRobinPartitioner(2, 0),
    writer: {schema: ID},
  });
  const {writer, consumers} = exchange;

  for (const id of [1, 2, 3]) writer.emit({id}, NaN);
  writer.emitWatermark(10.5);
  writer.emit({id: 4}, NaN);
  writer.emitWatermark(Infinity);
  t.true(exchange.settle());

  t.deepEqual(trace(consumers[0]!), [1, 3, 'wm 10.5', 'wm Infinity']);
  t.deepEqual(trace(consumers[1]!), [2, 'wm 10.5', 4, 'wm Infinity']);
  t.true(writer.isReady);
  t.is(exchange.close(), 0);
});

test('an untouched writer sends watermarks at once, without a schema', t => {
  const exchange = new Exchange();

  exchange.writer.emitWatermark(-Infinity);
  exchange.writer.emitStatus(true);
  exchange.consumer.read();

  t.deepEqual(trace(exchange.consumer), ['wm -Infinity', 'idle']);
  t.true(exchange.writer.isUntouched);
  t.false(exchange.writer.isBlocked);
});

test('a watermark waits behind records whose schema is not known yet', t => {
  const exchange = new Exchange({consumers: 2, partitioner: () => roundRobinPartitioner(2, 0)});
  const {writer, consumers} = exchange;

  writer.emit({id: 1}, NaN);
  writer.emitWatermark(5);
  writer.emit({id: 2}, NaN);
  t.false(writer.isBlocked);
  // Nothing was emitted on the second channel before it.
  consumers[1]!.read();
  t.deepEqual(trace(consumers[1]!), ['wm 5']);
  t.true(exchange.settle());

  t.deepEqual(trace(consumers[0]!), [1, 'wm 5']);
  t.deepEqual(trace(consumers[1]!), ['wm 5', 2]);
  t.is(exchange.close(), 0);
});

test('without credit a watermark waits, stops the loop, and holds back what comes after it', t => {
  const exchange = new Exchange({exclusiveCredits: 2, writer: {schema: ID, rowLimit: 2}});
  const {writer, consumer} = exchange;
  let id = 0;
  while (!writer.stop.requested) writer.emit({id: (id += 1)}, NaN);
  writer.emitWatermark(1);
  writer.emitStatus(true);
  writer.emitStatus(false);
  writer.emit({id: 1000}, NaN);
  t.true(writer.isBlocked);
  t.true(writer.stop.requested);

  t.true(exchange.settle());

  const ids = Array.from({length: id}, (_, n) => n + 1);
  t.deepEqual(trace(consumer), [...ids, 'wm 1', 'idle', 'active', 1000]);
  t.false(writer.isBlocked);
  t.is(exchange.close(), 0);
});

test('a watermark does not come between the pieces of an announcement', t => {
  const names = Array.from({length: 60}, (_, n) => `a field with a rather long name ${n}`);
  const record = Object.fromEntries(names.map(name => [name, 1]));
  const exchange = new Exchange({exclusiveCredits: 1});
  const {writer, consumer} = exchange;

  writer.emit({...record, id: 7}, NaN);
  writer.flush(false);
  t.true(writer.isBlocked);
  writer.emitWatermark(3);
  t.true(exchange.settle());

  t.deepEqual(trace(consumer), [7, 'wm 3']);
  t.is(exchange.close(), 0);
});

test('parked batches go before a watermark', t => {
  const exchange = new Exchange({
    exclusiveCredits: 1,
    writer: {schema: ID, rowLimit: 1, overdraftSegments: 4},
  });
  const {writer, consumer} = exchange;

  for (let id = 1; id <= 5; id += 1) writer.emit({id}, NaN);
  writer.emitWatermark(9);
  writer.emit({id: 6}, NaN);
  t.true(exchange.settle());

  t.deepEqual(trace(consumer), [1, 2, 3, 4, 5, 'wm 9', 6]);
  t.is(exchange.close(), 0);
});

test('more watermarks than fit into a ring wait for room, in order', t => {
  const exchange = new Exchange({writer: {schema: ID}});
  const {writer, consumer} = exchange;

  for (let watermark = 0; watermark < 200; watermark += 1) writer.emitWatermark(watermark);
  t.true(writer.stop.requested);
  t.true(writer.isBlocked);
  writer.emit({id: 1}, NaN);
  t.true(exchange.settle());

  t.deepEqual(trace(consumer), [...Array.from({length: 200}, (_, n) => `wm ${n}`), 1]);
  t.deepEqual(
    consumer.kinds.filter(kind => kind === SCHEMA || kind === BATCH),
    [SCHEMA, BATCH],
  );
});

const step = fc.oneof(
  {weight: 6, arbitrary: fc.record({emit: fc.nat(2)})},
  {weight: 2, arbitrary: fc.constant({watermark: true})},
  {weight: 1, arbitrary: fc.record({large: fc.integer({min: 200, max: 4000})})},
  {weight: 1, arbitrary: fc.record({read: fc.nat(3)})},
  {weight: 1, arbitrary: fc.constant({flush: true})},
);

test('whatever waits for credit, each channel has everything in the order of its emission', t => {
  fc.assert(
    fc.property(
      fc.array(step, {maxLength: 80}),
      fc.nat(2),
      fc.boolean(),
      (steps, overdraftSegments, isDeclared) => {
        const exchange = new Exchange({
          consumers: 2,
          exclusiveCredits: 1,
          partitioner: () => broadcastPartitioner(),
          writer: {
            overdraftSegments,
            rowLimit: 3,
            ...(isDeclared ? {schema: inferSchema([{id: 1, text: 'a'}])} : {}),
          },
        });
        const {writer, consumers} = exchange;
        const expected: unknown[][] = [[], []];
        let count = 0;
        for (const each of steps) {
          count += 1;
          if ('emit' in each) {
            // 2: both channels.
            const channels = each.emit === 2 ? [0, 1] : [each.emit];
            for (const channel of channels) {
              writer.emitTo(channel, {id: count, text: 'x'}, NaN);
              expected[channel]!.push(count);
            }
          } else if ('large' in each) {
            writer.emit({id: count, text: 'y'.repeat(each.large)}, NaN);
            for (const list of expected) list.push(count);
          } else if ('watermark' in each) {
            writer.emitWatermark(count);
            for (const list of expected) list.push(`wm ${count}`);
          } else if ('read' in each) {
            consumers[each.read % 2]!.read(each.read);
            writer.resolve();
          } else {
            writer.flush(false);
          }
        }
        assert.ok(exchange.settle());
        assert.deepEqual(
          consumers.map(consumer => trace(consumer)),
          expected,
        );
        assert.equal(exchange.close(), 0);
      },
    ),
    {seed: 3, numRuns: 300},
  );
  t.pass();
});
