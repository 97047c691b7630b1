/** The contract of timers, as tests over any backend. */
import test from 'ava';
import {ManualClock} from '../../src/base/clock.ts';
import type {CreateKeyedBackend, KeyedStateBackend} from '../../src/state/keyed-state-backend.ts';
import {ValueStateDescriptor} from '../../src/state/state-descriptors.ts';
import {TimerService} from '../../src/state/timer-service.ts';
import {TimeWindow} from '../../src/time/time-window.ts';

/** A service on `state`, and what has fired so far; processing time is negative there. */
export function timers(state: KeyedStateBackend, name = 'timers') {
  const fired: Array<[unknown, unknown, number]> = [];
  const service = new TimerService({
    backend: state,
    name,
    clock: new ManualClock(),
    onEventTime: (key, namespace, timestamp) => fired.push([key, namespace, timestamp]),
    onProcessingTime: (key, namespace, timestamp) => fired.push([key, namespace, -timestamp]),
  });
  return {service, fired};
}

export function testTimers(backendName: string, create: CreateKeyedBackend): void {
  const says = (title: string) => `${backendName}: ${title}`;

  const backend = (): KeyedStateBackend =>
    create({
      keyGroupRange: {first: 0, last: 127},
      maxParallelism: 128,
      clock: new ManualClock(),
    });

  test(says('a timer is there once, and fires in the order of time'), t => {
    const state = backend();
    const {service, fired} = timers(state);
    for (const [key, timestamp] of [
      ['a', 30],
      ['b', 10],
      ['a', 30],
      ['a', 10],
      ['b', 20],
      ['c', -5],
    ] as const) {
      state.setCurrentKey(key);
      service.registerEventTimeTimer(undefined, timestamp);
    }
    t.is(service.eventTimerCount, 5);

    t.true(service.advanceWatermark(20));

    t.is(service.currentWatermark, 20);
    t.deepEqual(fired, [
      ['c', undefined, -5],
      ['b', undefined, 10],
      ['a', undefined, 10],
      ['b', undefined, 20],
    ]);
    service.advanceWatermark(Infinity);
    t.deepEqual(fired.at(-1), ['a', undefined, 30]);
    t.is(state.keyCount, 0);
    state.close();
  });

  test(says('deleting a timer deletes only that one'), t => {
    const state = backend();
    const {service, fired} = timers(state);
    const window = new TimeWindow(0, 10);
    state.setCurrentKey('a');
    service.deleteEventTimeTimer(undefined, 1);
    service.registerEventTimeTimer(undefined, 1);
    service.registerEventTimeTimer(window, 1);
    service.registerProcessingTimeTimer(undefined, 1);
    state.setCurrentKey('b');
    service.registerEventTimeTimer(undefined, 1);

    service.deleteEventTimeTimer(undefined, 1);
    service.deleteEventTimeTimer(undefined, 1);
    state.setCurrentKey('a');
    service.deleteEventTimeTimer(new TimeWindow(0, 11), 1);

    service.advanceWatermark(5);
    t.deepEqual(fired, [
      ['a', undefined, 1],
      ['a', window, 1],
    ]);
    t.is(service.nextProcessingTimeMs, 1);
    service.deleteProcessingTimeTimer(undefined, 1);
    t.is(service.nextProcessingTimeMs, Infinity, 'the key that fired last is the current one');
    state.close();
  });

  test(
    says('a timer that is registered while timers fire, and due, fires in the same advance'),
    t => {
      const state = backend();
      const fired: number[] = [];
      const service: TimerService = new TimerService({
        backend: state,
        name: 't',
        clock: new ManualClock(),
        onEventTime: (_key, _namespace, timestamp) => {
          fired.push(timestamp);
          if (timestamp === 10) {
            service.registerEventTimeTimer(undefined, 3);
            service.registerEventTimeTimer(undefined, 10);
            service.registerEventTimeTimer(undefined, 21);
          }
          if (fired.length > 10) t.fail('for ever');
          if (fired.filter(ts => ts === 10).length === 2)
            service.deleteEventTimeTimer(undefined, 10);
        },
        onProcessingTime: () => {},
      });
      state.setCurrentKey('a');
      service.registerEventTimeTimer(undefined, 10);

      service.advanceWatermark(20);

      t.deepEqual(fired, [10, 3, 10, 3]);
      t.is(service.eventTimerCount, 1);
      state.close();
    },
  );

  test(says('firing stops between two timers when it may not go on'), t => {
    const state = backend();
    const {service, fired} = timers(state);
    for (let key = 0; key < 5; key += 1) {
      state.setCurrentKey(key);
      service.registerEventTimeTimer(undefined, 1);
      service.registerProcessingTimeTimer(undefined, 100 + key);
    }
    let left = 2;

    t.false(service.advanceWatermark(1, () => left-- > 0));
    t.is(fired.length, 2);
    t.is(service.currentWatermark, 1);
    t.true(service.advanceWatermark(1, () => true));
    t.is(fired.length, 5);

    t.is(service.nextProcessingTimeMs, 100);
    t.true(service.advanceProcessingTime(102));
    t.is(fired.length, 8);
    t.is(service.nextProcessingTimeMs, 103);
    state.close();
  });

  test(says('the key of a timer that fires is the current one, and its state is there'), t => {
    const state = backend();
    const value = state.getState(new ValueStateDescriptor<number>('v'));
    const seen: unknown[] = [];
    const service: TimerService = new TimerService({
      backend: state,
      name: 't',
      clock: new ManualClock(),
      onEventTime: key => {
        seen.push([key, state.currentKey, value.value()]);
        value.clear();
      },
      onProcessingTime: () => {},
    });
    for (const key of ['x', 'y']) {
      state.setCurrentKey(key);
      value.update(key.charCodeAt(0));
      service.registerEventTimeTimer(undefined, 5);
    }
    state.setCurrentKey('z');

    service.advanceWatermark(5);

    t.deepEqual(seen, [
      ['x', 'x', 120],
      ['y', 'y', 121],
    ]);
    t.is(state.keyCount, 0);
    state.close();
  });
}
