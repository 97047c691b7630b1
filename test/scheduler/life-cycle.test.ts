/** The states of jobs and tasks: what may follow what. */
import test from 'ava';
import {InvariantError} from '../../src/base/assert.ts';
import {
  JOB_STATUSES,
  JobStatusMachine,
  canJobMove,
  isTerminalJobStatus,
} from '../../src/scheduler/job-status.ts';
import type {JobStatus} from '../../src/scheduler/job-status.ts';
import {
  TASK_STATES,
  TaskStateMachine,
  canTaskMove,
  isTerminalTaskState,
} from '../../src/scheduler/task-state.ts';
import type {TaskState} from '../../src/scheduler/task-state.ts';

function job(...path: JobStatus[]): JobStatusMachine {
  const machine = new JobStatusMachine();
  for (const status of path) machine.moveTo(status);
  return machine;
}

function task(...path: TaskState[]): TaskStateMachine {
  const machine = new TaskStateMachine();
  for (const state of path) machine.moveTo(state);
  return machine;
}

test('a job goes from INITIALIZING to FINISHED, and its listener hears of each step', t => {
  const heard: JobStatus[] = [];
  const machine = new JobStatusMachine(status => heard.push(status));

  t.is(machine.status, 'INITIALIZING');
  for (const status of ['CREATED', 'RUNNING', 'FINISHED'] as const) machine.moveTo(status);

  t.deepEqual(heard, ['CREATED', 'RUNNING', 'FINISHED']);
  t.true(machine.isTerminal);
});

test('a job that is being cancelled ends CANCELED, whatever fails meanwhile', t => {
  const machine = job('CREATED', 'RUNNING', 'CANCELLING');

  t.false(machine.tryMoveTo('FAILING'));
  t.throws(() => machine.moveTo('FAILED'), {instanceOf: InvariantError});
  t.true(machine.tryMoveTo('CANCELED'));
});

test('a failing job can be cancelled, restarted or end', t => {
  for (const next of ['CANCELLING', 'RESTARTING', 'FAILED'] as const) {
    t.true(job('CREATED', 'RUNNING', 'FAILING').tryMoveTo(next));
  }
  t.false(job('CREATED', 'RUNNING', 'FAILING').tryMoveTo('FINISHED'));
});

test('exactly FAILED, CANCELED and FINISHED are the ends of a job', t => {
  t.deepEqual(JOB_STATUSES.filter(isTerminalJobStatus), ['FAILED', 'CANCELED', 'FINISHED']);
});

test('exactly FINISHED, CANCELED and FAILED are the ends of a task', t => {
  t.deepEqual(TASK_STATES.filter(isTerminalTaskState), ['FINISHED', 'CANCELED', 'FAILED']);
});

test('every job status that is not an end can be left, and every one is reached', t => {
  const reached = new Set<JobStatus>(['INITIALIZING']);
  for (const from of JOB_STATUSES) {
    for (const to of JOB_STATUSES) if (canJobMove(from, to)) reached.add(to);
  }
  // RECONCILING belongs to a coordinator that takes over a running job; nothing leads to it here.
  t.deepEqual(
    JOB_STATUSES.filter(status => !reached.has(status)),
    ['RECONCILING'],
  );
});

test('a task that has not been deployed is cancelled at once', t => {
  for (const machine of [task(), task('SCHEDULED')]) {
    machine.cancel();
    t.is(machine.state, 'CANCELED');
  }
});

test('a task that was deployed goes through CANCELING', t => {
  const machine = task('SCHEDULED', 'DEPLOYING', 'INITIALIZING', 'RUNNING');

  machine.cancel();
  machine.cancel();

  t.is(machine.state, 'CANCELING');
  machine.moveTo('CANCELED');
});

test('a task may finish or fail before it hears that it was cancelled', t => {
  for (const end of ['FINISHED', 'FAILED'] as const) t.true(canTaskMove('CANCELING', end));
});

test('cancelling an ended task changes nothing', t => {
  const machine = task('SCHEDULED', 'DEPLOYING', 'INITIALIZING', 'RUNNING', 'FINISHED');

  machine.cancel();

  t.is(machine.state, 'FINISHED');
});

test('a task cannot run before it was set up, nor come back', t => {
  t.throws(() => task('RUNNING'), {instanceOf: InvariantError});
  t.throws(() => task('SCHEDULED', 'CANCELED', 'SCHEDULED'), {instanceOf: InvariantError});
});
