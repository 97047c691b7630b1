/** The loop of a worker by hand: scripted tasklets, a clock that the test moves, no threads. */
import test from 'ava';
import {InvariantError} from '../../src/base/assert.ts';
import {ManualClock} from '../../src/base/clock.ts';
import {JobBoard, NO_TASK, WorkerPulse, allocateJobBoard} from '../../src/scheduler/job-board.ts';
import {BACKPRESSURED, FINISHED, IDLE, PROGRESSED} from '../../src/scheduler/progress.ts';
import type {Progress, Tasklet} from '../../src/scheduler/progress.ts';
import {CONTROL_CANCEL, CONTROL_STOP, WorkerLoop} from '../../src/scheduler/worker-loop.ts';
import type {LoopBell} from '../../src/scheduler/worker-loop.ts';

/** Steps through a script, then repeats its last entry. */
class ScriptedTasklet implements Tasklet {
  readonly name: string;
  wakeAtMs = Infinity;
  awaitsPromises = false;
  stepCount = 0;
  disposeCount = 0;
  isStopped = false;
  onStep: () => void = () => {};
  onDispose: () => void = () => {};
  readonly #script: readonly (Progress | Error)[];

  constructor(name: string, ...script: (Progress | Error)[]) {
    this.name = name;
    this.#script = script;
  }

  step(): Progress {
    const entry = this.#script[Math.min(this.stepCount, this.#script.length - 1)]!;
    this.stepCount += 1;
    this.onStep();
    if (entry instanceof Error) throw entry;
    return entry;
  }

  stop(): void {
    this.isStopped = true;
  }

  dispose(): void {
    this.disposeCount += 1;
    this.onDispose();
  }
}

/** Notes what the loop does with its bell. */
class FakeBell implements LoopBell {
  flags = 0;
  readonly calls: string[] = [];
  onPrepare: () => void = () => {};

  control(): number {
    return this.flags;
  }

  clearControl(flags: number): void {
    this.flags &= ~flags;
  }

  prepareToPark(): number {
    this.onPrepare();
    return 7;
  }

  park(seen: number, timeoutMs: number): void {
    this.calls.push(`park ${seen} ${timeoutMs}`);
  }

  parkAsync(seen: number, timeoutMs: number): Promise<void> {
    this.calls.push(`parkAsync ${seen} ${timeoutMs}`);
    return Promise.resolve();
  }

  awake(): void {
    this.calls.push('awake');
  }
}

function loopOf(...tasklets: ScriptedTasklet[]) {
  const board = allocateJobBoard(1);
  const clock = new ManualClock(1000);
  const bell = new FakeBell();
  const events: string[] = [];
  const loop = new WorkerLoop({
    tasks: tasklets.map((tasklet, i) => ({taskIndex: 10 + i, tasklet})),
    bell,
    pulse: new WorkerPulse(board, 0),
    clock,
    spinCountMax: 2,
    listener: {
      taskFinished: taskIndex => events.push(`finished ${taskIndex}`),
      taskCanceled: taskIndex => events.push(`canceled ${taskIndex}`),
      taskFailed: (taskIndex, thrown) => {
        events.push(`failed ${taskIndex} ${(thrown as Error).message}`);
      },
      disposeFailed: (taskIndex, thrown) => {
        events.push(`dispose ${taskIndex} ${(thrown as Error).message}`);
      },
    },
  });
  return {loop, clock, bell, events, board: new JobBoard(board)};
}

test('a slice ends when the drain budget is used up', t => {
  const tasklet = new ScriptedTasklet('a', PROGRESSED);
  const {loop, clock} = loopOf(tasklet);
  tasklet.onStep = () => {
    clock.advance(0.5);
  };

  t.is(loop.slice(), 'DRAINED');

  t.is(tasklet.stepCount, 3);
});

test('every tasklet gets one step per round', t => {
  const first = new ScriptedTasklet('a', PROGRESSED, IDLE);
  const second = new ScriptedTasklet('b', IDLE);
  const {loop} = loopOf(first, second);

  t.is(loop.slice(), 'QUIET');

  t.is(first.stepCount, 4, 'one round moved something, then two spins and the last');
  t.is(second.stepCount, 4);
});

test('a backpressured tasklet is no reason to go on', t => {
  const {loop} = loopOf(new ScriptedTasklet('a', BACKPRESSURED));

  t.is(loop.slice(), 'QUIET');
});

test('a finished tasklet is disposed, reported and never stepped again', t => {
  const first = new ScriptedTasklet('a', FINISHED);
  const second = new ScriptedTasklet('b', PROGRESSED, PROGRESSED, FINISHED);
  const {loop, events} = loopOf(first, second);

  t.is(loop.slice(), 'ENDED');

  t.is(loop.outcome, 'FINISHED');
  t.is(first.stepCount, 1);
  t.deepEqual([first.disposeCount, second.disposeCount], [1, 1]);
  t.deepEqual(events, ['finished 10', 'finished 11']);
});

test('a loop without tasklets has finished', t => {
  const {loop} = loopOf();

  t.is(loop.slice(), 'ENDED');
  t.is(loop.outcome, 'FINISHED');
});

test('a step that throws fails its task and cancels the others', t => {
  const first = new ScriptedTasklet('a', FINISHED);
  const second = new ScriptedTasklet('b', new Error('boom'));
  const third = new ScriptedTasklet('c', PROGRESSED);
  const {loop, events} = loopOf(first, second, third);

  t.is(loop.slice(), 'ENDED');

  t.is(loop.outcome, 'FAILED');
  t.deepEqual(events, ['finished 10', 'failed 11 boom', 'canceled 12']);
  t.deepEqual([first.disposeCount, second.disposeCount, third.disposeCount], [1, 1, 1]);
  t.is(third.stepCount, 0);
});

test('what closing throws after the last step fails the task', t => {
  const tasklet = new ScriptedTasklet('a', FINISHED);
  tasklet.onDispose = () => {
    if (tasklet.disposeCount === 1) throw new Error('close');
  };
  const {loop, events} = loopOf(tasklet);

  loop.slice();

  t.is(loop.outcome, 'FAILED');
  t.deepEqual(events, ['failed 10 close']);
});

test('cancel disposes everything without another step', t => {
  const first = new ScriptedTasklet('a', PROGRESSED);
  const second = new ScriptedTasklet('b', PROGRESSED);
  first.onDispose = () => {
    throw new Error('close');
  };
  const {loop, bell, events} = loopOf(first, second);
  bell.flags = CONTROL_CANCEL;

  t.is(loop.slice(), 'ENDED');

  t.is(loop.outcome, 'CANCELED');
  t.is(first.stepCount + second.stepCount, 0);
  t.deepEqual(events, ['dispose 10 close', 'canceled 10', 'canceled 11']);
});

test('stop reaches each tasklet once, and the loop goes on until they finish', t => {
  const tasklet = new ScriptedTasklet('a', PROGRESSED, PROGRESSED, FINISHED);
  const {loop, bell} = loopOf(tasklet);
  bell.flags = CONTROL_STOP;

  t.is(loop.slice(), 'ENDED');

  t.true(tasklet.isStopped);
  t.is(bell.flags, 0);
  t.is(loop.outcome, 'FINISHED');
});

test('a failure from outside of a step ends the loop, also when it is quiet', t => {
  const {loop, events, bell} = loopOf(new ScriptedTasklet('a', IDLE));
  t.is(loop.slice(), 'QUIET');

  loop.failFromOutside(new Error('timer'));

  t.is(loop.park(), undefined);
  t.deepEqual(bell.calls, ['awake']);
  t.is(loop.slice(), 'ENDED');
  t.deepEqual(events, [`failed ${NO_TASK} timer`, 'canceled 10']);
});

test('it parks until the earliest wake-up time, at most parkMsMax', t => {
  const early = new ScriptedTasklet('a', IDLE);
  const late = new ScriptedTasklet('b', IDLE);
  const {loop, bell} = loopOf(early, late);
  early.wakeAtMs = 1004;
  late.wakeAtMs = 1400;

  loop.park();
  early.wakeAtMs = Infinity;
  loop.park();

  t.deepEqual(bell.calls, ['park 7 4', 'awake', 'park 7 10', 'awake']);
});

test('it does not sleep when a wake-up time has come', t => {
  const tasklet = new ScriptedTasklet('a', IDLE);
  const {loop, bell} = loopOf(tasklet);
  tasklet.wakeAtMs = 1000;

  loop.park();

  t.deepEqual(bell.calls, ['awake']);
});

test('work that comes while it is about to sleep is not slept over', t => {
  const tasklet = new ScriptedTasklet('a', PROGRESSED);
  const {loop, bell} = loopOf(tasklet);

  loop.park();

  t.is(tasklet.stepCount, 1, 'it looks once more after it has said that it sleeps');
  t.deepEqual(bell.calls, ['awake']);
});

test('a flag that is set while it is about to sleep is not slept over', t => {
  const {loop, bell} = loopOf(new ScriptedTasklet('a', IDLE));
  bell.onPrepare = () => {
    bell.flags = CONTROL_CANCEL;
  };

  loop.park();

  t.deepEqual(bell.calls, ['awake']);
});

test('it does not block the thread while a tasklet waits for a promise', async t => {
  const tasklet = new ScriptedTasklet('a', IDLE);
  tasklet.awaitsPromises = true;
  const {loop, bell} = loopOf(tasklet);

  await loop.park();

  t.deepEqual(bell.calls, ['parkAsync 7 10', 'awake']);
});

test('run serves promises while it drains', async t => {
  const tasklet = new ScriptedTasklet('a', PROGRESSED);
  const {loop, clock, bell} = loopOf(tasklet);
  let turns = 0;
  tasklet.onStep = () => {
    clock.advance(1);
  };
  const running = loop.run();
  await new Promise<void>(resolve => {
    const turn = (): void => {
      turns += 1;
      if (turns < 5) setImmediate(turn);
      else resolve();
    };
    setImmediate(turn);
  });
  bell.flags = CONTROL_CANCEL;

  t.is(await running, 'CANCELED');
  t.true(tasklet.stepCount >= 8, 'it went on between the turns');
});

test('the pulse shows the current task during a step, and none after the round', t => {
  const tasklet = new ScriptedTasklet('a', FINISHED);
  const {loop, board} = loopOf(tasklet);
  const pulses: number[] = [];
  const {pulse} = {pulse: board};
  tasklet.onStep = () => {
    pulses.push(pulse.steps(0));
  };

  loop.slice();

  t.deepEqual(pulses, [1]);
  t.is(board.currentTask(0), NO_TASK);
});

test('only a running worker has a current task', t => {
  const buffer = allocateJobBoard(2);
  const pulse = new WorkerPulse(buffer, 1);
  const board = new JobBoard(buffer);

  pulse.enterPhase('RUNNING');
  pulse.beginStep(5);
  t.is(board.currentTask(1), 5);
  t.is(board.currentTask(0), NO_TASK);

  pulse.enterPhase('ENDED');
  t.is(board.currentTask(1), NO_TASK);
  t.throws(() => board.steps(2), {instanceOf: InvariantError});
});

test('only as many threads build the graph as the job has workers', t => {
  const board = new JobBoard(allocateJobBoard(2));

  t.deepEqual([board.claimBoot(), board.claimBoot(), board.claimBoot()], [true, true, false]);
});
