/** Command lines taken apart: what is understood, and what is said about the rest. */
import test from 'ava';
import {COMMANDS} from '../../src/cli/commands.ts';
import {nearMiss, parseArguments} from '../../src/cli/options.ts';

const run = COMMANDS.find(({name}) => name === 'run')!;
const explain = COMMANDS.find(({name}) => name === 'explain')!;

test('options may stand before and behind the module, with = or a space, long or short', t => {
  for (const line of [
    ['job.ts', '--parallelism', '4', '--quiet'],
    ['--parallelism=4', '--quiet', 'job.ts'],
    ['-p', '4', '-q', 'job.ts'],
    ['-qp4', 'job.ts'],
  ]) {
    const parsed = parseArguments(run, line);

    t.deepEqual(parsed.positionals, ['job.ts'], line.join(' '));
    t.is(parsed.value('parallelism'), '4');
    t.true(parsed.has('quiet'));
    t.false(parsed.has('json'));
    t.deepEqual(parsed.jobArgs, []);
  }
});

test('an option that may come several times keeps all values, any other the last one', t => {
  const parsed = parseArguments(run, ['j', '-Da=1', '--config', 'b=2=3', '-p', '1', '-p', '2']);

  t.deepEqual(parsed.values('config'), ['a=1', 'b=2=3']);
  t.is(parsed.value('parallelism'), '2');
});

test('what follows -- is for the job, whatever it looks like', t => {
  const parsed = parseArguments(run, ['job.ts', '--', '--input', 'a', '--', '-q', '']);

  t.deepEqual(parsed.positionals, ['job.ts']);
  t.deepEqual(parsed.jobArgs, ['--input', 'a', '--', '-q', '']);
  t.false(parsed.has('quiet'));
});

test('an unknown option is refused, with the nearest one and the way to give it to the job', t => {
  const error = t.throws(() => parseArguments(run, ['job.ts', '--paralelism', '2']), {
    code: 'E_CLI_OPTION',
  });

  t.regex(error.message, /has no option --paralelism/);
  t.regex(error.message, /did you mean --parallelism\?/);
  t.regex(error.message, /millrace run job\.ts -- --paralelism/);
});

test('an option that is like none is refused without a suggestion', t => {
  const error = t.throws(() => parseArguments(run, ['job.ts', '--input', 'x']));

  t.notRegex(error.message, /did you mean/);
  t.regex(error.message, /-- --input/);
});

test('an option without the value that it needs is refused', t => {
  for (const line of [
    ['j', '-p'],
    ['j', '--parallelism'],
    ['--parallelism', '--json', 'j'],
  ]) {
    t.throws(() => parseArguments(run, line), {
      code: 'E_CLI_OPTION',
      message: /needs a value: (-p|--parallelism) N/,
    });
  }
});

test('a switch takes no value', t => {
  t.throws(() => parseArguments(run, ['j', '--json=yes']), {
    code: 'E_CLI_OPTION',
    message: /--json takes no value: value=yes/,
  });
});

test('an option with choices takes no others', t => {
  const error = t.throws(() => parseArguments(explain, ['j', '--format', 'mermade']), {
    code: 'E_CLI_OPTION',
  });

  t.regex(error.message, /nearest=mermaid/);
  t.is(parseArguments(explain, ['j', '--format', 'dot']).value('format'), 'dot');
});

test('what is too far from every name is no near miss', t => {
  t.is(nearMiss('exlpain', ['run', 'explain']), 'explain');
  t.is(nearMiss('rn', ['run', 'explain']), 'run');
  t.is(nearMiss('savepoint', ['run', 'explain']), undefined);
});
