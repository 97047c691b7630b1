/** How files are cut. */
import test from 'ava';
import {
  SPLIT_SIZE_BYTES_DEFAULT,
  checkSplitSize,
  cutIntoSplits,
  wholeFiles,
} from '../../src/connectors/file-split.ts';

const MIB = 1 << 20;
const file = (path: string, sizeBytes: number) => ({path, sizeBytes});

test('a file is cut into ranges that cover it', t => {
  t.deepEqual(cutIntoSplits([file('a', 25), file('b', 10), file('c', 0)], 1, 10), [
    {splitId: 'a:0', path: 'a', start: 0, end: 10, fileSizeBytes: 25},
    {splitId: 'a:10', path: 'a', start: 10, end: 20, fileSizeBytes: 25},
    {splitId: 'a:20', path: 'a', start: 20, end: 25, fileSizeBytes: 25},
    {splitId: 'b:0', path: 'b', start: 0, end: 10, fileSizeBytes: 10},
  ]);
});

test('a large file is cut into splits of 4 MiB', t => {
  const splits = cutIntoSplits([file('a', 200 * MIB)], 2, undefined);

  t.is(splits.length, 50);
  t.is(splits[0]!.end, SPLIT_SIZE_BYTES_DEFAULT);
});

test('a smaller file is cut so that every subtask has several splits', t => {
  const splits = cutIntoSplits([file('a', 8 * MIB)], 4, undefined);

  t.is(splits.length, 32);
});

test('a small file is not cut', t => {
  t.is(cutIntoSplits([file('a', 60_000)], 8, undefined).length, 1);
});

test('of very large files the splits grow instead of their number', t => {
  const splits = cutIntoSplits([file('a', 2 ** 40)], 2, undefined);

  t.true(splits.length <= 16_384);
  t.is(splits.at(-1)!.end, 2 ** 40);
});

test('files that cannot be cut have one split each', t => {
  t.deepEqual(wholeFiles([file('a', 25), file('b', 0)]), [
    {splitId: 'a:0', path: 'a', start: 0, end: 25, fileSizeBytes: 25},
  ]);
});

test('a size of splits that is none is refused', t => {
  for (const size of [0, -1, 1.5, NaN, Infinity]) {
    t.throws(() => checkSplitSize(size), {
      code: 'E_SOURCE_OPTION',
      message: /splitSizeBytes=/,
    });
  }
  t.notThrows(() => checkSplitSize(1));
});
