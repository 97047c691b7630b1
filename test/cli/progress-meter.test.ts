/** What counters that only grow say about the last second. */
import test from 'ava';
import {ProgressMeter, type Reading} from '../../src/cli/progress-meter.ts';
import {jobMetrics, type TaskNumbers} from '../support/job-readings.ts';

const MB = 1024 * 1024;

function reading(
  atMs: number,
  source: TaskNumbers,
  sink: TaskNumbers,
  rest: Partial<Reading> = {},
): Reading {
  return {
    atMs,
    metrics: jobMetrics(source, sink),
    states: ['RUNNING', 'RUNNING', 'RUNNING'],
    cpuMs: 0,
    peakMemoryBytes: 100 * MB,
    ...rest,
  };
}

test('rates, shares of time and queues are summed over subtasks', t => {
  const meter = new ProgressMeter(1000);
  meter.add(reading(1000, {}, {}, {cpuMs: 500}));
  meter.add(
    reading(
      1500,
      {lines: 100, words: 900, busyMs: 100, backpressuredMs: 300, idleMs: 100},
      {words: 800, busyMs: 250, idleMs: 250, queue: 5},
      {cpuMs: 1250, peakMemoryBytes: 200 * MB},
    ),
  );

  const progress = meter.progress();

  t.is(progress.elapsedMs, 500);
  t.is(progress.records, 100);
  t.is(progress.recordsPerSecond, 200);
  t.is(progress.cores, 1.5);
  t.is(progress.peakMemoryBytes, 200 * MB);
  t.deepEqual(progress.vertices, [
    {
      parallelism: 2,
      operators: [
        {name: 'Lines', records: 100, recordsPerSecond: 200},
        {name: 'Words', records: 100, recordsPerSecond: 200},
      ],
      busy: 0.2,
      backpressured: 0.6,
      idle: 0.2,
      queue: undefined,
      isFinished: false,
    },
    {
      parallelism: 1,
      operators: [{name: 'Print', records: 800, recordsPerSecond: 1600}],
      busy: 0.5,
      backpressured: 0,
      idle: 0.5,
      queue: {length: 5, lengthMax: 12},
      isFinished: false,
    },
  ]);
});

test('only about the last second counts for rates', t => {
  const meter = new ProgressMeter(0);
  for (let step = 0; step <= 20; step += 1) {
    // 10 lines per 100 ms at first, 50 per 100 ms in the second second.
    const lines = step <= 10 ? step * 10 : 100 + (step - 10) * 50;
    meter.add(reading(step * 100, {lines, busyMs: step * 100}, {idleMs: step * 100}));
  }

  const progress = meter.progress();

  t.is(progress.elapsedMs, 2000);
  t.is(progress.records, 600);
  t.is(progress.recordsPerSecond, 500);
});

test('a task that does not come back from a step counts as busy', t => {
  const meter = new ProgressMeter(0);
  meter.add(reading(0, {idleMs: 10}, {}));
  meter.add(reading(1000, {idleMs: 210}, {}));

  const [source, sink] = meter.progress().vertices;

  t.deepEqual([source!.busy, source!.idle], [0.8, 0.2]);
  t.is(sink!.busy, 1);
});

test('a task that has finished spends no time any more', t => {
  const meter = new ProgressMeter(0);
  meter.add(reading(0, {}, {}));
  meter.add(reading(1000, {}, {}, {states: ['FINISHED', 'FINISHED', 'RUNNING']}));

  const [source, sink] = meter.progress().vertices;

  t.true(source!.isFinished);
  t.is(source!.busy, 0);
  t.false(sink!.isFinished);
});

test('a single reading gives totals and no rates', t => {
  const meter = new ProgressMeter(0);
  meter.add(reading(300, {lines: 10}, {words: 5}));

  const progress = meter.progress();

  t.is(progress.records, 10);
  t.is(progress.recordsPerSecond, 0);
  t.is(progress.cores, 0);
});
