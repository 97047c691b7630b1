/** `millrace run` as a process: streams, exit codes, signals, pipes. */
import {join} from 'node:path';
import test from 'ava';
import {CommandLine, millrace} from '../support/command-line.ts';

const job = (name: string): string => join(import.meta.dirname, 'jobs', `${name}.ts`);
const lines = (text: string): string[] => text.split('\n').filter(line => line !== '');

test.serial('standard output belongs to the job, the summary goes to standard error', async t => {
  const {code, stdout, stderr} = await millrace('run', job('greet'), '--', 'four');

  t.is(code, 0);
  t.deepEqual(
    lines(stdout).sort(),
    ['one', 'two', 'three', 'four', 'log one', 'log two', 'log three', 'log four'].sort(),
  );
  t.regex(stderr, /^greet finished in /m);
  t.regex(stderr, /records +4 from sources/);
  t.regex(stderr, /letters +15/);
  t.regex(stderr, /words +4 records collected; --json shows them/);
  t.regex(stderr, /^└ Greet +4 +4$/m);
  t.regex(stderr, /^error two$/m);
});

test.serial('with --quiet there is nothing but the output of the job', async t => {
  const {code, stdout, stderr} = await millrace('run', job('greet'), '-q', '-p', '1');

  t.is(code, 0);
  t.is(lines(stdout).length, 6);
  t.deepEqual(lines(stderr), ['error one', 'error two', 'error three']);
});

test.serial(
  'with --json standard output is one document, and the job prints elsewhere',
  async t => {
    const {code, stdout, stderr} = await millrace('run', job('greet'), '--json', '-Dname=hello');

    const document = JSON.parse(stdout) as Record<string, any>;
    t.is(code, 0);
    t.is(document['state'], 'FINISHED');
    t.is(document['job'], 'hello');
    t.is(document['records'], 3);
    t.deepEqual(document['accumulators'], {letters: 11});
    t.deepEqual(document['counters'], {words: 3});
    t.deepEqual(document['collected'], {
      words: [
        {word: 'one', length: '3'},
        {word: 'two', length: '3'},
        {word: 'three', length: '5'},
      ],
    });
    t.true(document['cpuSeconds'] > 0);
    t.true(document['peakMemoryBytes'] > 1e6);
    for (const line of ['one', 'log one', 'error one']) t.true(lines(stderr).includes(line), line);
    t.notRegex(stderr, /finished in/);
  },
);

test.serial('a job that fails ends with 1 and the frames of its own code', async t => {
  const {code, stdout, stderr} = await millrace('run', job('fails'));

  t.is(code, 1);
  t.is(stdout, '');
  t.regex(stderr, /^Error: a user function threw an exception \(E_USER_FUNCTION\)$/m);
  t.regex(stderr, /^ {2}operator +Check readings$/m);
  t.regex(stderr, /^ {2}record +\{"index":500\}$/m);
  t.regex(stderr, /^Caused by RangeError: the reading is out of range$/m);
  t.regex(stderr, /^ {4}at check \(.*fails\.ts:5:\d+\)$/m);
  t.notRegex(stderr, /stream-task/);
});

test.serial('a failure is in the document too', async t => {
  const {code, stdout} = await millrace('run', job('fails'), '--json');

  const document = JSON.parse(stdout) as {state: string; exitCode: number; error: {code: string}};
  t.is(code, 1);
  t.is(document.state, 'FAILED');
  t.is(document.exitCode, 1);
  t.is(document.error.code, 'E_USER_FUNCTION');
});

test.serial('what must be changed before anything runs ends with 2', async t => {
  const wrong = [
    await millrace('run', job('no-such-job')),
    await millrace('run', job('greet'), '--paralelism', '1'),
    await millrace('run', job('greet'), '-D', 'memroy=64MB'),
    await millrace('run', job('greet'), '--parallelism', 'many'),
    await millrace('run', job('greet'), '-D', 'memory=64KB'),
    await millrace('run', job('for-a-host')),
    await millrace('rum', job('greet')),
    await millrace('run', job('imports-nothing')),
  ];

  for (const {code, stdout} of wrong) {
    t.is(code, 2);
    t.is(stdout, '');
  }
  const said = wrong.map(({stderr}) => stderr);
  t.regex(said[0]!, /there is no such file/);
  t.regex(said[1]!, /did you mean --parallelism\?/);
  t.regex(said[2]!, /nearest +memory/);
  t.regex(said[3]!, /key +parallelism/);
  t.regex(said[4]!, /E_MEMORY_BUDGET/);
  t.regex(said[5]!, /streams +orders, alerts/);
  t.regex(said[6]!, /did you mean millrace run\?/);
  t.regex(said[7]!, /E_JOB_LOAD[^]*no-such-package/);
});

test.serial('the first Ctrl-C cancels the job and sums up', async t => {
  const command = new CommandLine('run', job('endless'));
  await command.shows('stdout', 'row 9999');

  command.child.kill('SIGINT');

  const {code, signal, stderr} = await command.exit();
  t.is(signal, null);
  t.is(code, 130);
  t.regex(stderr, /^cancelling; a second Ctrl-C/m);
  t.regex(stderr, /^endless was cancelled after .* \(SIGINT\)$/m);
  t.regex(stderr, /records +\d/);
});

test.serial('the second Ctrl-C ends the process, whatever the job is doing', async t => {
  const command = new CommandLine('run', job('stuck'));
  await command.shows('stdout', 'stuck');

  command.child.kill('SIGINT');
  await command.shows('stderr', 'cancelling');
  command.child.kill('SIGINT');

  t.is((await command.exit()).signal, 'SIGKILL');
});

test.serial('a job that is still being loaded can be cancelled', async t => {
  const command = new CommandLine('run', job('hangs-while-loading'));
  await command.shows('stdout', 'loading');

  command.child.kill('SIGTERM');

  const {code, stderr} = await command.exit();
  t.is(code, 143);
  t.regex(stderr, /was cancelled while it started \(SIGTERM\)/);
});

for (const how of ['print', 'log']) {
  test.serial(`a reader that has seen enough ends the job without an error: ${how}`, async t => {
    const command = new CommandLine('run', job('endless'), '--', how);
    await command.shows('stdout', 'row 10');

    command.child.stdout!.destroy();

    const {code, stderr} = await command.exit();
    t.is(code, 0);
    // Records may come before the last thread has said that it runs.
    t.regex(stderr, /^endless was cancelled (after .*|while it started) \(output closed\)$/m);
    t.notRegex(stderr, /EPIPE/);
  });
}
