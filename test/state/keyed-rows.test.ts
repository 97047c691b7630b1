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
  name: 'wide string keys',
  create: (laneCount, cellCount) => new StringKeyTable({laneCount, cellCount}),
  key: n => (n % 3 === 0 ? `key ${n}` : `ключ ${n}`),
  oddKeys: ['\u00ff', '\u0100', 'aÿ', 'aĀ', '中', 'a', '', '\0', '\u0100\0'],
  refused: [1, undefined],
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

test('a text is found by its bytes exactly where it is found as a text', t => {
  const rows = new StringKeyTable({laneCount: 1});
  const texts = ['', 'a', 'ab', 'ba', 'é', 'ÿ', '\0', '\0\0', 'a'.repeat(300), 'ключ', 'a\u0100'];
  for (let n = 0; n < 3_000; n += 1) texts.push(`${n.toString(36)} ${n * 7}`);
  for (const [n, text] of texts.entries()) if (n % 2 === 0) rows.upsert(text);
  for (const [n, text] of texts.entries()) if (n % 6 === 0) rows.remove(text);

  for (const text of texts) {
    const bytes = Buffer.from(`<${text}>`, 'latin1');
    const isNarrow = /^[\0-\xff]*$/.test(text);
    const found = rows.findBytes(bytes, 1, bytes.length - 1);
    if (isNarrow && found !== rows.find(text)) t.fail(text);
  }
  // Cut to bytes, a wide text becomes another one.
  t.is(rows.findBytes(Buffer.from('a\0'), 0, 2), rows.find('a\0'));
});

test('bytes of removed keys are given up', t => {
  const rows = new StringKeyTable({laneCount: 0});
  const before = rows.sizeBytes;
  for (let n = 0; n < 200_000; n += 1) {
    rows.upsert(`a key that comes and goes ${n}`);
    if (n >= 100) rows.remove(`a key that comes and goes ${n - 100}`);
  }

  t.is(rows.size, 100);
  t.true(rows.sizeBytes < 8 * before, `${rows.sizeBytes}`);
  t.not(rows.find('a key that comes and goes 199999'), -1);
  t.is(rows.find('a key that comes and goes 5'), -1);
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
