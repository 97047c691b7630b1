/**
 * A user function, or a connector, throws: the error names job, operator, uid and subtask, and shows what
 * was thrown and the record, cut. Every place in this thread, and some of each phase in threads.
 */
import test, {type ExecutionContext} from 'ava';
import {END_OF_SPLITS, MORE_AVAILABLE, StreamError, runInThread} from '../../src/index.ts';
import {runJob} from '../support/run-job.ts';
import userFunctions, {PLACES, type Place, type UserFunctionArgs} from './jobs/user-functions.ts';

/** Where no record can be blamed. */
const WITHOUT_RECORD: readonly Place[] = PLACES.filter(
  place =>
    place.startsWith('source') ||
    (place.startsWith('sink') && place !== 'sink write') ||
    ['process finish', 'open', 'close'].includes(place),
);

/** What happens in the coordinator, for all subtasks. */
const BEFORE_TASKS: readonly Place[] = ['sink prepare', 'source enumerate'];

function checkFailure(t: ExecutionContext, where: Place, error: unknown, subtasks: RegExp): void {
  t.true(error instanceof StreamError, String(error));
  const {code, details, message, cause} = error as StreamError;
  t.is(code, BEFORE_TASKS.includes(where) ? 'E_CONNECTOR' : 'E_USER_FUNCTION');
  t.is(details.job, 'job');
  t.regex(String(details.operator), /^((Source|Sink): )?Bad$/);
  t.is(details.uid, 'bad');
  t.is(details.thrown, 'RangeError: enough');
  if (!BEFORE_TASKS.includes(where)) t.regex(String(details.task), subtasks);
  if (WITHOUT_RECORD.includes(where)) {
    t.is(details.record, undefined);
  } else if (where === 'generate') {
    t.is(details.record, '42', 'the index is all there is');
  } else {
    t.regex(String(details.record), /^\{"i":42,"k":0,"text":"lorem .{100,200}…$/);
  }
  for (const name of ['job', 'operator', 'uid', 'thrown']) t.true(message.includes(`${name}=`));
  t.is((cause as Error).name, 'RangeError');
  t.is((cause as Error).message, 'enough');
  t.regex((cause as Error).stack!, /user-functions\.ts/, 'the line of the user');
}

for (const where of PLACES) {
  test.serial(`it throws in: ${where}`, async t => {
    const args: UserFunctionArgs = {where};

    const error = await t.throwsAsync(runInThread(userFunctions, {args}), {any: true});

    checkFailure(t, where, error, /Bad.* \(1\/1\)$/);
  });
}

for (const where of [
  'map',
  'keyBy',
  'coMap second',
  'open',
  'sink write',
  'sink close',
  'source enumerate',
  'source poll',
] as const) {
  test.serial(`it throws in a worker thread in: ${where}`, async t => {
    const error = await t.throwsAsync(
      async () => {
        const run = await runJob(t, 'faults/jobs/user-functions.ts', {args: {where}});
        await run.done;
      },
      {any: true},
    );

    checkFailure(t, where, error, /Bad.* \(1\/1\)$/);
  });
}

test.serial('of several subtasks the one that failed is named', async t => {
  const error = await t.throwsAsync(
    runInThread(
      env => {
        env
          .sequence(0, 99)
          .setParallelism(1)
          .partitionCustom(
            i => (i === 42 ? 2 : 0),
            i => i,
          )
          .map(i => {
            if (i === 42) throw new RangeError('enough');
            return i;
          })
          .name('Third')
          .setParallelism(3)
          .discard();
      },
      {parallelism: 3},
    ),
    {instanceOf: StreamError},
  );

  t.is(error!.details.task, 'Third -> Sink: Discard (3/3)');
  t.is(error!.details.record, '42');
});

for (const [what, shown] of [
  ['text', '"only a text"'],
  ['undefined', 'undefined'],
] as const) {
  test.serial(`what is thrown need not be an error: ${what}`, async t => {
    const args: UserFunctionArgs = {where: 'map', what};

    const error = await t.throwsAsync(runInThread(userFunctions, {args}), {
      instanceOf: StreamError,
      code: 'E_USER_FUNCTION',
    });

    t.is(error!.details.thrown, shown);
    t.is(error!.details.operator, 'Bad');
  });
}

for (const failing of [
  'reader open',
  'reader poll',
  'reader close',
  'map open',
  'map',
  'map close',
]) {
  test.serial(`what was opened is closed, whatever fails: ${failing}`, async t => {
    const calls: string[] = [];
    const call = (name: string) => {
      calls.push(name);
      if (name === failing) throw new RangeError('enough');
    };
    let polls = 0;

    await t.throwsAsync(
      runInThread(env => {
        env
          .fromSource<number>({
            name: 'Calls',
            isBounded: true,
            assignment: 'static',
            enumerateSplits: () => [{splitId: '0'}],
            createReader: () => ({
              open: () => call('reader open'),
              addSplit: () => {},
              poll: () => {
                call('reader poll');
                polls += 1;
                return polls === 1 ? MORE_AVAILABLE : END_OF_SPLITS;
              },
              batch: {kind: 'values', values: [1], count: 1},
              wakeAtMs: Infinity,
              snapshotSplits: () => [],
              close: () => call('reader close'),
            }),
          })
          .setParallelism(1)
          .map({
            open: () => call('map open'),
            map: i => (call('map'), i),
            close: () => call('map close'),
          })
          .discard();
      }),
      {code: 'E_USER_FUNCTION'},
    );

    const times = (name: string) => calls.filter(each => each === name).length;
    for (const part of ['reader', 'map']) {
      t.is(times(`${part} close`), times(`${part} open`), `${part}: ${calls.join(', ')}`);
    }
  });
}

for (const codeGeneration of [true, false]) {
  test.serial(
    `records before the one that fails have gone through, compiled: ${codeGeneration}`,
    async t => {
      const seen: number[] = [];

      await t.throwsAsync(
        runInThread(
          env => {
            env
              .sequence(0, 99)
              .map(i => {
                if (i === 42) throw new RangeError('enough');
                return i;
              })
              .sinkTo({name: 'Seen', createWriter: () => ({write: i => void seen.push(i)})});
          },
          {config: {codeGeneration}},
        ),
        {code: 'E_USER_FUNCTION'},
      );

      t.deepEqual(
        seen,
        Array.from({length: 42}, (_, i) => i),
      );
    },
  );
}

for (const [name, build] of [
  ['map', async (i: number) => i],
  ['filter', async (i: number) => i > 0],
  [
    'flatMap',
    async function* (i: number) {
      yield i;
    },
  ],
] as const) {
  test.serial(`an async function is refused where it is given: ${name}`, async t => {
    const error = await t.throwsAsync(
      runInThread(env => {
        const stream = env.sequence(0, 9) as unknown as Record<string, (fn: unknown) => unknown>;
        stream[name]!(build);
      }),
      {instanceOf: StreamError, code: 'E_API_FUNCTION'},
    );

    t.regex(error!.message, new RegExp(`${name} was given an async function.*synchronously`));
  });
}
