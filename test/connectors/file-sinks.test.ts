/** Sinks that write files: what all formats have in common, on a real file system and a failing one. */
import {spawnSync} from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {csvSink} from '../../src/connectors/csv-sink.ts';
import {csvSource} from '../../src/connectors/csv-source.ts';
import {nodeFileSystem, type WritableFileSystem} from '../../src/connectors/file-system.ts';
import {jsonLinesSink} from '../../src/connectors/json-lines-sink.ts';
import {textFileSink} from '../../src/connectors/text-file-sink.ts';
import {ConnectorContext} from '../support/connector-context.ts';
import {declare} from '../support/declare.ts';
import {systemError} from '../support/memory-files.ts';
import {SinkDriver, sinkContract, type SinkUnderTest} from '../support/sink-contract.ts';
import {SourceDriver} from '../support/source-contract.ts';
import {temporaryDirectory} from '../support/temporary-directory.ts';

const VALUES = [
  {id: 1, text: 'one'},
  {id: 2, text: 'zwei €'},
  {id: 3, text: ''},
  {id: 4, text: 'a,"b"\n😀'},
  {id: 5, text: 'x'.repeat(70_000)},
];

/** A sink that writes into a new directory, whose parent does not exist either. */
function underTest(
  createSink: (directory: string) => SinkUnderTest['sink'],
  parse: (part: string) => readonly unknown[],
): SinkUnderTest {
  const root = mkdtempSync(join(tmpdir(), 'millrace-test-'));
  const directory = join(root, 'deep/out');
  return {
    sink: createSink(directory),
    received: () =>
      readdirSync(directory)
        .sort()
        .flatMap(name => parse(readFileSync(join(directory, name), 'utf8'))),
    dispose: () => rmSync(root, {recursive: true}),
  };
}

const linesOf = (part: string) => part.split('\n').slice(0, -1);

sinkContract(declare, 'text files', {
  create: () => underTest(directory => textFileSink(directory), linesOf),
  values: ['a', '', 'b €', 5, {x: 1n}, 'y'.repeat(200_000), 'last'],
  expected: () => ['a', '', 'b €', '5', '{"x":1n}', 'y'.repeat(200_000), 'last'],
});
sinkContract(declare, 'JSON lines', {
  create: () => underTest(directory => jsonLinesSink(directory), linesOf),
  values: VALUES,
  expected: values => values.map(value => JSON.stringify(value)),
});
sinkContract(declare, 'CSV files', {
  create: () =>
    underTest(
      directory => csvSink(directory),
      part =>
        part === ''
          ? []
          : part
              .split(/\n(?=\d)/)
              .slice(1)
              .map(row => row.replace(/\n$/, '')),
    ),
  values: VALUES,
  expected: () => ['1,one', '2,zwei €', '3,""', '4,"a,""b""\n😀"', `5,${'x'.repeat(70_000)}`],
});

/** Writes records with one writer, as a job of one subtask does. */
async function write(
  sink: SinkUnderTest['sink'],
  values: readonly unknown[],
  context?: ConnectorContext,
): Promise<SinkDriver> {
  await sink.prepare?.({parallelism: 1});
  const driver = new SinkDriver(sink, context);
  for (const value of values) driver.write(value);
  driver.finish();
  return driver;
}

test('each subtask has a part, which has its name only when it is complete', async t => {
  const directory = join(temporaryDirectory(t), 'out');
  const sink = textFileSink(directory);
  await sink.prepare();
  const drivers = [0, 1].map(
    subtaskIndex => new SinkDriver(sink, new ConnectorContext({subtaskIndex, parallelism: 2})),
  );
  for (const driver of drivers) driver.write('x');

  t.deepEqual(readdirSync(directory).sort(), ['.part-0.inprogress', '.part-1.inprogress']);
  drivers[1]!.finish();
  t.deepEqual(readdirSync(directory).sort(), ['.part-0.inprogress', 'part-1']);
  drivers[0]!.finish();
  t.deepEqual(readdirSync(directory).sort(), ['part-0', 'part-1']);
});

test('a task that fails or is cancelled leaves no part behind', async t => {
  const directory = temporaryDirectory(t);
  const sink = textFileSink(directory);
  await sink.prepare();
  const driver = new SinkDriver(sink);
  driver.write('x');
  driver.writer.flush?.(false);

  driver.writer.close?.();

  t.deepEqual(readdirSync(directory), []);
});

for (const operation of ['fsyncSync', 'renameSync', 'writeSync'] as const) {
  test(`a task that fails in ${operation} leaves no part behind`, async t => {
    const directory = temporaryDirectory(t);
    const fileSystem: WritableFileSystem = {
      ...nodeFileSystem,
      [operation]: () => {
        throw systemError('EIO');
      },
    };
    const sink = textFileSink(directory, {}, {fileSystem});
    await sink.prepare();
    const driver = new SinkDriver(sink);
    driver.write('x');
    t.throws(() => driver.finish(), {code: 'E_SINK_FILE'});
    t.is(readdirSync(directory).length, 1);

    driver.writer.close?.();

    t.deepEqual(readdirSync(directory), []);
  });
}

test('a flush while the task is idle hands lines on', async t => {
  const directory = temporaryDirectory(t);
  const sink = textFileSink(directory);
  await sink.prepare();
  const driver = new SinkDriver(sink);
  driver.write('x');
  const path = join(directory, '.part-0.inprogress');
  t.is(statSync(path).size, 0);

  driver.writer.flush?.(false);

  t.is(readFileSync(path, 'utf8'), 'x\n');
  driver.finish();
});

test('lines are gathered up to 64 Ki characters, not more', async t => {
  const sizes: number[] = [];
  const fileSystem: WritableFileSystem = {
    ...nodeFileSystem,
    writeSync: (descriptor, source, offset, sizeBytes) => {
      sizes.push(sizeBytes);
      return nodeFileSystem.writeSync(descriptor, source, offset, sizeBytes);
    },
  };
  const sink = textFileSink(temporaryDirectory(t), {}, {fileSystem});

  await write(sink, Array(10_000).fill('x'.repeat(99)));

  t.is(
    sizes.reduce((sum, size) => sum + size),
    1_000_000,
  );
  t.true(Math.max(...sizes) <= 65_536 + 100);
  t.is(sizes.length, 16);
});

test('a system that takes less than it is given is given the rest', async t => {
  const directory = temporaryDirectory(t);
  const fileSystem: WritableFileSystem = {
    ...nodeFileSystem,
    writeSync: (descriptor, source, offset, sizeBytes) =>
      nodeFileSystem.writeSync(descriptor, source, offset, Math.min(3, sizeBytes)),
  };

  await write(textFileSink(directory, {}, {fileSystem}), ['abcdefgh', '€€€']);

  t.is(readFileSync(join(directory, 'part-0'), 'utf8'), 'abcdefgh\n€€€\n');
});

test('half of a surrogate pair is replaced and counted', async t => {
  const directory = temporaryDirectory(t);
  const context = new ConnectorContext();

  await write(textFileSink(directory), ['a\ud800b'], context);

  t.is(readFileSync(join(directory, 'part-0'), 'utf8'), 'a\ufffdb\n');
  t.is(context.counted('malformedText'), 1);
});

for (const [name, files, message] of [
  [
    'an earlier output',
    ['part-0', 'part-1'],
    /not empty: directory=.*, entries=2, found=part-0; name another/,
  ],
  [
    'another file',
    ['notes.txt'],
    /entries=1, found=notes\.txt; name another directory, empty this one, or pass overwrite: true$/,
  ],
  [
    'the rest of a job that was killed',
    ['.part-3.inprogress'],
    /\(\.part-3\.inprogress is of a job that was killed, or that still runs\)/,
  ],
] as const) {
  test(`a directory with ${name} is refused before the job runs`, t => {
    const directory = temporaryDirectory(t);
    for (const file of files) writeFileSync(join(directory, file), 'old');

    t.throws(() => textFileSink(directory).prepare(), {code: 'E_SINK_DIRECTORY', message});

    t.deepEqual(readdirSync(directory).sort(), [...files].sort());
  });
}

test('with `overwrite` parts and remains of parts go, and everything else stays', async t => {
  const directory = temporaryDirectory(t);
  for (const name of ['part-0', 'part-7', '.part-2.inprogress', 'notes.txt', 'part-x']) {
    writeFileSync(join(directory, name), 'old');
  }
  mkdirSync(join(directory, 'folder'));

  await write(textFileSink(directory, {overwrite: true}), ['new']);

  t.deepEqual(readdirSync(directory).sort(), ['folder', 'notes.txt', 'part-0', 'part-x']);
  t.is(readFileSync(join(directory, 'part-0'), 'utf8'), 'new\n');
});

test('a part that is there although nobody has looked before is refused', t => {
  const directory = temporaryDirectory(t);
  writeFileSync(join(directory, 'part-0'), 'old');
  const writer = textFileSink(directory).createWriter(new ConnectorContext());

  t.throws(() => writer.open?.(), {code: 'E_SINK_DIRECTORY', message: /found=part-0/});
  writer.close?.();
  t.is(readFileSync(join(directory, 'part-0'), 'utf8'), 'old');
});

test('two writers of one part are refused: two sinks share the directory', async t => {
  const directory = temporaryDirectory(t);
  const sink = textFileSink(directory);
  await sink.prepare();
  const first = new SinkDriver(sink);
  first.write('x');

  const second = textFileSink(directory).createWriter(new ConnectorContext());
  t.throws(() => second.open?.(), {code: 'E_SINK_DIRECTORY', message: /\.part-0\.inprogress/});
  second.close?.();

  first.finish();
  t.is(readFileSync(join(directory, 'part-0'), 'utf8'), 'x\n');
});

test('a later attempt replaces what the killed one before it has left', async t => {
  const directory = temporaryDirectory(t);
  const sink = textFileSink(directory);
  await sink.prepare();
  writeFileSync(join(directory, '.part-0.inprogress'), 'half');
  writeFileSync(join(directory, 'part-1'), 'from attempt 0');

  for (const subtaskIndex of [0, 1]) {
    const context = new ConnectorContext({subtaskIndex, parallelism: 2, attemptNumber: 1});
    const driver = new SinkDriver(sink, context);
    driver.write(`new ${subtaskIndex}`);
    driver.finish();
  }

  t.deepEqual(readdirSync(directory).sort(), ['part-0', 'part-1']);
  t.is(readFileSync(join(directory, 'part-1'), 'utf8'), 'new 1\n');
});

test('a file in place of the directory is refused', t => {
  const path = join(temporaryDirectory(t), 'file');
  writeFileSync(path, '');

  for (const directory of [path, join(path, 'below')]) {
    t.throws(() => textFileSink(directory).prepare(), {
      code: 'E_SINK_DIRECTORY',
      message: /there is a file in its place: directory=.*file/,
    });
  }
});

test('a directory that is no text is refused when the sink is made', t => {
  t.throws(() => textFileSink(''), {code: 'E_SINK_DIRECTORY', message: /needs a directory/});
  t.throws(() => textFileSink(undefined as never), {code: 'E_SINK_DIRECTORY'});
});

for (const [operation, reason, code, message] of [
  [
    'mkdirSync',
    'EACCES',
    'E_SINK_FILE',
    /could not be written: path=.*, writtenBytes=0, reason=EACCES; check/,
  ],
  ['readdirSync', 'EACCES', 'E_SINK_FILE', /reason=EACCES/],
  [
    'createSync',
    'EROFS',
    'E_SINK_FILE',
    /path=.*\.part-0\.inprogress, writtenBytes=0, reason=EROFS/,
  ],
  ['fsyncSync', 'EIO', 'E_SINK_FILE', /path=.*\.part-0\.inprogress, writtenBytes=2, reason=EIO/],
  ['renameSync', 'EACCES', 'E_SINK_FILE', /writtenBytes=2, reason=EACCES/],
  [
    'writeSync',
    'EDQUOT',
    'E_SINK_DISK_FULL',
    /no room for the output: path=.*, writtenBytes=0, reason=EDQUOT; make/,
  ],
] as const) {
  test(`an error of the system is named: ${reason} in ${operation}`, async t => {
    const fileSystem: WritableFileSystem = {
      ...nodeFileSystem,
      [operation]: () => {
        throw systemError(reason);
      },
    };

    await t.throwsAsync(write(textFileSink(temporaryDirectory(t), {}, {fileSystem}), ['x']), {
      code,
      message,
    });
  });
}

/** Mounts a file system of 64 KiB, or says why that is not possible here. */
function mountTiny(t: ExecutionContext): string | undefined {
  const directory = temporaryDirectory(t);
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return undefined;
  const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', directory]);
  if (mount.status !== 0) return undefined;
  t.teardown(() => {
    spawnSync('umount', [directory]);
  });
  return directory;
}

test('a full disk is named, with the file and the bytes that are in it', t => {
  const directory = mountTiny(t);
  if (directory === undefined) {
    t.log('skipped: only root on Linux may mount a small file system');
    return t.pass();
  }
  const sink = textFileSink(join(directory, 'out'));
  sink.prepare();
  const driver = new SinkDriver(sink);

  const error = t.throws(
    () => {
      for (let line = 0; line < 10_000; line += 1) driver.write('x'.repeat(99));
    },
    {
      code: 'E_SINK_DISK_FULL',
      message: /path=.*\/out\/\.part-0\.inprogress, writtenBytes=\d+, reason=ENOSPC/,
    },
  );

  const {writtenBytes} = (error as unknown as {details: {writtenBytes: number}}).details;
  t.true(writtenBytes > 0 && writtenBytes <= 65_536);
  t.is(statSync(join(directory, 'out/.part-0.inprogress')).size, writtenBytes);
  driver.writer.close?.();
  t.deepEqual(readdirSync(join(directory, 'out')), []);
});

test('a record that JSON cannot carry is named', async t => {
  const sink = jsonLinesSink(temporaryDirectory(t));

  await t.throwsAsync(write(sink, [{a: 1}, {a: {b: 5n}}]), {
    code: 'E_SINK_VALUE',
    message: /field=a\.b, type=bigint/,
  });
});

test('CSV has a header in each part, quotes where they are needed, and nulls that are empty', async t => {
  const directory = temporaryDirectory(t);

  await write(csvSink(directory), [
    {'a b': 1, 'c"': null, d: ''},
    {'a b': -0, 'c"': 'x,y', d: new Date(0)},
    {'a b': 5n, 'c"': 'l\nm\r', d: true},
    {'a b': NaN, d: ' '},
    {d: undefined},
  ]);

  t.is(
    readFileSync(join(directory, 'part-0'), 'utf8'),
    'a b,"c""",d\n' +
      '1,,""\n' +
      '-0,"x,y",1970-01-01T00:00:00.000Z\n' +
      '5,"l\nm\r",true\n' +
      'NaN,, \n' +
      ',,\n',
  );
});

test('CSV can be told its columns, its delimiter, and to have no header', async t => {
  const directory = temporaryDirectory(t);
  const sink = csvSink(directory, {columns: ['b', 'a'], delimiter: ';', header: false});

  await write(sink, [{a: 'x;y', b: 'x,y'}]);

  t.is(readFileSync(join(directory, 'part-0'), 'utf8'), 'x,y;"x;y"\n');
});

test('a CSV part without records has a header if the columns are known', async t => {
  const directory = temporaryDirectory(t);

  await write(csvSink(directory, {columns: ['a', 'b']}), []);
  t.is(readFileSync(join(directory, 'part-0'), 'utf8'), 'a,b\n');

  await write(csvSink(directory, {overwrite: true}), []);
  t.is(readFileSync(join(directory, 'part-0'), 'utf8'), '');
});

for (const [name, values, message] of [
  ['a bare value', [5], /needs a record: value=5; map values/],
  ['an array', [[1]], /needs a record: value=\[1\]/],
  ['no fields', [{}], /without fields/],
  [
    'a nested object',
    [{a: {b: 1}}],
    /cannot stand in a field of CSV: field=a, value=\{"b":1\}; turn it into/,
  ],
  ['an array in a field', [{a: [1]}], /field=a, value=\[1\]/],
  ['bytes', [{a: new Uint8Array(1)}], /field=a/],
  ['an invalid date', [{a: new Date(NaN)}], /field=a/],
  [
    'a field that the first record did not have',
    [{a: 1}, {a: 1, b: 2}],
    /without a column: field=b, columns=\["a"\]; name all/,
  ],
] as const) {
  test(`what CSV cannot hold is refused: ${name}`, async t => {
    await t.throwsAsync(write(csvSink(temporaryDirectory(t)), values), {
      code: 'E_SINK_VALUE',
      message,
    });
  });
}

for (const [name, options] of [
  ['a delimiter of no character', {delimiter: ''}],
  ['a delimiter that is a line feed', {delimiter: '\n'}],
  ['no columns', {columns: []}],
  ['a column twice', {columns: ['a', 'a']}],
] as const) {
  test(`an option of a CSV sink is refused when it is made: ${name}`, t => {
    t.throws(() => csvSink('out', options), {code: 'E_SINK_OPTION'});
  });
}

test('what a CSV sink writes, a CSV source reads', async t => {
  const directory = temporaryDirectory(t);
  const values = [
    {id: 'a', text: 'x "y", z\r\n'},
    {id: '', text: '\ufeff'},
  ];
  await write(csvSink(directory, {header: false, columns: ['text', 'id']}), values);
  const source = csvSource({paths: [directory], header: ['text', 'id']});
  const driver = new SourceDriver(source);
  for (const split of source.enumerateSplits({parallelism: 1})) driver.reader.addSplit(split);

  t.deepEqual(driver.readAll(), [
    {text: 'x "y", z\r\n', id: 'a'},
    {text: '\ufeff', id: ''},
  ]);
  driver.reader.close?.();
});
