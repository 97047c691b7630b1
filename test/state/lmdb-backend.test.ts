/** The backend on disk under the contract that all backends share, with a cache that is far too small. */
import {existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {ManualClock} from '../../src/base/clock.ts';
import type {KeyedBackendOptions} from '../../src/state/keyed-state-backend.ts';
import {LmdbBackend, lmdbBackends} from '../../src/state/lmdb-backend.ts';
import {
  ListStateDescriptor,
  MapStateDescriptor,
  ValueStateDescriptor,
} from '../../src/state/state-descriptors.ts';
import {testKeyedState} from './keyed-state-contract.ts';
import {testKeyedStateWalks} from './keyed-state-walk.ts';
import {testTimers} from './timer-contract.ts';
import {testTtl} from './ttl-contract.ts';

const directory = mkdtempSync(join(tmpdir(), 'millrace-lmdb-test-'));
test.after.always('directories are removed', t => {
  t.deepEqual(readdirSync(directory), []);
  rmSync(directory, {recursive: true, force: true});
});

testKeyedState('lmdb', lmdbBackends({directory}));
testTimers('lmdb', lmdbBackends({directory}));
testTtl('lmdb', lmdbBackends({directory}));
testKeyedStateWalks('lmdb', lmdbBackends({directory}), 20);
testKeyedStateWalks('lmdb, tiny cache', lmdbBackends({directory, cacheSizeBytes: 1}), 20);

const options: KeyedBackendOptions = {
  keyGroupRange: {first: 0, last: 127},
  maxParallelism: 128,
  clock: new ManualClock(),
};

/** The least that a cache can be: 16 entries. */
const SMALL = {directory, cacheSizeBytes: 1};

test('state that is much larger than the cache is all there', t => {
  const backend = new LmdbBackend(options, SMALL);
  const value = backend.getState(new ValueStateDescriptor<{n: number}>('v'));
  const list = backend.getState(new ListStateDescriptor<number>('l'));
  const map = backend.getState(new MapStateDescriptor<string, number>('m'));
  const keys = Array.from({length: 1000}, (_, n) => (n % 2 === 0 ? n : `key ${n}`));
  for (const round of [1, 2, 3]) {
    for (const key of keys) {
      backend.setCurrentKey(key);
      value.update({n: (value.value()?.n ?? 0) + round});
      list.add(round);
      map.put(`round ${round}`, round);
      if (round === 2) map.remove('round 1');
    }
  }

  for (const key of keys) {
    backend.setCurrentKey(key);
    t.deepEqual(value.value(), {n: 6});
    t.deepEqual([...list.get()], [1, 2, 3]);
    t.deepEqual(
      [...map.entries()],
      [
        ['round 2', 2],
        ['round 3', 3],
      ],
    );
  }
  t.is(backend.keyCount, 1000);
  const {hits, misses} = backend.lookUps;
  t.true(misses > 10_000 && hits < misses / 2, `hits ${hits}, misses ${misses}`);
  backend.close();
});

test('a handle that reads other state on the way loses nothing to the cache', t => {
  const backend = new LmdbBackend(options, SMALL);
  const a = backend.getState(new ValueStateDescriptor<number>('a'));
  const b = backend.getState(new ListStateDescriptor<number>('b'));
  for (let key = 0; key < 500; key += 1) {
    backend.setCurrentKey(key);
    a.update(key);
    b.add(key);
    a.update(a.value()! + 1);
    b.add(a.value()!);
  }
  for (let key = 0; key < 500; key += 1) {
    backend.setCurrentKey(key);
    t.deepEqual([...b.get(), a.value()], [key, key + 1, key + 1]);
  }
  backend.close();
});

test('what is written after the cache has dropped its entry is not lost', t => {
  const backend = new LmdbBackend(options, SMALL);
  const a = backend.getState(new ValueStateDescriptor<number>('a'));
  const b = backend.getState(new ListStateDescriptor<number>('b'));
  // Entries that were used again get a second chance, the one of key 100 does not.
  for (const round of [1, 2]) {
    for (let key = 0; key < 7; key += 1) {
      backend.setCurrentKey(key);
      a.update((a.value() ?? 0) + round);
    }
  }
  backend.setCurrentKey(100);
  a.update(1);
  for (let namespace = 0; namespace < 40; namespace += 1) {
    b.setNamespace(namespace);
    b.add(namespace);
  }

  a.update(2);

  backend.setCurrentKey(101);
  t.is(a.value(), undefined);
  backend.setCurrentKey(100);
  t.is(a.value(), 2);
  backend.close();
});

test('a cache that holds everything answers nearly all', t => {
  const seen: number[] = [];
  const backend = new LmdbBackend(options, {
    directory,
    onLookUps: (...counts) => seen.push(...counts),
  });
  const value = backend.getState(new ValueStateDescriptor<number>('v'));
  for (let n = 0; n < 1000; n += 1) {
    backend.setCurrentKey(n % 10);
    value.update((value.value() ?? 0) + 1);
  }
  t.deepEqual(backend.lookUps, {hits: 990, misses: 10});
  backend.close();
  t.deepEqual(seen, [990, 10]);
});

test('keys longer than LMDB takes are found, and seen in snapshots', t => {
  const backend = new LmdbBackend(options, SMALL);
  const value = backend.getState(new ValueStateDescriptor<number>('v'));
  const keys = Array.from({length: 200}, (_, n) => `${n} ${'☃'.repeat(1500)}`);
  for (const [n, key] of keys.entries()) {
    backend.setCurrentKey(key);
    value.update(n);
  }
  for (const [n, key] of keys.entries()) {
    backend.setCurrentKey(key);
    t.is(value.value(), n);
  }
  t.deepEqual([...backend.keys('v', undefined)].sort(), keys.sort());
  backend.close();
});

test('an instance of a class is refused when it is written', t => {
  class Point {
    x = 1;
  }
  const backend = new LmdbBackend(options, SMALL);
  const value = backend.getState(new ValueStateDescriptor<Point>('v'));
  backend.setCurrentKey(1);
  value.update(new Point());
  t.throws(() => backend.snapshot(), {code: 'E_RECORD_ENCODING'});
  backend.close();
});

test('each backend has a directory of its own, which goes with it', t => {
  const own = join(directory, 'nested', 'deeper');
  const first = new LmdbBackend(options, {directory: own});
  const second = new LmdbBackend(options, {directory: own});
  t.is(readdirSync(own).length, 2);
  first.close();
  second.close();
  t.deepEqual(readdirSync(own), []);
  rmSync(join(directory, 'nested'), {recursive: true});
  t.false(existsSync(own));
});

test('a directory that cannot be made is an error that says so', t => {
  const file = join(directory, 'file');
  writeFileSync(file, '');
  t.throws(() => new LmdbBackend(options, {directory: file}), {code: 'E_STATE_DIRECTORY'});
  rmSync(file);
});
