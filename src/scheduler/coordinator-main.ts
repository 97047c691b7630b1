/**
 * What runs in the coordinator's thread. The host starts it with a port and the job's board; it exposes
 * the coordinator on the port, and ends when the host lets go of it.
 */
import type {MessagePort} from 'node:worker_threads';
import {InvariantError} from '../base/assert.ts';
import {systemClock} from '../base/clock.ts';
import {StreamError} from '../base/errors.ts';
import type {ErrorData} from '../base/errors.ts';
import {openControlLink} from './control-link.ts';
import {Coordinator} from './coordinator.ts';
import type {CoordinatorSettings, JobEnd, StartedJob} from './coordinator.ts';
import {drainOutput} from './drain-output.ts';
import type {JobRequest, StateQuery} from './runtime-contract.ts';
import type {WorkerPool} from './worker-pool.ts';

/** What the thread finds as `workerData`. */
export interface CoordinatorBoot {
  readonly request: JobRequest;
  readonly settings: CoordinatorSettings;
  readonly board: SharedArrayBuffer;
  readonly port: MessagePort;
}

/** What the host may call. */
export type CoordinatorControl = {
  /** Answers when the job is RUNNING. */
  started(): Promise<StartedJob>;
  /** Answers when all threads of the job but this one are gone. */
  done(): Promise<JobEnd>;
  cancel(): void;
  stop(): void;
  /** What an operator keeps for a key, asked of the worker that has it. */
  readState(query: StateQuery): Promise<Readonly<Record<string, unknown>> | undefined>;
  /** Fails the job for a reason that only the host knows. */
  fail(error: ErrorData): void;
};

/** Coordinates the job to its end; its workers' threads are on their way already. */
export function coordinate(boot: CoordinatorBoot, pool: WorkerPool): void {
  const {request, settings, board, port} = boot;
  const coordinator = new Coordinator({request, settings, board, clock: systemClock, pool});
  // The job's module has been imported here too, and may have left timers and promises behind. What they
  // throw fails the job as in a worker. A broken invariant ends the thread: nobody may go on after it.
  process.on('uncaughtException', thrown => {
    if (thrown instanceof InvariantError) throw thrown;
    coordinator.failUncaught(thrown);
  });
  // Not awaited: planning begins while the host's first call is still on its way.
  const started = coordinator.start();
  started.catch(() => {});

  const control: CoordinatorControl = {
    started: () => started,
    done: async () => {
      const end = await coordinator.done;
      // A start that failed has to be answered first: the host ends this thread when it knows the end,
      // and would take a missing answer for a dead thread.
      await started.catch(() => {});
      await new Promise<void>(resolve => {
        setImmediate(resolve);
      });
      await pool.outputPassedOn();
      await drainOutput();
      return end;
    },
    cancel: () => {
      coordinator.cancel();
    },
    stop: () => {
      coordinator.stop();
    },
    readState: query => coordinator.readState(query),
    fail: error => {
      coordinator.fail(StreamError.from(error));
    },
  };
  openControlLink(port, control);
}
