/**
 * Keyed state through the handles that user functions get, against a Map of objects that a hand-written
 * program would use. Each operation takes one record into what its key has: set the key, read,
 * write. Keys come in a fixed random order; everything is warm.
 *
 *   value        ValueState of {count, total}: lies in lanes
 *   number       ValueState of a number
 *   heap         ValueState of {count, total, name}: lies on the heap
 *   window       ReducingState under (key, window of 1 000 records); a window is cleared when it ends
 *   timer        a timer per record, at a random time ahead; those that are due fire
 *   lmdb         ValueState on disk, with a cache that holds all keys, or next to none of them
 *
 * `npm run bench -- --micro state`.
 */
import {ManualClock, systemClock} from '../../src/base/clock.ts';
import {lmdbBackends} from '../../src/state/lmdb-backend.ts';
import {createMemoryBackend} from '../../src/state/memory-backend.ts';
import type {KeyedStateBackend} from '../../src/state/keyed-state-backend.ts';
import {ReducingStateDescriptor, ValueStateDescriptor} from '../../src/state/state-descriptors.ts';
import {TimerService} from '../../src/state/timer-service.ts';
import {TimeWindow} from '../../src/time/time-window.ts';
import type {MicroBench, MicroCase} from '../lib/micro.ts';

const SEQUENCE = 1 << 22;

interface Totals {
  count: number;
  total: number;
}

/** A key for each of `SEQUENCE` records. */
function keySequence(keyCount: number): Int32Array {
  const keys = new Int32Array(SEQUENCE);
  let state = 1;
  for (let index = 0; index < SEQUENCE; index += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    keys[index] = (state >>> 4) % keyCount;
  }
  return keys;
}

/** Goes over `count` records and returns the sum of what their keys have counted. */
type Pass = (keys: Int32Array, count: number) => number;

function countingCase(keyCount: number, full: number, create: () => Pass): MicroCase {
  let pass: Pass | undefined;
  let keys: Int32Array | undefined;
  let expected = 0;
  const counts = new Int32Array(keyCount);
  return {
    operations: {full, smoke: 20_000},
    run(operations) {
      keys ??= keySequence(keyCount);
      pass ??= create();
      expected = 0;
      for (let index = 0; index < operations; index += 1) {
        const key = keys[index & (SEQUENCE - 1)]!;
        counts[key]! += 1;
        expected += counts[key]!;
      }
      const startMs = systemClock.monotonicNow();
      const sum = pass(keys, operations);
      const ms = systemClock.monotonicNow() - startMs;
      return {ms, answer: sum === expected ? 0 : sum};
    },
    answer: () => 0,
  };
}

function memoryBackend(): KeyedStateBackend {
  return createMemoryBackend({
    keyGroupRange: {first: 0, last: 127},
    maxParallelism: 128,
    clock: new ManualClock(),
  });
}

const mapOfObjects = (): Pass => {
  const map = new Map<number, Totals>();
  return (keys, count) => {
    let sum = 0;
    for (let index = 0; index < count; index += 1) {
      const key = keys[index & (SEQUENCE - 1)]!;
      const totals = map.get(key);
      if (totals === undefined) {
        map.set(key, {count: 1, total: index * 0.5});
        sum += 1;
      } else {
        totals.count += 1;
        totals.total += index * 0.5;
        sum += totals.count;
      }
    }
    return sum;
  };
};

/** As a program that takes values as immutable would write it. */
const mapOfNewObjects = (): Pass => {
  const map = new Map<number, Totals>();
  return (keys, count) => {
    let sum = 0;
    for (let index = 0; index < count; index += 1) {
      const key = keys[index & (SEQUENCE - 1)]!;
      const totals = map.get(key) ?? {count: 0, total: 0};
      map.set(key, {count: totals.count + 1, total: totals.total + index * 0.5});
      sum += totals.count + 1;
    }
    return sum;
  };
};

const valueState = (): Pass => {
  const backend = memoryBackend();
  const state = backend.getState(new ValueStateDescriptor<Totals>('totals'));
  return (keys, count) => {
    let sum = 0;
    for (let index = 0; index < count; index += 1) {
      backend.setCurrentKey(keys[index & (SEQUENCE - 1)]!);
      const totals = state.value() ?? {count: 0, total: 0};
      totals.count += 1;
      totals.total += index * 0.5;
      state.update(totals);
      sum += totals.count;
    }
    return sum;
  };
};

const numberState = (): Pass => {
  const backend = memoryBackend();
  const state = backend.getState(new ValueStateDescriptor<number>('count'));
  return (keys, count) => {
    let sum = 0;
    for (let index = 0; index < count; index += 1) {
      backend.setCurrentKey(keys[index & (SEQUENCE - 1)]!);
      const next = (state.value() ?? 0) + 1;
      state.update(next);
      sum += next;
    }
    return sum;
  };
};

const heapState = (): Pass => {
  const backend = memoryBackend();
  const state = backend.getState(new ValueStateDescriptor<Totals & {name: string}>('totals'));
  return (keys, count) => {
    let sum = 0;
    for (let index = 0; index < count; index += 1) {
      backend.setCurrentKey(keys[index & (SEQUENCE - 1)]!);
      const totals = state.value() ?? {count: 0, total: 0, name: 'short'};
      totals.count += 1;
      totals.total += index * 0.5;
      state.update(totals);
      sum += totals.count;
    }
    return sum;
  };
};

const textKeys = (): Pass => {
  const backend = memoryBackend();
  const state = backend.getState(new ValueStateDescriptor<Totals>('totals'));
  return (keys, count) => {
    let sum = 0;
    for (let index = 0; index < count; index += 1) {
      backend.setCurrentKey(`key ${keys[index & (SEQUENCE - 1)]!}`);
      const totals = state.value() ?? {count: 0, total: 0};
      totals.count += 1;
      totals.total += index * 0.5;
      state.update(totals);
      sum += totals.count;
    }
    return sum;
  };
};

const mapOfTexts = (): Pass => {
  const map = new Map<string, Totals>();
  return (keys, count) => {
    let sum = 0;
    for (let index = 0; index < count; index += 1) {
      const key = `key ${keys[index & (SEQUENCE - 1)]!}`;
      const totals = map.get(key);
      if (totals === undefined) {
        map.set(key, {count: 1, total: index * 0.5});
        sum += 1;
      } else {
        totals.count += 1;
        totals.total += index * 0.5;
        sum += totals.count;
      }
    }
    return sum;
  };
};

/** Counts per key and window; `perWindow` records belong to a window. */
function windowCase(keyCount: number, perWindow: number, full: number): MicroCase {
  return {
    operations: {full, smoke: 20_000},
    run(operations) {
      const keys = keySequence(keyCount);
      const backend = memoryBackend();
      const state = backend.getState(
        new ReducingStateDescriptor<number>('counts', (a, b) => a + b),
      );
      const startMs = systemClock.monotonicNow();
      let sum = 0;
      for (let from = 0; from < operations; from += perWindow) {
        const to = Math.min(operations, from + perWindow);
        const window = new TimeWindow(from, from + perWindow);
        for (let index = from; index < to; index += 1) {
          backend.setCurrentKey(keys[index & (SEQUENCE - 1)]!);
          state.setNamespace(window);
          state.add(1);
        }
        for (const key of [...backend.keys('counts', window)]) {
          backend.setCurrentKey(key);
          sum += state.get()!;
          state.clear();
        }
      }
      return {ms: systemClock.monotonicNow() - startMs, answer: sum};
    },
    answer: operations => operations,
  };
}

/** Each key's session: a window of its own per few records. */
function sessionCase(keyCount: number, full: number): MicroCase {
  return {
    operations: {full, smoke: 20_000},
    run(operations) {
      const keys = keySequence(keyCount);
      const backend = memoryBackend();
      const state = backend.getState(
        new ReducingStateDescriptor<number>('counts', (a, b) => a + b),
      );
      const starts = new Float64Array(keyCount).fill(-1);
      const startMs = systemClock.monotonicNow();
      let sum = 0;
      for (let index = 0; index < operations; index += 1) {
        const key = keys[index & (SEQUENCE - 1)]!;
        backend.setCurrentKey(key);
        const start = starts[key]!;
        if (start >= 0 && index % 4 === 0) {
          state.setNamespace(new TimeWindow(start, start + 100));
          sum += state.get()!;
          state.clear();
          starts[key] = -1;
        }
        if (starts[key]! < 0) starts[key] = index;
        state.setNamespace(new TimeWindow(starts[key]!, starts[key]! + 100));
        state.add(1);
      }
      for (let key = 0; key < keyCount; key += 1) {
        if (starts[key]! < 0) continue;
        backend.setCurrentKey(key);
        state.setNamespace(new TimeWindow(starts[key]!, starts[key]! + 100));
        sum += state.get()!;
        state.clear();
      }
      if (backend.keyCount !== 0) return {ms: 0, answer: -1};
      return {ms: systemClock.monotonicNow() - startMs, answer: sum};
    },
    answer: operations => operations,
  };
}

function timerCase(keyCount: number, full: number, timeOf: (index: number) => number): MicroCase {
  return {
    operations: {full, smoke: 20_000},
    run(operations) {
      const keys = keySequence(keyCount);
      const backend = memoryBackend();
      let fired = 0;
      const timers = new TimerService<undefined>({
        backend,
        name: 'bench',
        clock: new ManualClock(),
        onEventTime: () => {
          fired += 1;
        },
        onProcessingTime: () => {},
      });
      let registered = 0;
      const startMs = systemClock.monotonicNow();
      for (let index = 0; index < operations; index += 1) {
        backend.setCurrentKey(keys[index & (SEQUENCE - 1)]!);
        const before = timers.eventTimerCount;
        timers.registerEventTimeTimer(undefined, timeOf(index));
        registered += timers.eventTimerCount - before;
        if ((index & 1023) === 0) timers.advanceWatermark(index);
      }
      timers.advanceWatermark(Infinity);
      const ms = systemClock.monotonicNow() - startMs;
      return {ms, answer: fired === registered && backend.keyCount === 0 ? 0 : fired};
    },
    answer: () => 0,
  };
}

/** Counts per key on disk; setting up and removing the directory does not count. */
function lmdbCase(keyCount: number, cacheSizeBytes: number, full: number): MicroCase {
  return {
    operations: {full, smoke: 5000},
    run(operations) {
      const keys = keySequence(keyCount);
      const backend = lmdbBackends({cacheSizeBytes})({
        keyGroupRange: {first: 0, last: 127},
        maxParallelism: 128,
        clock: new ManualClock(),
      });
      const state = backend.getState(new ValueStateDescriptor<Totals>('totals'));
      const startMs = systemClock.monotonicNow();
      for (let index = 0; index < operations; index += 1) {
        backend.setCurrentKey(keys[index & (SEQUENCE - 1)]!);
        const {count, total} = state.value() ?? {count: 0, total: 0};
        state.update({count: count + 1, total: total + index * 0.5});
      }
      const ms = systemClock.monotonicNow() - startMs;
      let sum = 0;
      for (const key of [...backend.keys('totals', undefined)]) {
        backend.setCurrentKey(key);
        sum += state.value()!.count;
      }
      backend.close();
      return {ms, answer: sum};
    },
    answer: operations => operations,
  };
}

export const bench: MicroBench = {
  unit: 'record',
  cases: {
    '1k keys, Map of objects': countingCase(1000, 5e6, mapOfObjects),
    '1k keys, Map of new objects': countingCase(1000, 5e6, mapOfNewObjects),
    '1k keys, value': countingCase(1000, 5e6, valueState),
    '1k keys, number': countingCase(1000, 5e6, numberState),
    '1k keys, heap': countingCase(1000, 5e6, heapState),
    '100k keys, Map of objects': countingCase(100_000, 3e6, mapOfObjects),
    '100k keys, Map of new objects': countingCase(100_000, 3e6, mapOfNewObjects),
    '100k keys, value': countingCase(100_000, 3e6, valueState),
    '100k keys, number': countingCase(100_000, 3e6, numberState),
    '100k keys, heap': countingCase(100_000, 3e6, heapState),
    '1m keys, Map of objects': countingCase(1_000_000, 4e6, mapOfObjects),
    '1m keys, Map of new objects': countingCase(1_000_000, 4e6, mapOfNewObjects),
    '1m keys, value': countingCase(1_000_000, 4e6, valueState),
    '1m keys, number': countingCase(1_000_000, 4e6, numberState),
    '1m keys, heap': countingCase(1_000_000, 4e6, heapState),
    '100k texts, Map of objects': countingCase(100_000, 2e6, mapOfTexts),
    '100k texts, value': countingCase(100_000, 2e6, textKeys),
    '10k keys, windows of 1m records': windowCase(10_000, 1_000_000, 4e6),
    '1m keys, windows of 1m records': windowCase(1_000_000, 1_000_000, 4e6),
    '100k keys, sessions': sessionCase(100_000, 2e6),
    '10k keys, lmdb, all in the cache': lmdbCase(10_000, 64 << 20, 1e6),
    '1m keys, lmdb, few in the cache': lmdbCase(1_000_000, 4 << 20, 3e5),
    '100k keys, timers of few times': timerCase(100_000, 2e6, i => i - (i % 10_000) + 20_000),
    '100k keys, timers of their own': timerCase(100_000, 2e6, i => i + ((i * 7919) % 50_000)),
  },
};
