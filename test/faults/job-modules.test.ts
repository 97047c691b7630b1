/** Modules that are no jobs, and builders that do not build one. */
import test, {type ExecutionContext} from 'ava';
import {StreamError, explain, start} from '../../src/index.ts';
import {testModule} from '../support/run-job.ts';
import {directoryWith} from '../support/temporary-directory.ts';

type Details = Record<string, RegExp | undefined>;

/** The start of the module fails with this code, and its error has these details and this remedy. */
async function checkStart(
  t: ExecutionContext,
  module: URL | string,
  args: unknown,
  code: string,
  details: Details,
  remedy: RegExp,
): Promise<StreamError> {
  const error = (await t.throwsAsync(start(module, {parallelism: 1, args}), {
    instanceOf: StreamError,
    code,
  }))!;
  for (const [name, pattern] of Object.entries(details)) {
    if (pattern === undefined) t.is(error.details[name], undefined, name);
    else t.regex(String(error.details[name]), pattern, name);
  }
  t.regex(error.message, remedy);
  return error;
}

const job = (name: string) => testModule(`faults/jobs/${name}.ts`);

test.serial('a module that is not there', async t => {
  await checkStart(
    t,
    job('nowhere'),
    {},
    'E_JOB_NOT_FOUND',
    {module: /faults\/jobs\/nowhere\.ts$/},
    /path or URL of a module that exports a job/,
  );
});

test.serial('a directory is not a module', async t => {
  await checkStart(t, testModule('faults/jobs'), {}, 'E_JOB_NOT_FOUND', {module: /jobs$/}, /path/);
});

test.serial('a default export that was not made by job()', async t => {
  await checkStart(
    t,
    job('not-a-job'),
    {},
    'E_JOB_MODULE',
    {module: /not-a-job\.ts$/, default: /^\(\) => \{\}$/, jobs: undefined},
    /export default job\(/,
  );
});

test.serial('a job that is not the default export is pointed out', async t => {
  await checkStart(
    t,
    job('no-default'),
    {},
    'E_JOB_MODULE',
    {module: /no-default\.ts$/, default: /^\(nothing\)$/, jobs: /^wordCount$/},
    /export default job\(/,
  );
});

test.serial('a module that throws while it is loaded', async t => {
  const error = await checkStart(
    t,
    job('throws-when-loaded'),
    {},
    'E_JOB_LOAD',
    {thrown: /^RangeError: no configuration$/, at: /throws-when-loaded\.ts:4$/},
    /threw an error while it was loaded/,
  );

  t.is((error.cause as Error).name, 'RangeError');
});

test.serial('a module that imports what is not there is not itself missing', async t => {
  await checkStart(
    t,
    job('missing-import'),
    {},
    'E_JOB_LOAD',
    {module: /missing-import\.ts$/, thrown: /no-such-words\.ts/},
    /install the package that it imports, or correct the path/,
  );
});

test.serial('a builder that throws', async t => {
  const error = await checkStart(
    t,
    job('throws-when-built'),
    {how: 'throws'},
    'E_JOB_BUILD',
    {job: /^job$/, error: /no such table/},
    /builder of the job threw/,
  );

  t.regex((error.cause as Error).stack!, /throws-when-built\.ts:5/);
});

test.serial('a builder that returns a promise', async t => {
  await checkStart(
    t,
    job('throws-when-built'),
    {how: 'returns a promise'},
    'E_JOB_BUILDER',
    {},
    /must not be async.*`await` at the top of the module/,
  );
});

for (const [what, first, second] of [
  ['name', /^Map of \d+ \(uid map-/, /^Map of \d+ \(uid map-/],
  ['parallelism', /"parallelism":"\d+"/, /"parallelism":"\d+"/],
  ['operators', /^(Sink: Discard|Extra) \(uid/, /^(Sink: Discard|Extra) \(uid/],
] as const) {
  test.serial(`a builder that is not deterministic: ${what}`, async t => {
    const error = await checkStart(
      t,
      job('not-deterministic'),
      {what},
      'E_NONDETERMINISTIC_JOB',
      {job: /^job$/, first, second},
      /no chance, no clock, no counters/,
    );

    t.not(error.details['first'], error.details['second'], 'the excerpts show the difference');
    t.true(String(error.details['first']).length < 200);
  });
}

for (const [name, text, details, remedy] of [
  [
    'enum.ts',
    'enum Kind { A }\nexport default Kind.A;\n',
    {at: /enum\.ts:1$/},
    /stripped: use no enums/,
  ],
  ['syntax.ts', '\nexport default const job = ;\n', {at: /syntax\.ts:2$/}, /repair the syntax/],
  ['syntax.mjs', 'export default job(env => {\n', {thrown: /^SyntaxError: /}, /cannot be loaded/],
  ['job.txt', 'hello', {thrown: /\.txt/}, /ends in \.js, \.mjs or \.ts/],
] as const) {
  test.serial(`a file that cannot be loaded: ${name}`, async t => {
    const directory = directoryWith(t, {[name]: text});

    await checkStart(t, `${directory}/${name}`, {}, 'E_JOB_LOAD', details, remedy);
  });
}

test.serial('a URL that cannot be loaded', async t => {
  await checkStart(
    t,
    'http://localhost/job.js',
    {},
    'E_JOB_LOAD',
    {module: /^http:\/\/localhost\/job\.js$/},
    /give the path of a file/,
  );
});

test.serial('explain says the same about a module as start', async t => {
  await t.throwsAsync(explain(job('nowhere')), {code: 'E_JOB_NOT_FOUND'});
  await t.throwsAsync(explain(job('throws-when-loaded')), {code: 'E_JOB_LOAD'});
  await t.throwsAsync(explain(job('not-a-job')), {code: 'E_JOB_MODULE'});
});

test.serial('a job module of another copy of the package is a job', async t => {
  const directory = directoryWith(t, {
    'other.mjs': `export default {
      [Symbol.for('millrace.job')]: true,
      build: env => { env.sequence(1, 3).collect('out'); },
    };`,
  });
  const run = await start(`${directory}/other.mjs`, {parallelism: 1});

  t.deepEqual((await run.done).collected, {out: [1, 2, 3]});
});
