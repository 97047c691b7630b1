/** Strategies, their generators, and idleness. */
import test from 'ava';
import {ManualClock} from '../../src/base/clock.ts';
import {PausableClock} from '../../src/time/activity-clock.ts';
import {WatermarkStrategy} from '../../src/time/watermark-strategy.ts';
import {RecordingOutput} from '../support/recording-output.ts';

function generatorOf<T>(strategy: WatermarkStrategy<T>) {
  const clock = new ManualClock(1);
  const output = new RecordingOutput();
  const generator = strategy.createWatermarkGenerator({activityClock: clock});
  return {
    clock,
    event: (timestamp: number) => generator.onEvent(undefined as T, timestamp, output),
    periodic: () => {
      generator.onPeriodicEmit(output);
      return output.take();
    },
    take: () => output.take(),
  };
}

test('a bounded generator stays its bound and 1 behind the largest timestamp', t => {
  const {event, periodic} = generatorOf(WatermarkStrategy.forBoundedOutOfOrderness(5));

  t.deepEqual(periodic(), [-Infinity]);
  event(10);
  event(7);
  t.deepEqual(periodic(), [4]);
  event(NaN);
  t.deepEqual(periodic(), [4]);
  event(-3);
  event(11);
  t.deepEqual(periodic(), [5]);
});

test('a monotonous generator is 1 behind; no watermarks are none', t => {
  const monotonous = generatorOf(WatermarkStrategy.forMonotonousTimestamps());
  monotonous.event(10);
  t.deepEqual(monotonous.periodic(), [9]);

  const none = generatorOf(WatermarkStrategy.noWatermarks());
  none.event(10);
  t.deepEqual(none.periodic(), []);
});

test('a generator of one`s own is made for each stream', t => {
  let created = 0;
  const strategy = WatermarkStrategy.forGenerator<string>(() => {
    created += 1;
    return {
      onEvent: (_event, timestamp, output) => output.emitWatermark(timestamp),
      onPeriodicEmit: output => output.markIdle(),
    };
  });
  const {event, take, periodic} = generatorOf(strategy);
  event(3);
  t.deepEqual(take(), [3]);
  t.deepEqual(periodic(), ['idle']);
  generatorOf(strategy);
  t.is(created, 2);
});

test('a stream is idle when it has been silent for longer than the timeout, counted from a look', t => {
  const {clock, event, periodic} = generatorOf(
    WatermarkStrategy.forBoundedOutOfOrderness(0).withIdleness(10),
  );
  event(5);
  t.deepEqual(periodic(), [4]);
  clock.set(100);
  // The first look without an event starts the timer.
  t.deepEqual(periodic(), [4]);
  clock.set(110);
  t.deepEqual(periodic(), [4]);
  clock.set(110.5);
  t.deepEqual(periodic(), ['idle']);
  clock.set(500);
  t.deepEqual(periodic(), []);
});

test('an event makes the stream active with the next watermark, and it may become idle again', t => {
  const {clock, event, periodic} = generatorOf(
    WatermarkStrategy.forBoundedOutOfOrderness(0).withIdleness(10),
  );
  periodic();
  clock.set(50);
  t.deepEqual(periodic(), ['idle']);
  event(7);
  t.deepEqual(periodic(), [6]);
  periodic();
  clock.set(100);
  t.deepEqual(periodic(), ['idle']);
});

test('the time of a pause does not count', t => {
  const clock = new ManualClock(1000);
  const pausable = new PausableClock(clock);
  const started = pausable.now();

  clock.advance(5);
  pausable.pause();
  pausable.pause();
  clock.advance(100);
  t.is(pausable.now() - started, 5);
  pausable.resume();
  pausable.resume();
  clock.advance(3);
  t.is(pausable.now() - started, 8);
});

test('each method gives a new strategy', t => {
  const first = WatermarkStrategy.forMonotonousTimestamps<{at: number}>();
  const assigner = (value: {at: number}) => value.at;
  const last = first
    .withTimestampAssigner(assigner)
    .withIdleness(5)
    .withWatermarkAlignment('group', 100);

  t.is(first.assigner, undefined);
  t.is(first.idleTimeoutMs, undefined);
  t.is(last.assigner, assigner);
  t.is(last.idleTimeoutMs, 5);
  t.deepEqual(last.alignment, {group: 'group', maxDriftMs: 100, updateIntervalMs: 1000});
  t.is(last.withDefaultIdleness(7), last);
  t.is(first.withDefaultIdleness(7).idleTimeoutMs, 7);
});

test('a strategy says what it does', t => {
  t.is(
    WatermarkStrategy.forBoundedOutOfOrderness(99)
      .withIdleness(5)
      .withWatermarkAlignment('clicks', 1).description,
    'watermarks 100 ms behind, idle after 5 ms, aligned in clicks',
  );
  t.is(WatermarkStrategy.noWatermarks().description, 'no watermarks');
});

for (const [what, make] of Object.entries({
  'a negative bound': () => WatermarkStrategy.forBoundedOutOfOrderness(-1),
  'a bound that is no number': () => WatermarkStrategy.forBoundedOutOfOrderness(NaN),
  'a timeout of 0': () => WatermarkStrategy.noWatermarks().withIdleness(0),
  'an assigner that is none': () =>
    WatermarkStrategy.noWatermarks().withTimestampAssigner('at' as never),
  'a group without a name': () => WatermarkStrategy.noWatermarks().withWatermarkAlignment('', 1),
  'a generator that is none': () => WatermarkStrategy.forGenerator({} as never),
})) {
  test(`${what} is refused`, t => {
    t.throws(make, {code: 'E_WATERMARK_STRATEGY'});
  });
}
