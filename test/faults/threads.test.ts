/**
 * User code that ends, blocks or fills its worker thread: with the whole engine, on real threads. The job
 * fails with a reason that names the task, and every thread is gone afterwards.
 */
import test, {type ExecutionContext} from 'ava';
import {StreamError, type StartOptions} from '../../src/index.ts';
import {eventually} from '../support/eventually.ts';
import {threadCount} from '../support/process-threads.ts';
import {runJob} from '../support/run-job.ts';
import type {BadThreadsArgs} from './jobs/bad-threads.ts';

/** A watchdog that is quick to act, and still slower than a thread that waits for a busy machine. */
const WATCHED = {config: {taskTimeoutMs: 1500}};
const JOB = 'faults/jobs/bad-threads.ts';
/** The second subtask, which runs on the second worker. */
const TASK = 'Source: Generator -> Bad -> Sink: Discard (2/2)';

async function fails(
  t: ExecutionContext,
  fault: BadThreadsArgs['fault'],
  options: StartOptions = {},
): Promise<StreamError> {
  const threads = threadCount();
  const error = await t.throwsAsync(
    async () => {
      const run = await runJob(t, JOB, {parallelism: 2, args: {fault}, ...options});
      await run.done;
    },
    {instanceOf: StreamError},
  );
  if (threads !== undefined) await eventually('threads gone', () => threadCount()! <= threads);
  t.is(error!.details.job, 'job');
  t.is(error!.details.worker, 1);
  return error!;
}

test.serial('a worker that runs out of memory', async t => {
  const error = await fails(t, 'out of memory', {workerHeapMb: 64});

  t.is(error.code, 'E_WORKER_OUT_OF_MEMORY');
  t.is(error.details.task, TASK);
  t.regex(
    error.message,
    /keep less in user functions, raise the parallelism, or give workerHeapMb/,
  );
});

for (const [fault, exitCode] of [
  ['exit', 7],
  ['exit with 0', 0],
] as const) {
  test.serial(`process.exit in user code ends a worker: ${fault}`, async t => {
    const error = await fails(t, fault);

    t.is(error.code, 'E_WORKER_EXIT');
    t.is(error.details.task, TASK);
    t.is(error.details.exitCode, exitCode);
    t.regex(error.message, /must not call process\.exit/);
  });
}

for (const fault of ['endless loop', 'endless loop in open', 'blocking wait'] as const) {
  test.serial(`a user function that does not return: ${fault}`, async t => {
    const error = await fails(t, fault, WATCHED);

    t.is(error.code, 'E_TASK_NOT_RESPONDING');
    t.is(error.details.task, TASK);
    t.true(Number(error.details.silentMs) >= 1500);
    t.regex(
      error.message,
      /endless loop or a blocking call in user functions, or raise taskTimeoutMs/,
    );
  });
}

test.serial('a loop outside of the calls of the engine', async t => {
  const error = await fails(t, 'endless loop in a timer', WATCHED);

  t.is(error.code, 'E_TASK_NOT_RESPONDING');
  t.is(error.details.task, undefined);
});

for (const [fault, thrown] of [
  ['unhandled rejection', 'RangeError: nobody waits for this'],
  ['exception in a timer', 'RangeError: nobody catches this'],
] as const) {
  test.serial(`an exception outside of the calls of the engine: ${fault}`, async t => {
    const error = await fails(t, fault);

    t.is(error.code, 'E_UNCAUGHT');
    t.is(error.details.thrown, thrown);
    t.regex((error.cause as Error).stack!, /bad-threads\.ts/);
    t.regex(error.message, /catch it in the timer, callback or promise/);
  });
}

test.serial('a close that does not return cannot hold up a cancel for ever', async t => {
  const threads = threadCount();
  const run = await runJob(t, JOB, {
    parallelism: 2,
    args: {fault: 'endless loop in close'},
    ...WATCHED,
  });

  const result = await run.cancel();

  t.is(result.state, 'CANCELED');
  if (threads !== undefined) await eventually('threads gone', () => threadCount()! <= threads);
});

test.serial('a job whose threads behave is left alone by the watchdog', async t => {
  const run = await runJob(t, JOB, {
    parallelism: 2,
    args: {fault: 'none'},
    ...WATCHED,
  });
  const records = () => run.metrics().tasks.map(task => task.operators[0]!.recordsOut);

  // Longer than the watchdog waits: the rate is 10 000 per second and subtask.
  await eventually('it has run for two seconds', () => records().every(count => count > 20_000));

  t.is(run.status, 'RUNNING');
  t.is((await run.cancel()).state, 'CANCELED');
});
