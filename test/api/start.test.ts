/**
 * `start` and the handle that it returns: a host, a coordinator's thread and workers, over the fake runtime.
 * What the coordinator does with its workers is in test/scheduler/coordinator.test.ts.
 */
import test, {type ExecutionContext} from 'ava';
import {startOn} from '../../src/api/start.ts';
import {StreamError, start, type JobHandle, type StartOptions} from '../../src/index.ts';
import {eventually} from '../support/eventually.ts';
import {FAKE_RUNTIME, fakeJob} from '../support/fake-job.ts';
import {handleCounts, threadCount} from '../support/process-threads.ts';
import type {FaultyArgs} from '../scheduler/jobs/faulty.ts';

async function startFake(
  t: ExecutionContext,
  name: string,
  options: StartOptions = {},
): Promise<JobHandle> {
  const run = await startOn(FAKE_RUNTIME, fakeJob(name), {parallelism: 2, ...options});
  t.teardown(() => run.cancel().catch(() => {}));
  return run;
}

const startFaulty = (t: ExecutionContext, args: FaultyArgs, options?: StartOptions) =>
  startFake(t, 'faulty', {args, ...options});

/** Starts a job whose coordinator meets `fault` when `go` is called, which resolves when it begins. */
async function startWithCoordinator(
  t: ExecutionContext,
  fault: FaultyArgs['fault'],
  options?: StartOptions,
) {
  const words = new Int32Array(new SharedArrayBuffer(4));
  const run = await startFaulty(t, {fault, go: words.buffer}, options);
  const go = async () => {
    Atomics.store(words, 0, 1);
    await eventually('the fault begins', () => Atomics.load(words, 0) === 2);
  };
  return {run, go};
}

/** Process warnings of the engine while the test runs. */
function collectWarnings(t: ExecutionContext): StreamError[] {
  const warnings: StreamError[] = [];
  const onWarning = (warning: Error) => {
    if (warning instanceof StreamError) warnings.push(warning);
  };
  process.on('warning', onWarning);
  t.teardown(() => process.off('warning', onWarning));
  return warnings;
}

/** Waits until no more threads are there than before. */
async function untilThreadsAreGone(before: number | undefined): Promise<void> {
  if (before !== undefined) await eventually('threads gone', () => threadCount()! <= before);
}

test.serial('a handle shows a job that runs', async t => {
  const run = await startFaulty(t, {fault: 'none', taskCount: 3});

  t.is(run.status, 'RUNNING');
  t.is(run.name, 'faulty');
  t.deepEqual(run.failures, []);
  t.deepEqual(
    run.tasks().map(({name, workerIndex, state}) => ({name, workerIndex, state})),
    [
      {name: 'fake (1/3)', workerIndex: 0, state: 'RUNNING'},
      {name: 'fake (2/3)', workerIndex: 1, state: 'RUNNING'},
      {name: 'fake (3/3)', workerIndex: 0, state: 'RUNNING'},
    ],
  );
  t.is(run.metrics().tasks.length, 3);
  const {coordinatorUpAt, moduleImportedAt, plannedAt, runningAt} = run.startProfile;
  t.true(0 < coordinatorUpAt && coordinatorUpAt <= moduleImportedAt);
  t.true(moduleImportedAt <= plannedAt && plannedAt <= runningAt);
});

test.serial('done gives results, sums and the last counters', async t => {
  const run = await startFake(t, 'count', {args: {limit: 500, taskCount: 4}});

  const result = await run.done;

  t.is(result.state, 'FINISHED');
  t.is(result.jobName, 'count');
  t.is(result.jobId, run.id);
  t.deepEqual(result.accumulators, {count: 2000});
  t.deepEqual(result.operators, [{uid: 'fake', name: 'fake', recordsIn: 2000, recordsOut: 2000}]);
  t.true(result.durationMs > 0);
  t.is(run.status, 'FINISHED');
  t.deepEqual(run.metrics(), result.metrics);
  t.deepEqual(
    run.tasks().map(task => task.state),
    ['FINISHED', 'FINISHED', 'FINISHED', 'FINISHED'],
  );
  t.is(await run.cancel(), result, 'a job that has ended can be cancelled without effect');
  t.is(await run.stop(), result);
});

test.serial('metrics of a running job grow', async t => {
  const run = await startFake(t, 'count', {args: {limit: 2 ** 50}});

  await eventually('all tasks count', () => run.metrics().tasks.every(task => task.recordsOut > 0));
  const before = run.metrics().tasks.map(task => task.recordsOut);
  await eventually('all go on', () =>
    run.metrics().tasks.every((task, index) => task.recordsOut > before[index]!),
  );

  const result = await run.stop();
  t.is(result.state, 'FINISHED');
  t.true(result.accumulators['count']! > 0);
});

test.serial('cancel resolves with CANCELED, and nothing is left behind', async t => {
  const warm = await startFaulty(t, {fault: 'none'});
  await warm.cancel();
  const threads = threadCount();
  const handles = handleCounts();

  const run = await startFaulty(t, {fault: 'none'});
  const result = await run.cancel();

  t.is(result.state, 'CANCELED');
  t.is(run.status, 'CANCELED');
  await untilThreadsAreGone(threads);
  t.deepEqual(handleCounts(), handles);
});

test.serial('await using cancels a job that still runs', async t => {
  let left: JobHandle;
  {
    await using run = await startFaulty(t, {fault: 'none'});
    left = run;
  }

  t.is(left.status, 'CANCELED');
});

test.serial('await using throws a failure that nobody has asked for', async t => {
  const error = await t.throwsAsync(
    async () => {
      await using run = await startFaulty(t, {fault: 'step'});
      await eventually('the job has failed', () => run.status === 'FAILED');
    },
    {instanceOf: StreamError},
  );

  t.is(error!.code, 'E_TASK_FAILED');
});

test.serial('a failure of a task rejects done, with cause and history', async t => {
  const run = await startFaulty(t, {fault: 'step', task: 1});

  const error = await t.throwsAsync(run.done, {instanceOf: StreamError, code: 'E_TASK_FAILED'});

  t.is(error!.details.task, 'fake (2/2)');
  t.is((error!.cause as Error).message, 'no such field');
  t.regex(error!.stack!, /faulty\.ts|worker-loop\.ts/);
  t.is(run.status, 'FAILED');
  t.deepEqual(
    run.failures.map(({code}) => code),
    ['E_TASK_FAILED'],
  );
  await t.throwsAsync(run.cancel(), {code: 'E_TASK_FAILED'});
});

test.serial('a failure that nobody asks for becomes a process warning', async t => {
  const warnings = collectWarnings(t);
  const run = await startFaulty(t, {fault: 'step'});

  await eventually('a warning', () => warnings.length > 0);

  t.is(warnings[0]!.code, 'E_TASK_FAILED');
  t.is(run.status, 'FAILED');
  await t.throwsAsync(run.done, {code: 'E_TASK_FAILED'});
});

test.serial('a builder that never returns: E_START_TIMEOUT, and its threads are ended', async t => {
  const threads = threadCount();

  const error = await t.throwsAsync(
    startFaulty(t, {fault: 'loop-in-build'}, {startTimeoutMs: 1500}),
    {instanceOf: StreamError, code: 'E_START_TIMEOUT'},
  );

  t.is(error!.details.timeoutMs, 1500);
  t.regex(String(error!.details.module), /faulty\.ts$/);
  t.regex(error!.message, /startTimeoutMs/);
  await untilThreadsAreGone(threads);
});

test.serial('a builder that never returns in a worker is no different', async t => {
  const threads = threadCount();

  await t.throwsAsync(startFaulty(t, {fault: 'loop-in-build-of-worker'}, {startTimeoutMs: 1500}), {
    code: 'E_START_TIMEOUT',
  });

  await untilThreadsAreGone(threads);
});

test.serial('Infinity is no start timeout', async t => {
  const run = await startFake(t, 'count', {startTimeoutMs: Infinity});

  t.is((await run.done).state, 'FINISHED');
});

test.serial('a signal that was aborted before starts nothing', async t => {
  const threads = threadCount();
  const reason = new Error('not today');

  const error = await t.throwsAsync(
    startFaulty(t, {fault: 'none'}, {signal: AbortSignal.abort(reason)}),
    {code: 'E_JOB_CANCELED'},
  );

  t.is(error!.cause, reason);
  t.is(threadCount(), threads);
});

test.serial('a signal cancels a job that is starting', async t => {
  const threads = threadCount();
  const controller = new AbortController();
  const starting = startFake(t, 'never-loaded', {signal: controller.signal});
  const reason = new Error('enough');

  controller.abort(reason);

  const error = await t.throwsAsync(starting, {code: 'E_JOB_CANCELED'});
  t.is(error!.cause, reason);
  await untilThreadsAreGone(threads);
});

test.serial('a signal cancels a job that runs', async t => {
  const controller = new AbortController();
  const run = await startFaulty(t, {fault: 'none'}, {signal: controller.signal});

  controller.abort();

  t.is((await run.done).state, 'CANCELED');
});

test.serial('a coordinator that exits takes the job along, with a reason', async t => {
  const threads = threadCount();

  const error = await t.throwsAsync(startFaulty(t, {fault: 'exit-in-coordinator'}), {
    instanceOf: StreamError,
    code: 'E_COORDINATOR_EXIT',
  });

  t.is(error!.details.exitCode, 5);
  t.regex(error!.message, /process\.exit/);
  await untilThreadsAreGone(threads);
});

test.serial('a coordinator that exits while the job runs ends its workers', async t => {
  const threads = threadCount();
  const {run, go} = await startWithCoordinator(t, 'exit-in-coordinator-later');

  await go();
  await t.throwsAsync(run.done, {code: 'E_COORDINATOR_EXIT'});

  t.is(run.status, 'FAILED');
  t.deepEqual(
    run.tasks().map(task => task.state),
    ['FAILED', 'FAILED'],
  );
  t.deepEqual(
    run.failures.map(({code}) => code),
    ['E_COORDINATOR_EXIT'],
  );
  await untilThreadsAreGone(threads);
});

test.serial(
  'a bug of the engine in the coordinator ends its thread, and the job with it',
  async t => {
    const threads = threadCount();
    const {run, go} = await startWithCoordinator(t, 'broken-invariant-in-coordinator');

    await go();

    const error = await t.throwsAsync(run.done, {code: 'E_COORDINATOR_DIED'});
    t.is((error!.cause as Error).message, 'a bug');
    await untilThreadsAreGone(threads);
  },
);

test.serial('an exception in a timer of the module fails the job, not the coordinator', async t => {
  const {run, go} = await startWithCoordinator(t, 'uncaught-in-coordinator');

  await go();
  const error = await t.throwsAsync(run.done, {instanceOf: StreamError, code: 'E_UNCAUGHT'});

  t.deepEqual({...error!.details}, {job: 'faulty', thrown: 'RangeError: from a timer'});
  t.deepEqual(
    run.tasks().map(task => task.state),
    ['CANCELED', 'CANCELED'],
    'its tasks have been closed',
  );
});

test.serial('a coordinator that does not hear is ended when the job is cancelled', async t => {
  const threads = threadCount();
  const {run, go} = await startWithCoordinator(t, 'loop-in-coordinator-later', {
    config: {cancellationTimeoutMs: 1},
  });
  await go();

  await t.throwsAsync(run.cancel(), {code: 'E_COORDINATOR_NOT_RESPONDING'});

  t.is(run.status, 'FAILED');
  await untilThreadsAreGone(threads);
});

test.serial('arguments that cannot go to other threads are refused with their place', async t => {
  const handles = handleCounts();
  const args = {paths: ['a'], options: [{name: 'x'}, {name: 'y', filter: () => true}]};

  const error = await t.throwsAsync(startFake(t, 'count', {args}), {
    instanceOf: StreamError,
    code: 'E_JOB_ARGS',
  });

  t.is(error!.details.field, 'options.1.filter');
  t.deepEqual(handleCounts(), handles);
});

for (const [options, key, value] of [
  [{parallelism: NaN}, 'parallelism', 'NaN'],
  [{parallelism: Infinity}, 'parallelism', 'Infinity'],
  [{parallelism: 0}, 'parallelism', '0'],
  [{parallelism: 1.5}, 'parallelism', '1.5'],
  [{startTimeoutMs: NaN}, 'startTimeoutMs', 'NaN'],
  [{startTimeoutMs: -1}, 'startTimeoutMs', '-1'],
  [{startTimeoutMs: 2 ** 31}, 'startTimeoutMs', '2147483648'],
  [{hostReadTimeoutMs: 0}, 'hostReadTimeoutMs', '0'],
  [{workerHeapMb: NaN}, 'workerHeapMb', 'NaN'],
  [{workerHeapMb: 0}, 'workerHeapMb', '0'],
  [{config: {memory: 'much'}}, 'memory', '"much"'],
  [{config: {taskTimeoutMs: 'soon'}}, 'taskTimeoutMs', '"soon"'],
] as const) {
  test.serial(`an option that makes no sense is refused: ${key}=${value}`, async t => {
    const error = await t.throwsAsync(start('no/such/job.ts', options), {
      instanceOf: StreamError,
      code: 'E_CONFIG_VALUE',
    });

    t.deepEqual({...error!.details}, {key, value});
  });
}

test.serial('jobs run side by side, each with its own threads and results', async t => {
  const runs = await Promise.all(
    Array.from({length: 6}, (_, index) =>
      startFake(t, 'count', {args: {limit: 1000 + index, taskCount: 2}, parallelism: 1}),
    ),
  );

  const results = await Promise.all(runs.map(run => run.done));

  t.deepEqual(
    results.map(({accumulators}) => accumulators['count']),
    Array.from({length: 6}, (_, index) => 2 * (1000 + index)),
  );
  t.is(new Set(runs.map(run => run.id)).size, 6);
});

test.serial('a job that fails leaves its neighbours alone', async t => {
  const [good, bad] = await Promise.all([
    startFaulty(t, {fault: 'none'}),
    startFaulty(t, {fault: 'exit'}),
  ]);

  await t.throwsAsync(bad.done, {code: 'E_WORKER_EXIT'});

  t.is(good.status, 'RUNNING');
  t.is((await good.cancel()).state, 'CANCELED');
});
