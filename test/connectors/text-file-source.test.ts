/** Text files as a source: splits among subtasks, and what can go wrong with files. */
import {mkdirSync, rmSync, truncateSync, unlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {textFileSource} from '../../src/connectors/text-file-source.ts';
import {END_OF_SPLITS} from '../../src/operators/source.ts';
import {declare} from '../support/declare.ts';
import {MemoryFiles, systemError} from '../support/memory-files.ts';
import {SourceDriver, sourceContract} from '../support/source-contract.ts';
import {directoryWith} from '../support/temporary-directory.ts';

const TEXTS = {
  a: 'one\ntwo\r\n\nvier €\n😀\nlast',
  b: '',
  c: '\ufeffx\ny\n',
  d: `${'long '.repeat(20)}\nshort\n`,
};
const LINES = ['one', 'two', '', 'vier €', '😀', 'last', 'x', 'y', 'long '.repeat(20), 'short'];
const PATHS = ['a', 'b', 'c', 'd'];

for (const splitSizeBytes of [1, 7, 64, undefined]) {
  sourceContract(declare, `text in splits of ${splitSizeBytes ?? 'the default size'}`, {
    create: () =>
      textFileSource(
        {paths: PATHS, splitSizeBytes},
        {fileSystem: new MemoryFiles(TEXTS), sizes: {bufferSizeBytes: 16, blockSizeBytes: 8}},
      ),
    records: LINES,
  });
}
sourceContract(declare, 'text in no line', {
  create: () => textFileSource({paths: ['b']}, {fileSystem: new MemoryFiles(TEXTS)}),
  records: [],
});

/** A source of one real file, and a driver that has its splits. */
function driverOf(t: ExecutionContext, content: string, splitSizeBytes = 10) {
  const directory = directoryWith(t, {file: content});
  const path = join(directory, 'file');
  const source = textFileSource({paths: [path], splitSizeBytes});
  const driver = new SourceDriver(source);
  const splits = source.enumerateSplits({parallelism: 2});
  for (const split of splits) driver.reader.addSplit(split);
  t.teardown(() => driver.reader.close?.());
  return {path, driver, splits};
}

test('lines of a real file arrive', t => {
  const {driver} = driverOf(t, 'a\nb\n\nlast line without end');

  t.deepEqual(driver.readAll(), ['a', 'b', '', 'last line without end']);
});

test('a poll returns at most what it is asked for, and END_OF_SPLITS when all is read', t => {
  const {driver} = driverOf(t, 'a\nb\nc\n', 100);

  driver.poll(2);
  t.deepEqual(driver.records, ['a', 'b']);
  driver.readAll(2);
  t.is(driver.reader.poll(2, 0), END_OF_SPLITS);
});

test('invalid UTF-8 is counted in a metric of the subtask', t => {
  const files = new MemoryFiles({file: Buffer.from([0x61, 0xff, 0xfe, 0x0a, 0xef, 0xbf, 0xbd])});
  const source = textFileSource({paths: ['file']}, {fileSystem: files});
  const driver = new SourceDriver(source);
  for (const split of source.enumerateSplits({parallelism: 1})) driver.reader.addSplit(split);

  t.deepEqual(driver.readAll(), ['a\ufffd\ufffd', '\ufffd']);
  t.is(driver.context.counted('invalidUtf8'), 2);
});

test('100 MB on one line are one record, and splits inside of it are empty', t => {
  const size = 100_000_000;
  const {driver} = driverOf(t, `${'x'.repeat(size)}\nend\n`, 4 << 20);

  t.deepEqual(
    driver.readAll().map(line => line.length),
    [size, 3],
  );
});

test('a file that is missing when the job begins is named', t => {
  const source = textFileSource({paths: ['/nowhere/at all.txt']});

  t.throws(() => source.enumerateSplits({parallelism: 1}), {
    code: 'E_SOURCE_FILE_MISSING',
    message: /there is no such file: path=\/nowhere\/at all\.txt; check the path/,
  });
});

test('a source without a path is refused when it is made', t => {
  t.throws(() => textFileSource({paths: []}), {code: 'E_SOURCE_PATHS'});
  t.throws(() => textFileSource({paths: ['a'], splitSizeBytes: 0}), {code: 'E_SOURCE_OPTION'});
});

test('a file that is deleted before its split is opened is named', t => {
  const {path, driver} = driverOf(t, 'a\nb\n');
  unlinkSync(path);

  t.throws(() => driver.poll(10), {
    code: 'E_SOURCE_FILE_MISSING',
    message: new RegExp(`path=${path};`),
  });
});

test('a file that is deleted while it is open is read to its end', t => {
  const content = 'line\n'.repeat(10);
  const {path, driver} = driverOf(t, content, 10);
  driver.poll(1);
  unlinkSync(path);

  t.is(driver.readAll().length, 10);
});

test('a file that is truncated while it is read is named, with what was expected', t => {
  const {path, driver} = driverOf(t, 'line\n'.repeat(10), 10);
  driver.poll(1);
  truncateSync(path, 20);

  t.throws(() => driver.readAll(), {
    code: 'E_SOURCE_FILE_CHANGED',
    message: new RegExp(
      `has become shorter since the job began: path=${path}, expectedBytes=50, foundBytes=20; let`,
    ),
  });
});

test('a file that is truncated before it is opened is named', t => {
  const {path, driver} = driverOf(t, 'line\n'.repeat(10), 10);
  writeFileSync(path, 'line\n');

  t.throws(() => driver.poll(1), {code: 'E_SOURCE_FILE_CHANGED', message: /foundBytes=5/});
});

test('a directory in place of the file is named', t => {
  const {path, driver} = driverOf(t, 'a\n');
  rmSync(path);
  mkdirSync(path);

  t.throws(() => driver.poll(1), {
    code: 'E_SOURCE_FILE_KIND',
    message: new RegExp(`a file is wanted, and this is none: path=${path}, kind=directory; name`),
  });
});

for (const [reason, code, message] of [
  ['EACCES', 'E_SOURCE_FILE_ACCESS', /may not be read: path=a, reason=EACCES; give the user/],
  ['EPERM', 'E_SOURCE_FILE_ACCESS', /reason=EPERM/],
  ['EMFILE', 'E_SOURCE_FILE_READ', /could not be read: path=a, reason=EMFILE/],
] as const) {
  test(`a file that cannot be opened is named: ${reason}`, t => {
    const files = new MemoryFiles(TEXTS);
    const source = textFileSource({paths: ['a']}, {fileSystem: files});
    const driver = new SourceDriver(source);
    for (const split of source.enumerateSplits({parallelism: 1})) driver.reader.addSplit(split);
    files.onAccess = () => {
      throw systemError(reason);
    };

    t.throws(() => driver.poll(1), {code, message});
  });
}

test('a disk that fails in the middle of a file is named, and the file is closed', t => {
  const files = new MemoryFiles(TEXTS);
  const source = textFileSource({paths: ['a']}, {fileSystem: files, sizes: {bufferSizeBytes: 8}});
  const driver = new SourceDriver(source);
  for (const split of source.enumerateSplits({parallelism: 1})) driver.reader.addSplit(split);
  driver.poll(1);
  files.onAccess = () => {
    throw systemError('EIO');
  };

  t.throws(() => driver.readAll(), {code: 'E_SOURCE_FILE_READ', message: /path=a, reason=EIO/});
  driver.reader.close?.();
  t.is(files.openCount, 0);
});

test('the shape is known, but nobody has declared it', t => {
  const {schema} = textFileSource({paths: ['a']});

  t.is(schema!.kind, 'value');
  t.is(schema!.columns[0]!.type, 'string');
  t.false(schema!.declared);
});
