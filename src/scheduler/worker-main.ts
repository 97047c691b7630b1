/**
 * What runs in a worker thread: imports the job's module, builds the graph, waits for the deployment,
 * and then is the worker loop until no task is left. The import begins while this module is being
 * loaded, beside that of the coordinator, so that a cold start pays for the longest of them and
 * not for the sum.
 *
 *   coordinator                         this thread
 *   starts the pool                     import runtime and job, build the graph
 *   plans, allocates the arena          …
 *   deploy(deployment) ───────────────► compare the graphs, create the operators
 *   ◄─────────────────────────── answer
 *   ◄───── taskFinished / taskFailed …  loop
 *   ◄──── the task's promise resolves   all tasks have ended, all reports have been answered
 */
import {threadId, workerData} from 'node:worker_threads';
import type {MessagePort} from 'node:worker_threads';
import {systemClock} from '../base/clock.ts';
import {StreamError, toErrorData} from '../base/errors.ts';
import type {ErrorData} from '../base/errors.ts';
import {openControlLink} from './control-link.ts';
import {drainOutput} from './drain-output.ts';
import {deployFailure, resultsFailure, taskFailure, uncaught} from './failure.ts';
import {JobBoard, NO_TASK, WorkerPulse} from './job-board.ts';
import {importJobModule, importRuntime} from './job-module.ts';
import type {
  Deployment,
  JobRequest,
  PlannedJob,
  StateQuery,
  WorkerResults,
  WorkerRuntime,
  WorkerSide,
} from './runtime-contract.ts';
import {WorkerLoop} from './worker-loop.ts';
import type {LoopOutcome} from './worker-loop.ts';

/** What the thread finds as `workerData`; the same for all workers of a job. */
export interface WorkerBoot {
  readonly request: JobRequest;
  readonly board: SharedArrayBuffer;
}

/** The endless task of one thread. */
export interface WorkerTask {
  readonly workerIndex: number;
  readonly port: MessagePort;
}

/** What the endless task comes to; failures and results have been reported before. */
export interface WorkerEnd {
  readonly outcome: LoopOutcome;
}

/** What the coordinator may call. */
export type WorkerControl = {
  /**
   * Answers when the operators exist and the loop is about to begin, or when that has failed and the
   * failure has been reported.
   */
  deploy(deployment: Deployment): Promise<void>;
  /** What an operator of this worker keeps for a key. */
  readState(query: StateQuery): Readonly<Record<string, unknown>> | undefined;
};

/** What the worker calls. */
export type WorkerReports = {
  initializing(workerIndex: number): void;
  taskFinished(taskIndex: number): void;
  taskCanceled(taskIndex: number): void;
  /** `taskIndex` is NO_TASK if nobody knows whose failure it is. */
  taskFailed(workerIndex: number, taskIndex: number, error: ErrorData): void;
  disposeFailed(taskIndex: number, error: ErrorData): void;
  /** What the tasks have left behind, when all have ended. */
  results(workerIndex: number, results: WorkerResults): void;
  /** The lines of the coordinator's graph. */
  graphLines(): readonly string[];
};

interface Built {
  readonly runtime: WorkerSide;
  readonly planned: PlannedJob;
}

const boot = workerData as WorkerBoot;
/** Begins at once; a thread that only replaces a dead one (see worker-pool.ts) builds nothing. */
const building = new JobBoard(boot.board).claimBoot() ? build(boot.request) : undefined;
// Whoever awaits it hears of the failure; until then it must not count as unhandled.
building?.catch(() => {});

/** Takes what user code throws outside of the engine's calls, from the moment that it is loaded. */
const stray = Promise.withResolvers<never>();
stray.promise.catch(() => {});
let onStray: (thrown: unknown) => void = stray.reject;
// Covers promises without a handler too. Without this the thread would die at once, and with it the
// tasks' chance to be closed.
process.on('uncaughtException', thrown => {
  onStray(thrown);
});

async function build(request: JobRequest): Promise<Built> {
  const [runtime, jobModule] = await Promise.all([
    importRuntime(request.runtimeUrl).then(runtime => runtime.worker()),
    importJobModule(request.jobUrl),
  ]);
  return {runtime, planned: await runtime.plan(jobModule, request)};
}

/** The endless task. Resolves when the worker has no task left; rejects only if the engine fails. */
export async function run({workerIndex, port}: WorkerTask): Promise<WorkerEnd> {
  const pulse = new WorkerPulse(boot.board, workerIndex);
  pulse.begin(threadId);
  pulse.enterPhase('BUILDING');

  return await new Promise<WorkerEnd>((resolve, reject) => {
    let runningTasks: WorkerRuntime | undefined;
    const control: WorkerControl = {
      // A message is heard between two slices of the loop, so no step is under way.
      readState: query => runningTasks?.readState(query),
      deploy: async deployment => {
        let finish: () => Promise<WorkerEnd>;
        try {
          finish = await Promise.race([prepare(deployment), strayInSetUp(deployment)]);
        } catch (thrown) {
          const place = {jobName: deployment.plan.jobName, workerIndex};
          const error = toErrorData(deployFailure(thrown, place));
          await link.remote.taskFailed(workerIndex, NO_TASK, error);
          finish = async () => {
            await drainOutput();
            return {outcome: 'FAILED'};
          };
        }
        // In a later turn, so that the answer to this call leaves before the first report.
        setImmediate(() => {
          finish().then(resolve, reject);
        });
      },
    };
    const link = openControlLink<WorkerReports>(port, control);

    const strayInSetUp = async ({plan: {jobName}}: Deployment): Promise<never> => {
      try {
        return await stray.promise;
      } catch (thrown) {
        throw uncaught(thrown, {jobName, workerIndex});
      }
    };

    const prepare = async (deployment: Deployment) => {
      const {runtime, planned} = await building!;
      await refuseOtherGraph(planned, deployment, link.remote.graphLines);
      const tasks = deployment.plan.tasks.filter(task => task.workerIndex === workerIndex);
      const {jobName} = deployment.plan;
      const reports: Promise<void>[] = [link.remote.initializing(workerIndex)];
      pulse.enterPhase('DEPLOYING');
      const workerRuntime = runtime.createWorker({
        deployment,
        workerIndex,
        planned,
        request: boot.request,
        clock: systemClock,
        opening: taskIndex => {
          pulse.beginStep(taskIndex);
        },
      });
      runningTasks = workerRuntime;
      const workerLoop = new WorkerLoop({
        tasks: workerRuntime.tasklets.map((tasklet, i) => ({
          taskIndex: tasks[i]!.taskIndex,
          tasklet,
        })),
        bell: runtime.openBell(deployment, workerIndex),
        pulse,
        clock: systemClock,
        listener: {
          taskFinished: taskIndex => {
            reports.push(link.remote.taskFinished(taskIndex));
          },
          taskCanceled: taskIndex => {
            reports.push(link.remote.taskCanceled(taskIndex));
          },
          taskFailed: (taskIndex, thrown) => {
            const task = tasks.find(placed => placed.taskIndex === taskIndex);
            const error = taskFailure(thrown, {jobName, workerIndex, task});
            reports.push(link.remote.taskFailed(workerIndex, taskIndex, toErrorData(error)));
          },
          disposeFailed: (taskIndex, thrown) => {
            reports.push(link.remote.disposeFailed(taskIndex, toErrorData(thrown)));
          },
        },
      });
      onStray = thrown => {
        workerLoop.failFromOutside(thrown);
      };
      const finish = async (): Promise<WorkerEnd> => {
        pulse.enterPhase('RUNNING');
        const outcome = await workerLoop.run();
        pulse.enterPhase('ENDED');
        runningTasks = undefined;
        const results = outcome === 'FAILED' ? undefined : workerRuntime.results();
        workerRuntime.dispose();
        // The reports go another way than the result of this task; they must not be overtaken.
        await Promise.all(reports);
        const isDelivered = results === undefined || (await deliver(results, jobName));
        await drainOutput();
        return {outcome: isDelivered ? outcome : 'FAILED'};
      };
      return finish;
    };

    /** Hands the results over; false, and a failure reported, if they cannot cross threads. */
    const deliver = async (results: WorkerResults, jobName: string): Promise<boolean> => {
      try {
        await link.remote.results(workerIndex, results);
        return true;
      } catch (thrown) {
        const error = resultsFailure(thrown, results, {jobName, workerIndex});
        await link.remote.taskFailed(workerIndex, NO_TASK, toErrorData(error));
        return false;
      }
    };
  });
}

/** The graph built here must be the coordinator's; E_NONDETERMINISTIC_JOB shows the first difference. */
async function refuseOtherGraph(
  {fingerprint}: PlannedJob,
  {plan}: Deployment,
  graphLines: () => Promise<readonly string[]>,
): Promise<void> {
  if (fingerprint.hash === plan.graphHash) return;
  const expected = await graphLines();
  const here = fingerprint.lines;
  let line = 0;
  while (line < here.length && here[line] === expected[line]) line += 1;
  const [first, second] = [expected[line], here[line]];
  const from = differenceStart(first ?? '', second ?? '');
  throw new StreamError(
    'E_NONDETERMINISTIC_JOB',
    'the job builds another graph each time it is called, so its threads cannot agree on one',
    {
      job: plan.jobName,
      line: line + 1,
      first: excerpt(first, from),
      second: excerpt(second, from),
    },
    {remedy: 'build the graph from the job arguments alone: no chance, no clock, no counters'},
  );
}

/** A line of a graph holds a whole operator: so much of it is shown before and behind a difference. */
const EXCERPT_BEFORE = 60;
const EXCERPT_BEHIND = 80;

function differenceStart(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at += 1;
  return at;
}

function excerpt(line: string | undefined, at: number): string {
  if (line === undefined) return '(nothing)';
  const from = at <= EXCERPT_BEFORE ? 0 : at - EXCERPT_BEFORE;
  const to = at + EXCERPT_BEHIND;
  return `${from > 0 ? '…' : ''}${line.slice(from, to)}${to < line.length ? '…' : ''}`;
}
