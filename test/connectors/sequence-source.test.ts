/** Whole numbers, cut among subtasks. */
import fc from 'fast-check';
import test from 'ava';
import {cutRange} from '../../src/connectors/index-range.ts';
import {sequenceSource} from '../../src/connectors/sequence-source.ts';
import {declare} from '../support/declare.ts';
import {sourceContract} from '../support/source-contract.ts';

const LARGEST = Number.MAX_SAFE_INTEGER;

sourceContract(declare, 'a sequence', {
  create: () => sequenceSource(-3, 7),
  records: [-3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7],
});
sourceContract(declare, 'an empty sequence', {create: () => sequenceSource(5, 4), records: []});
sourceContract(declare, 'a sequence of one', {create: () => sequenceSource(5, 5), records: [5]});
sourceContract(declare, 'the last safe integers', {
  create: () => sequenceSource(LARGEST - 2, LARGEST),
  records: [LARGEST - 2, LARGEST - 1, LARGEST],
});

test('subtasks get contiguous parts that differ by at most one', t => {
  t.deepEqual(sequenceSource(1, 10).enumerateSplits({parallelism: 3}), [
    {splitId: '0', start: 1, end: 5},
    {splitId: '1', start: 5, end: 8},
    {splitId: '2', start: 8, end: 11},
  ]);
  t.deepEqual(sequenceSource(1, 2).enumerateSplits({parallelism: 3}), [
    {splitId: '0', start: 1, end: 2},
    {splitId: '1', start: 2, end: 3},
  ]);
});

test('the widest sequence is cut without rounding', t => {
  const splits = cutRange(-LARGEST, LARGEST, 4);

  t.is(splits.length, 4);
  t.is(splits[0]!.start, -LARGEST);
  t.is(splits[3]!.end, LARGEST);
  for (const split of splits) t.true(Number.isSafeInteger(split.end));
});

test('any cut covers the range once and in order (seed 1)', t => {
  fc.assert(
    fc.property(
      fc.maxSafeInteger(),
      fc.nat(1000),
      fc.integer({min: 1, max: 40}),
      (from, count, parallelism) => {
        const start = Math.min(from, LARGEST - count);
        const splits = cutRange(start, start + count, parallelism);
        let next = start;
        for (const split of splits) {
          if (split.start !== next || split.end <= split.start) return false;
          next = split.end;
        }
        const sizes = splits.map(split => split.end - split.start);
        const isEven = sizes.length === 0 || Math.max(...sizes) - Math.min(...sizes) <= 1;
        return next === start + count && isEven && splits.length === Math.min(count, parallelism);
      },
    ),
    {seed: 1},
  );
  t.pass();
});

test('the schema is the narrowest that holds both ends', t => {
  const typeOf = (from: number, to: number) => sequenceSource(from, to).schema!.columns[0]!.type;

  t.is(typeOf(-(2 ** 31), 2 ** 31 - 1), 'int32');
  t.is(typeOf(0, 2 ** 31), 'float64');
  t.is(typeOf(-(2 ** 31) - 1, 0), 'float64');
});
