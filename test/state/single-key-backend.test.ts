/**
 * State of one key at a time: to that key it is what the memory backend is, and at its end nothing is left.
 */
import {deepStrictEqual} from 'node:assert';
import test from 'ava';
import fc from 'fast-check';
import {ManualClock} from '../../src/base/clock.ts';
import type {KeyedStateBackend} from '../../src/state/keyed-state-backend.ts';
import type {StateNamespace} from '../../src/state/keyed-state.ts';
import {createMemoryBackend} from '../../src/state/memory-backend.ts';
import {SingleKeyBackend, isSameKey} from '../../src/state/single-key-backend.ts';
import {
  AggregatingStateDescriptor,
  ListStateDescriptor,
  MapStateDescriptor,
  ReducingStateDescriptor,
  ValueStateDescriptor,
} from '../../src/state/state-descriptors.ts';
import {TimeWindow} from '../../src/time/time-window.ts';
import {timers} from './timer-contract.ts';

const OPTIONS = {keyGroupRange: {first: 0, last: 127}, maxParallelism: 128};

function single(clock = new ManualClock()): SingleKeyBackend {
  return new SingleKeyBackend({...OPTIONS, clock});
}

const NAMESPACES: readonly StateNamespace[] = [
  undefined,
  1,
  '1',
  '',
  new TimeWindow(0, 10),
  new TimeWindow(0, 11),
  'w0 10',
];

interface Action {
  readonly kind:
    'value' | 'list' | 'map' | 'reduce' | 'clear' | 'merge' | 'tick' | 'set' | 'delete';
  readonly namespace: number;
  readonly number: number;
}

/** Everything that can be seen of a key's state after each action. */
function walk(backend: KeyedStateBackend, clock: ManualClock, actions: readonly Action[]) {
  const ttl = {ttlMs: 10, cleanup: {kind: 'none'}} as const;
  backend.setCurrentKey('key');
  const value = backend.getState(new ValueStateDescriptor<number>('value', {ttl}));
  const list = backend.getState(new ListStateDescriptor<number>('list'));
  const map = backend.getState(new MapStateDescriptor<number, string>('map'));
  const reduced = backend.getState(new ReducingStateDescriptor<number>('reduced', (a, b) => a + b));
  const joined = backend.getState(
    new AggregatingStateDescriptor<number, string, string>('joined', {
      createAccumulator: () => '',
      add: (number, text) => `${text}${number},`,
      getResult: text => `<${text}>`,
      merge: (a, b) => a + b,
    }),
  );
  const {service, fired} = timers(backend);
  const all = [value, list, map, reduced, joined];
  return actions.map(({kind, namespace, number}) => {
    const space = NAMESPACES[namespace];
    for (const state of all) state.setNamespace(space);
    switch (kind) {
      case 'value':
        value.update(number % 5 === 0 ? undefined : number);
        break;
      case 'list':
        list.add(number);
        joined.add(number);
        break;
      case 'map':
        if (number % 4 === 0) map.remove(number >> 1);
        else map.put(number >> 1, `v${number}`);
        break;
      case 'reduce':
        reduced.add(number);
        break;
      case 'clear':
        for (const state of all) state.clear();
        break;
      case 'merge': {
        const source = NAMESPACES[number % NAMESPACES.length];
        if (namespace === number % NAMESPACES.length) break;
        for (const state of [list, reduced, joined]) state.mergeNamespaces(space, [source]);
        break;
      }
      case 'tick':
        clock.advance(number % 7);
        service.advanceWatermark(service.currentWatermark === -Infinity ? 0 : number);
        break;
      case 'set':
        service.registerEventTimeTimer(space, number);
        break;
      case 'delete':
        service.deleteEventTimeTimer(space, number);
        break;
    }
    return {
      value: value.value(),
      list: [...list.get()],
      map: [...map.entries()],
      reduced: reduced.get(),
      joined: joined.get(),
      fired: [...fired],
      timers: service.eventTimerCount,
      keys: [...backend.keys('list', space)],
      keyCount: backend.keyCount,
    };
  });
}

test('to one key it is what the memory backend is', t => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record<Action>({
          kind: fc.constantFrom(
            ...(['value', 'list', 'map', 'reduce', 'clear'] as const),
            ...(['merge', 'tick', 'set', 'delete'] as const),
          ),
          namespace: fc.nat({max: NAMESPACES.length - 1}),
          number: fc.nat({max: 30}),
        }),
        {maxLength: 80, size: 'max'},
      ),
      actions => {
        const [clock, otherClock] = [new ManualClock(), new ManualClock()];
        const memory = createMemoryBackend({...OPTIONS, clock});
        const one = single(otherClock);
        deepStrictEqual(walk(one, otherClock, actions), walk(memory, clock, actions));
        deepStrictEqual(byPlace(one.snapshot()), byPlace(memory.snapshot()));
        one.endKey();
        t.is(one.keyCount, 0);
        t.deepEqual(one.snapshot().groups, []);
      },
    ),
    {numRuns: 300, seed: 99},
  );
});

/** Entries in an order that does not depend on the backend. */
function byPlace({groups}: ReturnType<KeyedStateBackend['snapshot']>): string[] {
  return groups
    .flatMap(({keyGroup, states, timers: queues}) => [
      ...states.flatMap(({name, keys, values, namespaces, times}) =>
        keys.map((key, at) =>
          JSON.stringify([keyGroup, name, key, namespaces?.[at], values[at], times?.[at]]),
        ),
      ),
      ...queues.flatMap(({service, keys, namespaces, timestamps}) =>
        keys.map((key, at) =>
          JSON.stringify([keyGroup, service, key, namespaces?.[at], timestamps[at]]),
        ),
      ),
    ])
    .sort();
}

test('timers of processing time wait for the end of the key, and new ones are ignored there', t => {
  const backend = single();
  const {service, fired} = timers(backend);
  backend.setCurrentKey('a');
  service.registerProcessingTimeTimer(undefined, 20);
  service.registerProcessingTimeTimer(undefined, 10);
  service.registerEventTimeTimer(undefined, 5);

  t.is(service.nextProcessingTimeMs, Infinity);
  t.is(backend.eventTimeTimerCount, 1);
  backend.beginEnd();
  service.registerEventTimeTimer(undefined, 6);
  service.registerProcessingTimeTimer(undefined, 30);
  service.advanceWatermark(Infinity);
  service.advanceProcessingTime(Infinity);
  backend.endKey();

  t.deepEqual(fired, [
    ['a', undefined, 5],
    ['a', undefined, -10],
    ['a', undefined, -20],
  ]);
  backend.setCurrentKey('b');
  service.registerEventTimeTimer(undefined, 7);
  t.is(service.eventTimerCount, 1);
});

test('keys are the same as for state: by value, with -0 and 0 apart', t => {
  t.true(isSameKey(['a', 1], ['a', 1]));
  t.true(isSameKey(new Date(3), new Date(3)));
  t.true(isSameKey(0, 0) && isSameKey('x', 'x') && isSameKey(-0, -0));
  t.false(isSameKey(0, -0) || isSameKey(1, 1n) || isSameKey('1', 1) || isSameKey([0], [-0]));
  t.throws(() => single().setCurrentKey(undefined), {code: 'E_KEY_NULL'});
});

test('a name is one state, and nothing is restored', t => {
  const backend = single();
  const descriptor = new ValueStateDescriptor<number>('v');
  t.is(backend.getState(descriptor), backend.getState(new ValueStateDescriptor<number>('v')));
  t.is(backend.descriptorOf('v'), descriptor);
  t.deepEqual(backend.stateNames(), ['v']);
  t.throws(() => backend.getState(new ListStateDescriptor('v')), {code: 'E_STATE_DESCRIPTOR'});
  const restored = {maxParallelism: 128, groups: []};
  t.throws(() => new SingleKeyBackend({...OPTIONS, clock: new ManualClock(), restored}));
});
