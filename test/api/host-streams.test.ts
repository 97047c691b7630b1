/**
 * The host as a neighbour of a running job: writing into it and reading from it, with the whole engine in
 * real threads between.
 */
import {ReadableStream} from 'node:stream/web';
import test from 'ava';
import {StreamError, type JobHandle, type JobInput} from '../../src/index.ts';
import {INPUT_BACKLOG_MAX} from '../../src/api/host-streams.ts';
import {eventually} from '../support/eventually.ts';
import {runJob} from '../support/run-job.ts';

const ECHO = 'api/jobs/echo.ts';
const NUMBERS = 'api/jobs/numbers.ts';

/** Few and small batches in flight, so that everything fills up soon. */
const TIGHT = {segmentSize: '1KB', exclusiveCredits: 1, floatingCredits: 0};

interface Numbered {
  readonly i: number;
  readonly text: string;
}

async function readAll<T>(run: JobHandle, name: string): Promise<T[]> {
  const values: T[] = [];
  for await (const batch of run.output<T>(name).batches()) values.push(...batch);
  return values;
}

/** Records that the job has sent to the host so far. */
function sentToHost(run: JobHandle): number {
  return run.metrics().tasks.at(-1)!.recordsOut;
}

/** Resolves when no task of the job has sent anything for a while. */
async function untilStill(run: JobHandle): Promise<void> {
  let seen = -1;
  let looks = 0;
  await eventually('the job stands still', () => {
    const sent = run.metrics().tasks.reduce((sum, task) => sum + task.recordsOut, 0);
    looks = sent === seen ? looks + 1 : 0;
    seen = sent;
    return looks === 50;
  });
}

/**
 * Writes `next(i)` until the job takes no more, and every buffer on the way is full. Returns how many. Never
 * asks for `ready`: who does will be told what goes wrong.
 */
async function fill<T>(run: JobHandle, input: JobInput<T>, next: (i: number) => T) {
  let written = 0;
  for (let refusals = 0; refusals < 3;) {
    refusals += 1;
    while (input.write(next(written))) {
      written += 1;
      refusals = 0;
    }
    written += 1;
    await untilStill(run);
  }
  return written;
}

/** Two of these fill a batch. */
const bulky = (i: number): Numbered => ({i, text: `${i} `.padEnd(400, 'x')});

/** Like `fill`, and goes on without asking for room, so that the next record has to wait by itself. */
async function overfill(run: JobHandle, input: JobInput<unknown>): Promise<number> {
  const written = await fill(run, input, bulky);
  for (let i = written; i < written + 64; i += 1) input.write(bulky(i));
  return written + 64;
}

test.serial('what the host writes comes back, once and in order', async t => {
  const run = await runJob(t, ECHO, {parallelism: 2});
  const input = run.input<number>('in');
  const reading = readAll<number>(run, 'out');

  for (let i = 0; i < 20_000; i += 1) if (!input.write(i)) await input.ready;
  input.end();

  const values = await reading;
  const result = await run.done;
  t.is(result.state, 'FINISHED');
  t.is(values.length, 20_000);
  t.deepEqual(
    [...values].sort((a, b) => a - b),
    Array.from({length: 20_000}, (_, i) => i),
  );
});

test.serial('values of every kind cross both ways without loss', async t => {
  const run = await runJob(t, ECHO);
  const values: unknown[] = [
    {id: 1, name: 'a', at: new Date(0), bytes: new Uint8Array([1, 2]), big: 2n ** 80n},
    {id: 2, name: null, at: undefined, nested: {deep: [1, 'two', null]}},
    {id: NaN, name: '\ud800 alone', map: new Map([['k', new Set([1])]])},
    'text',
    -0,
    2 ** 53,
    [],
    {},
    null,
    undefined,
    true,
  ];
  const input = run.input('in');

  for (const value of values) input.write(value);
  input.end();

  t.deepEqual(await readAll(run, 'out'), values);
});

test.serial('records may be larger than all batches in flight', async t => {
  const run = await runJob(t, ECHO, {config: TIGHT});
  const input = run.input<Numbered>('in');
  const reading = readAll<Numbered>(run, 'out');
  const large = 'x'.repeat(200_000);

  for (let i = 0; i < 20; i += 1) {
    if (!input.write({i, text: i % 2 === 0 ? `${large}${i}` : 'small'})) await input.ready;
  }
  input.end();

  const values = (await reading).sort((a, b) => a.i - b.i);
  t.is(values.length, 20);
  t.true(values.every(({i, text}) => text === (i % 2 === 0 ? `${large}${i}` : 'small')));
});

test.serial('a field that comes up late, or changes its type, widens the stream', async t => {
  const run = await runJob(t, ECHO);
  const input = run.input('in');
  const values = Array.from({length: 3000}, (_, i) =>
    i < 1000 ? {i} : i < 2000 ? {i: i + 0.5, tag: `t${i}`} : {i: `${i}`, tag: null, more: {x: i}},
  );
  const reading = readAll(run, 'out');

  for (const value of values) if (!input.write(value)) await input.ready;
  input.end();

  t.deepEqual(await reading, values);
});

test.serial('backpressure reaches a host that writes: write says false, ready waits', async t => {
  const run = await runJob(t, ECHO, {parallelism: 2, config: TIGHT});
  const input = run.input<number>('in');

  const written = await fill(run, input, i => i);
  t.true(written < 20_000, 'only what fits into a few small batches was taken');
  const reading = readAll<number>(run, 'out');
  await input.ready;
  input.end();

  t.deepEqual(
    (await reading).sort((a, b) => a - b),
    Array.from({length: written}, (_, i) => i),
  );
});

test.serial(
  'a host that ignores backpressure is refused, and nothing that was taken is lost',
  async t => {
    const run = await runJob(t, ECHO, {config: TIGHT});
    const input = run.input<{i: number}>('in');
    const record = {i: 0};
    let taken = 0;
    let refusal: unknown;
    while (refusal === undefined) {
      record.i = taken;
      try {
        input.write(record);
        taken += 1;
      } catch (thrown) {
        refusal = thrown;
      }
    }

    t.true(refusal instanceof StreamError);
    t.is((refusal as StreamError).code, 'E_INPUT_FULL');
    t.is((refusal as StreamError).details.waiting, INPUT_BACKLOG_MAX);
    t.regex((refusal as StreamError).message, /await ready/);

    input.end();
    const values = await readAll<{i: number}>(run, 'out');
    t.deepEqual(
      values.map(({i}) => i).sort((a, b) => a - b),
      Array.from({length: taken}, (_, i) => i),
      'the record was changed after each write, which changes nothing of what was taken',
    );
  },
);

test.serial('a slow reader slows the job down, with little in flight', async t => {
  const run = await runJob(t, NUMBERS, {config: TIGHT});
  const batches = run.output<Numbered>('out').batches();
  let read = (await batches.next()).value!.length;
  await untilStill(run);

  const sent = sentToHost(run);
  t.true(sent - read < 200, `${sent} records were sent for ${read} that were read`);
  const waitedMs = () => run.metrics().tasks.map(task => task.backpressuredMs);
  const before = waitedMs();
  await eventually('all tasks are backpressured', () =>
    waitedMs().every((ms, index) => ms > before[index]!),
  );
  t.is(sentToHost(run), sent);

  for (let i = 0; i < 20; i += 1) read += (await batches.next()).value!.length;
  t.true(sentToHost(run) > sent);
  t.true(sentToHost(run) - read < 200, 'it goes on as fast as it is read');
  await batches.return();
});

test.serial('readers that do not wait for each other get every record once, in order', async t => {
  const run = await runJob(t, NUMBERS, {args: {count: 5000}, config: TIGHT});
  const records = run.output<Numbered>('out')[Symbol.asyncIterator]();

  const results = await Promise.all(Array.from({length: 5010}, () => records.next()));

  t.deepEqual(
    results.slice(0, 5000).map(({value}) => (value as Numbered).i),
    Array.from({length: 5000}, (_, i) => i),
  );
  t.true(results.slice(5000).every(({done}) => done === true));
});

test.serial('leaving a loop early drops the rest, and the job goes on to its end', async t => {
  const run = await runJob(t, NUMBERS, {args: {count: 100_000}, config: TIGHT});

  let read = 0;
  for await (const {i} of run.output<Numbered>('out')) {
    t.is(i, read);
    read += 1;
    if (read === 10) break;
  }

  const result = await run.done;
  t.is(result.state, 'FINISHED');
  t.deepEqual(result.accumulators, {seen: 100_000});
});

test.serial('leaving a loop over batches early does the same', async t => {
  const run = await runJob(t, NUMBERS, {args: {count: 100_000}, config: TIGHT});

  for await (const batch of run.output<Numbered>('out').batches()) {
    t.true(batch.length > 0);
    break;
  }

  t.deepEqual((await run.done).accumulators, {seen: 100_000});
});

test.serial('an input is a web stream: pipeTo hands over all and ends it', async t => {
  const run = await runJob(t, ECHO);
  const source = ReadableStream.from(
    (function* () {
      for (let i = 0; i < 5000; i += 1) yield {i};
    })(),
  );

  const [values] = await Promise.all([
    readAll<{i: number}>(run, 'out'),
    source.pipeTo(run.input('in')),
  ]);

  t.is(values.length, 5000);
  t.is((await run.done).state, 'FINISHED');
});

test.serial('a source that breaks off fails the job: its input is not complete', async t => {
  const run = await runJob(t, ECHO);
  const source = ReadableStream.from(
    (function* () {
      yield {i: 1};
      throw new Error('connection lost');
    })(),
  );

  await t.throwsAsync(source.pipeTo(run.input('in')), {message: 'connection lost'});

  const error = await t.throwsAsync(run.done, {code: 'E_INPUT_ABORTED'});
  const {job, input, reason} = (error as StreamError).details;
  t.deepEqual({job, input, reason}, {job: 'job', input: 'in', reason: 'connection lost'});
});

test.serial('two jobs can be piped into each other', async t => {
  const [numbers, echo] = await Promise.all([
    runJob(t, NUMBERS, {args: {count: 30_000}, config: TIGHT}),
    runJob(t, ECHO, {parallelism: 2, args: {copies: 2}}),
  ]);

  const piping = numbers.output('out').pipeTo(echo.input('in'));
  const values = await readAll<Numbered>(echo, 'out');
  await piping;

  t.is(values.length, 60_000);
  const counts = new Map<number, number>();
  for (const {i} of values) counts.set(i, (counts.get(i) ?? 0) + 1);
  t.is(counts.size, 30_000);
  t.true([...counts.values()].every(count => count === 2));
  t.is((await numbers.done).state, 'FINISHED');
  t.is((await echo.done).state, 'FINISHED');
});

test.serial('a job may have several inputs and outputs, each by its name', async t => {
  const run = await runJob(t, ECHO, {args: {inputs: ['a', 'b']}});
  t.deepEqual([...run.inputNames].sort(), ['a', 'b']);
  t.deepEqual([...run.outputNames].sort(), ['a-out', 'b-out']);

  run.input('a').write('from a');
  run.input('a').end();
  run.input('b').write('from b');
  run.input('b').end();

  t.deepEqual(await readAll(run, 'a-out'), ['from a']);
  t.deepEqual(await readAll(run, 'b-out'), ['from b']);
  t.throws(() => run.input('c'), {code: 'E_HOST_STREAM', message: /input=c, known=a, b/});
  t.throws(() => run.output('c'), {code: 'E_HOST_STREAM', message: /known=a-out, b-out/});
});

test.serial(
  'a record that cannot be carried is refused by write, with field and input',
  async t => {
    const run = await runJob(t, ECHO);
    const input = run.input('in');

    for (const [record, field] of [
      [{id: 1, check: () => true}, 'check'],
      [{id: 1, nested: {tag: Symbol('tag')}}, 'nested.tag'],
    ] as const) {
      const error = t.throws(() => input.write(record), {instanceOf: StreamError});
      t.is(error!.code, 'E_RECORD_ENCODING');
      t.is(error!.details.job, 'job');
      t.is(error!.details.input, 'in');
      t.is(error!.details.field, field);
      t.regex(String(error!.details.record), /"id":1/);
    }

    // Neither the first records, nor those that come when the shape of the stream is settled.
    for (let i = 0; i < 1000; i += 1) if (!input.write({id: i})) await input.ready;
    t.throws(() => input.write({id: () => 1}), {code: 'E_RECORD_ENCODING'});
    input.end();

    t.is((await readAll(run, 'out')).length, 1000, 'the others were taken');
    t.is((await run.done).state, 'FINISHED');
  },
);

test.serial('a record that is refused while it waits is told by ready', async t => {
  const run = await runJob(t, ECHO, {config: TIGHT});
  const input = run.input('in');
  const written = await overfill(run, input);
  const {ready} = input;

  t.false(input.write({i: () => 1}));
  t.false(input.write(bulky(written)));
  const reading = readAll(run, 'out');

  const error = await t.throwsAsync(ready, {instanceOf: StreamError, code: 'E_RECORD_ENCODING'});
  t.is(error!.details.field, 'i');
  t.is(error!.details.input, 'in');
  input.end();
  t.is((await reading).length, written + 1, 'the others have been taken');
});

test.serial('a record that is refused while it waits is told by the next call', async t => {
  const run = await runJob(t, ECHO, {config: TIGHT});
  const input = run.input('in');
  const written = await overfill(run, input);
  t.false(input.write({i: () => 1}));

  const reading = readAll(run, 'out');
  await eventually('all before it have come through', () => sentToHost(run) === written);
  let refusal: unknown;
  await eventually('a refusal', () => {
    try {
      input.write({i: 0});
    } catch (thrown) {
      refusal = thrown;
    }
    return refusal !== undefined;
  });

  t.is((refusal as StreamError).code, 'E_RECORD_ENCODING');
  input.end();
  await reading;
});

test.serial('a record that is refused after the end fails the job', async t => {
  const run = await runJob(t, ECHO, {config: TIGHT});
  const input = run.input('in');
  await overfill(run, input);
  t.false(input.write({i: () => 1}));

  input.end();
  await t.throwsAsync(readAll(run, 'out'), {code: 'E_RECORD_ENCODING'});

  await t.throwsAsync(run.done, {code: 'E_RECORD_ENCODING', message: /input=in.*field=i/});
});

test.serial('nothing can be written after the end, or after the job', async t => {
  const run = await runJob(t, ECHO, {args: {inputs: ['a', 'b']}});
  const [a, b] = [run.input('a'), run.input('b')];
  a.end();
  a.end();
  t.throws(() => a.write(1), {code: 'E_INPUT_CLOSED', message: /input=a/});

  await run.cancel();

  t.throws(() => b.write(1), {code: 'E_JOB_CANCELED'});
  t.throws(() => run.input('never opened'), {code: 'E_JOB_ENDED'});
});

test.serial('counters and states of a job show what its host has written', async t => {
  const run = await runJob(t, 'api/jobs/drop.ts');
  const input = run.input<number>('in');
  const received = () => run.metrics().tasks[0]!.recordsIn;

  for (let i = 0; i < 1000; i += 1) if (!input.write(i)) await input.ready;
  await eventually('all have been received', () => received() === 1000);
  t.deepEqual(
    run.tasks().map(task => task.state),
    run.tasks().map(() => 'RUNNING'),
  );
  input.end();
  const {operators, metrics} = await run.done;

  t.is(received(), 1000, 'the counters outlive the job');
  t.deepEqual(run.metrics(), metrics);
  t.deepEqual(
    operators.map(({name, recordsIn}) => [name, recordsIn]),
    [
      ['Source: Host in', 1000],
      ['Sink: Discard', 1000],
    ],
  );
  t.true(run.tasks().every(task => task.state === 'FINISHED'));
});

test.serial('a job that fails tells writers and readers, as well as done', async t => {
  const run = await runJob(t, NUMBERS, {args: {failAt: 50_000}});

  let read = 0;
  const error = await t.throwsAsync(
    async () => {
      for await (const batch of run.output('out').batches()) read += batch.length;
    },
    {code: 'E_USER_FUNCTION'},
  );

  t.is((error as StreamError).details.thrown, 'RangeError: enough');
  t.true(read <= 50_000);
  await t.throwsAsync(run.done, {code: 'E_USER_FUNCTION'});
});

test.serial('a writer that waits hears of the failure', async t => {
  const run = await runJob(t, ECHO, {args: {inputs: ['a', 'b']}, config: TIGHT});
  const [a, b] = [run.input('a'), run.input('b').getWriter()];
  await fill(run, a, i => i);
  const waiting = a.ready;

  await b.abort(new Error('lost'));

  await t.throwsAsync(waiting, {code: 'E_INPUT_ABORTED'});
  t.throws(() => a.write(1), {code: 'E_INPUT_ABORTED'});
  await t.throwsAsync(run.done, {code: 'E_INPUT_ABORTED'});
});

test.serial('a reader of a cancelled job is told so', async t => {
  const run = await runJob(t, NUMBERS);
  const reading = readAll(run, 'out');
  reading.catch(() => {});

  const result = await run.cancel();

  t.is(result.state, 'CANCELED');
  await t.throwsAsync(reading, {code: 'E_JOB_CANCELED'});
});

test.serial('stop processes all that was written, and ends the inputs', async t => {
  const run = await runJob(t, ECHO, {config: TIGHT});
  const input = run.input<number>('in');
  let written = 0;
  while (written < 20_000 && input.write(written)) written += 1;
  written += 1;

  const [values, result] = await Promise.all([readAll<number>(run, 'out'), run.stop()]);

  t.is(result.state, 'FINISHED');
  t.is(values.length, written);
  t.throws(() => input.write(1), {code: 'E_INPUT_CLOSED'});
});

test.serial('what a job has sent can be read when it has ended', async t => {
  const run = await runJob(t, NUMBERS, {args: {count: 20}, config: {exclusiveCredits: 64}});

  const result = await run.done;

  t.is(result.state, 'FINISHED');
  t.is((await readAll(run, 'out')).length, 20);
  t.is((await readAll(run, 'out')).length, 0);
});

test.serial('a host that does not read an output is told that the job waits for it', async t => {
  const warnings: StreamError[] = [];
  const onWarning = (warning: Error) => {
    if (warning instanceof StreamError) warnings.push(warning);
  };
  process.on('warning', onWarning);
  t.teardown(() => process.off('warning', onWarning));
  const run = await runJob(t, NUMBERS, {config: TIGHT, hostReadTimeoutMs: 20});

  await eventually('a warning', () => warnings.length > 0);

  t.is(warnings[0]!.code, 'E_OUTPUT_UNREAD');
  t.deepEqual(warnings[0]!.details, {job: 'job', output: 'out', silentMs: 20});
  t.regex(warnings[0]!.message, /run\.output\('out'\)/);
  t.is(run.status, 'RUNNING', 'nothing has failed');
  await run.cancel();
  t.is(warnings.length, 1, 'told once');
});
