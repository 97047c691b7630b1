/**
 * The contract of state with a time to live, as tests over any backend: Flink's rules about what expires
 * when, what reads it still, and what goes away.
 */
import test from 'ava';
import {ManualClock} from '../../src/base/clock.ts';
import type {CreateKeyedBackend, KeyedStateBackend} from '../../src/state/keyed-state-backend.ts';
import type {KeyedSnapshot} from '../../src/state/keyed-snapshot.ts';
import {
  AggregatingStateDescriptor,
  ListStateDescriptor,
  MapStateDescriptor,
  ReducingStateDescriptor,
  ValueStateDescriptor,
} from '../../src/state/state-descriptors.ts';
import type {StateTtlConfig} from '../../src/state/state-ttl.ts';
import {joined, sum} from './keyed-state-contract.ts';

export function testTtl(backendName: string, create: CreateKeyedBackend): void {
  const says = (title: string) => `${backendName}: ${title}`;

  function backend({
    clock = new ManualClock(),
    restored,
  }: {clock?: ManualClock; restored?: KeyedSnapshot} = {}): KeyedStateBackend {
    return create({
      keyGroupRange: {first: 0, last: 127},
      maxParallelism: 128,
      clock,
      restored,
    });
  }

  const sent = (snapshot: KeyedSnapshot) => structuredClone(snapshot);

  const NEVER_CLEANED: Partial<StateTtlConfig> = {cleanup: {kind: 'none'}};

  function withTtl(config: Partial<StateTtlConfig>) {
    const clock = new ManualClock();
    const state = backend({clock});
    const ttl: StateTtlConfig = {ttlMs: 10, ...config};
    const handles = {
      value: state.getState(new ValueStateDescriptor<number>('v', {ttl})),
      list: state.getState(new ListStateDescriptor<number>('l', {ttl})),
      map: state.getState(new MapStateDescriptor<string, number>('m', {ttl})),
      reducing: state.getState(new ReducingStateDescriptor<number>('r', sum, {ttl})),
      aggregating: state.getState(new AggregatingStateDescriptor('a', joined, {ttl})),
    };
    state.setCurrentKey('a');
    const put = (n: number) => {
      handles.value.update(n);
      handles.list.add(n);
      handles.map.put(`k${n}`, n);
      handles.reducing.add(n);
      handles.aggregating.add(n);
    };
    const get = () => ({
      value: handles.value.value(),
      list: [...handles.list.get()],
      map: Object.fromEntries(handles.map.entries()),
      reducing: handles.reducing.get(),
      aggregating: handles.aggregating.get(),
    });
    return {clock, state, put, get, ...handles};
  }

  const NOTHING = {
    value: undefined,
    list: [],
    map: {},
    reducing: undefined,
    aggregating: undefined,
  };

  test(says('a value expires when its time to live has passed since it was written'), t => {
    const {clock, put, get, state} = withTtl({});
    put(1);
    clock.set(5);
    put(2);
    clock.set(9);
    t.deepEqual(get(), {
      value: 2,
      list: [1, 2],
      map: {k1: 1, k2: 2},
      reducing: 3,
      aggregating: '1;2;',
    });
    clock.set(10);
    t.deepEqual(get(), {value: 2, list: [2], map: {k2: 2}, reducing: 3, aggregating: '1;2;'});
    clock.set(15);
    t.deepEqual(get(), NOTHING);
    put(3);
    t.deepEqual(get(), {value: 3, list: [3], map: {k3: 3}, reducing: 3, aggregating: '3;'});
    state.close();
  });

  test(says('a read renews life if the update type says so'), t => {
    const {clock, put, get, state} = withTtl({updateType: 'onReadAndWrite'});
    put(1);
    for (const now of [9, 18, 27]) {
      clock.set(now);
      t.deepEqual(get(), {value: 1, list: [1], map: {k1: 1}, reducing: 1, aggregating: '1;'});
    }
    clock.set(37);
    t.deepEqual(get(), NOTHING);
    state.close();
  });

  test(says('nothing expires if the update type is disabled'), t => {
    const {clock, put, get, state} = withTtl({updateType: 'disabled'});
    put(1);
    clock.set(1e6);
    t.deepEqual(get(), {value: 1, list: [1], map: {k1: 1}, reducing: 1, aggregating: '1;'});
    state.close();
  });

  test(says('an expired value that is still there is returned once, if it may be'), t => {
    const {clock, put, get, state} = withTtl({
      visibility: 'returnExpiredIfNotCleanedUp',
      ...NEVER_CLEANED,
    });
    put(1);
    clock.set(50);
    t.deepEqual(get(), {value: 1, list: [1], map: {k1: 1}, reducing: 1, aggregating: '1;'});
    t.deepEqual(get(), NOTHING);
    state.close();
  });

  test(says('a list returns expired elements as long as one has not expired'), t => {
    const {clock, list, state} = withTtl({
      visibility: 'returnExpiredIfNotCleanedUp',
      ...NEVER_CLEANED,
    });
    list.add(1);
    clock.set(8);
    list.add(2);
    clock.set(12);
    t.deepEqual([...list.get()], [1, 2]);
    t.deepEqual([...list.get()], [1, 2]);
    clock.set(18);
    t.deepEqual([...list.get()], [1, 2]);
    t.deepEqual([...list.get()], []);
    state.close();
  });

  test(says('an expired value is combined only if it may be returned'), t => {
    for (const [visibility, total, text] of [
      ['neverReturnExpired', 5, '5;'],
      ['returnExpiredIfNotCleanedUp', 7, '2;5;'],
    ] as const) {
      const {clock, reducing, aggregating, state} = withTtl({visibility, ...NEVER_CLEANED});
      reducing.add(2);
      aggregating.add(2);
      clock.set(10);
      reducing.add(5);
      aggregating.add(5);
      t.is(reducing.get(), total);
      t.is(aggregating.get(), text);
      state.close();
    }
  });

  test(says('each entry of a map expires on its own; isEmpty does not look at times'), t => {
    const {clock, map, state} = withTtl(NEVER_CLEANED);
    map.put('x', 1);
    clock.set(5);
    map.put('y', 2);
    clock.set(12);
    t.false(map.contains('x'));
    t.true(map.contains('y'));
    t.is(map.get('x'), undefined);
    clock.set(20);
    t.false(map.isEmpty());
    t.deepEqual([...map.keys()], []);
    t.true(map.isEmpty());
    state.close();
  });

  test(says('incremental clean-up drops what nobody reads, a few entries per access'), t => {
    const {clock, state, value, list, map} = withTtl({
      cleanup: {kind: 'incremental', entriesPerAccess: 5},
    });
    for (let key = 0; key < 20; key += 1) {
      state.setCurrentKey(key);
      value.update(key);
      list.add(key);
      map.put('x', key);
    }
    clock.set(10);
    state.setCurrentKey('other');
    t.is(state.keyCount, 20);
    for (let round = 0; round < 10; round += 1) {
      value.value();
      list.get();
      map.get('y');
    }
    t.is(state.keyCount, 0);
    state.close();
  });

  test(says('small states with incremental clean-up never return what has expired'), t => {
    const {clock, put, get, state} = withTtl({visibility: 'returnExpiredIfNotCleanedUp'});
    put(1);
    clock.set(10);
    t.deepEqual(get(), NOTHING);
    state.close();
  });

  test(says('snapshots leave expired values out, and times are restored'), t => {
    const {clock, put, state} = withTtl({cleanup: {kind: 'fullSnapshot'}});
    put(1);
    clock.set(6);
    put(2);
    clock.set(11);
    const snapshot = sent(state.snapshot());
    t.deepEqual(
      new Map(snapshot.groups[0]!.states.map(({name, values}) => [name, values])),
      new Map<string, unknown>([
        ['v', [2]],
        ['l', [[2]]],
        ['m', [[['k2', 2]]]],
        ['r', [3]],
        ['a', [{text: '1;2;'}]],
      ]),
    );
    const later = new ManualClock(15);
    const restored = backend({clock: later, restored: snapshot});
    const ttl = {ttlMs: 10};
    const value = restored.getState(new ValueStateDescriptor<number>('v', {ttl}));
    const list = restored.getState(new ListStateDescriptor<number>('l', {ttl}));
    const map = restored.getState(new MapStateDescriptor<string, number>('m', {ttl}));
    restored.setCurrentKey('a');
    t.is(value.value(), 2);
    t.deepEqual([...list.get()], [2]);
    t.is(map.get('k2'), 2);
    later.set(16);
    t.is(value.value(), undefined);
    t.deepEqual([...list.get()], []);
    t.is(map.get('k2'), undefined);
    state.close();
    restored.close();
  });

  test(says('a TTL may be added and removed when state is restored'), t => {
    const plain = backend();
    plain.setCurrentKey('a');
    plain.getState(new ValueStateDescriptor<number>('v')).update(1);
    plain.getState(new ListStateDescriptor<number>('l')).update([1, 2]);

    const clock = new ManualClock(100);
    const timed = backend({clock, restored: sent(plain.snapshot())});
    const ttl = {ttlMs: 10};
    const value = timed.getState(new ValueStateDescriptor<number>('v', {ttl}));
    const list = timed.getState(new ListStateDescriptor<number>('l', {ttl}));
    timed.setCurrentKey('a');
    clock.set(109);
    t.is(value.value(), 1);
    t.deepEqual([...list.get()], [1, 2]);
    const third = backend({restored: sent(timed.snapshot())});
    clock.set(110);
    t.is(value.value(), undefined);

    third.setCurrentKey('a');
    t.is(third.getState(new ValueStateDescriptor<number>('v')).value(), 1);
    t.deepEqual([...third.getState(new ListStateDescriptor<number>('l')).get()], [1, 2]);
    for (const one of [plain, timed, third]) one.close();
  });

  test(says('merging keeps the times of list elements and drops expired accumulators'), t => {
    const {clock, list, reducing, state} = withTtl(NEVER_CLEANED);
    for (const [namespace, now] of [
      ['a', 0],
      ['b', 6],
      ['c', 8],
    ] as const) {
      clock.set(now);
      list.setNamespace(namespace);
      reducing.setNamespace(namespace);
      list.add(now);
      reducing.add(now);
    }
    clock.set(12);
    list.mergeNamespaces('c', ['a', 'b']);
    reducing.mergeNamespaces('c', ['a', 'b']);
    list.setNamespace('c');
    reducing.setNamespace('c');
    t.deepEqual([...list.get()], [8, 6]);
    t.is(reducing.get(), 14);
    clock.set(16);
    t.deepEqual([...list.get()], [8]);
    state.close();
  });

  for (const config of [
    {ttlMs: 0},
    {ttlMs: NaN},
    {ttlMs: '5' as never},
    {ttlMs: 5, updateType: 'OnReadAndWrite' as never},
    {ttlMs: 5, visibility: 'never' as never},
    {ttlMs: 5, cleanup: {kind: 'all' as never}},
    {ttlMs: 5, cleanup: {kind: 'incremental', entriesPerAccess: 0}},
  ] satisfies StateTtlConfig[]) {
    test(says(`the time to live ${JSON.stringify(config)} is refused`), t => {
      const state = backend();
      t.throws(() => state.getState(new ValueStateDescriptor('v', {ttl: config})), {
        code: 'E_STATE_TTL',
      });
      state.close();
    });
  }
}
