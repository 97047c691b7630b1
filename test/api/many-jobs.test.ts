/** Many jobs with threads of their own, one after the other in one process: nothing may stay behind. */
import test from 'ava';
import {startOn} from '../../src/api/start.ts';
import {eventually} from '../support/eventually.ts';
import {FAKE_RUNTIME, fakeJob} from '../support/fake-job.ts';
import {handleCounts, heldMb, threadCount} from '../support/process-threads.ts';
import {runJob} from '../support/run-job.ts';

/** Of each kind of end. */
const ROUNDS = 6;
const WARM_UP_ROUNDS = 2;

const ENDS = {
  finished: async () => {
    const run = await startOn(FAKE_RUNTIME, fakeJob('count'), {parallelism: 1});
    await run.done;
  },
  canceled: async () => {
    const run = await startOn(FAKE_RUNTIME, fakeJob('faulty'), {
      parallelism: 1,
      args: {fault: 'none'},
    });
    await run.cancel();
  },
  failed: async () => {
    const run = await startOn(FAKE_RUNTIME, fakeJob('faulty'), {
      parallelism: 1,
      args: {fault: 'exit', taskCount: 1},
    });
    await run.done.catch(() => {});
  },
  'failed to start': async () => {
    await startOn(FAKE_RUNTIME, fakeJob('faulty'), {
      parallelism: 1,
      args: {fault: 'build'},
    }).catch(() => {});
  },
};

test.serial('jobs that end in every way leave no thread, handle or memory', async t => {
  const round = async () => {
    for (const end of Object.values(ENDS)) await end();
  };
  for (let i = 0; i < WARM_UP_ROUNDS; i += 1) await round();
  const threads = threadCount();
  const handles = handleCounts();
  const heldBefore = heldMb();

  for (let i = 0; i < ROUNDS; i += 1) await round();

  if (threads !== undefined) await eventually('threads gone', () => threadCount()! <= threads);
  t.deepEqual(handleCounts(), handles);
  const grownMb = heldMb() - heldBefore;
  t.true(grownMb < 5, `${grownMb.toFixed(1)} MiB more after ${ROUNDS} rounds`);
});

test.serial('jobs of the engine with host streams leave nothing either', async t => {
  const round = async () => {
    const run = await runJob(t, 'api/jobs/echo.ts');
    run.input('in').write({i: 1});
    run.input('in').end();
    const values: unknown[] = [];
    for await (const value of run.output('out')) values.push(value);
    t.deepEqual(values, [{i: 1}]);
    await run.done;
  };
  for (let i = 0; i < WARM_UP_ROUNDS; i += 1) await round();
  const threads = threadCount();
  const handles = handleCounts();
  const heldBefore = heldMb();

  for (let i = 0; i < ROUNDS; i += 1) await round();

  if (threads !== undefined) await eventually('threads gone', () => threadCount()! <= threads);
  t.deepEqual(handleCounts(), handles);
  const grownMb = heldMb() - heldBefore;
  t.true(grownMb < 5, `${grownMb.toFixed(1)} MiB more after ${ROUNDS} jobs`);
});
