/**
 * Random walks through keyed state against a model that is obviously right: Maps by the text of key and
 * namespace, timers as a list, Flink's rules about time to live element by element. Now and then everything is
 * saved, cloned and restored, or goes through another number of subtasks and back.
 */
import test from 'ava';
import fc from 'fast-check';
import {ManualClock} from '../../src/base/clock.ts';
import {hashKey, keyGroupOf, keyGroupRange, subtaskOf} from '../../src/base/key-group.ts';
import type {CreateKeyedBackend, KeyedStateBackend} from '../../src/state/keyed-state-backend.ts';
import type {StateNamespace} from '../../src/state/keyed-state.ts';
import {redistribute, type OperatorSnapshot} from '../../src/state/redistribute.ts';
import {
  AggregatingStateDescriptor,
  ListStateDescriptor,
  MapStateDescriptor,
  ReducingStateDescriptor,
  ValueStateDescriptor,
} from '../../src/state/state-descriptors.ts';
import type {StateTtlConfig} from '../../src/state/state-ttl.ts';
import {TimerService} from '../../src/state/timer-service.ts';
import {TimeWindow} from '../../src/time/time-window.ts';

const MAX_PARALLELISM = 16;

type Step =
  | {do: 'value' | 'list' | 'reducing' | 'aggregating'; key: number; ns: number; n: number}
  | {do: 'map'; key: number; ns: number; entry: number; n: number}
  | {do: 'removeEntry'; key: number; ns: number; entry: number}
  | {do: 'clear'; key: number; ns: number; kind: number}
  | {do: 'update'; key: number; ns: number; length: number}
  | {do: 'look'; key: number; ns: number}
  | {do: 'merge'; key: number; target: number; sources: number[]}
  | {do: 'timer' | 'deleteTimer'; key: number; ns: number; ts: number; isEvent: boolean}
  | {do: 'watermark' | 'processingTime'; by: number}
  | {do: 'wait'; ms: number}
  | {do: 'restore'; parallelism: number};

const key = fc.nat(11);
const ns = fc.nat(4);
const n = fc.integer({min: -3, max: 9});

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom('value', 'list', 'reducing', 'aggregating'),
      key,
      ns,
      n,
    }) as fc.Arbitrary<Step>,
  },
  {weight: 3, arbitrary: fc.record({do: fc.constant('map'), key, ns, entry: fc.nat(4), n})},
  {weight: 1, arbitrary: fc.record({do: fc.constant('removeEntry'), key, ns, entry: fc.nat(4)})},
  {weight: 3, arbitrary: fc.record({do: fc.constant('clear'), key, ns, kind: fc.nat(4)})},
  {weight: 1, arbitrary: fc.record({do: fc.constant('update'), key, ns, length: fc.nat(3)})},
  {weight: 4, arbitrary: fc.record({do: fc.constant('look'), key, ns})},
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('merge'),
      key,
      target: ns,
      sources: fc.uniqueArray(ns, {maxLength: 3}),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom('timer', 'timer', 'deleteTimer'),
      key,
      ns,
      ts: fc.nat(30),
      isEvent: fc.boolean(),
    }) as fc.Arbitrary<Step>,
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom('watermark', 'processingTime'),
      by: fc.nat(8),
    }) as fc.Arbitrary<Step>,
  },
  {weight: 3, arbitrary: fc.record({do: fc.constant('wait'), ms: fc.nat(6)})},
  {
    weight: 1,
    arbitrary: fc.record({do: fc.constant('restore'), parallelism: fc.integer({min: 1, max: 4})}),
  },
) as fc.Arbitrary<Step>;

const ttlConfig: fc.Arbitrary<StateTtlConfig | undefined> = fc.option(
  fc.record({
    ttlMs: fc.integer({min: 1, max: 15}),
    updateType: fc.constantFrom('onCreateAndWrite', 'onReadAndWrite', 'disabled'),
    // What returns expired values depends on when they are cleaned up; the contract has tests for it.
    cleanup: fc.constantFrom(
      {kind: 'none' as const},
      {kind: 'fullSnapshot' as const},
      {kind: 'incremental' as const, entriesPerAccess: 2},
    ),
  }),
  {nil: undefined},
);

/** Different kinds of keys make different tables. */
const KEYS: ReadonlyArray<(n: number) => unknown> = [
  n => n,
  n => `key ${n}`,
  n => [n, 'ä'],
  n => (n % 3 === 0 ? n - 0.5 : n % 3 === 1 ? String(n) : [n]),
];

const NAMESPACES: ReadonlyArray<StateNamespace> = [
  undefined,
  new TimeWindow(0, 10),
  new TimeWindow(10, 20),
  'name',
  7,
];

/** Values whose shape changes on the way. */
const valueOf = (n: number, isMixed: boolean): unknown => {
  if (!isMixed) return {n, half: n / 2};
  if (n > 7) return `text ${n}`;
  return n < 0 ? {n, list: [n]} : {n, half: n / 2};
};

const joined = {
  createAccumulator: () => ({total: 0, count: 0}),
  add: (value: number, a: {total: number; count: number}) => ({
    total: a.total * 2 + value,
    count: a.count + 1,
  }),
  getResult: (a: {total: number; count: number}) => ({...a}),
  merge: (a: {total: number; count: number}, b: {total: number; count: number}) => ({
    total: a.total + 3 * b.total,
    count: a.count + b.count,
  }),
};
const reduce = (a: number, b: number) => 2 * a + b;

function handlesOf(backend: KeyedStateBackend, ttl: StateTtlConfig | undefined) {
  const options = ttl === undefined ? {} : {ttl};
  return {
    value: backend.getState(new ValueStateDescriptor<unknown>('v', options)),
    list: backend.getState(new ListStateDescriptor<number>('l', options)),
    map: backend.getState(new MapStateDescriptor<number, number>('m', options)),
    reducing: backend.getState(new ReducingStateDescriptor<number>('r', reduce, options)),
    aggregating: backend.getState(new AggregatingStateDescriptor('a', joined, options)),
  };
}

/** One element of the model: a value, and when it was last updated. */
interface Timed<T> {
  value: T;
  at: number;
}

class Model {
  nowMs = 0;
  readonly ttlMs: number;
  readonly renews: boolean;
  readonly values = new Map<string, Timed<unknown>>();
  readonly lists = new Map<string, Array<Timed<number>>>();
  readonly maps = new Map<string, Map<number, Timed<number>>>();
  readonly reduced = new Map<string, Timed<number>>();
  readonly aggregated = new Map<string, Timed<{total: number; count: number}>>();

  constructor(ttl: StateTtlConfig | undefined) {
    const lives = ttl === undefined || ttl.updateType === 'disabled';
    this.ttlMs = lives ? Infinity : ttl.ttlMs;
    this.renews = ttl?.updateType === 'onReadAndWrite';
  }

  isLive({at}: Timed<unknown>): boolean {
    return at + this.ttlMs > this.nowMs;
  }

  timed<T>(value: T): Timed<T> {
    return {value, at: this.nowMs};
  }

  one<T>(map: Map<string, Timed<T>>, id: string): T | undefined {
    const found = map.get(id);
    return found !== undefined && this.isLive(found) ? found.value : undefined;
  }

  read<T>(map: Map<string, Timed<T>>, id: string): T | undefined {
    const value = this.one(map, id);
    if (value === undefined) map.delete(id);
    else if (this.renews) map.get(id)!.at = this.nowMs;
    return value;
  }

  readAll(id: string) {
    const list = (this.lists.get(id) ?? []).filter(one => this.isLive(one));
    const map = [...(this.maps.get(id) ?? [])].filter(([, one]) => this.isLive(one));
    if (this.renews)
      for (const one of [...list, ...map.map(([, timed]) => timed)]) one.at = this.nowMs;
    this.lists.set(id, list);
    this.maps.set(id, new Map(map));
    return {
      value: this.read(this.values, id),
      list: list.map(({value}) => value),
      map: map.map(([entry, {value}]) => [entry, value]),
      reduced: this.read(this.reduced, id),
      aggregated: this.read(this.aggregated, id),
    };
  }

  merge(target: string, sources: string[]): void {
    const moved = sources.flatMap(source => this.lists.get(source) ?? []);
    for (const source of sources) this.lists.delete(source);
    if (moved.length > 0) this.lists.set(target, [...(this.lists.get(target) ?? []), ...moved]);
    this.mergeOne(this.reduced, target, sources, reduce);
    this.mergeOne(this.aggregated, target, sources, joined.merge);
  }

  mergeOne<T>(
    map: Map<string, Timed<T>>,
    target: string,
    sources: string[],
    merge: (a: T, b: T) => T,
  ): void {
    const values = sources
      .map(source => this.one(map, source))
      .filter((one): one is T & ({} | null) => one !== undefined) as T[];
    for (const source of sources) map.delete(source);
    if (values.length === 0) return;
    const merged = values.reduce(merge);
    const own = this.one(map, target);
    map.set(target, this.timed(own === undefined ? merged : merge(own, merged)));
  }
}

interface Timer {
  key: number;
  ns: number;
  ts: number;
}

class TimerModel {
  timers: Timer[] = [];

  add(timer: Timer): void {
    if (!this.timers.some(one => sameTimer(one, timer))) this.timers.push(timer);
  }

  delete(timer: Timer): void {
    this.timers = this.timers.filter(one => !sameTimer(one, timer));
  }

  advance(to: number): Timer[] {
    const due = this.timers.filter(({ts}) => ts <= to).sort((a, b) => a.ts - b.ts);
    this.timers = this.timers.filter(({ts}) => ts > to);
    return due;
  }
}

function sameTimer(a: Timer, b: Timer): boolean {
  return a.key === b.key && a.ns === b.ns && a.ts === b.ts;
}

export function testKeyedStateWalks(
  backendName: string,
  create: CreateKeyedBackend,
  numRuns: number,
): void {
  for (const [index, keyOf] of KEYS.entries()) {
    test(`${backendName}: random walks end where the model does, keys of kind ${index}`, t => {
      const property = fc.property(
        fc.array(step, {maxLength: 120, size: 'max'}),
        ttlConfig,
        fc.boolean(),
        (steps, ttl, isMixed) => walk(create, steps, ttl, keyOf, isMixed),
      );
      fc.assert(property, {seed: 100 + index, numRuns});
      t.pass();
    });
  }
}

function walk(
  create: CreateKeyedBackend,
  steps: readonly Step[],
  ttl: StateTtlConfig | undefined,
  keyOf: (n: number) => unknown,
  isMixed: boolean,
): void {
  const clock = new ManualClock();
  const model = new Model(ttl);
  const eventModel = new TimerModel();
  const processingModel = new TimerModel();
  const fired: string[] = [];
  let isInOrder = true;
  let watermark = 0;
  let processingTime = 0;
  const textOfTimer = (key: unknown, namespace: unknown, ts: number) =>
    `${JSON.stringify([key, namespace ?? null])} ${ts}`;

  function start(keyed?: OperatorSnapshot['keyed']) {
    const backend = create({
      keyGroupRange: keyGroupRange(0, MAX_PARALLELISM, 1),
      maxParallelism: MAX_PARALLELISM,
      clock,
      restored: keyed,
    });
    const service: TimerService = new TimerService({
      backend,
      name: 'walk',
      clock,
      onEventTime: (key, namespace, ts) => fired.push(textOfTimer(key, namespace, ts)),
      onProcessingTime: (key, namespace, ts) => fired.push(textOfTimer(key, namespace, ts)),
    });
    return {backend, service, handles: handlesOf(backend, ttl)};
  }

  /** Through another number of subtasks and back into one. */
  function throughSubtasks(snapshot: OperatorSnapshot, parallelism: number): OperatorSnapshot {
    const parts = redistribute([snapshot], parallelism, MAX_PARALLELISM).map((part, subtask) => {
      const backend = create({
        keyGroupRange: keyGroupRange(subtask, MAX_PARALLELISM, parallelism),
        maxParallelism: MAX_PARALLELISM,
        clock,
        restored: part.keyed,
      });
      // Only this state is loaded; the rest is handed on as it came.
      handlesOf(backend, ttl);
      for (const key of backend.keys('v', undefined)) {
        const group = keyGroupOf(hashKey(key), MAX_PARALLELISM);
        if (subtaskOf(group, MAX_PARALLELISM, parallelism) !== subtask)
          throw new Error('not its key');
      }
      const keyed = structuredClone(backend.snapshot());
      backend.close();
      return {keyed};
    });
    return redistribute(parts, 1, MAX_PARALLELISM)[0]!;
  }

  let {backend, service, handles} = start();

  function at(key: number, ns: number): string {
    backend.setCurrentKey(keyOf(key));
    for (const handle of Object.values(handles)) handle.setNamespace(NAMESPACES[ns]);
    return `${key}/${ns}`;
  }

  function expectFired(due: readonly Timer[]): void {
    const expected = due.map(one => textOfTimer(keyOf(one.key), NAMESPACES[one.ns], one.ts));
    const seen = fired.splice(0);
    // After a restore the order of equal timestamps is open.
    equal(isInOrder ? seen : seen.sort(), isInOrder ? expected : expected.sort());
  }

  function look(key: number, ns: number): void {
    const id = at(key, ns);
    const expected = model.readAll(id);
    equal(
      {
        value: handles.value.value(),
        list: [...handles.list.get()],
        map: [...handles.map.entries()],
        reduced: handles.reducing.get(),
        aggregated: handles.aggregating.get(),
      },
      expected,
    );
  }

  for (const one of steps) {
    switch (one.do) {
      case 'value': {
        const id = at(one.key, one.ns);
        const value = valueOf(one.n, isMixed);
        model.values.set(id, model.timed(value));
        handles.value.update(structuredClone(value));
        break;
      }
      case 'list': {
        const id = at(one.key, one.ns);
        model.lists.set(id, [...(model.lists.get(id) ?? []), model.timed(one.n)]);
        handles.list.add(one.n);
        break;
      }
      case 'update': {
        const id = at(one.key, one.ns);
        const list = Array.from({length: one.length}, (_, n) => n);
        model.lists.set(
          id,
          list.map(n => model.timed(n)),
        );
        handles.list.update(list);
        break;
      }
      case 'reducing': {
        const id = at(one.key, one.ns);
        const before = model.one(model.reduced, id);
        const value = before === undefined ? one.n : reduce(before, one.n);
        model.reduced.set(id, model.timed(value));
        handles.reducing.add(one.n);
        break;
      }
      case 'aggregating': {
        const id = at(one.key, one.ns);
        const before = model.one(model.aggregated, id) ?? joined.createAccumulator();
        model.aggregated.set(id, model.timed(joined.add(one.n, before)));
        handles.aggregating.add(one.n);
        break;
      }
      case 'map': {
        const id = at(one.key, one.ns);
        const entries = [...(model.maps.get(id) ?? [])].filter(([, timed]) => model.isLive(timed));
        model.maps.set(id, new Map(entries).set(one.entry, model.timed(one.n)));
        // An expired entry that is still there keeps its place; reading drops it.
        handles.map.keys();
        for (const timed of model.maps.get(id)!.values()) {
          if (model.renews) timed.at = model.nowMs;
        }
        handles.map.put(one.entry, one.n);
        break;
      }
      case 'removeEntry': {
        const id = at(one.key, one.ns);
        model.maps.get(id)?.delete(one.entry);
        handles.map.remove(one.entry);
        break;
      }
      case 'clear': {
        const id = at(one.key, one.ns);
        const maps = [model.values, model.lists, model.maps, model.reduced, model.aggregated];
        maps[one.kind]!.delete(id);
        Object.values(handles)[one.kind]!.clear();
        break;
      }
      case 'look':
        look(one.key, one.ns);
        break;
      case 'merge': {
        at(one.key, one.target);
        const sources = one.sources.filter(source => source !== one.target);
        model.merge(
          `${one.key}/${one.target}`,
          sources.map(source => `${one.key}/${source}`),
        );
        const namespaces = sources.map(source => NAMESPACES[source]);
        for (const handle of [handles.list, handles.reducing, handles.aggregating]) {
          handle.mergeNamespaces(NAMESPACES[one.target], namespaces);
        }
        break;
      }
      case 'timer':
      case 'deleteTimer': {
        at(one.key, one.ns);
        const timers = one.isEvent ? eventModel : processingModel;
        const namespace = NAMESPACES[one.ns];
        const {key, ns, ts} = one;
        if (one.do === 'timer') {
          timers.add({key, ns, ts});
          if (one.isEvent) service.registerEventTimeTimer(namespace, ts);
          else service.registerProcessingTimeTimer(namespace, ts);
        } else {
          timers.delete({key, ns, ts});
          if (one.isEvent) service.deleteEventTimeTimer(namespace, ts);
          else service.deleteProcessingTimeTimer(namespace, ts);
        }
        break;
      }
      case 'watermark':
        watermark += one.by;
        service.advanceWatermark(watermark);
        expectFired(eventModel.advance(watermark));
        break;
      case 'processingTime': {
        processingTime += one.by;
        const first = Math.min(Infinity, ...processingModel.timers.map(({ts}) => ts));
        equal(service.nextProcessingTimeMs, first);
        service.advanceProcessingTime(processingTime);
        expectFired(processingModel.advance(processingTime));
        break;
      }
      case 'wait':
        clock.advance(one.ms);
        model.nowMs += one.ms;
        break;
      case 'restore': {
        const snapshot = {keyed: structuredClone(backend.snapshot())};
        backend.close();
        isInOrder = false;
        ({backend, service, handles} = start(throughSubtasks(snapshot, one.parallelism).keyed));
        break;
      }
    }
  }
  for (let key = 0; key < 12; key += 1) {
    for (let ns = 0; ns < NAMESPACES.length; ns += 1) look(key, ns);
  }
  service.advanceWatermark(Infinity);
  expectFired(eventModel.advance(Infinity));
  service.advanceProcessingTime(Infinity);
  expectFired(processingModel.advance(Infinity));
  for (const handle of Object.values(handles)) {
    for (let key = 0; key < 12; key += 1) {
      for (let ns = 0; ns < NAMESPACES.length; ns += 1) {
        at(key, ns);
        handle.clear();
      }
    }
  }
  equal(backend.keyCount, 0);
  equal(backend.snapshot().groups, []);
  backend.close();
}

function equal(seen: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(seen), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${a} instead of ${b}`);
}
