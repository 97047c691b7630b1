/** Namespaces as numbers, with many windows at a time; the contract of backends has few. */
import test from 'ava';
import {NO_NAMESPACE, Namespaces, VOID} from '../../src/state/namespaces.ts';
import {GLOBAL_WINDOW, TimeWindow} from '../../src/time/time-window.ts';

test('the void namespace is always there', t => {
  const namespaces = new Namespaces();
  t.is(namespaces.find(undefined), VOID);
  t.is(namespaces.retain(undefined), VOID);
  namespaces.release(VOID);
  namespaces.release(VOID);
  t.is(namespaces.find(undefined), VOID);
});

test('a namespace has one id until its last reference has gone', t => {
  const namespaces = new Namespaces();
  const id = namespaces.retain(new TimeWindow(0, 10));
  t.is(namespaces.retain(new TimeWindow(0, 10)), id);
  namespaces.release(id);
  t.is(namespaces.find(new TimeWindow(0, 10)), id);
  t.deepEqual(namespaces.valueOf(id), new TimeWindow(0, 10));

  namespaces.release(id);

  t.is(namespaces.find(new TimeWindow(0, 10)), NO_NAMESPACE);
});

test('the version changes when an id begins or ends to stand for something', t => {
  const namespaces = new Namespaces();
  const versions = [namespaces.version];
  const id = namespaces.retain('a');
  versions.push(namespaces.version);
  namespaces.retain('a');
  namespaces.release(id);
  t.is(namespaces.version, versions[1]);
  namespaces.release(id);
  versions.push(namespaces.version);
  t.is(namespaces.retain('b'), id);
  versions.push(namespaces.version);
  t.is(new Set(versions).size, 4);
});

test('numbers, texts and windows are told apart', t => {
  const namespaces = new Namespaces();
  const all = [1, '1', new TimeWindow(1, 1), GLOBAL_WINDOW, new TimeWindow(-Infinity, 1)];
  const ids = all.map(namespace => namespaces.retain(namespace));
  t.is(new Set(ids).size, all.length);
  t.deepEqual(
    all.map(namespace => namespaces.find(namespace)),
    ids,
  );
});

test('thousands of windows that come and go are found as a Map finds them', t => {
  const namespaces = new Namespaces();
  const model = new Map<number, number>();
  const windowOf = (n: number) => new TimeWindow(n * 10, n * 10 + 10 + (n % 3));
  let seed = 3;
  for (let step = 0; step < 30_000; step += 1) {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) | 0;
    const n = (seed >>> 8) % 1500;
    const id = model.get(n);
    if (namespaces.find(windowOf(n)) !== (id ?? NO_NAMESPACE)) t.fail(`step ${step}`);
    if (id === undefined) {
      model.set(n, namespaces.retain(windowOf(n)));
    } else {
      namespaces.release(id);
      model.delete(n);
    }
  }
  t.true(model.size > 500);
  t.is(new Set(model.values()).size, model.size);
  for (const [n, id] of model) t.is(namespaces.find(windowOf(n)), id);
});
