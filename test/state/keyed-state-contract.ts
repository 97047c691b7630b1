/**
 * The contract of keyed state, as tests over any backend: handles, namespaces, TTL, timers, snapshots.
 * Random walks against a model: keyed-state-walk.ts.
 */
import test from 'ava';
import {ManualClock} from '../../src/base/clock.ts';
import {showValue} from '../../src/base/errors.ts';
import {keyGroupOf, keyGroupRange, hashKey} from '../../src/base/key-group.ts';
import {float64, schema} from '../../src/records/schema.ts';
import type {CreateKeyedBackend, KeyedStateBackend} from '../../src/state/keyed-state-backend.ts';
import type {KeyedSnapshot} from '../../src/state/keyed-snapshot.ts';
import {redistribute} from '../../src/state/redistribute.ts';
import {
  AggregatingStateDescriptor,
  ListStateDescriptor,
  MapStateDescriptor,
  ReducingStateDescriptor,
  ValueStateDescriptor,
} from '../../src/state/state-descriptors.ts';
import {timers} from './timer-contract.ts';
import {GLOBAL_WINDOW, TimeWindow} from '../../src/time/time-window.ts';

const MAX_PARALLELISM = 128;

export function testKeyedState(backendName: string, create: CreateKeyedBackend): void {
  const says = (title: string) => `${backendName}: ${title}`;

  function backend({
    clock = new ManualClock(),
    restored,
    subtask = 0,
    parallelism = 1,
  }: {
    clock?: ManualClock;
    restored?: KeyedSnapshot | undefined;
    subtask?: number;
    parallelism?: number;
  } = {}): KeyedStateBackend {
    return create({
      keyGroupRange: keyGroupRange(subtask, MAX_PARALLELISM, parallelism),
      maxParallelism: MAX_PARALLELISM,
      clock,
      restored,
    });
  }

  /** What a snapshot becomes on its way through another thread. */
  const sent = (snapshot: KeyedSnapshot) => structuredClone(snapshot);

  test(says('what was never written reads as empty'), t => {
    const state = backend();
    state.setCurrentKey('a');

    t.is(state.getState(new ValueStateDescriptor<number>('v')).value(), undefined);
    t.deepEqual(state.getState(new ListStateDescriptor<number>('l')).get(), []);
    const map = state.getState(new MapStateDescriptor<string, number>('m'));
    t.is(map.get('x'), undefined);
    t.true(map.isEmpty());
    t.false(map.contains('x'));
    t.deepEqual([...map.entries()], []);
    t.is(state.getState(new ReducingStateDescriptor<number>('r', sum)).get(), undefined);
    t.is(state.getState(new AggregatingStateDescriptor('a', joined)).get(), undefined);
    t.is(state.keyCount, 0);
    state.close();
  });

  test(says('each key has its own value'), t => {
    const state = backend();
    const value = state.getState(new ValueStateDescriptor<string>('v'));

    const keys = [1, '1', -0, 0, true, 1n, new Date(5), ['a', 1], [new Date(5)], 1.5, 'ä☃', ''];
    for (const [index, key] of keys.entries()) {
      state.setCurrentKey(key);
      value.update(`value ${index}`);
    }

    for (const [index, key] of keys.entries()) {
      state.setCurrentKey(structuredClone(key));
      t.is(value.value(), `value ${index}`, String(key));
    }
    t.is(state.keyCount, keys.length);
    state.close();
  });

  for (const key of [null, undefined, NaN, {}, [], Symbol('s'), new Date(NaN)]) {
    test(
      says(
        `${showValue(key)} (${Object.prototype.toString.call(key)}) is refused as a key, also among others`,
      ),
      t => {
        const state = backend();
        t.throws(() => state.setCurrentKey(key), {code: keyErrorOf(key)});
        state.setCurrentKey(1);
        state.getState(new ValueStateDescriptor<number>('v')).update(1);
        t.throws(() => state.setCurrentKey(key), {code: keyErrorOf(key)});
        state.setCurrentKey('a');
        state.getState(new ValueStateDescriptor<number>('v')).update(1);
        t.throws(() => state.setCurrentKey(key), {code: keyErrorOf(key)});
        state.close();
      },
    );
  }

  test(says('null, undefined and clear remove a value, and the key with it'), t => {
    const state = backend();
    const value = state.getState(new ValueStateDescriptor<number>('v'));
    for (const remove of [
      () => value.update(null),
      () => value.update(undefined),
      () => value.clear(),
    ]) {
      state.setCurrentKey(7);
      value.update(0);
      t.is(value.value(), 0);
      t.is(state.keyCount, 1);

      remove();

      t.is(value.value(), undefined);
      t.is(state.keyCount, 0);
      value.update(3);
      t.is(value.value(), 3);
    }
    state.close();
  });

  test(says('values of any shape come back equal, whatever came before'), t => {
    const state = backend();
    const value = state.getState(new ValueStateDescriptor<unknown>('v'));
    const values = [
      {count: 1, total: 0.5},
      {count: 2, total: NaN},
      {total: -0, count: 3},
      {count: 1},
      {count: 1, total: 2, more: 3},
      {count: 'one', total: 2},
      {count: true, total: null},
      7,
      'text',
      [1, 2],
      new Map([[1, {a: 1}]]),
      1n,
      false,
      new Date(3),
    ];

    for (const [index, one] of values.entries()) {
      state.setCurrentKey(index);
      value.update(one);
      for (let earlier = 0; earlier <= index; earlier += 1) {
        state.setCurrentKey(earlier);
        t.deepEqual(value.value(), values[earlier]);
      }
    }
    state.close();
  });

  test(says('a class instance and a record with more than numbers keep what they are'), t => {
    const state = backend();
    const value = state.getState(new ValueStateDescriptor<unknown>('v'));
    state.setCurrentKey(1);
    value.update({name: 'a text that is longer than a dozen', at: {x: 1}, list: [1, 'two']});
    t.deepEqual(value.value(), {
      name: 'a text that is longer than a dozen',
      at: {x: 1},
      list: [1, 'two'],
    });
    value.update(Object.freeze({name: 'a frozen text longer than a dozen'}));
    t.deepEqual(value.value(), {name: 'a frozen text longer than a dozen'});
    state.close();
  });

  test(says('a schema is a contract: other fields are left out, other types refused'), t => {
    const state = backend();
    const value = state.getState(
      new ValueStateDescriptor<{n: number}>('v', {schema: schema({n: float64})}),
    );
    state.setCurrentKey('a');

    value.update({n: 1, extra: 2} as {n: number});
    t.deepEqual(value.value(), {n: 1});

    t.throws(() => value.update({n: 'x'} as never), {code: 'E_STATE_SCHEMA'});
    t.deepEqual(value.value(), {n: 1});
    state.close();
  });

  test(says('what a user changes in one state reaches no other'), t => {
    const state = backend();
    const a = state.getState(new ValueStateDescriptor<{n: number}>('a'));
    const b = state.getState(new ValueStateDescriptor<{n: number}>('b'));
    state.setCurrentKey(1);
    a.update({n: 1});
    b.update({n: 1});

    a.value()!.n = 5;

    t.is(b.value()!.n, 1);
    state.setCurrentKey(2);
    t.is(a.value(), undefined);
    state.close();
  });

  test(says('a list takes elements, replaces them, and refuses nothing'), t => {
    const state = backend();
    const list = state.getState(new ListStateDescriptor<number>('l'));
    state.setCurrentKey('a');

    list.add(1);
    list.addAll([2, 3]);
    list.addAll([]);
    t.deepEqual([...list.get()], [1, 2, 3]);
    const own = [7, 8];
    list.update(own);
    own.push(9);
    t.deepEqual([...list.get()], [7, 8]);
    list.update([]);
    t.deepEqual([...list.get()], []);
    t.is(state.keyCount, 0);
    list.add(4);
    list.clear();
    t.deepEqual([...list.get()], []);

    t.throws(() => list.add(null as never), {code: 'E_STATE_VALUE'});
    t.throws(() => list.addAll([1, undefined as never]), {code: 'E_STATE_VALUE'});
    t.deepEqual([...list.get()], []);
    state.close();
  });

  test(says('a map has entries per key, also under dates and arrays'), t => {
    const state = backend();
    const map = state.getState(new MapStateDescriptor<unknown, unknown>('m'));
    state.setCurrentKey('a');

    map.put('x', 1);
    map.put([1, 'b'], 2);
    map.put(new Date(9), 3);
    map.putAll([
      ['y', undefined],
      ['x', 10],
    ]);

    t.is(map.get('x'), 10);
    t.is(map.get([1, 'b']), 2);
    t.is(map.get(new Date(9)), 3);
    t.true(map.contains('y'));
    t.is(map.get('y'), undefined);
    t.false(map.contains([1, 'c']));
    t.deepEqual([...map.keys()], ['x', [1, 'b'], new Date(9), 'y']);
    t.deepEqual([...map.values()], [10, 2, 3, undefined]);
    t.deepEqual([...map.entries()][1], [[1, 'b'], 2]);

    map.remove([1, 'b']);
    map.remove('nothing');
    map.remove('x');
    map.remove('y');
    t.false(map.isEmpty());
    map.remove(new Date(9));
    t.true(map.isEmpty());
    t.is(state.keyCount, 0);
    state.close();
  });

  test(says('reducing and aggregating state combine what is added; null clears'), t => {
    const state = backend();
    const reducing = state.getState(new ReducingStateDescriptor<number>('r', {reduce: sum}));
    const aggregating = state.getState(new AggregatingStateDescriptor('a', joined));
    state.setCurrentKey('a');

    for (const n of [1, 2, 3]) {
      reducing.add(n);
      aggregating.add(n);
    }
    t.is(reducing.get(), 6);
    t.is(aggregating.get(), '1;2;3;');
    t.deepEqual(aggregating.getAccumulator(), {text: '1;2;3;'});
    reducing.add(null as never);
    aggregating.add(undefined as never);
    t.is(reducing.get(), undefined);
    t.is(aggregating.get(), undefined);
    reducing.add(4);
    reducing.clear();
    t.is(reducing.get(), undefined);
    const broken = state.getState(
      new ReducingStateDescriptor<number>('broken', () => undefined as never),
    );
    broken.add(1);
    t.throws(() => broken.add(2), {code: 'E_FUNCTION_RESULT'});
    state.close();
  });

  test(says('a name stands for one state of one kind'), t => {
    const state = backend();
    const first = state.getState(new ValueStateDescriptor<number>('same'));

    t.is(state.getState(new ValueStateDescriptor<number>('same')), first);
    t.throws(() => state.getState(new ListStateDescriptor('same')), {code: 'E_STATE_DESCRIPTOR'});
    t.throws(() => new ValueStateDescriptor(''), {code: 'E_STATE_DESCRIPTOR'});
    state.close();
  });

  test(says('a namespace keeps its own values; equal windows are one'), t => {
    const state = backend();
    const value = state.getState(new ValueStateDescriptor<unknown>('v'));
    const namespaces = [
      undefined,
      new TimeWindow(0, 10),
      new TimeWindow(0, 20),
      new TimeWindow(-10, 10),
      GLOBAL_WINDOW,
      'name',
      3,
      '3',
    ];
    for (const key of [1, 2]) {
      state.setCurrentKey(key);
      for (const [index, namespace] of namespaces.entries()) {
        value.setNamespace(namespace);
        value.update({n: 100 * key + index});
      }
    }
    for (const key of [1, 2]) {
      state.setCurrentKey(key);
      for (const [index, namespace] of namespaces.entries()) {
        value.setNamespace(copyOf(namespace));
        t.deepEqual(value.value(), {n: 100 * key + index});
      }
    }

    value.setNamespace(new TimeWindow(0, 10));
    value.clear();

    t.is(value.value(), undefined);
    t.deepEqual([...state.keys('v', new TimeWindow(0, 10))], [1]);
    t.deepEqual([...state.keys('v', undefined)].sort(), [1, 2]);
    state.close();
  });

  test(says('windows that come and go keep two states apart'), t => {
    const state = backend();
    const a = state.getState(new ValueStateDescriptor<number>('a'));
    const b = state.getState(new ListStateDescriptor<number>('b'));
    const model = {a: new Map<string, number>(), b: new Map<string, number[]>()};
    let seed = 5;
    const random = (limit: number) => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) | 0;
      return (seed >>> 8) % limit;
    };

    for (let step = 0; step < 4000; step += 1) {
      const [key, start] = [random(6), random(8)];
      const id = `${key} ${start}`;
      state.setCurrentKey(key);
      // Only one of the states is told about the window; the other stays at its last one.
      if (random(2) === 0) {
        a.setNamespace(new TimeWindow(start, start + 5));
        if (a.value() !== model.a.get(id)) t.fail(`step ${step}`);
        if (random(2) === 0) {
          a.clear();
          model.a.delete(id);
        } else {
          a.update(step);
          model.a.set(id, step);
        }
      } else {
        b.setNamespace(new TimeWindow(start, start + 5));
        if (b.get().join() !== (model.b.get(id) ?? []).join()) t.fail(`step ${step}`);
        if (random(2) === 0) {
          b.clear();
          model.b.delete(id);
        } else {
          b.add(step);
          model.b.set(id, [...(model.b.get(id) ?? []), step]);
        }
      }
      // The window that is still set is read under another key, after others have come and gone.
      const other = random(6);
      state.setCurrentKey(other);
      const last = a.value();
      if (last !== undefined && ![...model.a.values()].includes(last))
        t.fail(`step ${step}: ghost`);
    }
    for (const start of [0, 1, 2, 3, 4, 5, 6, 7]) {
      a.setNamespace(new TimeWindow(start, start + 5));
      for (const key of [0, 1, 2, 3, 4, 5]) {
        state.setCurrentKey(key);
        t.is(a.value(), model.a.get(`${key} ${start}`));
      }
    }
    state.close();
  });

  test(says('a value in a window that changes its shape takes the others along'), t => {
    const state = backend();
    const value = state.getState(new ValueStateDescriptor<unknown>('v'));
    for (let key = 0; key < 200; key += 1) {
      state.setCurrentKey(key);
      for (const start of [0, 10]) {
        value.setNamespace(new TimeWindow(start, start + 10));
        value.update({n: key + start});
      }
    }
    value.update('text');

    for (let key = 0; key < 199; key += 1) {
      state.setCurrentKey(key);
      for (const start of [0, 10]) {
        value.setNamespace(new TimeWindow(start, start + 10));
        t.deepEqual(value.value(), {n: key + start});
      }
    }
    state.close();
  });

  test(says('namespaces merge: the target first, then the sources in order'), t => {
    const state = backend();
    const list = state.getState(new ListStateDescriptor<number>('l'));
    const reducing = state.getState(new ReducingStateDescriptor<string>('r', (a, b) => a + b));
    const aggregating = state.getState(new AggregatingStateDescriptor('a', joined));
    const [a, b, c, d] = [0, 1, 2, 3].map(n => new TimeWindow(n, n + 1));
    state.setCurrentKey('k');
    for (const [index, window] of [a, b, c].entries()) {
      for (const handle of [list, reducing, aggregating]) handle.setNamespace(window);
      list.add(index);
      reducing.add(`${index}`);
      aggregating.add(index);
    }

    for (const handle of [list, reducing, aggregating]) {
      handle.setNamespace(d);
      handle.mergeNamespaces(a, [c, d, b]);
    }

    t.is(aggregating.get(), undefined, 'the namespace stays what it was');
    for (const handle of [list, reducing, aggregating]) handle.setNamespace(a);
    t.deepEqual([...list.get()], [0, 2, 1]);
    t.is(reducing.get(), '021');
    t.is(aggregating.get(), '0;2;1;');
    for (const handle of [list, reducing, aggregating]) handle.setNamespace(b);
    t.deepEqual([...list.get()], []);
    t.is(reducing.get(), undefined);
    state.close();
  });

  test(says('an aggregate without merge refuses to merge, if there is something to merge'), t => {
    const state = backend();
    const {createAccumulator, add, getResult} = joined;
    const aggregating = state.getState(
      new AggregatingStateDescriptor('a', {createAccumulator, add, getResult}),
    );
    state.setCurrentKey('k');
    for (const window of [0, 1]) {
      aggregating.setNamespace(window);
      aggregating.add(window);
    }

    t.throws(() => aggregating.mergeNamespaces(0, [1]), {code: 'E_STATE_MERGE'});
    state.close();
  });

  // ---- snapshots ----

  test(says('a snapshot restores all kinds of state and timers, and stays as it was'), t => {
    const state = backend();
    const fill = (one: KeyedStateBackend) => ({
      value: one.getState(new ValueStateDescriptor<unknown>('v')),
      list: one.getState(new ListStateDescriptor<number>('l')),
      map: one.getState(new MapStateDescriptor<string, number>('m')),
      reducing: one.getState(new ReducingStateDescriptor<number>('r', sum)),
      aggregating: one.getState(new AggregatingStateDescriptor('a', joined)),
    });
    const before = fill(state);
    const window = new TimeWindow(0, 10);
    for (const key of [1, 'a', [1, 2]]) {
      state.setCurrentKey(key);
      before.value.update({n: 1});
      before.list.setNamespace(window);
      before.list.add(1);
      before.map.put('x', 1);
      before.reducing.add(1);
      before.aggregating.setNamespace('name');
      before.aggregating.add(1);
    }
    const {service} = timers(state);
    service.registerEventTimeTimer(window, 7);
    service.registerProcessingTimeTimer(undefined, 8);

    const snapshot = sent(state.snapshot());
    before.value.update({n: 2});
    before.list.add(2);
    before.map.put('y', 2);

    const restored = backend({restored: snapshot});
    t.deepEqual([...restored.stateNames()].sort(), ['a', 'l', 'm', 'r', 'v']);
    t.is([...restored.keys('l', window)].length, 3);
    const after = fill(restored);
    for (const key of [1, 'a', [1, 2]]) {
      restored.setCurrentKey(key);
      t.deepEqual(after.value.value(), {n: 1});
      t.deepEqual([...after.list.get()], []);
      after.list.setNamespace(window);
      t.deepEqual([...after.list.get()], [1]);
      after.list.setNamespace(undefined);
      t.deepEqual([...after.map.entries()], [['x', 1]]);
      t.is(after.reducing.get(), 1);
      after.aggregating.setNamespace('name');
      t.is(after.aggregating.get(), '1;');
      after.aggregating.setNamespace(undefined);
    }
    const {service: again, fired} = timers(restored);
    t.is(again.currentWatermark, -Infinity);
    again.advanceWatermark(100);
    again.advanceProcessingTime(100);
    t.deepEqual(fired, [
      [[1, 2], window, 7],
      [[1, 2], undefined, -8],
    ]);
    state.close();
    restored.close();
  });

  test(says('what is written later does not reach a snapshot'), t => {
    const state = backend();
    const list = state.getState(new ListStateDescriptor<number>('l'));
    const map = state.getState(new MapStateDescriptor<string, number>('m'));
    const value = state.getState(new ValueStateDescriptor<{n: number}>('v'));
    state.setCurrentKey('a');
    list.add(1);
    map.put('x', 1);
    value.update({n: 1});
    const snapshot = state.snapshot();
    const asItWas = structuredClone(snapshot);

    list.add(2);
    map.put('x', 2);
    map.put('y', 2);
    value.update({n: 2});
    const restored = backend({restored: snapshot});
    restored.setCurrentKey('a');
    restored.getState(new ListStateDescriptor<number>('l')).add(3);
    restored.getState(new MapStateDescriptor<string, number>('m')).put('z', 3);

    t.deepEqual(snapshot, asItWas);
    state.close();
    restored.close();
  });

  test(says('state that nobody has asked for since it was restored is saved again'), t => {
    const state = backend();
    state.setCurrentKey('a');
    state.getState(new ValueStateDescriptor<number>('v')).update(1);
    timers(state).service.registerEventTimeTimer(undefined, 7);

    const second = backend({restored: sent(state.snapshot())});
    const third = backend({restored: sent(second.snapshot())});

    t.throws(() => third.getState(new ListStateDescriptor('v')), {code: 'E_STATE_DESCRIPTOR'});
    third.setCurrentKey('a');
    t.is(third.getState(new ValueStateDescriptor<number>('v')).value(), 1);
    t.is(timers(third).service.eventTimerCount, 1);
    for (const one of [state, second, third]) one.close();
  });

  for (const [from, to] of [
    [1, 3],
    [3, 2],
    [2, 5],
  ] as const) {
    test(says(`state goes from ${from} to ${to} subtasks by key groups`), t => {
      const keys = Array.from({length: 300}, (_, n) => (n % 3 === 0 ? n : `key ${n}`));
      const ownerOf = (key: unknown, parallelism: number) =>
        Math.floor((keyGroupOf(hashKey(key), MAX_PARALLELISM) * parallelism) / MAX_PARALLELISM);
      const old = Array.from({length: from}, (_, subtask) => {
        const state = backend({subtask, parallelism: from});
        const value = state.getState(new ValueStateDescriptor<{key: unknown}>('v'));
        const {service} = timers(state);
        for (const key of keys.filter(one => ownerOf(one, from) === subtask)) {
          state.setCurrentKey(key);
          value.update({key});
          service.registerEventTimeTimer(undefined, 1);
        }
        const snapshot = sent(state.snapshot());
        state.close();
        return {keyed: snapshot};
      });

      const parts = redistribute(old, to, MAX_PARALLELISM);

      t.is(parts.length, to);
      for (const [subtask, {keyed}] of parts.entries()) {
        const state = backend({subtask, parallelism: to, restored: keyed});
        const value = state.getState(new ValueStateDescriptor<{key: unknown}>('v'));
        const own = keys.filter(key => ownerOf(key, to) === subtask);
        t.deepEqual([...state.keys('v', undefined)].map(String).sort(), own.map(String).sort());
        t.is(timers(state).service.eventTimerCount, own.length);
        for (const key of own) {
          state.setCurrentKey(key);
          t.deepEqual(value.value(), {key});
        }
        state.close();
      }
    });
  }

  test(says('keyed state refuses another number of key groups'), t => {
    const state = backend();
    const snapshot = {...state.snapshot(), maxParallelism: 64};
    t.throws(() => backend({restored: snapshot}), {code: 'E_STATE_MAX_PARALLELISM'});
    t.throws(() => redistribute([{keyed: snapshot}], 2, 128), {code: 'E_STATE_MAX_PARALLELISM'});
    state.close();
  });

  test(says('a backend takes only its own key groups from a snapshot'), t => {
    const state = backend();
    const value = state.getState(new ValueStateDescriptor<number>('v'));
    for (let key = 0; key < 100; key += 1) {
      state.setCurrentKey(key);
      value.update(key);
    }
    const restored = backend({restored: sent(state.snapshot()), subtask: 1, parallelism: 2});
    for (const key of restored.keys('v', undefined)) {
      t.true(keyGroupOf(hashKey(key), MAX_PARALLELISM) >= 64);
    }
    t.true([...restored.keys('v', undefined)].length > 20);
    state.close();
    restored.close();
  });
}

function keyErrorOf(key: unknown): string {
  if (key === null || key === undefined) return 'E_KEY_NULL';
  const isNaN = key !== key || (key instanceof Date && key.getTime() !== key.getTime());
  return isNaN ? 'E_KEY_NAN' : 'E_KEY_TYPE';
}

export const sum = (a: number, b: number) => a + b;

export const joined = {
  createAccumulator: () => ({text: ''}),
  add: (value: number, {text}: {text: string}) => ({text: `${text}${value};`}),
  getResult: ({text}: {text: string}) => text,
  merge: (a: {text: string}, b: {text: string}) => ({text: a.text + b.text}),
};

function copyOf(namespace: undefined | string | number | TimeWindow) {
  return namespace instanceof TimeWindow
    ? new TimeWindow(namespace.start, namespace.end)
    : namespace;
}
