/** `millrace explain`, `--help` and `--version` as processes. */
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {CommandLine, millrace} from '../support/command-line.ts';

const job = (name: string): string => join(import.meta.dirname, 'jobs', `${name}.ts`);

test.serial('a plan is printed, and what the builder prints goes elsewhere', async t => {
  const {code, stdout, stderr} = await millrace(
    ...['explain', job('talks-while-building'), '-p', '3', '--code', '--', 'a', 'b'],
  );

  t.is(code, 0);
  t.regex(stdout, /^job talks-while-building: streaming, parallelism 3$/m);
  t.regex(stdout, /Numbers/);
  t.regex(stdout, /^Memory$/m);
  t.regex(stdout, /^Code$/m);
  t.notRegex(stdout, /building with/);
  t.is(stderr, 'building with a b\n');
});

test.serial('a plan comes in the formats of other programs', async t => {
  const json = await millrace('explain', job('talks-while-building'), '--format', 'json');
  const dot = await millrace('explain', job('talks-while-building'), '-f', 'dot');

  t.is((JSON.parse(json.stdout) as {job: string}).job, 'talks-while-building');
  t.regex(dot.stdout, /^digraph "talks-while-building" \{/);
});

test.serial('wrong usage of explain ends with 2', async t => {
  const both = await millrace('explain', job('greet'), '--code', '--format', 'dot');
  const none = await millrace('explain');

  t.is(both.code, 2);
  t.regex(both.stderr, /--code goes only with the format text/);
  t.is(none.code, 2);
  t.regex(none.stderr, /needs the module of a job/);
});

test.serial('help and version go to standard output', async t => {
  const {version} = JSON.parse(
    readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'),
  ) as {version: string};

  const all = await Promise.all([
    millrace(),
    millrace('--help'),
    millrace('run', '--help'),
    millrace('help', 'explain'),
    millrace('--version'),
  ]);

  for (const {code, stderr} of all) {
    t.is(code, 0);
    t.is(stderr, '');
  }
  const [none, general, run, explain, shown] = all.map(({stdout}) => stdout);
  t.is(none, general);
  for (const word of ['run', 'explain', '--version', 'Exit codes', '130', '137']) {
    t.true(general!.includes(word), word);
  }
  for (const option of ['--parallelism N', '--config KEY=VALUE', '--json', '--quiet']) {
    t.true(run!.includes(option), option);
  }
  t.regex(explain!, /--format FORMAT/);
  t.is(shown, `millrace ${version}\n`);
  for (const text of all) {
    for (const line of text.stdout.split('\n')) t.true(line.length <= 80, line);
  }
});

test.serial('a reader that has gone is no error for a document either', async t => {
  const command = new CommandLine('explain', job('greet'));
  command.child.stdout!.destroy();

  const {code, stderr} = await command.exit();
  t.is(code, 0);
  t.notRegex(stderr, /EPIPE|Error/);
});
