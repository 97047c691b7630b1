/** The backpressure example does what its comment says one sees. On real threads. */
import {setTimeout} from 'node:timers/promises';
import test from 'ava';
import {start, type JobMetrics} from '../../src/index.ts';

const EXAMPLE = new URL('../../examples/backpressure.ts', import.meta.url);

/** Small batches and few credits: little is in flight, so that the slow sink is felt at once. */
const CONFIG = {segmentSize: '1KB', exclusiveCredits: 1, floatingCredits: 0};

/** Numbers of one operator's task, summed over its subtasks. */
function task({tasks}: JobMetrics, operator: string) {
  const sum = {recordsIn: 0, recordsOut: 0, busyMs: 0, backpressuredMs: 0, idleMs: 0};
  for (const each of tasks) {
    const [head] = each.operators;
    if (!head!.name.endsWith(operator)) continue;
    sum.recordsIn += head!.recordsIn;
    sum.recordsOut += head!.recordsOut;
    sum.busyMs += each.busyMs;
    sum.backpressuredMs += each.backpressuredMs;
    sum.idleMs += each.idleMs;
  }
  const wholeMs = sum.busyMs + sum.backpressuredMs + sum.idleMs;
  return {...sum, busy: sum.busyMs / wholeMs, backpressured: sum.backpressuredMs / wholeMs};
}

test('a slow sink slows the source to its own rate, and nothing is lost', async t => {
  const count = 10_000;
  const run = await start(EXAMPLE, {
    args: ['--source-rate', '200000', '--sink-rate', '5000', '--seconds', '2'],
    parallelism: 2,
    config: CONFIG,
  });

  // Half of the way the source is ahead by what may be in flight, and no more.
  let metrics = run.metrics();
  while (task(metrics, 'Slow device').recordsIn < count / 2) {
    await setTimeout(5);
    metrics = run.metrics();
  }
  const inFlight = task(metrics, 'Sensor').recordsOut - task(metrics, 'Slow device').recordsIn;
  t.true(inFlight < count / 5, `${inFlight} in flight`);
  t.true(task(metrics, 'Sensor').backpressured > 0.5);
  t.true(task(metrics, 'To degrees').backpressured > 0.5);
  t.true(task(metrics, 'Slow device').busy > 0.5);
  t.is(task(metrics, 'Slow device').backpressuredMs, 0);

  const result = await run.done;
  for (const operator of ['To degrees', 'Slow device']) {
    t.is(task(result.metrics, operator).recordsIn, count, operator);
  }
  t.true(result.durationMs > 1800, `${result.durationMs} ms`);
});

test('a sink that is fast enough leaves the rate to the source', async t => {
  const run = await start(EXAMPLE, {
    args: ['--source-rate', '5000', '--sink-rate', '200000', '--seconds', '1'],
    parallelism: 2,
    config: CONFIG,
  });

  const {metrics, durationMs} = await run.done;

  t.is(task(metrics, 'Slow device').recordsIn, 5000);
  t.true(task(metrics, 'Sensor').backpressured < 0.2);
  t.true(durationMs > 900, `${durationMs} ms`);
});
