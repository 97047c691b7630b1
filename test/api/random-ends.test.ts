/**
 * Jobs that are cancelled, stopped, aborted or fail at a moment drawn from a seed, from the first line of
 * `start` to long after the end. Whatever meets whatever: everything settles, every task has ended, no
 * thread is left. The moment is real time, so a seed gives the same try, not the same run.
 */
import {setTimeout as delay} from 'node:timers/promises';
import test from 'ava';
import {startOn} from '../../src/api/start.ts';
import {Random} from '../../src/base/random.ts';
import {StreamError, type JobHandle} from '../../src/index.ts';
import {eventually} from '../support/eventually.ts';
import {FAKE_RUNTIME, fakeJob} from '../support/fake-job.ts';
import {threadCount} from '../support/process-threads.ts';

const SEEDS = Number(process.env['MILLRACE_END_SEEDS'] ?? 16);
/** A start takes about half of it. */
const MOMENT_MS_MAX = 600;

interface Kind {
  readonly module: string;
  readonly args: Readonly<Record<string, unknown>>;
  /** How it may end if nobody interferes; undefined: not at all. */
  readonly ownEnd: string | undefined;
}

const KINDS: readonly Kind[] = [
  {module: 'count', args: {limit: 2000, taskCount: 3}, ownEnd: 'FINISHED'},
  {module: 'count', args: {limit: 2 ** 50}, ownEnd: undefined},
  {module: 'faulty', args: {fault: 'none', taskCount: 3}, ownEnd: undefined},
  {module: 'faulty', args: {fault: 'step'}, ownEnd: 'E_TASK_FAILED'},
  {module: 'faulty', args: {fault: 'exit'}, ownEnd: 'E_WORKER_EXIT'},
  {module: 'faulty', args: {fault: 'uncaught'}, ownEnd: 'E_UNCAUGHT'},
  {module: 'faulty', args: {fault: 'open'}, ownEnd: 'E_DEPLOY_FAILED'},
  {module: 'faulty', args: {fault: 'dispose-on-cancel'}, ownEnd: undefined},
  {module: 'never-loaded', args: {}, ownEnd: undefined},
];

const ACTIONS = ['abort', 'cancel', 'stop', 'dispose', 'cancel twice'] as const;

/** What the job came to, as one word: a state or the code of an error. */
async function outcomeOf(ending: Promise<{readonly state: string}>): Promise<string> {
  try {
    return (await ending).state;
  } catch (thrown) {
    if (!(thrown instanceof StreamError)) throw thrown;
    return thrown.code;
  }
}

async function act(run: JobHandle, action: (typeof ACTIONS)[number]): Promise<void> {
  switch (action) {
    case 'cancel':
      await outcomeOf(run.cancel());
      break;
    case 'cancel twice':
      await Promise.all([outcomeOf(run.cancel()), outcomeOf(run.cancel())]);
      break;
    case 'stop':
      // Tasks that wait for ever do not hear of it.
      void outcomeOf(run.stop());
      await delay(20);
      await outcomeOf(run.cancel());
      break;
    case 'dispose':
      await run[Symbol.asyncDispose]().catch(() => {});
      break;
    default:
  }
}

test.serial(`jobs that are ended at any moment end, seeds 0 to ${SEEDS - 1}`, async t => {
  const before = threadCount();
  const seen = new Set<string>();
  for (let seed = 0; seed < SEEDS; seed += 1) {
    const random = new Random(seed);
    const kind = KINDS[random.below(KINDS.length)]!;
    // A module that never loads is never started: only a signal can end it.
    const action =
      kind.module === 'never-loaded' ? 'abort' : ACTIONS[random.below(ACTIONS.length)]!;
    const momentMs = random.below(MOMENT_MS_MAX);
    const controller = new AbortController();
    const what = `seed ${seed}: ${JSON.stringify({...kind, action, momentMs})}`;

    const starting = startOn(FAKE_RUNTIME, fakeJob(kind.module), {
      parallelism: 1 + random.below(2),
      args: kind.args,
      signal: controller.signal,
    });
    const moment = delay(momentMs).then(() => {
      if (action === 'abort') controller.abort();
    });
    let outcome: string;
    let run: JobHandle | undefined;
    try {
      run = await starting;
      const ending = outcomeOf(run.done);
      await moment;
      await act(run, action);
      outcome = await ending;
    } catch (thrown) {
      outcome = (thrown as StreamError).code;
    }
    await moment;

    seen.add(outcome);
    const allowed = action === 'stop' ? ['FINISHED', 'CANCELED'] : ['CANCELED', 'E_JOB_CANCELED'];
    t.true([...allowed, kind.ownEnd].includes(outcome), `${what} → ${outcome}`);
    for (const {name, state} of run?.tasks() ?? []) {
      t.true(['FINISHED', 'CANCELED', 'FAILED'].includes(state), `${what}: ${name} is ${state}`);
    }
    if (before !== undefined) await eventually(what, () => threadCount()! <= before);
  }
  t.true(seen.size >= 2, [...seen].join(', '));
});
