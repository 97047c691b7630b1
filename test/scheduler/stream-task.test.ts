/** How much of its input a task takes in one step. Whole jobs: test/simulation, test/stress. */
import test from 'ava';
import {ManualClock} from '../../src/base/clock.ts';
import type {Chain} from '../../src/operators/chain.ts';
import {IDLE, PROGRESSED, type Progress} from '../../src/scheduler/progress.ts';
import {StreamTask} from '../../src/scheduler/stream-task.ts';
import type {TaskInput} from '../../src/scheduler/task-input.ts';

/** Has as many batches as it is told, of `rowsPerBatch` rows, and notes what it is asked for. */
class BatchInput implements TaskInput {
  rowsStepped = 0;
  recordsIn = 0;
  readonly bytesIn = 0;
  readonly wakeAtMs = Infinity;
  readonly awaitsPromises = false;
  readonly asked: number[] = [];
  onStep: () => void = () => {};
  readonly #rowsPerBatch: number;
  #batchesLeft: number;

  constructor(batches: number, rowsPerBatch: number) {
    this.#batchesLeft = batches;
    this.#rowsPerBatch = rowsPerBatch;
  }

  open(): void {}

  step(rowsMax: number): Progress {
    this.asked.push(rowsMax);
    this.rowsStepped = 0;
    if (this.#batchesLeft === 0) return IDLE;
    this.#batchesLeft -= 1;
    this.rowsStepped = Math.min(rowsMax, this.#rowsPerBatch);
    this.recordsIn += this.rowsStepped;
    this.onStep();
    return PROGRESSED;
  }

  stop(): void {}

  close(): void {}
}

const emptyChain = {
  plan: {nodes: []},
  counts: new Float64Array(0),
  isWritable: () => true,
  onIdle: () => {},
  isTimeSettled: true,
  nextProcessingTimeMs: Infinity,
  awaitsPromises: false,
} as unknown as Chain;

function taskOver(input: BatchInput) {
  const stop = {requested: false};
  const clock = new ManualClock();
  const task = new StreamTask({
    jobName: 'job',
    name: 'task (1/1)',
    chain: emptyChain,
    input,
    writers: [],
    stop,
    metrics: undefined,
    clock,
  });
  return {task, stop, clock};
}

test('a step takes small batches until they make a portion', t => {
  const input = new BatchInput(100, 10);
  const {task, clock} = taskOver(input);
  // As slow as a portion may be, so that the next is as large.
  input.onStep = () => clock.advance(0.05);

  t.is(task.step(clock.monotonicNow()), PROGRESSED);

  t.deepEqual(input.asked, [32, 22, 12, 2]);
  t.is(input.recordsIn, 32);
});

test('a step ends with its input', t => {
  const input = new BatchInput(2, 10);
  const {task} = taskOver(input);

  t.is(task.step(0), PROGRESSED);
  t.deepEqual(input.asked, [32, 22, 12]);
  t.is(task.step(0), IDLE);
});

test('a step ends, however many batches of no rows there are', t => {
  const input = new BatchInput(Infinity, 0);
  const {task} = taskOver(input);

  t.is(task.step(0), PROGRESSED);

  t.is(input.asked.length, 32);
});

test('a step ends where an output asks it to', t => {
  const input = new BatchInput(100, 10);
  const {task, stop} = taskOver(input);
  input.onStep = () => {
    stop.requested = input.asked.length === 2;
  };

  t.is(task.step(0), PROGRESSED);

  t.is(input.asked.length, 2);
});
