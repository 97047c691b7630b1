/** All tables of keyed rows hold the same contract; below, what only one of them has. */
import test from 'ava';
import {AnyKeyTable} from '../../src/state/any-key-table.ts';
import {NumberKeyTable} from '../../src/state/number-key-table.ts';
import {allocateLanes} from '../../src/state/lanes.ts';
import {LargeMap} from '../../src/state/large-map.ts';
import {StringKeyTable} from '../../src/state/string-key-table.ts';
import {keyedRowsContract} from '../support/keyed-rows-contract.ts';

keyedRowsContract({
  name: 'number keys',
  create: (laneCount, cellCount) => new NumberKeyTable({laneCount, cellCount}),
  key: n => n - 20,
  oddKeys: [0, -0, 0.5, -0.5, 2 ** 31, -(2 ** 31), 2 ** 53, 1e-320, Infinity, -Infinity, 2 ** 32],
  refused: [NaN, '1', 1n, null, undefined, true, [1]],
});

keyedRowsContract({
  name: 'fractions as keys',
  create: (laneCount, cellCount) => new NumberKeyTable({laneCount, cellCount}),
  key: n => 1_735_689_600_000 + n * 0.25,
  oddKeys: [0.1 + 0.2, 0.3],
  refused: [NaN],
});

keyedRowsContract({
  name: 'string keys',
  create: (laneCount, cellCount) => new StringKeyTable({laneCount, cellCount}),
  key: n => `key number ${n}`,
  oddKeys: ['', '0', '-0', 'a', 'A', 'á', 'a\u0301', '\ud800', '\udc00', '__proto__', '\0'],
  refused: [1, NaN, null, undefined, true, 1n, ['a']],
});

keyedRowsContract({
  name: 'any keys',
  create: (laneCount, cellCount) => new AnyKeyTable({laneCount, cellCount}),
  key: n => [n, `${n}`, BigInt(n), [n, 'x'], [`${n}`, 'x'], new Date(n), [[n], n]][n % 7],
  oddKeys: [
    ...[0, -0, '0', '-0', 0n, false, 'false', [0], ['0'], [-0], [0n], [[0]], new Date(0)],
    ...[['a,b'], ['a', 'b'], ['a'], 'a', '["a"]', [new Date(0)], [0, 0], 'd0', 'number 0'],
  ],
  refused: [NaN, null, undefined],
});

test('a batch of sequential keys does not pile up in the number table', t => {
  const rows = new NumberKeyTable({laneCount: 0});
  for (let n = 0; n < 10_000; n += 1) rows.upsert(n * 64);

  // Length of the longest run of taken slots: what the longest probe may cost.
  let longest = 0;
  let run = 0;
  for (const key of rows.lanes) {
    run = key === key ? run + 1 : 0;
    longest = Math.max(longest, run);
  }

  t.true(longest < 40, `${longest}`);
});

test('keys are kept with memory of their own', t => {
  const key = ['city', new Date(5)];
  const rows = new AnyKeyTable({laneCount: 0});
  const at = rows.upsert(key);

  key[0] = 'changed';
  (key[1] as Date).setTime(6);

  t.deepEqual(rows.keyAt(at), ['city', new Date(5)]);
  t.is(rows.find(['city', new Date(5)]), at);
});

test('a map goes on behind the limit of one Map', t => {
  const map = new LargeMap<string>(3);
  for (let n = 0; n < 10; n += 1) map.add(`${n}`, n);

  t.deepEqual(
    Array.from({length: 10}, (_, n) => map.get(`${n}`)),
    Array.from({length: 10}, (_, n) => n),
  );
  t.is(map.get('10'), undefined);
  t.true(map.delete('1'));
  t.false(map.delete('1'));
  t.is(map.get('1'), undefined);
  t.is(map.get('9'), 9);
});

test('lanes for which there is no memory are refused with the number of keys', t => {
  const error = t.throws(() => allocateLanes(2 ** 40, 1000), {code: 'E_STATE_MEMORY'});

  t.regex(error.message, /keys=1000, neededBytes=8796093022208; raise the parallelism/);
});
