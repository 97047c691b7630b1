/** What a writer does when one input record emits more than there is credit for. */
import test from 'ava';
import {BATCH} from '../../src/network/descriptor.ts';
import {Exchange} from '../support/exchange.ts';

/** A writer with one channel, two credits (one goes to the schema), and batches of four rows. */
function exchange(overdraftSegments: number): Exchange {
  const made = new Exchange({exclusiveCredits: 2, writer: {overdraftSegments, rowLimit: 4}});
  // The schema is inferred from the first record, and announced.
  made.writer.emit({id: -1}, NaN);
  made.writer.flush(false);
  made.consumer.read();
  made.writer.stop.requested = false;
  return made;
}

function emit({writer}: Exchange, count: number): void {
  for (let id = 0; id < count; id += 1) writer.emit({id}, NaN);
}

const ids = (made: Exchange) =>
  made.consumer
    .values()
    .map(value => (value as {id: number}).id)
    .filter(id => id >= 0);

test('batches without credit are parked, and the loop is asked to stop', t => {
  const made = exchange(3);

  emit(made, 8);
  t.false(made.writer.stop.requested);
  emit(made, 4);

  t.true(made.writer.stop.requested);
  t.true(made.writer.isBlocked);
  t.is(made.inFlight(), 2);
});

test('parked batches leave in order as soon as there is credit', t => {
  const made = exchange(3);
  emit(made, 22);

  t.false(made.writer.resolve());
  t.is(made.consumer.read(1), 1);
  t.false(made.writer.resolve());
  t.true(made.settle());

  t.deepEqual(
    ids(made),
    Array.from({length: 22}, (_, id) => id),
  );
  t.is(made.consumer.kinds.filter(kind => kind === BATCH).length, 1 + 6);
  t.is(made.close(), 0);
});

test('a flush sends nothing in front of parked batches', t => {
  const made = exchange(2);
  emit(made, 18);

  t.false(made.writer.flush(false));
  made.consumer.read(1);
  t.false(made.writer.flush(true));
  t.true(made.settle());

  t.deepEqual(
    ids(made),
    Array.from({length: 18}, (_, id) => id),
  );
});

test('what comes after the overdraft waits record by record', t => {
  const made = exchange(1);

  emit(made, 40);
  t.is(made.inFlight(), 2);
  t.true(made.settle());

  t.deepEqual(
    ids(made),
    Array.from({length: 40}, (_, id) => id),
  );
  t.is(made.close(), 0);
});

test('an event may not overtake parked batches', t => {
  const made = exchange(3);
  emit(made, 12);

  t.throws(() => made.writer.end(), {message: /overtake/});
});

test('a widened schema goes behind the batches that are parked', t => {
  const made = exchange(3);
  emit(made, 16);

  made.writer.emit({id: 0.5}, NaN);
  made.writer.emit({id: 'text'}, NaN);
  t.true(made.settle());

  t.deepEqual(made.consumer.values().slice(1), [
    ...Array.from({length: 16}, (_, id) => ({id})),
    {id: 0.5},
    {id: 'text'},
  ]);
  t.is(made.close(), 0);
});

test('a record larger than a segment goes behind the batches that are parked', t => {
  const made = exchange(3);
  emit(made, 16);
  const text = 'x'.repeat(5000);

  made.writer.emit({id: 16, text}, NaN);
  t.true(made.settle());

  t.deepEqual(made.consumer.values().at(-1), {id: 16, text});
  t.is(made.consumer.values().length, 18);
  t.is(made.close(), 0);
});

test('a writer that is disposed gives parked segments back', t => {
  const made = exchange(4);
  emit(made, 26);

  t.is(made.close(), 0);
});
