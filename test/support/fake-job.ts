/** Starts coordinators over the fake runtime, in the thread of the test; their workers are real threads. */
import type {ExecutionContext} from 'ava';
import {systemClock} from '../../src/base/clock.ts';
import {resolveConfig} from '../../src/graph/config.ts';
import {Coordinator, type CoordinatorSettings} from '../../src/scheduler/coordinator.ts';
import {JobBoard, allocateJobBoard} from '../../src/scheduler/job-board.ts';
import {TASK_STATES, type TaskState} from '../../src/scheduler/task-state.ts';

/** The URL of the fake runtime, for `startOn`. */
export const FAKE_RUNTIME = new URL('./fake-runtime.ts', import.meta.url).href;

/** The URL of a fake job in test/scheduler/jobs. */
export function fakeJob(name: string): string {
  return new URL(`../scheduler/jobs/${name}.ts`, import.meta.url).href;
}

export interface FakeRunOptions extends Partial<CoordinatorSettings> {
  readonly workerCount?: number;
}

/** A coordinator of a fake job, not started yet. It is cancelled when the test ends. */
export function fakeRun(
  t: ExecutionContext,
  name: string,
  args: unknown,
  {workerCount = 2, ...settings}: FakeRunOptions = {},
) {
  const board = allocateJobBoard(workerCount);
  const coordinator = new Coordinator({
    request: {
      jobId: `test-${name}`,
      jobUrl: fakeJob(name),
      runtimeUrl: FAKE_RUNTIME,
      args,
      config: resolveConfig(),
      workerCount,
    },
    settings: {
      taskTimeoutMs: 60_000,
      cancelTimeoutMs: 60_000,
      workerHeapMb: undefined,
      ...settings,
    },
    board,
    clock: systemClock,
  });
  t.teardown(async () => {
    coordinator.cancel();
    await coordinator.done;
  });
  return {coordinator, board: new JobBoard(board)};
}

/** The states of the tasks of a started job, in their order. */
export function taskStates(words: SharedArrayBuffer): TaskState[] {
  return [...new Int32Array(words)].map(code => TASK_STATES[code]!);
}

/** The words that all tasks of a fake job share. */
export function sharedWords(deployment: {plan: unknown; buffer: SharedArrayBuffer}): Int32Array {
  const {words} = deployment.plan as {words: {offsetBytes: number; sizeBytes: number}};
  return new Int32Array(deployment.buffer, words.offsetBytes, words.sizeBytes >> 2);
}
