/** Errors as users read them. */
import test from 'ava';
import {StreamError, toErrorData} from '../../src/base/errors.ts';
import {errorLines, takeApart} from '../../src/cli/error-report.ts';
import {plainPaint} from '../../src/cli/paint.ts';

const ENGINE = new URL('../../src/', import.meta.url);

const report = (error: unknown, showsAllFrames = false): string[] =>
  errorLines(error, {paint: plainPaint, directory: '/home/me', showsAllFrames});

/** An error of a user's function, thrown in a frame of the user's, below frames of the engine. */
function thrownByUser(): TypeError {
  const error = new TypeError('value is undefined\nand more');
  error.stack = [
    'TypeError: value is undefined',
    'and more',
    '    at check (file:///home/me/jobs/orders.ts:12:9)',
    '    at file:///home/me/jobs/orders.ts:20:3',
    '    at Object.map (/home/other/helper.js:1:2)',
    '    at loop (millrace/orders:21:17)',
    `    at StreamTask.step (${ENGINE.href}scheduler/stream-task.ts:109:28)`,
    '    at async onMessage (/home/me/node_modules/piscina/dist/worker.js:180:22)',
    '    at node:internal/main/worker_thread:1:1',
  ].join('\n');
  return error;
}

test('what happened, the values one per line, what to do, and the cause with the frames of the user', t => {
  const error = new StreamError(
    'E_USER_FUNCTION',
    'a user function threw an exception',
    {
      job: 'orders',
      operator: 'Check',
      thrown: 'TypeError: value is undefined\nand more',
      record: '{"id":1}',
      gone: undefined,
    },
    {remedy: 'repair it', cause: thrownByUser()},
  );

  t.deepEqual(report(error), [
    'Error: a user function threw an exception (E_USER_FUNCTION)',
    '  job       orders',
    '  operator  Check',
    '  record    {"id":1}',
    '→ repair it',
    '',
    'Caused by TypeError: value is undefined',
    '  and more',
    '    at check (jobs/orders.ts:12:9)',
    '    at jobs/orders.ts:20:3',
    '    at Object.map (/home/other/helper.js:1:2)',
    '    … 4 more inside Millrace and Node; --stack shows them',
  ]);
});

test('an error that crossed threads reads the same', t => {
  const error = new StreamError(
    'E_X',
    'it broke',
    {a: 1},
    {remedy: 'try; again', cause: thrownByUser()},
  );

  t.deepEqual(report(StreamError.from(toErrorData(error))), report(error));
});

test('on demand all frames are shown', t => {
  const lines = report(new StreamError('E_X', 'it broke', {}, {cause: thrownByUser()}), true);

  t.true(lines.some(line => line.includes('worker_thread')));
  t.true(lines.some(line => line.includes('piscina')));
  t.true(
    lines.some(line => line.includes('error-report.test.ts')),
    'those of the outer error too',
  );
});

test('what happened and what to do are told apart by the values between them', t => {
  const cases: Array<[StreamError, string, string | undefined]> = [
    [new StreamError('E_X', 'it broke'), 'it broke', undefined],
    [new StreamError('E_X', 'it broke', {}, {remedy: 'do this'}), 'it broke', 'do this'],
    [new StreamError('E_X', 'it; broke', {a: 'b; c'}), 'it; broke', undefined],
    [new StreamError('E_X', 'a: b', {a: 'x, y=z'}, {remedy: 'do; this'}), 'a: b', 'do; this'],
  ];
  for (const [error, what, remedy] of cases) {
    t.deepEqual(takeApart(toErrorData(error)), {what, remedy}, error.message);
  }
});

test('for an error of syntax the line of the source is shown', t => {
  const error = new SyntaxError("Unexpected token ')'");
  error.stack = [
    'file:///home/me/job.ts:3',
    '  env.print(});',
    '            ^',
    '',
    "SyntaxError: Unexpected token ')'",
    '    at compileSourceTextModule (node:internal/modules/esm/utils:305:16)',
  ].join('\n');

  const lines = report(
    new StreamError(
      'E_JOB_LOAD',
      'the job module could not be loaded',
      {module: 'file:///home/me/job.ts'},
      {
        cause: error,
      },
    ),
  );

  t.deepEqual(lines, [
    'Error: the job module could not be loaded (E_JOB_LOAD)',
    '  module  job.ts',
    '',
    "Caused by SyntaxError: Unexpected token ')'",
    '  job.ts:3',
    '    env.print(});',
    '              ^',
    '    … 1 more inside Millrace and Node; --stack shows them',
  ]);
});

test('for an error of syntax that does not tell its place Node is asked', t => {
  const error = new SyntaxError('Unexpected token');
  error.stack = 'SyntaxError: Unexpected token\n    at node:internal/modules:1:1';
  const asked: string[] = [];

  const lines = errorLines(
    new StreamError(
      'E_JOB_LOAD',
      'it could not be loaded',
      {module: 'file:///a.mjs'},
      {cause: error},
    ),
    {
      paint: plainPaint,
      directory: '/home/me',
      showsAllFrames: false,
      syntaxExcerpt: url => {
        asked.push(url);
        return ['/home/me/a.mjs:3', '  );', '  ^'];
      },
    },
  );

  t.deepEqual(asked, ['file:///a.mjs']);
  t.deepEqual(lines.slice(4, 7), ['  /home/me/a.mjs:3', '    );', '    ^']);
});

test('anything else that is thrown is shown with its name and its frames', t => {
  const lines = report(thrownByUser());

  t.is(lines[0], 'Error: TypeError: value is undefined\nand more');
  t.is(lines[1], '    at check (jobs/orders.ts:12:9)');
  t.deepEqual(report('just a text'), ['Error: "just a text"']);
});

test('values cannot command the terminal', t => {
  const lines = report(new StreamError('E_X', 'it broke', {record: 'a\u001b[2Jb\nc'}));

  t.is(lines[1], '  record  a\ufffd[2Jb\ufffdc');
});
