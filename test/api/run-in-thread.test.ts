/** Jobs in the calling thread: the same results and errors as with workers, and nothing left behind. */
import test from 'ava';
import {StreamError, runInThread} from '../../src/index.ts';
import {handleCounts, heldMb} from '../support/process-threads.ts';

test.serial('a job runs to its end in this thread, with closures over the caller', async t => {
  const seen: number[] = [];

  const result = await runInThread(env => {
    env
      .sequence(1, 1000)
      .map(i => {
        if (i % 250 === 0) seen.push(i);
        return {k: i % 2, v: i};
      })
      .keyBy('k')
      .reduce((a, b) => ({k: a.k, v: a.v + b.v}))
      .collect('sums');
  });

  t.is(result.state, 'FINISHED');
  t.deepEqual(seen, [250, 500, 750, 1000]);
  t.is(result.collected['sums']!.length, 1000);
  t.deepEqual(result.collected['sums']!.at(-1), {k: 0, v: 250_500});
  t.true(result.durationMs > 0);
});

test.serial('several subtasks share the thread', async t => {
  const result = await runInThread(
    env => {
      env
        .sequence(1, 5000)
        .map(i => ({k: i % 100, v: 1}))
        .keyBy('k')
        .sum('v')
        .collect('sums');
    },
    {parallelism: 4},
  );

  const last = new Map(
    (result.collected['sums'] as {k: number; v: number}[]).map(({k, v}) => [k, v]),
  );
  t.is(result.collected['sums']!.length, 5000);
  t.deepEqual([...new Set(last.values())], [50]);
});

test.serial('the event loop goes on meanwhile', async t => {
  let turns = 0;
  const timer = setInterval(() => {
    turns += 1;
  }, 1);

  await runInThread(env => {
    env.generate(i => i, {count: 100, ratePerSecond: 2000}).discard();
  });

  clearInterval(timer);
  t.true(turns > 5, `${turns} turns in 50 ms`);
});

test.serial('a signal cancels it, and one that was aborted before starts nothing', async t => {
  const controller = new AbortController();
  let calls = 0;
  const running = runInThread(
    env => {
      env
        .generate(i => i, {count: 2 ** 40})
        .map(i => {
          calls += 1;
          if (calls === 1000) controller.abort();
          return i;
        })
        .discard();
    },
    {signal: controller.signal},
  );

  t.is((await running).state, 'CANCELED');
  t.true(calls >= 1000 && calls < 100_000);
  const reason = new Error('not today');
  const error = await t.throwsAsync(
    runInThread(() => t.fail(), {signal: AbortSignal.abort(reason)}),
    {instanceOf: StreamError, code: 'E_JOB_CANCELED'},
  );
  t.is(error!.cause, reason);
});

test.serial('a signal that is aborted while the job is prepared cancels it, too', async t => {
  const controller = new AbortController();

  const result = await runInThread(
    env => {
      controller.abort();
      env.generate(i => i, {count: 2 ** 40}).discard();
    },
    {signal: controller.signal},
  );

  t.is(result.state, 'CANCELED');
});

test.serial('it rejects with the error of a user function, after closing everything', async t => {
  let isClosed = false;

  const error = await t.throwsAsync(
    runInThread(env => {
      env
        .sequence(1, 10)
        .map({
          map: i => {
            if (i === 7) throw new RangeError('enough');
            return i;
          },
          close: () => {
            isClosed = true;
          },
        })
        .name('Limit')
        .discard();
    }),
    {instanceOf: StreamError, code: 'E_USER_FUNCTION'},
  );

  t.is(error!.details.operator, 'Limit');
  t.is(error!.details.record, '7');
  t.true(isClosed);
});

test.serial('a job with host streams is refused: nobody has the other end', async t => {
  const error = await t.throwsAsync(
    runInThread(env => {
      env.fromHost('orders').toHost('alerts');
    }),
    {instanceOf: StreamError, code: 'E_HOST_STREAM'},
  );

  t.is(error!.details.streams, 'orders, alerts');
  t.regex(error!.message, /start\(\)/);
});

test.serial('1 000 jobs in a row leave no handle and no memory', async t => {
  const run = () =>
    runInThread(
      env => {
        env
          .sequence(1, 50)
          .map(i => ({k: i % 5, v: i}))
          .keyBy('k')
          .sum('v')
          .collect('out');
      },
      {parallelism: 2},
    );
  for (let i = 0; i < 200; i += 1) await run();
  const handles = handleCounts();
  // V8 keeps code, and statistics about it, now and then; a leak grows all the time.
  const grownMb: number[] = [];
  for (let part = 0; part < 4; part += 1) {
    const heldBefore = heldMb();
    for (let i = 0; i < 250; i += 1) {
      const result = await run();
      if (result.collected['out']!.length !== 50) t.fail(`job ${i} of part ${part}`);
    }
    grownMb.push(heldMb() - heldBefore);
  }

  t.deepEqual(handleCounts(), handles);
  t.true(Math.min(...grownMb) < 1, `${grownMb.map(each => each.toFixed(1)).join(', ')} MiB more`);
});
