/** Debloating under a clock that is moved by hand. */
import test from 'ava';
import {ANY_ROWS, Debloater, type DebloaterOptions} from '../../src/network/debloater.ts';
import {inferSchema} from '../../src/records/infer-schema.ts';
import {Exchange} from '../support/exchange.ts';

/** Runs periods of 200 ms at a steady speed; `batches` are always in flight. */
function run(
  debloater: Debloater,
  {
    rowsPerMs,
    batches,
    periods,
    largest = 1_000,
    activeMs = 200,
  }: {
    rowsPerMs: number;
    batches: number;
    periods: number;
    largest?: number;
    activeMs?: number;
  },
): number {
  let announcements = 0;
  for (let n = 0; n < periods; n += 1) {
    const rows = Math.max(1, Math.round(rowsPerMs * activeMs));
    if (debloater.sample(rows, activeMs, batches, largest)) announcements += 1;
  }
  return announcements;
}

for (const {rowsPerMs, batches, targetMs} of [
  {rowsPerMs: 1, batches: 10, targetMs: 1_000},
  {rowsPerMs: 0.1, batches: 4, targetMs: 1_000},
  {rowsPerMs: 5, batches: 8, targetMs: 500},
  {rowsPerMs: 0.05, batches: 20, targetMs: 1_000},
]) {
  test(`what is in flight comes to be worth the target: ${rowsPerMs} rows per ms, ${batches} batches, ${targetMs} ms`, t => {
    const debloater = new Debloater({targetMs});

    run(debloater, {rowsPerMs, batches, periods: 100});

    const worthMs = debloater.timeToConsumeMs(debloater.rowLimit * batches);
    t.true(Math.abs(worthMs - targetMs) <= 0.3 * targetMs, `${worthMs} ms`);
  });
}

test('no limit is announced while full batches are worth less than the target', t => {
  const debloater = new Debloater();

  t.is(run(debloater, {rowsPerMs: 50, batches: 10, periods: 100}), 0);

  t.is(debloater.rowLimit, ANY_ROWS);
});

test('the limit follows a consumer that becomes slower, and one that becomes faster', t => {
  const debloater = new Debloater();
  run(debloater, {rowsPerMs: 1, batches: 10, periods: 100});
  const steady = debloater.rowLimit;

  run(debloater, {rowsPerMs: 0.2, batches: 10, periods: 60});
  const slow = debloater.rowLimit;
  t.true(slow < 0.35 * steady, `${steady} → ${slow}`);

  run(debloater, {rowsPerMs: 2, batches: 10, periods: 60});
  t.true(debloater.rowLimit > 1.4 * steady, `${slow} → ${debloater.rowLimit}`);

  run(debloater, {rowsPerMs: 100, batches: 10, periods: 60});
  t.is(debloater.rowLimit, ANY_ROWS, 'at the upper end the limit is lifted');
});

test('a limit is never below one row', t => {
  const debloater = new Debloater({targetMs: 1});

  run(debloater, {rowsPerMs: 0.001, batches: 100, periods: 500});

  t.is(debloater.rowLimit, 1);
});

test('small changes are not announced', t => {
  const debloater = new Debloater();
  run(debloater, {rowsPerMs: 1, batches: 10, periods: 200});

  let announcements = 0;
  for (let n = 0; n < 100; n += 1) {
    announcements += run(debloater, {rowsPerMs: n % 2 === 0 ? 0.9 : 1.1, batches: 10, periods: 1});
  }

  t.is(announcements, 0);
});

test('a limit at most doubles from one period to the next', t => {
  const debloater = new Debloater({samples: 1});
  run(debloater, {rowsPerMs: 0.001, batches: 10, periods: 50});
  t.is(debloater.rowLimit, 1);

  const limits: number[] = [];
  for (let n = 0; n < 4; n += 1) {
    run(debloater, {rowsPerMs: 5, batches: 10, periods: 1});
    limits.push(debloater.rowLimit);
  }

  t.deepEqual(limits, [2, 4, 8, 16]);
});

test('idle time does not make a consumer look slow', t => {
  const [busy, idle] = [new Debloater(), new Debloater()];

  run(busy, {rowsPerMs: 1, batches: 10, periods: 100});
  run(idle, {rowsPerMs: 1, batches: 10, periods: 100, activeMs: 20});

  t.is(idle.rowLimit, busy.rowLimit);
});

test('a period without rows, or without time, changes nothing', t => {
  const debloater = new Debloater();
  run(debloater, {rowsPerMs: 1, batches: 10, periods: 100});
  const {rowLimit} = debloater;

  for (let n = 0; n < 100; n += 1) {
    t.false(debloater.sample(0, 200, 0, 0));
    t.false(debloater.sample(10, 0, 10, 10));
  }

  t.is(debloater.rowLimit, rowLimit);
});

/** A consumer that takes its time for every row, and a producer that always has more. */
function pipeline(exclusiveCredits: number, debloater: DebloaterOptions = {}) {
  const exchange = new Exchange({
    exclusiveCredits,
    debloater,
    segmentSizeBytes: 4096,
    writer: {schema: inferSchema([{id: 1}])},
  });
  const {writer, consumer} = exchange;
  const {gate} = consumer;
  let nowMs = 10_000;
  let emitted = 0;
  consumer.read();
  return {
    exchange,
    gate,
    get nowMs() {
      return nowMs;
    },
    /** Rows emitted and not yet read. */
    get rowsInFlight() {
      return emitted - consumer.batchRows.reduce((sum, rows) => sum + rows, 0);
    },
    run(durationMs: number, msPerRow: number, idleMs?: () => number) {
      for (const endMs = nowMs + durationMs; nowMs < endMs;) {
        while (writer.isReady || writer.resolve()) {
          writer.emit({id: emitted}, NaN);
          emitted += 1;
        }
        const before = consumer.batchRows.length;
        consumer.read(1);
        for (const rows of consumer.batchRows.slice(before)) nowMs += rows * msPerRow;
        gate.debloat(nowMs, idleMs?.());
      }
    },
  };
}

test('a gate with a slow consumer asks for small batches, until what is in flight is worth the target', t => {
  const scene = pipeline(4);
  scene.run(1_000, 1);
  const before = scene.rowsInFlight;
  t.true(before > 3_000);

  scene.run(60_000, 1);

  t.true(scene.gate.rowLimit > 0);
  t.true(
    Math.abs(scene.rowsInFlight - 1_000) < 400,
    `${before} → ${scene.rowsInFlight} rows of 1 ms`,
  );

  scene.run(60_000, 5);
  t.true(Math.abs(scene.rowsInFlight - 200) < 80, `then ${scene.rowsInFlight} rows of 5 ms`);

  scene.run(12_000, 0.04);
  t.is(scene.gate.rowLimit, ANY_ROWS);
  t.true(scene.rowsInFlight > 3_000);
});

test('a gate decides at the end of a period, however often it is asked', t => {
  const scene = pipeline(4, {periodMs: 30_000, samples: 1});

  scene.run(25_000, 1);
  t.is(scene.gate.rowLimit, ANY_ROWS);
  scene.run(6_000, 1);
  t.not(scene.gate.rowLimit, ANY_ROWS);
});

test('time in which the task had no input does not count', t => {
  const [plain, told] = [pipeline(2), pipeline(2)];
  let idle = 0;

  // In either case a row costs 2 ms; here the task says that half of it was idle.
  plain.run(60_000, 2);
  const startMs = told.nowMs;
  told.run(60_000, 2, () => (idle = (told.nowMs - startMs) / 2));

  t.true(idle > 0);
  const ratio = told.gate.rowLimit / plain.gate.rowLimit;
  t.true(ratio > 1.5 && ratio < 2.7, `${ratio}`);
});
