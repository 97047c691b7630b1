/**
 * Records that cannot be carried, keys without a hash, partition functions that are wrong, shapes that do
 * not go together, and memory that does not suffice.
 */
import test, {type ExecutionContext} from 'ava';
import {StreamError, runInThread, type JobResult} from '../../src/index.ts';
import {runJob} from '../support/run-job.ts';
import badRecords, {type BadRecordsArgs} from './jobs/bad-records.ts';

interface Expected {
  readonly code: string;
  readonly details: Readonly<Record<string, RegExp>>;
  readonly remedy: RegExp;
}

const encoding = (field: RegExp, value: RegExp): Expected => ({
  code: 'E_RECORD_ENCODING',
  details: {field, value},
  remedy: /map it to plain data before it is sent/,
});
const key = (code: string, shown: RegExp): Expected => ({
  code,
  details: {key: shown},
  remedy: /use a string, number, boolean.*filter out records without a key before keyBy/,
});
const partition = (channel: RegExp): Expected => ({
  code: 'E_PARTITION_RANGE',
  details: {channel, channels: /^2$/},
  remedy: /return an integer from 0 to 1/,
});

const FAULTS: Partial<Record<BadRecordsArgs['what'], Expected>> = {
  function: encoding(/^nested\.value$/, /^function/),
  symbol: encoding(/^nested\.value$/, /^Symbol\(tag\)$/),
  promise: encoding(/^nested\.value$/, /^Promise/),
  'class instance': encoding(/^nested\.value$/, /^Money \{"cents":100\}$/),
  cycle: encoding(/^nested\.value\.self/, /object/),
  'declared schema': {
    code: 'E_SCHEMA_MISMATCH',
    details: {field: /^nested\.value$/, expected: /^int32$/, value: /^"not a number"$/},
    remedy: /change the declared schema, or map the records/,
  },
  'key null': key('E_KEY_NULL', /^null$/),
  'key undefined': key('E_KEY_NULL', /^undefined$/),
  'key NaN': key('E_KEY_NAN', /^NaN$/),
  'key object': key('E_KEY_TYPE', /^\{"id":42\}$/),
  'key field null': key('E_KEY_NULL', /^null$/),
  'composite key null': key('E_KEY_NULL', /^null$/),
  'partition too large': partition(/^2$/),
  'partition negative': partition(/^-1$/),
  'partition NaN': partition(/^NaN$/),
  'partition text': partition(/^"1"$/),
  'partition fraction': partition(/^0\.5$/),
  'large record': {
    code: 'E_RECORD_TOO_LARGE',
    details: {sizeBytes: /^100000\d\d$/, memoryBytes: /^8388608$/},
    remedy: /set the option memory: '10MB' or more, or split the record/,
  },
};

const MEMORY = {memory: '8MB'};

function checkFault(t: ExecutionContext, expected: Expected, error: StreamError): void {
  const {code, details, message} = error;
  t.is(code, expected.code, message);
  t.is(details.job, 'job');
  t.is(details.operator, 'Bad');
  t.is(details.uid, 'bad');
  t.is(details.task, 'Source: Sequence Source -> Bad (1/1)');
  t.is(details.record, '42');
  for (const [name, pattern] of Object.entries(expected.details)) {
    t.regex(String(details[name]), pattern, name);
  }
  t.regex(message, expected.remedy);
}

for (const [what, expected] of Object.entries(FAULTS)) {
  for (const codeGeneration of [true, false]) {
    test.serial(`a bad record: ${what}, compiled: ${codeGeneration}`, async t => {
      const args = {what} as BadRecordsArgs;

      const error = await t.throwsAsync(
        runInThread(badRecords, {args, config: {...MEMORY, codeGeneration}}),
        {instanceOf: StreamError},
      );

      checkFault(t, expected, error!);
    });
  }
}

for (const what of ['function', 'key NaN', 'partition negative', 'large record'] as const) {
  test.serial(`a bad record in worker threads: ${what}`, async t => {
    const run = await runJob(t, 'faults/jobs/bad-records.ts', {
      parallelism: 2,
      args: {what},
      config: MEMORY,
    });

    const error = await t.throwsAsync(run.done, {instanceOf: StreamError});

    checkFault(t, FAULTS[what]!, error!);
  });
}

for (const [what, code] of [
  ['key null', 'E_KEY_NULL'],
  ['key NaN', 'E_KEY_NAN'],
  ['key object', 'E_KEY_TYPE'],
  ['composite key null', 'E_KEY_NULL'],
] as const) {
  test.serial(`a bad key is refused also where there is one subtask only: ${what}`, async t => {
    const args: BadRecordsArgs = {what, parallelism: 1};

    const error = await t.throwsAsync(runInThread(badRecords, {args}), {
      instanceOf: StreamError,
      code,
    });

    t.is(error!.details.operator, 'Keyed Reduce');
    t.regex(String(error!.details.record), /"i":42/);
  });
}

test.serial('a union of two declared schemas is refused when the job is planned', async t => {
  const args: BadRecordsArgs = {what: 'union of declared schemas'};

  const error = await t.throwsAsync(runInThread(badRecords, {args}), {
    instanceOf: StreamError,
    code: 'E_GRAPH_UNION_SCHEMA',
  });

  t.is(error!.details.difference, 'name only in the first');
  t.regex(error!.message, /map the streams to one shape before union\(\)/);
});

function checkUnion(t: ExecutionContext, {collected}: JobResult): void {
  const out = collected['out'] as {i: number}[];
  t.deepEqual(
    [...out].sort((a, b) => a.i - b.i),
    Array.from({length: 1000}, (_, i) =>
      i < 500 ? {i, name: `order ${i}`} : {i: i + 0.5, price: i, tags: ['a']},
    ) as {i: number}[],
  );
}

test.serial('a union of two shapes that nobody declared loses nothing', async t => {
  const args: BadRecordsArgs = {what: 'union of shapes'};

  checkUnion(t, await runInThread(badRecords, {args}));
});

test.serial('a union of two shapes in worker threads loses nothing', async t => {
  const args: BadRecordsArgs = {what: 'union of shapes'};
  const run = await runJob(t, 'faults/jobs/bad-records.ts', {parallelism: 2, args});

  checkUnion(t, await run.done);
});

test.serial('memory that does not suffice is refused with the number that does', async t => {
  const args: BadRecordsArgs = {what: 'union of shapes'};
  const start = (memory: string | number) =>
    runJob(t, 'faults/jobs/bad-records.ts', {args, config: {memory}});

  const error = await t.throwsAsync(start('64KB'), {
    instanceOf: StreamError,
    code: 'E_MEMORY_BUDGET',
  });

  const {neededBytes, availableBytes, segmentSizeBytes, neededSegments} = error!.details;
  t.is(availableBytes, 64 * 1024);
  t.is(neededBytes, Number(neededSegments) * Number(segmentSizeBytes));
  t.regex(String(error!.details.largest), /×/);
  t.regex(error!.message, /set the option memory: '\d+MB' or more$/);

  // What it asks for is enough, and a byte less than what it needs is not.
  const asked = /'(\d+MB)'/.exec(error!.message)![1]!;
  checkUnion(t, await (await start(asked)).done);
  await t.throwsAsync(start(Number(neededBytes) - 1), {code: 'E_MEMORY_BUDGET'});
});

test.serial('memory that no machine has is refused, not tried', async t => {
  const args: BadRecordsArgs = {what: 'union of shapes'};

  await t.throwsAsync(
    runInThread(badRecords, {args, config: {memory: '64KB', segmentSize: '16MB'}}),
    {
      code: 'E_MEMORY_BUDGET',
    },
  );
});
