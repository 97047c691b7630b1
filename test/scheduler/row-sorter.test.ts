/** Sorting in bounded memory: any rows, budgets from nothing to plenty, runs that are merged more than once. */
import {deepStrictEqual} from 'node:assert';
import {mkdirSync, readdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import {hashKey} from '../../src/base/key-group.ts';
import {keyReader, type KeyReader} from '../../src/operators/key.ts';
import {RowSorter, sizeOf} from '../../src/scheduler/row-sorter.ts';
import {SpillFile} from '../../src/scheduler/spill-file.ts';
import {isSameKey} from '../../src/state/single-key-backend.ts';
import {temporaryDirectory} from '../support/temporary-directory.ts';

interface Row {
  readonly value: {readonly key: unknown; readonly id: number; readonly more?: unknown};
  readonly timestamp: number;
  readonly input: number;
}

const KEY = keyReader({kind: 'fields', paths: [['key']]});

/** Adds all rows, as a task does, and gives them back in order. */
function sort(
  rows: readonly Row[],
  directory: string,
  memoryBytes: number,
  keys: ReadonlyArray<KeyReader | undefined> = [KEY, KEY],
) {
  let spilledBytes = 0;
  const sorter = new RowSorter({
    keys,
    memoryBytes,
    directory,
    onSpilled: bytes => {
      spilledBytes += bytes;
    },
  });
  try {
    let steps = 0;
    for (const {value, timestamp, input} of rows) {
      sorter.add(value, timestamp, input);
      if (sorter.isFull) for (const _ of sorter.spill()) steps += 1;
      deepStrictEqual(readdirSync(directory), []);
    }
    const sorted: Row[] = [];
    for (const merger = sorter.merge(); merger.current !== undefined; merger.advance()) {
      const {value, timestamp, input} = merger.current;
      sorted.push({value: value as Row['value'], timestamp, input});
    }
    return {sorted, spilledBytes, steps};
  } finally {
    sorter.close();
  }
}

const keyOf = fc.oneof(
  fc.integer({min: -2, max: 3}),
  fc.constantFrom('', 'AaAa', 'BBBB', 'AaBB', 'é', '1'),
  fc.constantFrom<unknown>(-0, 0.5, true, 1n, new Date(5), ['a', 1], ['a', -0], [['a'], 2]),
);

const rowsOf = fc
  .array(
    fc.record({
      key: keyOf,
      timestamp: fc.oneof(fc.integer({min: 0, max: 5}), fc.constantFrom(NaN, -Infinity, Infinity)),
      input: fc.nat({max: 1}),
      more: fc.constantFrom<unknown>(undefined, 'x', 'x'.repeat(300), {deep: [1, null, new Map()]}),
    }),
    {maxLength: 300, size: 'max'},
  )
  .map(drawn =>
    drawn.map(({key, timestamp, input, more}, id): Row => ({
      value: {key, id, more},
      timestamp,
      input,
    })),
  );

/** Where a timestamp lies: none is earlier than all, as in Flink, where it is the smallest one. */
function earlier(a: Row, b: Row): number {
  const rank = ({timestamp}: Row) => (Number.isNaN(timestamp) ? 0 : 1);
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  return a.timestamp < b.timestamp ? -1 : a.timestamp > b.timestamp ? 1 : 0;
}

test('rows of a key lie together, by time, by input, and then as they came', t => {
  const directory = temporaryDirectory(t);
  let spilled = 0;
  fc.assert(
    fc.property(rowsOf, fc.constantFrom(1, 2000, 1e9), (rows, memoryBytes) => {
      const {sorted, spilledBytes} = sort(rows, directory, memoryBytes);
      spilled += spilledBytes;

      // The oracle: groups in the order of the result, each sorted by a stable sort.
      const groups: Row[][] = [];
      for (const row of rows) {
        const group = groups.find(([first]) => isSameKey(first!.value.key, row.value.key));
        if (group === undefined) groups.push([row]);
        else group.push(row);
      }
      const place = (group: readonly Row[]) =>
        sorted.findIndex(({value}) => isSameKey(value.key, group[0]!.value.key));
      const expected = groups
        .sort((a, b) => place(a) - place(b))
        .flatMap(group => group.sort((a, b) => earlier(a, b) || a.input - b.input));
      deepStrictEqual(sorted, expected);
    }),
    {numRuns: 60, seed: 77},
  );
  t.true(spilled > 0);
});

test('the order of keys does not depend on how much memory there is', t => {
  const directory = temporaryDirectory(t);
  fc.assert(
    fc.property(rowsOf, rows => {
      const all = sort(rows, directory, 1e9);
      deepStrictEqual(sort(rows, directory, 1).sorted, all.sorted);
      deepStrictEqual(sort(rows, directory, 3000).sorted, all.sorted);
    }),
    {numRuns: 30, seed: 78},
  );
  t.pass();
});

test('keys of one hash are told apart', t => {
  t.is(hashKey('AaAa'), hashKey('BBBB'));
  const rows = ['AaAa', 'BBBB', 'AaBB', 'BBBB', 'AaAa'].map((key, id) => ({
    value: {key, id},
    timestamp: NaN,
    input: 0,
  }));

  const {sorted} = sort(rows, temporaryDirectory(t), 1e9);

  t.deepEqual(
    sorted.map(({value}) => value.key),
    ['AaAa', 'AaAa', 'AaBB', 'BBBB', 'BBBB'],
  );
});

test('many runs are merged a few at a time, and rows without keys stay as they came', t => {
  const rows = Array.from({length: 4200}, (_, id) => ({
    value: {key: (id * 7919) % 1000, id},
    timestamp: 0,
    input: 0,
  }));
  const directory = temporaryDirectory(t);

  const keyed = sort(rows, directory, 1);
  const bare = sort(rows, directory, 1, [undefined]);

  // Each row is a run: merged into longer ones, and those again.
  t.true(keyed.spilledBytes > 2 * 4200 * 10);
  t.true(keyed.steps > 100);
  t.deepEqual(bare.sorted, rows);
  t.deepEqual(keyed.sorted, sort(rows, directory, 1e9).sorted);
  t.is(sort(rows, directory, 1e9).spilledBytes, 0);
});

test('a file is gone from its directory while it is used, and can be closed twice', t => {
  const directory = join(temporaryDirectory(t), 'made', 'when needed');
  const file = new SpillFile(directory);
  const first = file.append(Buffer.from('abc'));
  const second = file.append(Buffer.from('defg'));

  t.deepEqual(readdirSync(directory), []);
  t.is(file.read(second).toString(), 'defg');
  t.is(file.read(first).toString(), 'abc');
  t.is(file.sizeBytes, 7);
  file.close();
  file.close();
});

test('a directory that cannot be used is named in the error, with what to do', t => {
  const directory = temporaryDirectory(t);
  const path = join(directory, 'file');
  writeFileSync(path, '');
  const error = t.throws(() => new SpillFile(join(path, 'below')), {code: 'E_SPILL_FILE'});
  t.regex(error!.message, /temporaryDirectory/);

  mkdirSync(join(directory, 'sub'));
  const file = new SpillFile(join(directory, 'sub'));
  t.throws(() => file.read({position: 0, sizeBytes: 1}), {code: 'E_SPILL_FILE'});
  file.close();
});

test('a large value counts as large', t => {
  t.true(sizeOf('x'.repeat(1000)) > 1000);
  t.true(sizeOf({a: [new Uint8Array(5000)]}) > 5000);
  t.true(sizeOf(new Map([['k', 'x'.repeat(700)]])) > 700);
  t.true(sizeOf({n: 1}) < 200);
  const sorter = new RowSorter({keys: [undefined], memoryBytes: 5000, directory: undefined});
  for (let count = 0; count < 3; count += 1) sorter.add(1, NaN, 0);
  t.false(sorter.isFull);
  sorter.add('x'.repeat(5000), NaN, 0, true);
  t.true(sorter.isFull);
  sorter.close();
});
