/**
 * Failures as the coordinator sees them: which error a dead or silent thread becomes, and the history of
 * a job's failures. Every error names the job and, where it can be known, the task: the board still
 * says which task a thread was stepping when it died.
 */
import {StreamError, showValue, toErrorData} from '../base/errors.ts';
import type {ErrorData} from '../base/errors.ts';
import {canBeCloned, cloneFaultPath} from './clone-fault.ts';
import type {TaskPlacement, WorkerResults} from './runtime-contract.ts';

/** As many failures are kept as in Flink's exception history. */
export const FAILURE_HISTORY_MAX = 16;

/** Where a thread was when something happened to it. */
export interface ThreadPlace {
  readonly jobName: string;
  readonly workerIndex: number;
  /** The task that was being opened or stepped; undefined between steps and outside the loop. */
  readonly task?: TaskPlacement | undefined;
}

const placeDetails = ({jobName, workerIndex, task}: ThreadPlace) => ({
  job: jobName,
  task: task?.name,
  worker: workerIndex,
});

const thrownText = (thrown: unknown): string =>
  thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : showValue(thrown);

/** What a worker's unexpected end means: `thrown` is what its endless task was rejected with. */
export function workerDeath(thrown: unknown, place: ThreadPlace): StreamError {
  const details = placeDetails(place);
  const code = (thrown as {code?: unknown} | null)?.code;
  if (code === 'ERR_WORKER_OUT_OF_MEMORY') {
    return new StreamError(
      'E_WORKER_OUT_OF_MEMORY',
      'a worker thread ran out of heap and was ended',
      details,
      {
        remedy: 'keep less in user functions, raise the parallelism, or give workerHeapMb',
        cause: thrown,
      },
    );
  }
  const exit = /^worker exited with code: (-?\d+)$/.exec(
    thrown instanceof Error ? thrown.message : '',
  );
  if (exit !== null) {
    return new StreamError(
      'E_WORKER_EXIT',
      'a worker thread ended before its tasks',
      {...details, exitCode: Number(exit[1])},
      {remedy: 'user code must not call process.exit'},
    );
  }
  return new StreamError(
    'E_WORKER_DIED',
    'a worker thread died',
    {...details, thrown: thrownText(thrown)},
    {cause: thrown},
  );
}

/** A thread has been in the same step, or in whatever user code runs between steps, for `silentMs`. */
export function taskNotResponding(silentMs: number, place: ThreadPlace): StreamError {
  return new StreamError(
    'E_TASK_NOT_RESPONDING',
    place.task === undefined
      ? 'a worker thread does not respond and was ended'
      : 'a task does not respond; its thread was ended',
    {...placeDetails(place), silentMs: Math.round(silentMs)},
    {
      remedy:
        'look for an endless loop or a blocking call in user functions, or raise taskTimeoutMs',
    },
  );
}

/** What a step threw, as the failure of its task. Errors that already say so pass unchanged. */
export function taskFailure(thrown: unknown, place: ThreadPlace): StreamError {
  if (thrown instanceof StreamError) return thrown;
  if (place.task === undefined) return uncaught(thrown, place);
  return new StreamError(
    'E_TASK_FAILED',
    'a task failed',
    {...placeDetails(place), thrown: thrownText(thrown)},
    {cause: thrown},
  );
}

/** What came out of no call of the engine. */
export function uncaught(
  thrown: unknown,
  place: Omit<ThreadPlace, 'workerIndex'> & {readonly workerIndex: number | undefined},
): StreamError {
  return new StreamError(
    'E_UNCAUGHT',
    'user code threw outside of the calls of the engine',
    {
      job: place.jobName,
      ...(place.workerIndex === undefined ? {} : {worker: place.workerIndex}),
      thrown: thrownText(thrown),
    },
    {remedy: 'catch it in the timer, callback or promise that it comes from', cause: thrown},
  );
}

/** What went wrong before the first step: while the graph or the operators were built. */
export function deployFailure(thrown: unknown, place: ThreadPlace): StreamError {
  if (thrown instanceof StreamError) return thrown;
  return new StreamError(
    'E_DEPLOY_FAILED',
    'a worker could not set up its tasks',
    {...placeDetails(place), thrown: thrownText(thrown)},
    {cause: thrown},
  );
}

/** Why the results of a worker did not get through: the collected value that cannot cross threads. */
export function resultsFailure(
  thrown: unknown,
  {collected}: WorkerResults,
  {jobName, workerIndex}: ThreadPlace,
): StreamError {
  for (const [sink, values] of Object.entries(collected)) {
    const index = values.findIndex(value => !canBeCloned(value));
    if (index < 0) continue;
    return new StreamError(
      'E_COLLECT_VALUE',
      'a collected record cannot be handed to the host',
      {
        job: jobName,
        sink,
        index,
        value: showValue(values[index]),
        field: cloneFaultPath(values[index]),
      },
      {remedy: 'collect plain data: map functions and symbols away', cause: thrown},
    );
  }
  return new StreamError(
    'E_RESULTS_LOST',
    'the results of a worker could not be handed over',
    {job: jobName, worker: workerIndex, thrown: thrownText(thrown)},
    {cause: thrown},
  );
}

/** The failures of a job in the order in which they were noticed; the first is the root cause. */
export class FailureHistory {
  readonly #failures: ErrorData[] = [];
  readonly #secondary: ErrorData[] = [];

  add(thrown: unknown): void {
    if (this.#failures.length < FAILURE_HISTORY_MAX) this.#failures.push(toErrorData(thrown));
  }

  /** What went wrong while the job was being ended: worth keeping, never the root cause. */
  addSecondary(error: ErrorData): void {
    if (this.#secondary.length < FAILURE_HISTORY_MAX) this.#secondary.push(error);
  }

  get root(): ErrorData | undefined {
    return this.#failures[0];
  }

  toArray(): readonly ErrorData[] {
    return [...this.#failures, ...this.#secondary].slice(0, FAILURE_HISTORY_MAX);
  }
}
