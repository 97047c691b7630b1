/** A live look into the state of a key, while the job runs in threads of its own. */
import test from 'ava';
import {StreamError, type JobHandle} from '../../src/index.ts';
import {eventually} from '../support/eventually.ts';
import {runJob} from '../support/run-job.ts';
import type {Booking} from './jobs/accounts.ts';

/** Writes bookings and waits until both operators have seen all of them. */
async function book(run: JobHandle, bookings: readonly Booking[]): Promise<void> {
  const input = run.input<Booking>('bookings');
  for (const booking of bookings) if (!input.write(booking)) await input.ready;
  await eventually('all bookings have come', () => {
    const seen = run
      .metrics()
      .tasks.flatMap(({operators}) => operators)
      .filter(({uid}) => uid === 'accounts' || uid === 'sums')
      .reduce((sum, {recordsIn}) => sum + recordsIn, 0);
    return seen === 2 * bookings.length;
  });
}

for (const parallelism of [1, 2, 3]) {
  test(`state shows what each operator keeps for a key, parallelism ${parallelism}`, async t => {
    const run = await runJob(t, 'api/jobs/accounts.ts', {parallelism});
    const accounts = Array.from({length: 20}, (_, index) => `account ${index}`);
    await book(
      run,
      accounts.flatMap((account, index) => [
        {account, amount: index + 1},
        {account, amount: 10},
      ]),
    );

    for (const [index, account] of accounts.entries()) {
      t.deepEqual(await run.state('accounts', account), {
        last: {amount: 10},
        amounts: [index + 1, 10],
        byDay: new Map([
          [(index + 1) % 7, index + 1],
          [3, 10],
        ]),
        total: index + 11,
        mean: (index + 11) / 2,
      });
      t.deepEqual(await run.state('sums', account), {result: {account, amount: index + 11}});
    }
    t.is(await run.state('accounts', 'nobody'), undefined);
    t.is(await run.state('sums', 'nobody'), undefined);
    t.is(await run.state('sums', 7), undefined);
    t.is(await run.state('bookings', 'account 1'), undefined, 'a source keeps nothing');
  });
}

test('a look changes nothing, and questions that make no sense are refused', async t => {
  const run = await runJob(t, 'api/jobs/accounts.ts', {parallelism: 2});
  await book(run, [
    {account: 'a', amount: 1},
    {account: 'odd', amount: 2},
  ]);
  const codeOf = async (uid: string, key: unknown) =>
    await run.state(uid, key).then(
      () => 'answered',
      (thrown: StreamError) => thrown.code,
    );

  t.is(await codeOf('nothing', 'a'), 'E_STATE_QUERY');
  t.is(await codeOf('accounts', null), 'E_KEY_NULL');
  t.is(await codeOf('accounts', {}), 'E_KEY_TYPE');
  t.is(await codeOf('accounts', 'odd'), 'E_STATE_CLONE');
  t.like(await run.state('accounts', 'a'), {total: 1});
  await run.cancel();
  t.is(await codeOf('accounts', 'a'), 'E_JOB_ENDED');
});
