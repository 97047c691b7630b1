/** Event time in a job with real threads, whose records come from the host. */
import test from 'ava';
import {eventually} from '../support/eventually.ts';
import {runJob} from '../support/run-job.ts';
import type {Moment} from './jobs/minutes.ts';

interface Count {
  readonly key: string;
  readonly start: number;
  readonly count: number;
}

test('windows fire while the host writes, it is told what they wait for, and the rest comes at the end', async t => {
  const run = await runJob(t, 'api/jobs/minutes.ts', {
    parallelism: 2,
    config: {autoWatermarkIntervalMs: 5, bufferTimeoutMs: 1},
  });
  const input = run.input<Moment>('moments');
  const counts = run.output<Count>('counts')[Symbol.asyncIterator]();
  const next = async () => (await counts.next()).value as Count;
  const explained = () => run.explainWatermarks().find(({operator}) => operator === 'Count')!;
  t.is(explained().watermark, -Infinity);

  for (const at of [1, 2, 3, 12]) input.write({key: 'a', at});
  t.deepEqual(await next(), {key: 'a', start: 0, count: 3});
  // Two subtasks stand where the slower one does.
  await eventually('event time stands at 11 everywhere', () => explained().watermark === 11);
  const {hasTimers, heldBackBy, text} = explained();
  t.true(hasTimers);
  t.is(heldBackBy!.operator, 'Source: Host moments');
  t.regex(
    text,
    /^Count \(\d\/2\) stands at 11 since .* s: held back by Source: Host moments \(1\/1\)$/,
  );

  input.end();
  t.deepEqual(await next(), {key: 'a', start: 10, count: 1});
  t.true((await counts.next()).done);
  const {metrics} = await run.done;
  t.true(metrics.tasks.every(task => task.currentInputWatermark === Infinity));
  t.deepEqual(run.explainWatermarks(), []);
});

test('with real threads, too, no watermark overtakes a record', async t => {
  const run = await runJob(t, 'api/jobs/guarded.ts', {
    parallelism: 3,
    config: {autoWatermarkIntervalMs: 1, segmentSize: '1KB', exclusiveCredits: 1},
  });

  const {state, metrics} = await run.done;

  t.is(state, 'FINISHED');
  t.true(metrics.tasks.every(task => task.currentInputWatermark === Infinity));
});
