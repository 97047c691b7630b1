/** Generated records, and how they are spread over time. */
import test from 'ava';
import {generatorSource} from '../../src/connectors/generator-source.ts';
import {Pacer} from '../../src/connectors/pacer.ts';
import {NOTHING_AVAILABLE} from '../../src/operators/source.ts';
import {int32, schema} from '../../src/records/schema.ts';
import {ConnectorContext} from '../support/connector-context.ts';
import {declare} from '../support/declare.ts';
import {sourceContract} from '../support/source-contract.ts';

const square = (index: number) => ({index, square: index * index});
const squares = Array.from({length: 11}, (_, index) => square(index));

sourceContract(declare, 'a generator', {
  create: () => generatorSource({count: 11, generator: square}),
  records: squares,
});
sourceContract(declare, 'a generator with a rate', {
  create: () => generatorSource({count: 11, generator: square, ratePerSecond: 30}),
  records: squares,
});
sourceContract(declare, 'a generator without records', {
  create: () => generatorSource({count: 0, generator: square}),
  records: [],
});
sourceContract(declare, 'a generator with a schema', {
  create: () =>
    generatorSource({
      count: 11,
      generator: square,
      schema: schema({index: int32, square: int32}),
    }),
  records: squares,
});

test('batches are ranges of indexes, so that a compiled chain calls the function itself', t => {
  const source = generatorSource({count: 100, generator: square});
  const reader = source.createReader(new ConnectorContext());
  reader.addSplit({splitId: '0', start: 0, end: 100});

  reader.poll(30, 0);
  reader.poll(30, 0);

  t.deepEqual(reader.batch, {kind: 'range', start: 30, end: 60});
});

test('a rate is kept by polling when the source asks for it', t => {
  const source = generatorSource({count: 1000, generator: square, ratePerSecond: 250});
  const reader = source.createReader(new ConnectorContext());
  reader.addSplit({splitId: '0', start: 0, end: 1000});
  const times: number[] = [];
  let nowMs = 5000;

  while (times.length < 5) {
    if (reader.poll(100, nowMs) === NOTHING_AVAILABLE) nowMs = reader.wakeAtMs;
    else times.push(nowMs);
  }

  t.deepEqual(times, [5000, 5004, 5008, 5012, 5016]);
});

test('whoever polls late gets all that has become due', t => {
  const pacer = new Pacer(1000, 0, 1);

  t.is(pacer.take(100, 0), 1);
  t.is(pacer.take(100, 0.5), 0);
  t.is(pacer.take(100, 10), 10);
  t.is(pacer.take(3, 20), 3);
  t.is(pacer.take(100, 20), 7);
  t.is(pacer.nextAtMs, 21);
});

test('subtasks share a rate and take turns', t => {
  const pacers = [0, 1, 2, 3].map(subtask => new Pacer(1000, subtask, 4));
  for (const pacer of pacers) pacer.take(0, 0);

  const given: Array<[atMs: number, subtask: number]> = [];
  for (let nowMs = 0; nowMs < 7; nowMs += 1) {
    pacers.forEach((pacer, subtask) => {
      for (let n = pacer.take(9, nowMs); n > 0; n -= 1) given.push([nowMs, subtask]);
    });
  }

  t.deepEqual(given, [
    [0, 0],
    [1, 1],
    [2, 2],
    [3, 3],
    [4, 0],
    [5, 1],
    [6, 2],
  ]);
});

test('after a long stop no more than a second is caught up', t => {
  const pacer = new Pacer(100, 0, 1);
  pacer.take(1, 0);

  t.is(pacer.take(10_000, 60_000), 101);
  t.is(pacer.take(10_000, 60_000), 0);
  t.is(pacer.nextAtMs, 60_010);
});

test('a rate does not drift in weeks of wall-clock time', t => {
  const pacer = new Pacer(3000, 0, 1);
  const begin = 1_700_000_000_000;
  let count = 0;

  for (let second = 0; second < 1_000_000; second += 1) {
    count += pacer.take(1_000_000, begin + second * 1000);
  }

  t.is(count, 3000 * 999_999 + 1);
});

test('a slow rate waits for seconds without being asked in between', t => {
  const pacer = new Pacer(0.1, 0, 1);

  t.is(pacer.take(10, 0), 1);
  t.is(pacer.nextAtMs, 10_000);
  t.is(pacer.take(10, 9_999), 0);
  t.is(pacer.take(10, 10_000), 1);
});
