/**
 * A program that embeds a job and behaves as its first argument says, for tests that look at the process
 * from outside: how it ends, and what it prints.
 */
import {start, type JobHandle} from '../../../src/index.ts';

const NUMBERS = new URL('../../api/jobs/numbers.ts', import.meta.url);
const PRINTS = new URL('../jobs/prints.ts', import.meta.url);

/** Starts a job that sends numbers to this host, few enough to fit on the way if there is a `count`. */
const startNumbers = (args: {count?: number; failAt?: number}): Promise<JobHandle> =>
  start(NUMBERS, {parallelism: 1, args, config: {exclusiveCredits: 64}, hostReadTimeoutMs: 100});

const BEHAVIOURS: Record<string, () => Promise<void>> = {
  'finishes and keeps the handle': async () => {
    const run = await startNumbers({count: 100});
    (globalThis as {run?: unknown}).run = run;
    console.log((await run.done).state);
  },
  'does not await a failure': async () => {
    await startNumbers({count: 100, failAt: 10});
    console.log('started');
  },
  'does not catch a failure': async () => {
    const run = await startNumbers({count: 100, failAt: 10});
    await run.done;
  },
  'does not catch a failed start': async () => {
    await start('no/such/job.ts', {parallelism: 1});
  },
  'never reads': async () => {
    const run = await startNumbers({});
    process.on('warning', warning => {
      console.log((warning as {code?: string}).code);
      void run.cancel().then(({state}) => console.log(state));
    });
  },
  'exits while the job runs': async () => {
    await startNumbers({});
    process.exit(3);
  },
  'blocks while the job runs': async () => {
    const run = await startNumbers({count: 100});
    const nothing = new Int32Array(new SharedArrayBuffer(4));
    for (let i = 0; i < 200 && run.status !== 'FINISHED'; i += 1) Atomics.wait(nothing, 0, 0, 100);
    console.log(run.status);
    console.log((await run.done).state);
  },
  'has a job that prints': async () => {
    const run = await start(PRINTS, {parallelism: 1, args: {count: 20_000}});
    await run.done;
  },
  'has a job that prints and fails': async () => {
    const run = await start(PRINTS, {parallelism: 1, args: {count: 20_000, fails: true}});
    await run.done;
  },
  'waits for a signal': async () => {
    await startNumbers({});
    console.log('started');
  },
};

await BEHAVIOURS[process.argv[2]!]!();
