/**
 * The smallest runtime that the scheduler can run: a job module exports a `FakeJob`, which gives each
 * task a function to be stepped with. Tasks can talk through one shared Int32Array, as the tasks of the engine
 * do through the arena, so that tests of the control plane need no operators.
 */
import {assert} from '../../src/base/assert.ts';
import {fnv1a} from '../../src/base/hash.ts';
import {StreamError} from '../../src/base/errors.ts';
import {Arena, ArenaPlan} from '../../src/memory/arena.ts';
import type {Region} from '../../src/memory/arena.ts';
import {Doorbell, planDoorbells} from '../../src/memory/doorbell.ts';
import type {DoorbellLayout} from '../../src/memory/doorbell.ts';
import {FINISHED, IDLE, PROGRESSED} from '../../src/scheduler/progress.ts';
import type {Progress, Tasklet} from '../../src/scheduler/progress.ts';
import type {
  CoordinatorSide,
  Deployment,
  DeploymentPlan,
  HostInput,
  HostOutput,
  HostSide,
  JobMetrics,
  JobRuntime,
  PlannedJob,
  WorkerSide,
} from '../../src/scheduler/runtime-contract.ts';

/** What a task of a fake job sees. */
export interface FakeTaskContext {
  readonly taskIndex: number;
  readonly workerIndex: number;
  readonly args: Record<string, any>;
  /** 1 024 words that all threads of the job share. */
  readonly shared: Int32Array;
  readonly isStopped: () => boolean;
  /** Wakes this task's worker. */
  readonly wakeUp: () => void;
  readonly accumulate: (name: string, amount: number) => void;
  readonly collect: (name: string, value: unknown) => void;
}

export interface FakeTask {
  step(nowMs: number): Progress;
  readonly wakeAtMs?: number;
  readonly awaitsPromises?: boolean;
  dispose?(): void;
}

export interface FakeJob {
  readonly name?: string;
  /** What the threads must agree on; default: the name. */
  readonly lines?: readonly string[];
  readonly taskCount?: number;
  open(context: FakeTaskContext): FakeTask;
  /** When all tasks of a worker have ended, before it hands over their results. */
  beforeResults?(workerIndex: number, shared: Int32Array): void;
}

interface FakePlanned extends PlannedJob {
  readonly job: FakeJob;
}

interface FakePlan extends DeploymentPlan {
  readonly doorbells: DoorbellLayout;
  readonly words: Region;
  readonly args: Record<string, any>;
}

const HOST_WORDS = 16;

const sharedOf = (deployment: Deployment): Int32Array => {
  const {words} = deployment.plan as FakePlan;
  return new Int32Array(deployment.buffer, words.offsetBytes, words.sizeBytes >> 2);
};

const engine: CoordinatorSide & WorkerSide & HostSide = {
  async plan(jobModule, request) {
    const builder = jobModule['default'] as ((args: unknown) => FakeJob) | undefined;
    if (typeof builder !== 'function') {
      throw new StreamError('E_JOB_INVALID', 'the module exports no job by default', {
        module: request.jobUrl,
      });
    }
    const job = builder(request.args);
    const jobName = job.name ?? 'fake';
    const lines = job.lines ?? [jobName];
    const hash = fnv1a(lines.join('\n')).toString(16);
    return {job, jobName, fingerprint: {hash, lines}} as FakePlanned;
  },

  async deploy(planned, request) {
    const {job, jobName, fingerprint} = planned as FakePlanned;
    const arena = new ArenaPlan();
    const doorbells = planDoorbells(arena, request.workerCount + 1);
    const words = arena.reserve('words', 4096);
    const taskCount = job.taskCount ?? request.workerCount;
    const plan: FakePlan = {
      jobId: request.jobId,
      jobName,
      workerCount: request.workerCount,
      graphHash: fingerprint.hash,
      arenaSizeBytes: arena.sizeBytes,
      hostInputs: [],
      hostOutputs: [],
      tasks: Array.from({length: taskCount}, (_, taskIndex) => ({
        taskIndex,
        vertexId: 'fake',
        name: `fake (${taskIndex + 1}/${taskCount})`,
        subtaskIndex: taskIndex,
        workerIndex: taskIndex % request.workerCount,
      })),
      doorbells,
      words,
      args: request.args as Record<string, any>,
    };
    return {plan, buffer: arena.create().buffer, splits: undefined};
  },

  createWorker({deployment, workerIndex, planned, opening}) {
    const plan = deployment.plan as FakePlan;
    const shared = sharedOf(deployment);
    const bell = engine.openBell(deployment, workerIndex);
    const accumulators: Record<string, number> = {};
    const collected: Record<string, unknown[]> = {};
    const tasklets = plan.tasks
      .filter(task => task.workerIndex === workerIndex)
      .map((task): Tasklet => {
        let isStopped = false;
        let isDisposed = false;
        opening(task.taskIndex);
        const fake = (planned as FakePlanned).job.open({
          taskIndex: task.taskIndex,
          workerIndex,
          args: plan.args,
          shared,
          isStopped: () => isStopped,
          wakeUp: () => {
            bell.wake();
          },
          accumulate: (name, amount) => {
            accumulators[name] = (accumulators[name] ?? 0) + amount;
          },
          collect: (name, value) => {
            (collected[name] ??= []).push(value);
          },
        });
        return {
          name: task.name,
          step: nowMs => {
            assert(!isDisposed, 'a task was stepped after it had been disposed');
            return fake.step(nowMs);
          },
          get wakeAtMs() {
            return fake.wakeAtMs ?? Infinity;
          },
          get awaitsPromises() {
            return fake.awaitsPromises ?? false;
          },
          stop: () => {
            isStopped = true;
          },
          dispose: () => {
            if (isDisposed) return;
            isDisposed = true;
            fake.dispose?.();
          },
        };
      });
    return {
      tasklets,
      readState: ({key}) => ({key}),
      results: () => {
        (planned as FakePlanned).job.beforeResults?.(workerIndex, shared);
        return {accumulators, collected};
      },
      dispose: () => {},
    };
  },

  openBell(deployment, workerIndex) {
    const {doorbells} = deployment.plan as FakePlan;
    return new Doorbell(new Arena(deployment.buffer), doorbells, workerIndex);
  },

  openWatermarks: () => ({explain: () => []}),

  openMetrics(deployment) {
    const shared = sharedOf(deployment);
    return {
      read: (): JobMetrics => ({
        tasks: deployment.plan.tasks.map(({taskIndex, ...place}) => ({
          taskIndex,
          ...place,
          recordsIn: shared[512 + taskIndex]!,
          recordsOut: shared[512 + taskIndex]!,
          bytesIn: 0,
          bytesOut: 0,
          busyMs: 0,
          idleMs: 0,
          backpressuredMs: 0,
          inputQueueLength: 0,
          inputQueueLengthMax: 0,
          outputQueueLength: 0,
          currentInputWatermark: -Infinity,
          currentOutputWatermark: -Infinity,
          counters: {},
          operators: [
            {
              uid: 'fake',
              name: 'fake',
              recordsIn: shared[512 + taskIndex]!,
              recordsOut: shared[512 + taskIndex]!,
            },
          ],
        })),
      }),
    };
  },

  stateQuery: (_deployment, _uid, key) => ({workerIndex: 0, taskIndex: 0, operatorIndex: 0, key}),

  /** Word 0: 1 when a value (word 1) waits; word 2: 1 when the host has ended. Room for one value. */
  openHostInput(deployment): HostInput {
    const shared = sharedOf(deployment);
    const {plan} = deployment;
    const bell = engine.openBell(deployment, plan.workerCount);
    const worker = engine.openBell(deployment, 0);
    const waiting: number[] = [];
    const settle = () => {
      if (waiting.length > 0 && Atomics.load(shared, 0) === 0) {
        Atomics.store(shared, 1, waiting.shift()!);
        Atomics.store(shared, 0, 1);
        worker.wake();
      }
      return waiting.length === 0;
    };
    return {
      bell,
      offer: value => {
        if (typeof value !== 'number') throw new StreamError('E_RECORD_ENCODING', 'no number');
        waiting.push(value);
        return settle();
      },
      settle,
      flush: settle,
      close: () => {
        if (!settle()) return false;
        Atomics.store(shared, 2, 1);
        worker.wake();
        return true;
      },
    };
  },

  /** Word 16: 1 when a value (word 17) waits; word 18: 1 when the job has ended. */
  openHostOutput(deployment): HostOutput {
    const shared = sharedOf(deployment);
    const bell = engine.openBell(deployment, deployment.plan.workerCount);
    const worker = engine.openBell(deployment, 0);
    return {
      bell,
      poll: () => {
        if (Atomics.load(shared, HOST_WORDS) === 0) return undefined;
        const value = Atomics.load(shared, HOST_WORDS + 1);
        Atomics.store(shared, HOST_WORDS, 0);
        worker.wake();
        return [value];
      },
      get isEnded() {
        return Atomics.load(shared, HOST_WORDS + 2) === 1 && Atomics.load(shared, HOST_WORDS) === 0;
      },
      isHoldingBack: () => Atomics.load(shared, HOST_WORDS) === 1,
      close: () => {
        Atomics.store(shared, HOST_WORDS + 3, 1);
        worker.wake();
      },
    };
  },
};

export const jobRuntime: JobRuntime = {
  coordinator: async () => engine,
  worker: async () => engine,
  host: async () => engine,
};

/** A task that counts to `limit`, `perStep` at a time, and then finishes. */
export function countTo(context: FakeTaskContext, limit: number, perStep = 100): FakeTask {
  let count = 0;
  return {
    step: () => {
      if (count >= limit || context.isStopped()) {
        context.accumulate('count', count);
        return FINISHED;
      }
      count = Math.min(limit, count + perStep);
      context.shared[512 + context.taskIndex] = count;
      return PROGRESSED;
    },
  };
}

/** A task that waits for ever. */
export const waitForever: FakeTask = {step: () => IDLE};
