/** From a module's default export to a plan. */
import test from 'ava';
import {isJob, job} from '../../src/api/job.ts';
import {buildTransformations, planJob} from '../../src/api/plan-job.ts';
import {StreamError} from '../../src/base/errors.ts';
import {resolveConfig} from '../../src/graph/config.ts';
import {describeDifference, fingerprintGraph} from '../../src/graph/graph-hash.ts';

const wordCount = job((env, args) => {
  env
    .fromElements(...args)
    .flatMap(line => line.split(' '))
    .map(word => ({word, count: 1}))
    .keyBy('word')
    .sum('count')
    .print();
});

test('a job is planned from its builder, arguments and options', t => {
  const {jobGraph, executionGraph} = planJob(wordCount, ['a b', 'b'], {parallelism: 3, name: 'wc'});

  t.is(jobGraph.settings.jobName, 'wc');
  t.deepEqual(
    jobGraph.vertices.map(({name, parallelism}) => [name, parallelism]),
    [
      ['Source: Collection Source', 1],
      ['Flat Map -> Map', 3],
      ['Keyed Aggregation -> Sink: Print to Std. Out', 3],
    ],
  );
  t.is(executionGraph.workerCount, 3);
});

test('two builds of a job have the same fingerprint', t => {
  const fingerprint = () => fingerprintGraph(planJob(wordCount, ['a'], {parallelism: 2}).jobGraph);

  t.deepEqual(fingerprint(), fingerprint());
});

test('a builder that is not deterministic is found out, and the operator named', t => {
  let builds = 0;
  const moody = job(env => {
    builds += 1;
    const stream = env.sequence(1, 10);
    (builds === 1 ? stream.map(n => n + 1) : stream.map(n => n + 2)).discard();
  });
  const fingerprint = () => fingerprintGraph(planJob(moody, [], {parallelism: 1}).jobGraph);

  t.regex(describeDifference(fingerprint(), fingerprint())!, /^operator 2 of 3, Map .*: function/);
});

test('what the builder sets wins over the options', t => {
  const {settings} = buildTransformations(
    job(env => {
      t.is(env.parallelism, 2);
      env
        .setParallelism(5)
        .setMaxParallelism(50)
        .setBufferTimeout(7)
        .setRuntimeMode('batch')
        .disableOperatorChaining()
        .setJobName('named');
      env.sequence(1, 2).discard();
    }),
    [],
    resolveConfig({parallelism: 2, bufferTimeoutMs: 1, name: 'config'}),
  );

  t.deepEqual(settings, {
    jobName: 'named',
    parallelism: 5,
    maxParallelism: 50,
    bufferTimeoutMs: 7,
    runtimeMode: 'batch',
    operatorChaining: false,
    chainDifferentMaxParallelism: true,
    batchCombine: true,
  });
});

test('the option workers limits the workers, not the slots', t => {
  const {totals} = planJob(wordCount, ['a'], {parallelism: 4, workers: 2}).executionGraph;

  t.like(totals, {slots: 4, workers: 2});
});

test('a job is known as one, also to another copy of the package', t => {
  t.true(isJob(wordCount));
  t.true(isJob({[Symbol.for('millrace.job')]: true, build: () => {}}));
  for (const other of [undefined, null, () => {}, {build: () => {}}, 'job']) t.false(isJob(other));
});

for (const [name, run, code, message] of [
  [
    'a module without a job',
    () => planJob({default: 1}),
    'E_JOB_MODULE',
    /not a job.*export default job/,
  ],
  [
    'a builder that is none',
    () => job('x' as never),
    'E_JOB_BUILDER',
    /needs a function: value="x"/,
  ],
  ['an async builder', () => job(async () => {}), 'E_JOB_BUILDER', /must not be async.*await/],
  [
    'a builder that returns a promise',
    () => planJob(job(() => Promise.reject(new Error('late')) as never)),
    'E_JOB_BUILDER',
    /must not be async/,
  ],
  ['an empty job', () => planJob(job(() => {})), 'E_GRAPH_EMPTY', /no operators/],
  ['a bad option', () => planJob(wordCount, [], {memory: 'x'}), 'E_CONFIG_VALUE', /memory/],
] as Array<[string, () => unknown, string, RegExp]>) {
  test(`${name} is refused: ${code}`, t => {
    const error = t.throws(run, {code});
    t.regex(error.message, message);
  });
}

test('an error of the builder is wrapped with the name of the job; ours passes unchanged', t => {
  const cause = new TypeError('boom');
  const failing = job(() => {
    throw cause;
  });
  const error = t.throws(() => planJob(failing, [], {name: 'mine'}), {
    instanceOf: StreamError,
    code: 'E_JOB_BUILD',
    message: /job=mine, error=boom/,
  });
  t.is(error.cause, cause);

  t.throws(() => planJob(job(env => void env.setParallelism(0))), {code: 'E_GRAPH_PARALLELISM'});
});
