/** Expectations of whole streams, and the sources and sinks that tests write by hand. */
import {AssertionError} from 'node:assert';
import test, {type ExecutionContext} from 'ava';
import {
  TumblingEventTimeWindows,
  runInThread,
  type StreamExecutionEnvironment,
} from '../../src/index.ts';
import {TestSink, TestSource, expectStream, simulate} from '../../src/testing/index.ts';

const doubled = (env: StreamExecutionEnvironment) =>
  env.fromElements(1, 2, 3).map(value => value * 2);

/** The message of an expectation that is not met. */
async function messageOf(t: ExecutionContext, expectation: Promise<void>): Promise<string> {
  const error = await t.throwsAsync(expectation, {instanceOf: AssertionError});
  return error!.message;
}

test('a stream that emits what is expected passes', async t => {
  await t.notThrowsAsync(expectStream(doubled).toEmit([2, 4, 6]));
  await t.notThrowsAsync(expectStream(doubled).toEmitInAnyOrder([6, 2, 4]));
  await t.notThrowsAsync(expectStream(env => doubled(env).filter(() => false)).toEmitNothing());
});

test('another order is a difference only where order counts', async t => {
  const message = await messageOf(t, expectStream(doubled).toEmit([2, 6, 4]));

  t.regex(message, /record 1: expected 6, got 4$/);
});

test('records that are missing and too many are told apart', async t => {
  const expected = [{id: 1}, {id: 2}, {id: 2}];
  const stream = (env: StreamExecutionEnvironment) => env.fromElements({id: 2}, {id: 3});

  t.is(
    await messageOf(t, expectStream(stream).toEmitInAnyOrder(expected)),
    'the stream emits something else\n' +
      '  missing: 2\n    { id: 1 }\n    { id: 2 }\n' +
      '  too many: 1\n    { id: 3 }',
  );
  t.regex(
    await messageOf(t, expectStream(stream).toEmit([{id: 2}])),
    /record 1: expected nothing, got \{ id: 3 \}\n {2}too many: 1/,
  );
});

test('long differences are cut', async t => {
  const message = await messageOf(t, expectStream(env => env.sequence(1, 20)).toEmitInAnyOrder([]));

  t.regex(message, /too many: 20\n {4}1\n[^]*… 15 more$/);
});

test('per key, the order of each key counts and no other', async t => {
  const stream = (env: StreamExecutionEnvironment) =>
    env
      .fromElements('a1', 'b1', 'a2', 'b2')
      .keyBy(text => text[0]!)
      .reduce((_a, b) => b);
  const key = (text: string) => text[0];

  await t.notThrowsAsync(
    expectStream(stream, {parallelism: 2}).toEmitPerKey(key, ['b1', 'b2', 'a1', 'a2']),
  );
  t.regex(
    await messageOf(t, expectStream(stream).toEmitPerKey(key, ['b2', 'b1', 'a1', 'a2'])),
    /key 'b', record 0: expected 'b2', got 'b1'/,
  );
  t.regex(
    await messageOf(t, expectStream(stream).toEmitPerKey(key, ['b1', 'b2', 'a1'])),
    /too many: 1\n {4}'a2'/,
  );
});

test('under seeds, the seed of the first difference is told', async t => {
  await t.notThrowsAsync(
    expectStream(env => env.sequence(1, 50), {seeds: 5, parallelism: 3}).toEmitInAnyOrder(
      Array.from({length: 50}, (_, index) => index + 1),
    ),
  );
  t.regex(
    await messageOf(t, expectStream(doubled, {seeds: [7], parallelism: 1}).toEmit([2, 4])),
    /under seed 7\nrecord 2/,
  );
});

test('the error carries both lists for the test runner', async t => {
  const error = await t.throwsAsync(expectStream(doubled).toEmit([2]), {
    instanceOf: AssertionError,
  });

  t.deepEqual(error!.actual, [2, 4, 6]);
  t.deepEqual(error!.expected, [2]);
});

/** Counts per window, of what a source was given by hand. */
function counts(source: TestSource<string>) {
  return (env: StreamExecutionEnvironment) =>
    env
      .fromSource(source, source.watermarks)
      .keyBy(text => text)
      .window(TumblingEventTimeWindows.of(10))
      .process<string>((key, {window}, elements, out) => {
        out.collect(`${key} ${window.start} ${elements.length}`);
      });
}

test('a source gives the watermarks that were written, so that late is late', async t => {
  const source = new TestSource<string>()
    .emit('x', {timestamp: 1})
    .emit('x', {timestamp: 12})
    .emitWatermark(9)
    .emit('x', {timestamp: 2})
    .end();

  await t.notThrowsAsync(expectStream(counts(source)).toEmit(['x 0 1', 'x 10 1']));
});

test('an idle split does not hold the others back, a silent one does', async t => {
  for (const isIdle of [true, false]) {
    const source = new TestSource<string>({splits: 2});
    source.emit('y', {timestamp: 1, split: 1});
    if (isIdle) source.markIdle(1);
    source.emitAll([
      ['x', 1],
      ['x', 11],
    ]);
    source.emitWatermark(10);
    const sink = new TestSink<string>();
    const run = runInThread(env => void counts(source)(env).sinkTo(sink), {
      parallelism: 2,
      config: {autoWatermarkIntervalMs: 1},
    });
    if (isIdle) {
      await sink.until(2);
      t.deepEqual([...sink.values].sort(), ['x 0 1', 'y 0 1']);
      source.end();
    } else {
      source.end(0);
      await new Promise(resolve => {
        setImmediate(resolve);
      });
      t.deepEqual(sink.values, []);
      source.end(1);
    }
    await run;
    t.deepEqual([...sink.values].sort(), ['x 0 1', 'x 10 1', 'y 0 1']);
  }
});

test('a source is written while its job runs, and a sink tells what has come', async t => {
  const source = new TestSource<number>();
  const sink = new TestSink<number>();
  const run = runInThread(env => void env.fromSource(source).sinkTo(sink));

  source.emit(1, {timestamp: 5});
  await sink.until(1);
  source.emit(2);
  await sink.until(2);
  source.end();
  await run;

  t.deepEqual(sink.records, [
    {value: 1, timestamp: 5, subtask: 0},
    {value: 2, subtask: 0},
  ]);
});

test('a sink that is paused takes nothing until it is resumed', async t => {
  const source = new TestSource<number>();
  const sink = new TestSink<number>();
  sink.pause();
  const run = runInThread(env => void env.fromSource(source).sinkTo(sink));
  source.emit(1).end();
  await new Promise(resolve => {
    setImmediate(resolve);
  });
  t.deepEqual(sink.values, []);

  sink.resume();
  await run;

  t.deepEqual(sink.values, [1]);
});

test('written sources and sinks run in the simulator', async t => {
  for (let seed = 1; seed <= 20; seed += 1) {
    const source = new TestSource<string>({splits: 3});
    for (let at = 0; at < 60; at += 1) {
      source.emit('xyz'[at % 3]!, {timestamp: at, split: at % 3});
      source.emitWatermark(at, at % 3);
    }
    source.end();
    const sink = new TestSink<string>();
    await simulate(env => void counts(source)(env).sinkTo(sink), {seed, parallelism: 3});

    t.is(sink.values.length, 18, `seed ${seed}`);
  }
});

test('a source refuses what it cannot do', t => {
  const source = new TestSource<number>({splits: 2}).end(1);

  t.throws(() => source.emit(1, {split: 2}), {code: 'E_TEST_SOURCE'});
  t.throws(() => source.emit(1, {split: 1}), {code: 'E_TEST_SOURCE'});
  t.throws(() => new TestSource({splits: 0}), {code: 'E_TEST_SOURCE'});
});
