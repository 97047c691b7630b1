/** Programs that embed a job, seen from outside: every one ends by itself, and says what went wrong. */
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {fileURLToPath} from 'node:url';
import test from 'ava';

const SCRIPT = fileURLToPath(new URL('./scripts/host.ts', import.meta.url));
/** A process that has not ended by then hangs. */
const HANGS_AFTER_MS = 30_000;

interface Ended {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program to its end; `onOutput` sees what it prints, as it comes. */
async function host(
  behaviour: string,
  onOutput: (stdout: string, kill: (signal: NodeJS.Signals) => void) => void = () => {},
): Promise<Ended> {
  const child = spawn(process.execPath, [SCRIPT, behaviour], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: HANGS_AFTER_MS,
    killSignal: 'SIGKILL',
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    onOutput(stdout, signal => child.kill(signal));
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [exitCode, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return {exitCode, signal, stdout, stderr};
}

test.serial('a program whose job has finished ends, though it keeps the handle', async t => {
  const {exitCode, stdout, stderr} = await host('finishes and keeps the handle');

  t.is(exitCode, 0, stderr);
  t.is(stdout, 'FINISHED\n');
  t.is(stderr, '');
});

test.serial('a failure that nobody awaits is a warning, not a crash', async t => {
  const {exitCode, stdout, stderr} = await host('does not await a failure');

  t.is(exitCode, 0, stderr);
  t.is(stdout, 'started\n');
  t.regex(stderr, /^\(node:\d+\) \[E_USER_FUNCTION\] StreamError: E_USER_FUNCTION a user function/);
  t.regex(stderr, /operator=Map/);
});

test.serial('a failure that nobody catches ends the program with its error', async t => {
  const {exitCode, stderr} = await host('does not catch a failure');

  t.is(exitCode, 1);
  t.regex(stderr, /E_USER_FUNCTION a user function threw an exception: .*RangeError: enough/);
  t.regex(stderr, /numbers\.ts:\d+/, 'the line of the user function');
});

test.serial('a start that fails ends the program with its error', async t => {
  const {exitCode, stderr} = await host('does not catch a failed start');

  t.is(exitCode, 1);
  t.regex(stderr, /E_JOB_NOT_FOUND there is no such job module/);
});

test.serial('a program that never reads an output is told so', async t => {
  const {exitCode, stdout, stderr} = await host('never reads');

  t.is(exitCode, 0, stderr);
  t.is(stdout, 'E_OUTPUT_UNREAD\nCANCELED\n');
  t.regex(stderr, /read run\.output\('out'\) to its end/);
});

test.serial('a program may exit while its job runs', async t => {
  const {exitCode, stderr} = await host('exits while the job runs');

  t.is(exitCode, 3);
  t.is(stderr, '');
});

test.serial('a job needs no turn of its host', async t => {
  const {exitCode, stdout, stderr} = await host('blocks while the job runs');

  t.is(exitCode, 0, stderr);
  t.is(stdout, 'FINISHED\nFINISHED\n');
});

for (const [behaviour, code] of [
  ['has a job that prints', 0],
  ['has a job that prints and fails', 1],
] as const) {
  test.serial(`everything arrives that user code prints in a worker: ${behaviour}`, async t => {
    const {exitCode, stdout} = await host(behaviour);

    t.is(exitCode, code);
    t.is(stdout, Array.from({length: 20_000}, (_, i) => `line ${i + 1}\n`).join(''));
  });
}

test.serial('a signal ends a program and its job', async t => {
  const {signal, stderr} = await host('waits for a signal', (stdout, kill) => {
    if (stdout === 'started\n') kill('SIGTERM');
  });

  t.is(signal, 'SIGTERM');
  t.is(stderr, '');
});
