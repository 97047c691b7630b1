/**
 * A job in which something goes wrong at a place that `args.fault` names, as soon as all tasks have been
 * stepped. The other tasks wait for ever, so they end only if the engine ends them. Each task marks in the
 * shared words what has happened to it: word 32 + i: it was stepped; word 64 + i: it was disposed of.
 */
import {isMainThread, threadId, workerData} from 'node:worker_threads';
import {InvariantError} from '../../../src/base/assert.ts';
import {StreamError} from '../../../src/base/errors.ts';
import {FINISHED, IDLE} from '../../../src/scheduler/progress.ts';
import type {FakeJob, FakeTask, FakeTaskContext} from '../../support/fake-runtime.ts';

export interface FaultyArgs {
  readonly fault:
    | 'none'
    | 'step'
    | 'step-stream-error'
    | 'dispose-at-end'
    | 'dispose-on-cancel'
    | 'open'
    | 'build'
    | 'build-in-worker'
    | 'exit'
    | 'exit-in-build'
    | 'out-of-memory'
    | 'uncaught'
    | 'unhandled-rejection'
    | 'uncaught-while-building'
    | 'loop-in-step'
    | 'loop-in-open'
    | 'loop-in-timer'
    | 'loop-in-dispose'
    | 'loop-in-build'
    | 'loop-in-build-of-worker'
    | 'step-beside-endless-build'
    | 'other-graph'
    | 'collect-function'
    | 'exit-before-results'
    | 'exit-in-coordinator'
    | 'exit-in-coordinator-later'
    | 'uncaught-in-coordinator'
    | 'broken-invariant-in-coordinator'
    | 'loop-in-coordinator-later';
  readonly taskCount?: number;
  /** The task to which it happens; default 0. */
  readonly task?: number;
  /**
   * What happens to the coordinator of a running job begins when word 0 is 1, and sets it to 2. Else a word
   * that the threads share while they build.
   */
  readonly go?: SharedArrayBuffer;
}

/** Whether this thread is a worker of a job: those find the board of the job, and no port. */
const isWorker =
  !isMainThread && typeof workerData === 'object' && workerData !== null && !('port' in workerData);

/** Whether this thread is the coordinator of a job. */
const isCoordinator = !isMainThread && !isWorker;

function loopForEver(): never {
  for (;;);
}

export default (args: FaultyArgs): FakeJob => {
  const taskCount = args.taskCount ?? 2;
  switch (args.fault) {
    case 'build':
      throw new TypeError('no such table');
    case 'build-in-worker':
      if (isWorker) throw new TypeError('no such table here');
      break;
    case 'exit-in-build':
      if (isWorker) process.exit(4);
      break;
    case 'loop-in-build':
      return loopForEver();
    case 'loop-in-build-of-worker':
      if (isWorker) loopForEver();
      break;
    case 'step-beside-endless-build':
      // The second worker that comes here never gets any further.
      if (isWorker && Atomics.add(new Int32Array(args.go!), 0, 1) === 1) loopForEver();
      break;
    case 'uncaught-while-building':
      if (isWorker) setImmediate(() => throwThat(new RangeError('from a timer of the builder')));
      break;
    case 'exit-in-coordinator':
      if (isCoordinator) process.exit(5);
      break;
    case 'exit-in-coordinator-later':
      if (isCoordinator) whenTold(args.go!, () => process.exit(5));
      break;
    case 'uncaught-in-coordinator':
      if (isCoordinator) whenTold(args.go!, () => throwThat(new RangeError('from a timer')));
      break;
    case 'broken-invariant-in-coordinator':
      if (isCoordinator) whenTold(args.go!, () => throwThat(new InvariantError('a bug')));
      break;
    case 'loop-in-coordinator-later':
      if (isCoordinator) whenTold(args.go!, loopForEver);
      break;
    default:
  }
  return {
    name: 'faulty',
    lines: ['source', args.fault === 'other-graph' ? `map of thread ${threadId}` : 'map', 'sink'],
    taskCount,
    open: context => open(args, context),
    beforeResults: (workerIndex, shared) => {
      if (args.fault !== 'exit-before-results' || workerIndex !== 1) return;
      // The other task has ended, and its worker has had time to say so.
      for (let i = 0; i < 1000 && Atomics.load(shared, 64) === 0; i += 1) {
        Atomics.wait(shared, 64, 0, 10);
      }
      Atomics.wait(shared, 0, 0, 300);
      process.exit(9);
    },
  };
};

function throwThat(thrown: unknown): never {
  throw thrown;
}

function fillHeap(): never {
  const kept: number[][] = [];
  for (;;) kept.push(new Array<number>(100_000).fill(1.5));
}

/** Calls `action` when the test says so. */
function whenTold(go: SharedArrayBuffer, action: () => void): void {
  const words = new Int32Array(go);
  const timer = setInterval(() => {
    if (Atomics.load(words, 0) === 0) return;
    clearInterval(timer);
    Atomics.store(words, 0, 2);
    action();
  }, 1);
}

function open({fault, task = 0, taskCount = 2}: FaultyArgs, context: FakeTaskContext): FakeTask {
  const {taskIndex, shared} = context;
  const others = shared.subarray(32, 32 + taskCount);
  const isFaulty = taskIndex === task;
  if (isFaulty && fault === 'open') throw new TypeError('no such file');
  if (isFaulty && fault === 'loop-in-open') loopForEver();
  let steps = 0;
  return {
    step: () => {
      Atomics.add(shared, 32 + taskIndex, 1);
      if (fault === 'step-beside-endless-build') throw new TypeError('no such field');
      // The first task ends behind the second, so that its worker is the last to say so.
      if (fault === 'exit-before-results') {
        return taskIndex === 1 || Atomics.load(shared, 64 + 1) === 1 ? FINISHED : IDLE;
      }
      if (!isFaulty || others.some((_, index) => Atomics.load(others, index) === 0)) return IDLE;
      steps += 1;
      return stepFaulty(fault, steps, context);
    },
    dispose: () => {
      Atomics.store(shared, 64 + taskIndex, 1);
      if (!isFaulty) return;
      if (fault === 'dispose-at-end' || fault === 'dispose-on-cancel') {
        throw new TypeError('cannot close');
      }
      if (fault === 'loop-in-dispose') loopForEver();
    },
  };
}

function stepFaulty(fault: FaultyArgs['fault'], steps: number, context: FakeTaskContext) {
  switch (fault) {
    case 'step':
      throw new TypeError('no such field');
    case 'step-stream-error':
      throw new StreamError('E_OWN', 'a connector has failed', {file: 'a.csv'}, {remedy: 'try b'});
    case 'dispose-at-end':
    case 'loop-in-dispose':
      return FINISHED;
    case 'exit':
      return process.exit(3);
    case 'out-of-memory':
      return fillHeap();
    case 'uncaught':
      if (steps === 1) setTimeout(() => throwThat(new RangeError('from a timer')), 1);
      return IDLE;
    case 'unhandled-rejection':
      if (steps === 1) void Promise.reject(new RangeError('from a promise'));
      return IDLE;
    case 'loop-in-step':
      return loopForEver();
    case 'loop-in-timer':
      if (steps === 1) setTimeout(loopForEver, 1);
      return IDLE;
    case 'collect-function':
      context.collect('results', {id: 1});
      context.collect('results', {id: 2, check: () => true});
      return FINISHED;
    default:
      return IDLE;
  }
}
