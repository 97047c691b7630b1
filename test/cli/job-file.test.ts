/** The module that a command line names. */
import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {COMMANDS} from '../../src/cli/commands.ts';
import {jobFileOf, jobNameOf} from '../../src/cli/job-file.ts';
import {parseArguments} from '../../src/cli/options.ts';

const directory = mkdtempSync(join(tmpdir(), 'millrace-job-file-'));
mkdirSync(join(directory, 'jobs'));
for (const name of ['jobs/wordcount.ts', 'jobs/orders.js', 'jobs/notes.txt']) {
  writeFileSync(join(directory, name), '');
}
test.after.always(() => rmSync(directory, {recursive: true}));

const fileOf = (...args: string[]): string =>
  jobFileOf(
    'run',
    parseArguments(
      COMMANDS.find(({name}) => name === 'run')!,
      args,
    ),
  );
const path = (name: string): string => join(directory, name);

test('it is the one positional argument, a path or a URL', t => {
  t.is(fileOf(path('jobs/wordcount.ts')), path('jobs/wordcount.ts'));
  t.is(fileOf('file:///not/there.ts'), 'file:///not/there.ts');
});

test('none, and one too many, are refused', t => {
  t.throws(() => fileOf(), {code: 'E_CLI_ARGUMENT', message: /needs the module of a job/});
  const error = t.throws(() => fileOf('a.ts', 'b.txt'), {code: 'E_CLI_ARGUMENT'});
  t.regex(error.message, /go behind --: millrace run a\.ts -- b\.txt/);
});

test('a name that is not there brings up the one that was meant', t => {
  for (const wrong of ['jobs/wordcuont.ts', 'jobs/wordcount', 'jobs/wordcount.js']) {
    const error = t.throws(() => fileOf(path(wrong)), {code: 'E_JOB_NOT_FOUND'});
    t.true(error.message.includes(`did you mean ${path('jobs/wordcount.ts')}?`), error.message);
  }
});

test('a directory brings up the modules in it', t => {
  const error = t.throws(() => fileOf(path('jobs')), {code: 'E_JOB_NOT_FOUND'});

  t.regex(error.message, /a directory was given/);
  t.true(error.message.includes(path('jobs/orders.js')));
  t.false(error.message.includes('notes.txt'));
});

test('a name that is like none is refused without a suggestion', t => {
  for (const wrong of ['jobs/something-else.ts', 'nowhere/job.ts']) {
    const error = t.throws(() => fileOf(path(wrong)), {code: 'E_JOB_NOT_FOUND'});
    t.notRegex(error.message, /did you mean/);
  }
});

test.serial('TypeScript is refused where Node.js does not run it', t => {
  const real = Object.getOwnPropertyDescriptor(process.features, 'typescript')!;
  Object.defineProperty(process.features, 'typescript', {value: false, configurable: true});
  try {
    t.throws(() => fileOf(path('jobs/wordcount.ts')), {
      code: 'E_JOB_TYPESCRIPT',
      message: /use Node\.js 22\.18 or later/,
    });
    t.is(fileOf(path('jobs/orders.js')), path('jobs/orders.js'));
  } finally {
    Object.defineProperty(process.features, 'typescript', real);
  }
});

test('a job without a name is called like its file', t => {
  t.is(jobNameOf('examples/wordcount.ts'), 'wordcount');
  t.is(jobNameOf('/a/b.c.mjs'), 'b.c');
});
