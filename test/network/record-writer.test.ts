/** The writer with its consumers on one thread: what waits, what leaves, what is refused. */
import test from 'ava';
import {InvariantError} from '../../src/base/assert.ts';
import {StreamError} from '../../src/base/errors.ts';
import {BATCH, END_OF_DATA, OVERSIZED, SCHEMA, WATERMARK} from '../../src/network/descriptor.ts';
import {broadcastPartitioner, roundRobinPartitioner} from '../../src/network/partitioner.ts';
import {localTextsOf} from '../../src/records/local-texts.ts';
import {APPENDED, APPENDED_FULL, NO_ROOM} from '../../src/records/batch-writer.ts';
import {inferSchema} from '../../src/records/infer-schema.ts';
import {int32, optional, schema, string, struct} from '../../src/records/schema.ts';
import {Exchange, type ExchangeOptions} from '../support/exchange.ts';

const ID = inferSchema([{id: 1}]);

/** A writer whose schema is known from the start. */
function known(options: ExchangeOptions = {}) {
  return new Exchange({...options, writer: {schema: ID, ...options.writer}});
}

/** Emits records until the writer asks to stop; how many those were. */
function fill({writer}: Exchange, from = 0, countMax = Infinity): number {
  let count = 0;
  writer.stop.requested = false;
  while (!writer.stop.requested && count < countMax) {
    writer.emit({id: from + count}, NaN);
    count += 1;
  }
  return count;
}

const ids = (from: number, to: number) =>
  Array.from({length: to - from}, (_, n) => ({id: from + n}));

test('an untouched writer has sent nothing and is neither ready nor blocked', t => {
  const exchange = new Exchange();
  const {writer} = exchange;

  t.true(writer.isUntouched);
  t.false(writer.isReady);
  t.false(writer.isBlocked);
  t.true(writer.resolve());
  t.true(writer.flush(false));
  t.is(exchange.consumer.read(), 0);
  t.is(exchange.close(), 0);
});

test('an untouched writer may end: no schema is ever announced', t => {
  const {writer, consumer} = new Exchange();

  writer.end();

  consumer.read();
  t.deepEqual(consumer.kinds, [END_OF_DATA]);
});

test('the schema is inferred from the first 64 records, and they leave with it', t => {
  const exchange = new Exchange({segmentSizeBytes: 8192});
  const {writer, consumer} = exchange;

  const records = Array.from({length: 64}, (_, n) => ({id: n % 2 === 0 ? n : n + 0.5}));
  for (const [n, record] of records.entries()) {
    t.false(writer.stop.requested, `record ${n}`);
    writer.emit(record, NaN);
    t.is(writer.batch, undefined);
    t.false(writer.isUntouched);
    t.false(writer.isReady);
    t.false(writer.isBlocked);
  }
  t.true(writer.stop.requested);

  t.true(writer.resolve());
  t.true(writer.isReady);
  t.deepEqual(
    writer.batch?.schema.columns.map(column => column.type),
    ['float64'],
  );
  t.true(exchange.settle());
  t.deepEqual(consumer.values(), records);
  t.deepEqual(consumer.kinds, [SCHEMA, BATCH]);
});

for (const onlyHungry of [true, false]) {
  test(`flush(${onlyHungry}) infers the schema from what there is`, t => {
    const {writer, consumer} = new Exchange();
    writer.emit({id: 1}, NaN);
    writer.emit({id: 2}, NaN);

    // The consumer has the announcement to read: it is not hungry.
    t.is(writer.flush(onlyHungry), true);

    t.deepEqual(writer.batch?.schema, ID);
    consumer.read();
    t.is(writer.flush(onlyHungry), true);
    consumer.read();
    t.deepEqual(consumer.values(), ids(1, 3));
  });
}

test('a flush without credit for the announcement fails and is made up for later', t => {
  const {writer, consumer, consumers} = new Exchange({
    consumers: 2,
    exclusiveCredits: 1,
    partitioner: () => broadcastPartitioner(),
  });
  writer.emit({id: 1}, NaN);
  // The announcements take the only credits.
  t.false(writer.flush(false));
  t.true(writer.isReady);

  consumer.read();
  t.false(writer.flush(false));
  consumers[1].read();
  t.true(writer.flush(false));
  for (const each of consumers) {
    each.read();
    t.deepEqual(each.values(), ids(1, 2));
  }
});

test('full batches leave by themselves, until there is no credit: then the writer is blocked', t => {
  const exchange = known({exclusiveCredits: 3});
  const {writer, consumer} = exchange;
  const perBatch = (1024 - 24) / 4;

  // The announcement has one of three credits; two batches leave, the third has to wait.
  const count = fill(exchange);
  t.is(count, 3 * perBatch);
  t.true(writer.isBlocked);
  t.false(writer.isReady);
  t.false(writer.resolve());
  t.true(exchange.inputs[0][0].isProducerWaiting());
  t.is(writer.batchesSent, 2);

  consumer.read(1);
  t.true(writer.resolve());
  t.true(writer.isReady);
  t.is(writer.batchesSent, 3);
  t.is(writer.rowsSent, 3 * perBatch);
  t.true(exchange.settle());
  t.deepEqual(consumer.values(), ids(0, count));
  t.is(exchange.close(), 0);
});

test('records that are emitted although the writer is blocked wait in order', t => {
  const exchange = known({exclusiveCredits: 1});
  const {writer, consumer} = exchange;
  const count = fill(exchange);

  for (let n = 0; n < 1000; n += 1) writer.emit({id: count + n}, NaN);

  t.true(writer.isBlocked);
  while (!exchange.settle());
  t.deepEqual(consumer.values(), ids(0, count + 1000));
});

test('a channel without credit does not hold up the records of another for ever', t => {
  const exchange = known({
    consumers: 2,
    exclusiveCredits: 2,
    partitioner: () => roundRobinPartitioner(2, 0),
  });
  const {writer, consumers} = exchange;
  for (let n = 0; n < 2000; n += 1) writer.emit({id: n}, NaN);

  for (let round = 0; round < 20; round += 1) {
    writer.resolve();
    consumers[1].read();
  }

  t.deepEqual(
    consumers[1].values(),
    ids(0, 2000).filter(({id}) => id % 2 === 1),
    'all of channel 1 arrived although nobody reads channel 0',
  );
  while (!exchange.settle());
  t.deepEqual(
    consumers[0].values(),
    ids(0, 2000).filter(({id}) => id % 2 === 0),
  );
});

test('a record may change after it was emitted, also if it has to wait', t => {
  const exchange = known({exclusiveCredits: 1});
  const {writer, consumer} = exchange;
  const count = fill(exchange);
  const record = {id: 0};
  for (let n = 0; n < 100; n += 1) {
    record.id = count + n;
    writer.emit(record, NaN);
  }
  record.id = -1;

  while (!exchange.settle());
  t.deepEqual(consumer.values(), ids(0, count + 100));
});

test('a sample may change after it was emitted', t => {
  const exchange = new Exchange();
  const record: Record<string, unknown> = {id: 0};
  for (let n = 0; n < 10; n += 1) {
    record.id = n;
    exchange.writer.emit(record, NaN);
  }
  record.id = Symbol('gone');

  exchange.settle();
  t.deepEqual(exchange.consumer.values(), ids(0, 10));
});

test('a record that does not fit widens the schema: announced in its place', t => {
  const exchange = known({exclusiveCredits: 4, writer: {timestamps: true}});
  const {writer, consumer} = exchange;
  const before = writer.batch;
  const records = [{id: 1}, {id: 2}, {id: 2.5}, {id: 'three'}, {id: 4}, {id: 5, more: null}];

  for (const [n, record] of records.entries()) writer.emit(record, n);

  t.not(writer.batch, before);
  t.true(exchange.settle());
  t.deepEqual(
    consumer.received[0],
    records.map((value, timestamp) => ({value, timestamp})),
  );
  t.deepEqual(consumer.kinds, [SCHEMA, BATCH, SCHEMA, BATCH, SCHEMA, BATCH, SCHEMA, BATCH]);
});

test('widening stops the loop, because its code was compiled for the old batches', t => {
  const {writer} = known({exclusiveCredits: 8});

  writer.emit({id: 1}, NaN);
  t.false(writer.stop.requested);
  writer.emit({id: 'x'}, NaN);

  t.true(writer.stop.requested);
  t.true(writer.isReady, 'nothing waits');
});

test('widening closes what is open on all channels, and each announces before its next batch', t => {
  const exchange = known({
    consumers: 3,
    exclusiveCredits: 2,
    partitioner: () => roundRobinPartitioner(3, 0),
  });
  const {writer, consumers} = exchange;
  const records: unknown[] = [{id: 0}, {id: 1}, {id: 2}, {id: 'x'}, {id: 4}, {id: 5}];

  for (const record of records) writer.emit(record, NaN);

  while (!exchange.settle());
  for (const [index, consumer] of consumers.entries()) {
    t.deepEqual(consumer.values(), [records[index], records[index + 3]]);
    t.deepEqual(consumer.kinds, [SCHEMA, BATCH, SCHEMA, BATCH]);
  }
});

test('an old batch that waits for credit leaves before the new schema is announced', t => {
  const exchange = known({exclusiveCredits: 1});
  const {writer, consumer} = exchange;
  const count = fill(exchange, 0, 10);
  writer.emit({id: 'x'}, NaN);
  writer.emit({id: 'y'}, NaN);
  t.true(writer.isBlocked);

  for (let round = 0; round < 10; round += 1) {
    consumer.read(1);
    writer.flush(false);
  }

  t.deepEqual(consumer.kinds, [SCHEMA, BATCH, SCHEMA, BATCH]);
  t.deepEqual(consumer.values(), [...ids(0, count), {id: 'x'}, {id: 'y'}]);
});

test('a second widening while the first is not announced everywhere is announced alone', t => {
  const exchange = known({
    consumers: 2,
    exclusiveCredits: 1,
    partitioner: () => roundRobinPartitioner(2, 0),
  });
  const {writer, consumers} = exchange;
  writer.emit({id: 'x'}, NaN);
  writer.emit({id: 1}, NaN);
  consumers[0].read();
  writer.resolve();
  writer.emit({other: 2}, NaN);

  while (!exchange.settle());
  t.deepEqual(consumers[0].values(), [{id: 'x'}, {other: 2}]);
  t.deepEqual(consumers[1].values(), [{id: 1}]);
  t.is(consumers[1].kinds.filter(kind => kind === SCHEMA).length, 2);
});

test('code that holds the batch of an old schema is refused by it, and right in the end', t => {
  const exchange = known({consumers: 2, exclusiveCredits: 2});
  const {writer, consumers} = exchange;
  const old = writer.batch!;
  const appendAsCompiled = (channel: number, value: unknown) => {
    const result = old.append(channel, value, NaN);
    if (result !== APPENDED) writer.handle(result, channel, value, NaN);
    return result;
  };

  t.is(appendAsCompiled(0, {id: 0}), APPENDED);
  appendAsCompiled(0, {id: 'x'}); // widens in the middle of the loop
  t.not(writer.batch, old);
  for (let n = 1; n < 100; n += 1) {
    t.is(appendAsCompiled(n % 2, {id: n}), NO_ROOM);
  }
  t.true(writer.stop.requested);

  while (!exchange.settle());
  t.deepEqual(consumers[0].values(), [
    {id: 0},
    {id: 'x'},
    ...ids(1, 100).filter(({id}) => id % 2 === 0),
  ]);
  t.deepEqual(
    consumers[1].values(),
    ids(1, 100).filter(({id}) => id % 2 === 1),
  );
  t.is(exchange.close(), 0);
});

test('a batch that becomes full on one channel leaves while records wait on another', t => {
  const exchange = known({
    consumers: 2,
    exclusiveCredits: 2,
    writer: {rowLimit: 10},
  });
  const {writer, consumers} = exchange;
  // Channel 0: one batch in flight, one closed, and one record that waits.
  for (let id = 0; id < 21; id += 1) writer.emitTo(0, {id}, NaN);
  t.true(writer.isBlocked);

  for (let id = 0; id < 9; id += 1) writer.emitTo(1, {id}, NaN);
  const result = writer.batch!.append(1, {id: 9}, NaN);
  t.is(result, APPENDED_FULL);
  writer.handle(result, 1, {id: 9}, NaN);

  consumers[1].read();
  t.deepEqual(consumers[1].values(), ids(0, 10));
  t.true(writer.isBlocked);
  while (!exchange.settle());
  t.deepEqual(consumers[0].values(), ids(0, 21));
});

test('a record larger than a segment travels in pieces, in its place', t => {
  const exchange = known({exclusiveCredits: 2, writer: {timestamps: true}});
  const {writer, consumer, pool} = exchange;
  const large = {id: 1, text: 'é'.repeat(10_000) + '中'};
  const records = [{id: 0}, large, {id: 2}, large, large, {id: 3}];

  for (const [n, value] of records.entries()) writer.emit(value, n);

  t.true(writer.isBlocked);
  t.true(exchange.settle());
  t.deepEqual(
    consumer.received[0],
    records.map((value, timestamp) => ({value, timestamp})),
  );
  t.is(consumer.kinds.filter(kind => kind === OVERSIZED).length, 3);
  t.is(writer.rowsSent, 6);
  t.is(
    pool.freeCount() +
      1 +
      exchange.producerPools[0].cachedCount +
      exchange.consumerPools[0].cachedCount,
    pool.segmentCount,
  );
  t.is(exchange.close(), 0);
});

test('a channel in the middle of a large record takes no rows', t => {
  const exchange = known({exclusiveCredits: 2, writer: {schema: inferSchema([{text: ''}])}});
  const {writer, consumer} = exchange;
  exchange.settle();
  writer.emit({text: 'x'.repeat(5_000)}, NaN);
  for (let round = 0; round < 2; round += 1) {
    t.false(writer.resolve());
    t.is(writer.batch!.append(0, {text: 'y'}, NaN), NO_ROOM);
    consumer.read();
  }
  writer.handle(NO_ROOM, 0, {text: 'y'}, NaN);

  exchange.settle();
  t.deepEqual(consumer.values(), [{text: 'x'.repeat(5_000)}, {text: 'y'}]);
});

test('a large record for which there is credit does not stop the loop', t => {
  const exchange = known({exclusiveCredits: 8, writer: {schema: inferSchema([{text: ''}])}});
  const {writer} = exchange;
  exchange.settle();

  writer.emit({text: 'x'.repeat(5_000)}, NaN);

  t.true(writer.isReady);
  t.false(writer.stop.requested);
});

test('an oversized record needs no more credit than one, whatever its size', t => {
  const exchange = known({exclusiveCredits: 1, segmentSizeBytes: 128});
  exchange.writer.emit({id: 0, data: new Uint8Array(100_000).fill(7)}, NaN);

  while (!exchange.settle());
  t.deepEqual(exchange.consumer.values(), [{id: 0, data: new Uint8Array(100_000).fill(7)}]);
});

test('an oversized record is broadcast to every channel, each at its own pace', t => {
  const exchange = known({
    consumers: 3,
    partitioner: () => broadcastPartitioner(),
  });
  const {writer, consumers} = exchange;
  const records = [{id: 0}, {id: 1, text: 'x'.repeat(5000)}, {id: 2}];
  for (const record of records) writer.emit(record, NaN);

  while (!writer.flush(false)) (consumers[0].read(), consumers[1].read(1), consumers[2].read());

  exchange.settle();
  for (const consumer of consumers) t.deepEqual(consumer.values(), records);
  t.is(exchange.close(), 0);
});

test('a pipeline of large records on one pool comes to its end', t => {
  // With a common reserve for large records A's next one could hold what B needs for its own.
  const record = {id: 0, text: 'x'.repeat(20_000)};
  const first = known({segmentSizeBytes: 256});
  const second = known({segmentSizeBytes: 256});
  for (let n = 0; n < 3; n += 1) first.writer.emit({...record, id: n}, NaN);

  let seen = 0;
  for (let round = 0; second.consumer.values().length < 3 && round < 10_000; round += 1) {
    first.writer.flush(false);
    if (!second.writer.isBlocked) {
      first.consumer.read(1);
      for (const value of first.consumer.values().slice(seen)) {
        second.writer.emit(value, NaN);
        seen += 1;
      }
    }
    second.writer.flush(false);
    if (round % 3 === 0) second.consumer.read(1);
  }

  t.deepEqual(
    second.consumer.values(),
    [0, 1, 2].map(id => ({...record, id})),
  );
});

test('an announcement larger than a segment travels in pieces', t => {
  const wide = Object.fromEntries(Array.from({length: 30}, (_, n) => [`field${n}`, n]));
  const exchange = new Exchange({segmentSizeBytes: 512, exclusiveCredits: 1});
  for (let n = 0; n < 10; n += 1) exchange.writer.emit(wide, NaN);

  while (!exchange.settle());
  t.deepEqual(
    exchange.consumer.values(),
    Array.from({length: 10}, () => wide),
  );
  t.is(exchange.consumer.kinds[0], SCHEMA);
});

test('a new schema waits until the announcement of the last one is complete', t => {
  const wide = Object.fromEntries(Array.from({length: 30}, (_, n) => [`field${n}`, n]));
  const exchange = new Exchange({
    consumers: 2,
    segmentSizeBytes: 512,
    exclusiveCredits: 1,
  });
  const {writer, consumers} = exchange;
  writer.emitTo(0, wide, NaN);
  writer.resolve(); // a piece has gone to each channel
  consumers[1].read();
  while (writer.isBlocked) {
    writer.resolve();
    consumers[1].read();
    if (consumers[1].kinds.length > 0) break;
  }
  writer.emitTo(1, {...wide, more: 'x'}, NaN); // widens; channel 0 is in the middle
  t.deepEqual(consumers[0].kinds, []);

  while (!exchange.settle());
  t.deepEqual(consumers[0].values(), [wide]);
  t.deepEqual(consumers[1].values(), [{...wide, more: 'x'}]);
});

test('records with more columns than a segment takes are all oversized', t => {
  const wide = Object.fromEntries(Array.from({length: 60}, (_, n) => [`f${n}`, n + 0.5]));
  const exchange = new Exchange({segmentSizeBytes: 256});
  for (let n = 0; n < 5; n += 1) exchange.writer.emit({...wide, f0: n}, NaN);

  while (!exchange.settle());
  t.deepEqual(
    exchange.consumer.values(),
    Array.from({length: 5}, (_, n) => ({...wide, f0: n})),
  );
  t.deepEqual(new Set(exchange.consumer.kinds), new Set([SCHEMA, OVERSIZED]));
});

test('a record beyond the limit is refused with the option that helps', t => {
  const exchange = known({writer: {recordSizeBytesMax: 5_000}});
  const {writer, consumer} = exchange;
  writer.emit({id: 1, text: ''}, NaN);
  exchange.settle();

  const error = t.throws(() => writer.emit({id: 2, text: 'x'.repeat(6_000)}, NaN), {
    instanceOf: StreamError,
    code: 'E_RECORD_TOO_LARGE',
  });
  t.regex(error.message, /set the option memory: '1MB' or more/);
  t.is(error.details.memoryBytes, 5_000);
  t.true((error.details.sizeBytes as number) > 6_000);

  writer.emit({id: 3}, NaN);
  while (!exchange.settle());
  t.deepEqual(consumer.values(), [{id: 1, text: ''}, {id: 3}]);
});

test('a declared schema projects an oversized record as it does any other', t => {
  const declared = schema({id: int32, inner: optional(struct({text: string}))});
  const exchange = new Exchange({writer: {schema: declared, timestamps: false}});
  const {writer, consumer} = exchange;
  const text = 'x'.repeat(3_000);

  writer.emit({id: 1, extra: 1, inner: {text: 'a', extra: 2}}, NaN);
  writer.emit({id: 2, extra: () => 0, inner: {text, extra: 2}}, 17);
  writer.emit({id: 3, extra: 'x'.repeat(3_000)}, NaN);

  while (!exchange.settle());
  t.deepEqual(consumer.values(), [{id: 1, inner: {text: 'a'}}, {id: 2, inner: {text}}, {id: 3}]);
  t.true(consumer.received[0].every(each => 'value' in each && Number.isNaN(each.timestamp)));
});

for (const {what, record, field} of [
  {what: 'a function', record: {id: 1, run: () => 0}, field: 'run'},
  {what: 'a symbol', record: {id: 1, at: {tag: Symbol('s')}}, field: 'at.tag'},
  {what: 'a promise', record: {id: Promise.resolve()}, field: 'id'},
]) {
  test(`${what} is refused where it is emitted, names its field, and leaves no trace`, t => {
    for (const exchange of [known({exclusiveCredits: 2}), new Exchange()]) {
      const {writer, consumer} = exchange;
      writer.emit({id: 0}, NaN);

      const error = t.throws(() => writer.emit(record, NaN), {
        instanceOf: StreamError,
        code: 'E_RECORD_ENCODING',
      });
      t.is(error.details.field, field);

      writer.emit({id: 2}, NaN);
      while (!exchange.settle());
      t.deepEqual(consumer.values(), [{id: 0}, {id: 2}]);
      t.is(exchange.close(), 0);
    }
  });
}

test('a record that is refused while it waits is dropped alone', t => {
  const exchange = known({exclusiveCredits: 1});
  const {writer, consumer} = exchange;
  const count = fill(exchange);
  writer.emit({id: count}, NaN);
  writer.emit({id: () => 0}, NaN);
  writer.emit({id: count + 1}, NaN);

  const refused: unknown[] = [];
  for (let round = 0; round < 20; round += 1) {
    try {
      writer.flush(false);
    } catch (error) {
      refused.push((error as StreamError).code);
    }
    consumer.read();
  }

  t.deepEqual(refused, ['E_RECORD_ENCODING']);
  t.true(writer.isReady);
  writer.emit({id: 'x'}, NaN);
  exchange.settle();
  t.deepEqual(consumer.values(), [...ids(0, count + 2), {id: 'x'}]);
  t.is(exchange.close(), 0);
});

test('nothing overtakes the records that still wait behind one that was refused', t => {
  const exchange = known({exclusiveCredits: 1, consumers: 2});
  const {writer, consumers} = exchange;
  consumers[0].read();
  for (let id = 0; id < 250; id += 1) writer.emitTo(1, {id}, NaN);
  writer.emitTo(0, {id: 0}, NaN);
  writer.emitTo(1, {id: 250}, NaN);
  writer.emitTo(1, {id: () => 0}, NaN);
  writer.emitTo(1, {id: 251}, NaN);
  consumers[1].read();

  t.throws(() => writer.resolve(), {code: 'E_RECORD_ENCODING'});

  t.true(writer.isBlocked);
  t.is(writer.batch!.append(1, {id: 252}, NaN), NO_ROOM);
  writer.handle(NO_ROOM, 1, {id: 252}, NaN);
  while (!exchange.settle());
  t.deepEqual(consumers[1].values(), ids(0, 253));
  t.deepEqual(consumers[0].values(), ids(0, 1));
});

test('a record that does not fit a declared schema is refused, and the writer goes on', t => {
  const exchange = new Exchange({writer: {schema: schema({id: int32})}});
  const {writer, consumer} = exchange;
  writer.emit({id: 1}, NaN);

  t.throws(() => writer.emit({id: 'x'}, NaN), {code: 'E_SCHEMA_MISMATCH', message: /field=id/});

  writer.emit({id: 2}, NaN);
  exchange.settle();
  t.deepEqual(consumer.values(), ids(1, 3));
});

test('an event comes behind everything emitted before it', t => {
  const exchange = known({consumers: 2, partitioner: () => broadcastPartitioner()});
  const {writer, consumers} = exchange;
  writer.emit({id: 1}, NaN);
  t.throws(() => writer.broadcastEvent(WATERMARK), {
    instanceOf: InvariantError,
    message: /overtake/,
  });

  t.true(writer.flush(false));
  writer.broadcastEvent(WATERMARK, 1, 2, 3);
  writer.emit({id: 2}, NaN);
  exchange.settle();

  for (const consumer of consumers) {
    t.deepEqual(consumer.received[0], [
      {value: {id: 1}, timestamp: NaN},
      {event: WATERMARK, words: [1, 2, 3]},
      {value: {id: 2}, timestamp: NaN},
    ]);
  }
});

test('a closed batch, a waiting record or half an announcement hold an event back', t => {
  const exchange = known({exclusiveCredits: 1});
  fill(exchange);
  t.throws(() => exchange.writer.broadcastEvent(WATERMARK), {message: /records of a batch/});
  exchange.writer.emit({id: 0}, NaN);
  t.throws(() => exchange.writer.end(), {message: /records that wait/});

  const wide = Object.fromEntries(Array.from({length: 30}, (_, n) => [`field${n}`, n]));
  const other = new Exchange({
    segmentSizeBytes: 512,
    exclusiveCredits: 1,
    writer: {schema: inferSchema([wide])},
  });
  t.throws(() => other.writer.broadcastEvent(WATERMARK), {message: /two pieces/});
});

test('events that wait for room block the writer, which then goes on', t => {
  const exchange = known({exclusiveCredits: 2});
  const {writer, consumer} = exchange;
  for (let n = 0; n < 100; n += 1) writer.broadcastEvent(WATERMARK, n);
  t.true(writer.isBlocked);
  t.false(writer.isReady);
  t.false(writer.flush(false));
  t.false(writer.resolve());

  while (!writer.resolve()) consumer.read();
  t.true(writer.isReady);
  writer.emit({id: 7}, NaN);
  exchange.settle();
  writer.end();
  consumer.read();

  t.deepEqual(consumer.received[0], [
    ...Array.from({length: 100}, (_, n) => ({event: WATERMARK, words: [n, 0, 0]})),
    {value: {id: 7}, timestamp: NaN},
    {event: END_OF_DATA, words: [0, 0, 0]},
  ]);
});

test('a writer without a schema can be blocked by events, too', t => {
  const {writer, consumer} = new Exchange();
  for (let n = 0; n < 100; n += 1) writer.broadcastEvent(WATERMARK, n);
  t.true(writer.isBlocked);
  t.false(writer.flush(false));

  while (!writer.resolve()) consumer.read();

  t.false(writer.isBlocked);
  t.true(writer.flush(false));
  consumer.read();
  t.is(consumer.received[0].length, 100);
});

test('flush(true) sends to consumers that have nothing left to read, and to no other', t => {
  const exchange = known({
    consumers: 2,
    exclusiveCredits: 4,
    partitioner: () => broadcastPartitioner(),
  });
  const {writer, consumers} = exchange;
  consumers[0].read(); // consumer 1 has the announcement left
  writer.emit({id: 1}, NaN);

  t.true(writer.flush(true));

  t.is(consumers[0].read(), 1);
  t.deepEqual(consumers[1].values(), []);
  t.is(writer.batchesSent, 1);
  consumers[1].read();
  t.true(writer.flush(true));
  consumers[1].read();
  t.deepEqual(consumers[1].values(), ids(1, 2));
});

test('flush(true) gets around to every channel, a few at a call', t => {
  const exchange = known({
    consumers: 40,
    exclusiveCredits: 2,
    partitioner: () => broadcastPartitioner(),
  });
  const {writer, consumers} = exchange;
  for (const consumer of consumers) consumer.read();
  writer.emit({id: 1}, NaN);

  const sent = [1, 2, 3].map(() => {
    writer.flush(true);
    return writer.batchesSent;
  });

  t.deepEqual(sent, [16, 32, 40]);
});

test('a batch that cannot be flushed for want of credit stays open, grows, and is rung for', t => {
  const exchange = known({exclusiveCredits: 1});
  const {writer, consumer, producerBells} = exchange;
  writer.emit({id: 1}, NaN);
  t.false(writer.flush(false));
  t.true(writer.isReady, 'the loop may go on');
  writer.emit({id: 2}, NaN);

  const seen = producerBells[0].prepareToPark();
  t.false(writer.flush(false));
  consumer.read();
  t.is(producerBells[0].park(seen, 1), 'rung');
  producerBells[0].awake();

  t.true(writer.flush(false));
  consumer.read();
  t.deepEqual(consumer.batchRows, [2]);
});

test('a row limit of 1 sends every record by itself', t => {
  const exchange = known({exclusiveCredits: 8, writer: {rowLimit: 1}});
  const {writer, consumer} = exchange;
  consumer.read();

  for (let id = 0; id < 5; id += 1) {
    writer.emit({id}, NaN);
    consumer.read();
    t.is(consumer.values().length, id + 1, 'it has arrived without a flush');
  }
  t.deepEqual(consumer.batchRows, [1, 1, 1, 1, 1]);
});

test('a row limit that the consumer asks for holds from the next batch on', t => {
  const exchange = known({exclusiveCredits: 8, writer: {rowLimit: 50}});
  const {writer, consumer, inputs} = exchange;
  const send = (count: number) => {
    for (let id = 0; id < count; id += 1) writer.emit({id}, NaN);
    exchange.settle();
  };

  send(60);
  inputs[0][0].limitRows(7);
  send(60);
  inputs[0][0].limitRows(80);
  send(60);
  inputs[0][0].limitRows(0);
  send(60);

  t.deepEqual(consumer.batchRows, [50, 10, 50, 7, 3, 7, 50, 3, 50, 10]);
});

test('counters say what was sent', t => {
  const exchange = known();
  const {writer} = exchange;
  for (let id = 0; id < 10; id += 1) writer.emit({id}, NaN);
  t.is(writer.rowsSent, 0);
  exchange.settle();
  t.is(writer.batchesSent, 1);
  t.is(writer.rowsSent, 10);
  const bytes = writer.bytesSent;
  t.true(bytes >= 40 && bytes <= 1024);

  writer.emit({id: 1, text: 'x'.repeat(2000)}, NaN);
  exchange.settle();

  t.is(writer.batchesSent, 2);
  t.is(writer.rowsSent, 11);
  t.true(writer.bytesSent > bytes + 2000);
});

for (const [what, prepare] of Object.entries<(exchange: Exchange) => void>({
  'before anything': () => {},
  'while it samples': ({writer}) => writer.emit({id: 1}, NaN),
  'with an open batch': exchange => {
    exchange.settle();
    exchange.writer.emit({id: 1}, NaN);
    exchange.settle();
    exchange.writer.emit({id: 2}, NaN);
  },
  'with a closed batch and records that wait': exchange => {
    fill(exchange);
    for (let id = 0; id < 1000; id += 1) exchange.writer.emit({id}, NaN);
  },
  'in the middle of a large record': ({writer}) => {
    writer.emit({id: 1, text: 'x'.repeat(50_000)}, NaN);
    writer.flush(false);
  },
  'in the middle of a widening': exchange => {
    fill(exchange);
    exchange.writer.emit({id: 'x'}, NaN);
  },
  'with events that wait': ({writer}) => {
    for (let n = 0; n < 100; n += 1) writer.broadcastEvent(WATERMARK, n);
  },
})) {
  for (const order of ['producer first', 'consumer first']) {
    test(`dispose gives every segment back ${what}, ${order}`, t => {
      const exchange = new Exchange({
        consumers: 2,
        partitioner: () => roundRobinPartitioner(2, 0),
      });
      const {writer, consumers} = exchange;
      prepare(exchange);
      if (order === 'consumer first') for (const {gate} of consumers) gate.dispose();
      writer.dispose();
      writer.dispose();

      t.is(exchange.close(), 0);
    });
  }
}

test('texts on the way to a task of the same thread are forgotten with their segments', t => {
  const exchange = new Exchange({isLocal: true, writer: {overdraftSegments: 2}});
  const {writer, arena} = exchange;
  const emit = (id: number) => writer.emit({id, text: `only once ${id}`}, NaN);
  for (let id = 0; id < 200; id += 1) {
    emit(id);
    // Batches large enough to show that a dictionary does not pay.
    if (id % 40 === 39) exchange.settle();
  }
  t.is(localTextsOf(arena).size, 0);

  for (let id = 0; id < 1000; id += 1) emit(id);
  const waiting = localTextsOf(arena).size;
  t.true(waiting > exchange.inFlightMax, 'some are in flight, some are parked');

  writer.dispose();
  t.is(localTextsOf(arena).size, exchange.inFlightMax);
  t.is(exchange.close(), 0);
});

test('a record that comes after the end is refused loudly, and harms nobody', t => {
  for (const exchange of [known(), new Exchange()]) {
    const batch = exchange.writer.batch;
    exchange.writer.dispose();

    t.is(batch?.append(0, {id: 1}, NaN) ?? NO_ROOM, NO_ROOM);
    t.throws(() => exchange.writer.emit({id: 1}, NaN), {
      instanceOf: InvariantError,
      message: /after the writer had ended/,
    });
    t.is(exchange.close(), 0);
  }
});

test('channels of one thread hand batches over by reference, without a bell', t => {
  const exchange = known({isLocal: true, exclusiveCredits: 2});
  const {writer, consumer, pool} = exchange;
  writer.emit({id: 1}, NaN);
  consumer.read();
  writer.flush(false);
  const channel = consumer.gate.poll()!;

  t.is(pool.ownerOf(channel.word(1)), 1, 'the owner is the same thread');
  t.is(exchange.arena.words[consumer.gate.segmentOffset(channel) / 4 + 1], 1, 'rows in the header');
  t.is(exchange.close(), 0);
});
