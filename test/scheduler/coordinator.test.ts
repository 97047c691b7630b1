/**
 * The coordinator with real worker threads, over the fake runtime: how jobs start and end, and what becomes
 * of threads that die or do not answer.
 */
import test, {type ExecutionContext} from 'ava';
import {StreamError} from '../../src/base/errors.ts';
import {eventually} from '../support/eventually.ts';
import {fakeRun, sharedWords, taskStates, type FakeRunOptions} from '../support/fake-job.ts';
import {threadCount} from '../support/process-threads.ts';
import type {FaultyArgs} from './jobs/faulty.ts';

/** A watchdog that is quick to act, and still slower than a thread that waits for a busy machine. */
const TASK_TIMEOUT_MS = 1500;

function faultyRun(t: ExecutionContext, args: FaultyArgs, options?: FakeRunOptions) {
  return fakeRun(t, 'faulty', args, options);
}

/** Starts a job that runs until it fails, and gives its end and its tasks' last states. */
async function runToFailure(t: ExecutionContext, args: FaultyArgs, options?: FakeRunOptions) {
  const {coordinator, board} = faultyRun(t, args, options);
  const started = await coordinator.start();
  const end = await coordinator.done;
  t.is(end.status, 'FAILED');
  t.is(board.status(), 'FAILED');
  const shared = sharedWords(started.deployment);
  return {
    end,
    root: end.failures[0]!,
    states: taskStates(started.taskStates),
    /** Which tasks have been disposed of. */
    disposed: started.deployment.plan.tasks.map(({taskIndex}) => shared[64 + taskIndex] === 1),
  };
}

test.serial('a job runs to its end: FINISHED, with results of all workers', async t => {
  const {coordinator, board} = fakeRun(t, 'count', {limit: 5000, taskCount: 5});

  const started = await coordinator.start();
  const end = await coordinator.done;

  t.is(end.status, 'FINISHED');
  t.is(board.status(), 'FINISHED');
  t.deepEqual(end.accumulators, {count: 25_000});
  t.deepEqual(end.failures, []);
  t.is(end.jobName, 'count');
  t.true(end.durationMs > 0);
  t.deepEqual(
    taskStates(started.taskStates),
    Array.from({length: 5}, () => 'FINISHED'),
  );
  t.deepEqual(
    end.metrics.tasks.map(({recordsOut}) => recordsOut),
    Array.from({length: 5}, () => 5000),
  );
});

test.serial('a started job is RUNNING, and so are its tasks', async t => {
  const {coordinator, board} = faultyRun(t, {fault: 'none', taskCount: 3});

  const started = await coordinator.start();

  t.is(board.status(), 'RUNNING');
  t.deepEqual(taskStates(started.taskStates), ['RUNNING', 'RUNNING', 'RUNNING']);
  t.deepEqual(
    started.deployment.plan.tasks.map(task => task.workerIndex),
    [0, 1, 0],
  );
  const {coordinatorUpAt, poolStartedAt, plannedAt, deployingAt, runningAt} = started.times;
  t.true(
    coordinatorUpAt <= poolStartedAt &&
      poolStartedAt <= plannedAt &&
      plannedAt <= deployingAt &&
      deployingAt <= runningAt,
  );
});

test.serial('a worker without tasks does not hold up the end', async t => {
  const {coordinator} = fakeRun(t, 'count', {limit: 10, taskCount: 1}, {workerCount: 3});

  await coordinator.start();
  const end = await coordinator.done;

  t.is(end.status, 'FINISHED');
  t.deepEqual(end.accumulators, {count: 10});
});

test.serial('cancel ends a job whose tasks wait: CANCELED, and every task disposed of', async t => {
  const {coordinator} = faultyRun(t, {fault: 'none', taskCount: 4});
  const {deployment, taskStates: words} = await coordinator.start();
  const shared = sharedWords(deployment);
  await eventually('all tasks have been stepped', () =>
    shared.subarray(32, 36).every(steps => steps > 0),
  );

  coordinator.cancel();
  coordinator.cancel();
  const end = await coordinator.done;

  t.is(end.status, 'CANCELED');
  t.deepEqual(end.failures, []);
  t.deepEqual(taskStates(words), ['CANCELED', 'CANCELED', 'CANCELED', 'CANCELED']);
  t.deepEqual([...shared.subarray(64, 68)], [1, 1, 1, 1]);
});

test.serial('stop ends the sources, and the job is FINISHED', async t => {
  const {coordinator} = fakeRun(t, 'count', {limit: 2 ** 52, taskCount: 3});
  await coordinator.start();

  coordinator.stop();
  const end = await coordinator.done;

  t.is(end.status, 'FINISHED');
  const counted = end.metrics.tasks.reduce((sum, task) => sum + task.recordsOut, 0);
  t.is(end.accumulators['count'], counted);
  t.true(counted < 2 ** 52);
});

test.serial('cancel before the job runs: start rejects, and no thread is left', async t => {
  const before = threadCount();
  const {coordinator, board} = faultyRun(t, {fault: 'none'});
  const starting = coordinator.start();

  coordinator.cancel();

  await t.throwsAsync(starting, {instanceOf: StreamError, code: 'E_JOB_CANCELED'});
  t.is((await coordinator.done).status, 'CANCELED');
  t.is(board.status(), 'CANCELED');
  if (before !== undefined) t.true(threadCount()! <= before);
});

test.serial('a module that never finishes loading can be cancelled', async t => {
  const {coordinator} = fakeRun(t, 'never-loaded', {});
  const starting = coordinator.start();

  coordinator.cancel();

  await t.throwsAsync(starting, {code: 'E_JOB_CANCELED'});
  t.is((await coordinator.done).status, 'CANCELED');
});

test.serial('a step that throws fails the job, and names the task', async t => {
  const {end, root, states, disposed} = await runToFailure(t, {
    fault: 'step',
    task: 1,
    taskCount: 4,
  });

  t.is(root.code, 'E_TASK_FAILED');
  t.deepEqual(root.details, {
    job: 'faulty',
    task: 'fake (2/4)',
    worker: 1,
    thrown: 'TypeError: no such field',
  });
  t.is(root.cause!.name, 'TypeError');
  t.is(root.cause!.message, 'no such field');
  t.is(end.failures.length, 1);
  t.deepEqual(states, ['CANCELED', 'FAILED', 'CANCELED', 'CANCELED']);
  t.deepEqual(disposed, [true, true, true, true]);
});

test.serial('an error that says what it is about passes unchanged', async t => {
  const {root} = await runToFailure(t, {fault: 'step-stream-error'});

  t.is(root.code, 'E_OWN');
  t.is(root.message, 'E_OWN a connector has failed: file=a.csv; try b');
  t.deepEqual(root.details, {file: 'a.csv'});
});

test.serial('a dispose that throws at the end of a task fails the job', async t => {
  const {root, states} = await runToFailure(t, {fault: 'dispose-at-end', task: 1});

  t.is(root.code, 'E_TASK_FAILED');
  t.is(root.details.task, 'fake (2/2)');
  t.is(root.cause!.message, 'cannot close');
  t.deepEqual(states, ['CANCELED', 'FAILED']);
});

test.serial('a dispose that throws while the job is cancelled changes nothing', async t => {
  const {coordinator} = faultyRun(t, {fault: 'dispose-on-cancel'});
  const {deployment} = await coordinator.start();

  coordinator.cancel();
  const end = await coordinator.done;

  t.is(end.status, 'CANCELED');
  const shared = sharedWords(deployment);
  t.deepEqual([...shared.subarray(64, 66)], [1, 1]);
});

test.serial('an operator that cannot be created fails the start', async t => {
  const {coordinator} = faultyRun(t, {fault: 'open', task: 1});

  const error = await t.throwsAsync(coordinator.start(), {code: 'E_DEPLOY_FAILED'});

  t.is((error as StreamError).details.job, 'faulty');
  t.is((error as StreamError).details.worker, 1);
  t.is((error!.cause as Error).message, 'no such file');
  t.is((await coordinator.done).status, 'FAILED');
});

test.serial('a builder that throws fails the start with what it threw', async t => {
  const {coordinator, board} = faultyRun(t, {fault: 'build'});

  await t.throwsAsync(coordinator.start(), {message: /no such table/});

  t.is((await coordinator.done).status, 'FAILED');
  t.is(board.status(), 'FAILED');
});

test.serial('a builder that throws in a worker only fails the start too', async t => {
  const {coordinator} = faultyRun(t, {fault: 'build-in-worker'});

  const error = await t.throwsAsync(coordinator.start(), {code: 'E_DEPLOY_FAILED'});

  t.is((error!.cause as Error).message, 'no such table here');
});

test.serial('a builder that is not deterministic is refused with the first difference', async t => {
  const {coordinator} = faultyRun(t, {fault: 'other-graph'});

  const error = await t.throwsAsync(coordinator.start(), {code: 'E_NONDETERMINISTIC_JOB'});

  const {job, line, first, second} = (error as StreamError).details;
  t.is(job, 'faulty');
  t.is(line, 2);
  t.is(first, 'map of thread 0');
  t.regex(String(second), /^map of thread [1-9]\d*$/);
  t.regex(error!.message, /no chance, no clock/);
});

test.serial('a thread that exits fails the job with the exit code and the task', async t => {
  const {root, states} = await runToFailure(t, {fault: 'exit', task: 1, taskCount: 3});

  t.is(root.code, 'E_WORKER_EXIT');
  t.deepEqual(root.details, {job: 'faulty', task: 'fake (2/3)', worker: 1, exitCode: 3});
  t.regex(root.message, /process\.exit/);
  t.deepEqual(states, ['CANCELED', 'FAILED', 'CANCELED']);
});

test.serial('a thread that exits before it has tasks fails the start', async t => {
  const {coordinator} = faultyRun(t, {fault: 'exit-in-build'});

  const error = await t.throwsAsync(coordinator.start(), {code: 'E_WORKER_EXIT'});

  t.is((error as StreamError).details.exitCode, 4);
});

test.serial('a thread that runs out of heap fails the job with the option to change', async t => {
  const {root, states} = await runToFailure(
    t,
    {fault: 'out-of-memory', task: 0},
    {workerHeapMb: 32},
  );

  t.is(root.code, 'E_WORKER_OUT_OF_MEMORY');
  t.deepEqual(root.details, {job: 'faulty', task: 'fake (1/2)', worker: 0});
  t.regex(root.message, /workerHeapMb/);
  t.deepEqual(states, ['FAILED', 'CANCELED']);
});

for (const [fault, message] of [
  ['uncaught', 'from a timer'],
  ['unhandled-rejection', 'from a promise'],
] as const) {
  test.serial(`an exception outside of a step fails the job: ${fault}`, async t => {
    const {root, disposed} = await runToFailure(t, {fault, task: 1});

    t.is(root.code, 'E_UNCAUGHT');
    t.is(root.details.job, 'faulty');
    t.is(root.details.worker, 1);
    t.is(root.cause!.message, message);
    t.deepEqual(disposed, [true, true]);
  });
}

test.serial('a job whose first step fails has started all the same', async t => {
  for (let round = 0; round < 5; round += 1) {
    const {coordinator} = faultyRun(t, {fault: 'step', taskCount: 1}, {workerCount: 1});
    await t.notThrowsAsync(coordinator.start());
    t.is((await coordinator.done).status, 'FAILED');
  }
});

test.serial('an exception outside of the builder fails the start', async t => {
  const {coordinator} = faultyRun(t, {fault: 'uncaught-while-building'});

  const error = await t.throwsAsync(coordinator.start(), {code: 'E_UNCAUGHT'});

  t.is((error!.cause as Error).message, 'from a timer of the builder');
});

test.serial('an endless step is found, named and ended', async t => {
  const before = threadCount();
  const {root, states, disposed} = await runToFailure(
    t,
    {fault: 'loop-in-step', task: 1},
    {taskTimeoutMs: TASK_TIMEOUT_MS},
  );

  t.is(root.code, 'E_TASK_NOT_RESPONDING');
  t.is(root.details.job, 'faulty');
  t.is(root.details.task, 'fake (2/2)');
  t.is(root.details.worker, 1);
  t.true(Number(root.details.silentMs) >= TASK_TIMEOUT_MS);
  t.regex(root.message, /endless loop.*taskTimeoutMs/);
  t.deepEqual(states, ['CANCELED', 'FAILED']);
  t.deepEqual(disposed, [true, false], 'the other worker ends its task, this one cannot');
  if (before !== undefined) t.true(threadCount()! <= before);
});

test.serial('an endless loop outside of steps is found too', async t => {
  const {root} = await runToFailure(
    t,
    {fault: 'loop-in-timer', task: 1},
    {taskTimeoutMs: TASK_TIMEOUT_MS},
  );

  t.is(root.code, 'E_TASK_NOT_RESPONDING');
  t.deepEqual(
    {...root.details, silentMs: 0},
    {job: 'faulty', task: undefined, worker: 1, silentMs: 0},
  );
});

test.serial('an endless loop while operators are created is found', async t => {
  const {coordinator} = faultyRun(
    t,
    {fault: 'loop-in-open', task: 1},
    {
      taskTimeoutMs: TASK_TIMEOUT_MS,
    },
  );

  const error = await t.throwsAsync(coordinator.start(), {code: 'E_TASK_NOT_RESPONDING'});

  t.is((error as StreamError).details.task, 'fake (2/2)');
});

test.serial('an endless loop in dispose is found and named', async t => {
  const {root} = await runToFailure(
    t,
    {fault: 'loop-in-dispose', task: 0},
    {taskTimeoutMs: TASK_TIMEOUT_MS},
  );

  t.is(root.code, 'E_TASK_NOT_RESPONDING');
  t.is(root.details.task, 'fake (1/2)');
});

test.serial('a job with an endless step can be cancelled', async t => {
  const {coordinator} = faultyRun(t, {fault: 'loop-in-step'}, {cancelTimeoutMs: 200});
  const {deployment, taskStates: words} = await coordinator.start();
  const shared = sharedWords(deployment);
  await eventually('both tasks have been stepped', () => shared[32]! > 0 && shared[33]! > 0);

  coordinator.cancel();
  const end = await coordinator.done;

  t.is(end.status, 'CANCELED');
  t.deepEqual(taskStates(words), ['CANCELED', 'CANCELED']);
});

test.serial('a failure is told though another worker never finishes its graph', async t => {
  const {coordinator} = faultyRun(t, {
    fault: 'step-beside-endless-build',
    go: new SharedArrayBuffer(4),
  });

  await coordinator.start();
  const end = await coordinator.done;

  t.is(end.status, 'FAILED');
  t.is(end.failures[0]!.code, 'E_TASK_FAILED');
});

test.serial('a job is not FINISHED without the results of each worker', async t => {
  const {root, states} = await runToFailure(t, {fault: 'exit-before-results'});

  t.deepEqual(states, ['FINISHED', 'FINISHED']);
  t.is(root.code, 'E_WORKER_EXIT');
  t.is(root.details.exitCode, 9);
});

test.serial('results that cannot cross threads fail the job, not vanish', async t => {
  const {root} = await runToFailure(t, {fault: 'collect-function', task: 1});

  t.is(root.code, 'E_COLLECT_VALUE');
  t.is(root.details.job, 'faulty');
  t.is(root.details.sink, 'results');
  t.is(root.details.index, 1);
  t.regex(String(root.details.value), /"id":2/);
});
