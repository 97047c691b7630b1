/** Async calls in real threads: promises wake a worker that sleeps. */
import test from 'ava';
import {StreamError} from '../../src/index.ts';
import {runJob} from '../support/run-job.ts';

const LOOKUPS = 'api/jobs/lookups.ts';

const tens = (count: number) => Array.from({length: count}, (_, index) => (index + 1) * 10);

test('calls are under way together, as many as the capacity allows', async t => {
  const args = {count: 200, delayMs: 50, capacity: 20};
  const run = await runJob(t, LOOKUPS, {args});
  t.deepEqual((await run.done).collected['out'], tens(200));

  const counting = await runJob(t, LOOKUPS, {args: {...args, countsCalls: true}});
  t.is(Math.max(...((await counting.done).collected['out'] as number[])), 20);
});

test('more records than the capacity wait in front of the task, not in it', async t => {
  const run = await runJob(t, LOOKUPS, {args: {count: 30, delayMs: 10, capacity: 1}});

  t.deepEqual((await run.done).collected['out'], tens(30));
});

test('calls that fail are made again', async t => {
  // The last record is called for when all of the first 20 have been answered: a call that failed after
  // the end of input would not be made again.
  const args = {count: 50, delayMs: 5, capacity: 10, trouble: 'late'};
  const run = await runJob(t, LOOKUPS, {args});

  t.deepEqual((await run.done).collected['out'], tens(50));
});

test('a call that never answers fails the job when its time is over', async t => {
  const args = {count: 10, delayMs: 5, capacity: 100, trouble: 'lost'};
  const run = await runJob(t, LOOKUPS, {args});
  const error = await t.throwsAsync(run.done, {instanceOf: StreamError});

  t.is(error!.code, 'E_ASYNC_TIMEOUT');
  t.is(error!.details['record'], '7');
});

test('a job that waits for an answer can be cancelled', async t => {
  const run = await runJob(t, LOOKUPS, {args: {count: 5, delayMs: 1e9, capacity: 2}});

  t.is((await run.cancel()).state, 'CANCELED');
});
