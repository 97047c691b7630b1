/**
 * Files that are missing, no files, unreadable or deleted, and outputs that exist, are no directories or have
 * no room: with real files, and for one of each kind with worker threads.
 */
import {spawnSync} from 'node:child_process';
import {chmodSync, mkdirSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {StreamError, runInThread} from '../../src/index.ts';
import {runJob} from '../support/run-job.ts';
import {directoryWith, temporaryDirectory} from '../support/temporary-directory.ts';
import copyLines, {type CopyLinesArgs} from './jobs/copy-lines.ts';

const NOBODY = 65_534;

/** Copies in this thread; gives the error. */
async function copyFails(t: ExecutionContext, args: CopyLinesArgs): Promise<StreamError> {
  return (await t.throwsAsync(runInThread(copyLines, {args, parallelism: 2}), {
    instanceOf: StreamError,
  }))!;
}

function checkError(
  t: ExecutionContext,
  error: StreamError,
  code: string,
  operator: 'Source: Lines' | 'Sink: Copy',
  remedy: RegExp,
): void {
  t.is(error.code, code, error.message);
  t.is(error.details.job, 'job');
  t.is(error.details.operator, operator);
  t.is(error.details.uid, operator === 'Source: Lines' ? 'lines' : 'copy');
  t.regex(error.message, remedy);
}

test.serial('an input file that is missing', async t => {
  const path = join(temporaryDirectory(t), 'orders.txt');

  const error = await copyFails(t, {input: path});

  checkError(t, error, 'E_SOURCE_FILE_MISSING', 'Source: Lines', /check the path/);
  t.is(error.details.path, path);
});

test.serial('an input file that is missing, in threads: the start fails', async t => {
  const input = join(temporaryDirectory(t), 'orders.txt');

  const error = await t.throwsAsync(runJob(t, 'faults/jobs/copy-lines.ts', {args: {input}}), {
    instanceOf: StreamError,
  });

  checkError(t, error!, 'E_SOURCE_FILE_MISSING', 'Source: Lines', /check the path/);
});

test.serial('a pattern that matches no file', async t => {
  const input = join(temporaryDirectory(t), '*.txt');

  const error = await copyFails(t, {input});

  checkError(t, error, 'E_SOURCE_FILE_MISSING', 'Source: Lines', /./);
  t.true(error.message.includes(input));
});

test.serial('a directory is no fault: it stands for all files below it', async t => {
  const input = directoryWith(t, {'a.txt': 'one\n', 'b.txt': 'two\n', 'sub/c.txt': 'three\n'});

  const result = await runInThread(copyLines, {args: {input}});

  t.is(result.operators[0]!.recordsOut, 3);
});

test.serial('something that is neither file nor directory', async t => {
  const error = await copyFails(t, {input: '/dev/null'});

  checkError(t, error, 'E_SOURCE_FILE_KIND', 'Source: Lines', /name a regular file/);
  t.is(error.details.path, '/dev/null');
});

test.serial('an input file that may not be read', async t => {
  const directory = directoryWith(t, {'secret.txt': 'one\n'});
  chmodSync(directory, 0o755);
  chmodSync(join(directory, 'secret.txt'), 0o000);
  const isRoot = process.geteuid!() === 0;
  // Nothing is closed to root.
  if (isRoot) process.seteuid!(NOBODY);
  t.teardown(() => chmodSync(join(directory, 'secret.txt'), 0o600));

  let error: StreamError;
  try {
    error = await copyFails(t, {input: join(directory, 'secret.txt')});
  } finally {
    if (isRoot) process.seteuid!(0);
  }

  checkError(t, error, 'E_SOURCE_FILE_ACCESS', 'Source: Lines', /right to read it/);
  t.is(error.details.reason, 'EACCES');
});

for (const [what, change, code] of [
  ['deleted', (path: string) => rmSync(path), 'E_SOURCE_FILE_MISSING'],
  [
    'replaced by a directory',
    (path: string) => {
      rmSync(path);
      mkdirSync(path);
    },
    'E_SOURCE_FILE_KIND',
  ],
  ['cut off', (path: string) => writeFileSync(path, 'short\n'), 'E_SOURCE_FILE_CHANGED'],
] as const) {
  test.serial(`an input file that is ${what} before it is read`, async t => {
    const directory = directoryWith(t, {
      'a.txt': 'line\n'.repeat(100),
      'b.txt': 'line\n'.repeat(100),
    });
    let lines = 0;

    const error = await t.throwsAsync(
      runInThread(env => {
        env
          .readText([join(directory, 'a.txt'), join(directory, 'b.txt')])
          .name('Lines')
          .uid('lines')
          .map(line => {
            lines += 1;
            if (lines === 1) change(join(directory, 'b.txt'));
            return line;
          })
          .discard();
      }),
      {instanceOf: StreamError},
    );

    checkError(t, error!, code, 'Source: Lines', /;/);
    t.is(error!.details.path, join(directory, 'b.txt'));
    t.is(error!.details.task, 'Source: Lines -> Map -> Sink: Discard (1/1)');
    t.true(lines >= 100, 'the first file was read to its end');
  });
}

test.serial('an input file that is deleted while it is read is read to its end', async t => {
  const count = 200_000;
  const directory = directoryWith(t, {'a.txt': 'line\n'.repeat(count)});
  let lines = 0;

  await runInThread(env => {
    env
      .readText(join(directory, 'a.txt'))
      .map(line => {
        lines += 1;
        if (lines === 1) rmSync(join(directory, 'a.txt'));
        return line;
      })
      .discard();
  });

  t.is(lines, count);
});

test.serial('an output directory that is not empty is left as it is', async t => {
  const directory = directoryWith(t, {'in.txt': 'one\n', 'out/result.txt': 'precious\n'});

  const error = await copyFails(t, {
    input: join(directory, 'in.txt'),
    output: join(directory, 'out'),
  });

  checkError(t, error, 'E_SINK_DIRECTORY', 'Sink: Copy', /name another directory.*overwrite: true/);
  t.is(error.details.found, 'result.txt');
  t.deepEqual(readdirSync(join(directory, 'out')), ['result.txt']);
});

test.serial('an output directory that is not empty, in threads: the start fails', async t => {
  const directory = directoryWith(t, {'in.txt': 'one\n', 'out/result.txt': 'precious\n'});
  const args = {input: join(directory, 'in.txt'), output: join(directory, 'out')};

  const error = await t.throwsAsync(
    runJob(t, 'faults/jobs/copy-lines.ts', {args, parallelism: 2}),
    {
      instanceOf: StreamError,
    },
  );

  checkError(t, error!, 'E_SINK_DIRECTORY', 'Sink: Copy', /overwrite: true/);
});

for (const output of ['in.txt', 'in.txt/below']) {
  test.serial(`an output directory that is a file, or below one: ${output}`, async t => {
    const directory = directoryWith(t, {'in.txt': 'one\n'});

    const error = await copyFails(t, {
      input: join(directory, 'in.txt'),
      output: join(directory, output),
    });

    checkError(t, error, 'E_SINK_DIRECTORY', 'Sink: Copy', /name another directory/);
    t.is(error.details.directory, join(directory, output));
  });
}

test.serial('an output that fails removes what it has begun', async t => {
  const directory = directoryWith(t, {'in.txt': 'line\n'.repeat(1000)});
  const output = join(directory, 'out');

  await t.throwsAsync(
    runInThread(env => {
      env
        .readText(join(directory, 'in.txt'))
        .map(line => {
          if (readdirSync(output).length > 0) throw new RangeError('enough');
          return line;
        })
        .writeText(output);
    }),
    {code: 'E_USER_FUNCTION'},
  );

  t.deepEqual(readdirSync(output), []);
});

/** A file system of 64 KiB, gone when the test ends; undefined where one may not be mounted. */
function tinyDisk(t: ExecutionContext): string | undefined {
  const directory = temporaryDirectory(t);
  const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', directory]);
  if (mount.status !== 0) return undefined;
  t.teardown(() => spawnSync('umount', ['-l', directory]));
  return directory;
}

for (const kind of ['this thread', 'worker threads']) {
  test.serial(`an output that has no room, in ${kind}`, async t => {
    const disk = tinyDisk(t);
    if (disk === undefined) {
      t.log('skipped: no file system can be mounted here');
      t.pass();
      return;
    }
    const directory = directoryWith(t, {'in.txt': `${'x'.repeat(99)}\n`.repeat(50_000)});
    const args = {input: join(directory, 'in.txt'), output: join(disk, 'out')};

    const error =
      kind === 'this thread'
        ? await copyFails(t, args)
        : await t.throwsAsync(
            async () => {
              const run = await runJob(t, 'faults/jobs/copy-lines.ts', {args, parallelism: 2});
              await run.done;
            },
            {instanceOf: StreamError},
          );

    checkError(t, error!, 'E_SINK_DISK_FULL', 'Sink: Copy', /make room, or name a directory/);
    t.is(error!.details.reason, 'ENOSPC');
    t.regex(String(error!.details.path), /part-\d/);
    t.regex(String(error!.details.task), /Sink: Copy \([12]\/2\)$/);
    t.deepEqual(readdirSync(args.output), [], 'no half of a result is left');
  });
}
