/** All jobs, in the order of the table. */
import {bids} from './bids.ts';
import {handoff} from './handoff.ts';
import {j1} from './j1.ts';
import {j2} from './j2.ts';
import {contended, j2xMillion, j2xThousand} from './j2x.ts';
import type {Answer, Job, Outcome} from './job.ts';
import {intervalJoin, windowJoin} from './joins.ts';
import {latency, latencyAnswer} from './latency.ts';
import {process} from './process.ts';
import {start} from './start.ts';
import {session, sliding, tumblingMillion, tumblingThousand} from './windows.ts';
import {wordcount} from './wordcount.ts';

/** A job whose parameters' type is not known here: parameters go only to its own functions. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type AnyJob = Job<any>;

export const JOBS: readonly AnyJob[] = [
  j1,
  j2,
  j2xThousand,
  j2xMillion,
  bids,
  wordcount,
  handoff,
  tumblingThousand,
  tumblingMillion,
  sliding,
  session,
  intervalJoin,
  windowJoin,
  process,
  start,
  latency,
  contended,
];

export function jobNamed(name: string): AnyJob {
  const job = JOBS.find(each => each.name === name);
  if (job === undefined) {
    throw new Error(`no such job: ${name}; there are ${JOBS.map(each => each.name).join(', ')}`);
  }
  return job;
}

/** The answer that `outcome` is compared with. */
export function expectedAnswer(job: AnyJob, parameters: object, outcome: Outcome): Answer {
  // The open loop offers what half of the engine's own maximum makes; all of that must arrive.
  return job.name === 'latency' ? latencyAnswer(outcome.records) : job.expected(parameters);
}
