/** Sums of segments, and sizes of memory as text. */
import test from 'ava';
import {InvariantError} from '../../src/base/assert.ts';
import {StreamError} from '../../src/base/errors.ts';
import {parseMemorySize, SegmentBudget} from '../../src/memory/segment-budget.ts';

const KIB = 1024;

test('the total is the sum of the holders, in their order', t => {
  const budget = new SegmentBudget()
    .add('channel a', 2, '2 per channel')
    .add('caches', 48, '16 × 3 threads')
    .add('none', 0, 'no floating ones');

  t.is(budget.total(), 50);
  t.deepEqual(
    budget.entries().map(entry => entry.segments),
    [2, 48, 0],
  );
});

test('a budget that just fits passes, one more segment does not', t => {
  const budget = new SegmentBudget().add('a', 4, 'test');

  t.notThrows(() => budget.check(4 * 32 * KIB, 32 * KIB));
  t.throws(() => budget.check(4 * 32 * KIB - 1, 32 * KIB), {instanceOf: StreamError});
});

test('a refusal names what is needed, what there is, the largest holder and the option', t => {
  const budget = new SegmentBudget().add('small', 3, 'x').add('gate q', 97, '1 per key');

  const error = t.throws(() => budget.check(1024 * KIB, 32 * KIB), {instanceOf: StreamError});

  t.is(error?.code, 'E_MEMORY_BUDGET');
  t.like(error?.details, {
    neededSegments: 100,
    availableSegments: 32,
    neededBytes: 3_276_800,
    availableBytes: 1_048_576,
    largest: 'gate q (97: 1 per key)',
  });
  t.regex(error?.message ?? '', /memory: '4MB'/);
  t.notThrows(() => budget.check(parseMemorySize('4MB'), 32 * KIB));
});

test('an empty budget needs nothing', t => {
  t.notThrows(() => new SegmentBudget().check(0, 32 * KIB));
});

test('half a segment and a negative one are bugs of the caller', t => {
  const budget = new SegmentBudget();

  t.throws(() => budget.add('a', 0.5, ''), {instanceOf: InvariantError});
  t.throws(() => budget.add('a', -1, ''), {instanceOf: InvariantError});
});

test('the table for explain is aligned and ends with the sum', t => {
  const budget = new SegmentBudget().add('a', 2, 'one').add('longer', 100, 'two');

  t.deepEqual(budget.lines(32 * KIB), [
    'a         2  one',
    'longer  100  two',
    'total   102  3.2MB',
  ]);
});

for (const [text, bytes] of [
  ['64MB', 64 * KIB * KIB],
  ['1gb', KIB * KIB * KIB],
  ['512KiB', 512 * KIB],
  [' 1.5 GiB ', 1.5 * KIB * KIB * KIB],
  ['2m', 2 * KIB * KIB],
  ['100', 100],
  ['7b', 7],
  [4096, 4096],
] as const) {
  test(`a memory size of ${JSON.stringify(text)} is ${bytes} bytes`, t => {
    t.is(parseMemorySize(text), bytes);
  });
}

for (const text of ['', 'MB', '64 apples', '-1MB', '0', '1e3', '0.1kb', '1..5MB', 'toString']) {
  test(`a memory size of ${JSON.stringify(text)} is refused`, t => {
    const error = t.throws(() => parseMemorySize(text), {instanceOf: StreamError});
    t.is(error?.code, 'E_MEMORY_SIZE');
    t.true(error?.message.includes(JSON.stringify(text)));
  });
}

test('numbers that are no sizes are refused', t => {
  for (const size of [0, -1, 1.5, NaN, Infinity, undefined as unknown as number]) {
    t.throws(() => parseMemorySize(size), {instanceOf: StreamError}, String(size));
  }
});
