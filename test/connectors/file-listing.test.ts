/** Which files the paths of a user name, on a real file system. */
import {mkdirSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import {spawnSync} from 'node:child_process';
import {join, relative} from 'node:path';
import test from 'ava';
import {listFiles} from '../../src/connectors/file-listing.ts';
import {nodeFileSystem} from '../../src/connectors/file-system.ts';
import {systemError} from '../support/memory-files.ts';
import {directoryWith} from '../support/temporary-directory.ts';

/** The listed paths, relative to the directory of the test. */
const listed = (directory: string, ...paths: string[]) =>
  listFiles(
    paths.map(path => join(directory, path)),
    nodeFileSystem,
  ).map(file => relative(directory, file.path));

test('a file is listed with its size', t => {
  const directory = directoryWith(t, {'a.txt': 'abc'});
  const path = join(directory, 'a.txt');

  t.deepEqual(listFiles([path], nodeFileSystem), [{path, sizeBytes: 3}]);
});

test('a directory stands for all files below it, sorted, without hidden ones', t => {
  const directory = directoryWith(t, {
    'in/b.txt': '',
    'in/a.txt': '',
    'in/c/z': '',
    'in/c/d/y': '',
    'in/.hidden': '',
    'in/.git/config': '',
    'in/_under': '',
    other: '',
  });

  t.deepEqual(listed(directory, 'in'), ['in/_under', 'in/a.txt', 'in/b.txt', 'in/c/d/y', 'in/c/z']);
});

test('files are sorted, whatever order the system gives them in', t => {
  const directory = directoryWith(t, {'in/b': '', 'in/a': '', 'in/c': ''});
  const fileSystem = {...nodeFileSystem, readdirSync: () => ['c', 'a', 'b']};

  t.deepEqual(
    listFiles([join(directory, 'in')], fileSystem).map(file => file.path.slice(-1)),
    ['a', 'b', 'c'],
  );
});

test('an empty directory has no files', t => {
  const directory = directoryWith(t, {});

  t.deepEqual(listFiles([directory], nodeFileSystem), []);
});

test('a glob stands for what matches, directories included', t => {
  const directory = directoryWith(t, {
    'a.log': '',
    'b.log': '',
    'c.txt': '',
    '2024/x.log': '',
    '2024/deep/y.log': '',
  });

  t.deepEqual(listed(directory, '*.log'), ['a.log', 'b.log']);
  t.deepEqual(listed(directory, '**/*.log'), ['2024/deep/y.log', '2024/x.log', 'a.log', 'b.log']);
  t.deepEqual(listed(directory, '20*'), ['2024/deep/y.log', '2024/x.log']);
  t.deepEqual(listed(directory, '[ab].log'), ['a.log', 'b.log']);
  t.deepEqual(listed(directory, '{a,c}.*'), ['a.log', 'c.txt']);
});

test('a name that looks like a glob and exists is a name', t => {
  const directory = directoryWith(t, {'a[1].txt': '', a1: ''});

  t.deepEqual(listed(directory, 'a[1].txt'), ['a[1].txt']);
});

test('a file is read once, whatever names it', t => {
  const directory = directoryWith(t, {'in/a': '', 'in/b': ''});

  t.deepEqual(listed(directory, 'in/b', 'in', 'in/*', 'in/../in/a'), ['in/b', 'in/a']);
  const twice = [`${directory}/in/a`, `${directory}/in/../in/a`];
  t.deepEqual(
    listFiles(twice, nodeFileSystem).map(file => file.path),
    twice.slice(0, 1),
  );
});

test('symbolic links are followed, and a circle of them ends', t => {
  const directory = directoryWith(t, {'in/a': '', 'other/b': ''});
  symlinkSync(join(directory, 'other'), join(directory, 'in/link'));
  symlinkSync(join(directory, 'in'), join(directory, 'other/back'));

  t.deepEqual(listed(directory, 'in'), ['in/a', 'in/link/b']);
});

for (const [name, paths, code, message] of [
  ['no path', [], 'E_SOURCE_PATHS', /needs a path: paths=\[\]; give at least one/],
  ['an empty path', ['a', ''], 'E_SOURCE_PATHS', /give at least one file/],
  [
    'a file that is missing',
    ['nope.txt'],
    'E_SOURCE_FILE_MISSING',
    /no such file: path=.*nope\.txt; check/,
  ],
  [
    'a glob without a match',
    ['*.nope'],
    'E_SOURCE_FILE_MISSING',
    /no file matches the glob: path=.*\*\.nope;/,
  ],
  ['a path below a file', ['a.txt/b'], 'E_SOURCE_FILE_MISSING', /no such file: path=.*a\.txt\/b;/],
] as const) {
  test(`${name} is refused: ${code}`, t => {
    const directory = directoryWith(t, {'a.txt': ''});

    t.throws(
      () =>
        listFiles(
          paths.map(path => (path === '' ? '' : join(directory, path))),
          nodeFileSystem,
        ),
      {code, message},
    );
  });
}

test('what is neither a file nor a directory is refused', t => {
  const directory = directoryWith(t, {'in/a': ''});
  const pipe = join(directory, 'in/pipe');
  if (spawnSync('mkfifo', [pipe]).status !== 0) {
    t.log('skipped: this machine has no mkfifo');
    return t.pass();
  }

  for (const path of [pipe, join(directory, 'in')]) {
    t.throws(() => listFiles([path], nodeFileSystem), {
      code: 'E_SOURCE_FILE_KIND',
      message: /path=.*pipe/,
    });
  }
});

test('a directory that may not be read is named', t => {
  const directory = directoryWith(t, {'in/a': ''});
  const fileSystem = {
    ...nodeFileSystem,
    readdirSync: () => {
      throw systemError('EACCES');
    },
  };

  t.throws(() => listFiles([join(directory, 'in')], fileSystem), {
    code: 'E_SOURCE_FILE_ACCESS',
    message: /may not be read: path=.*\/in, reason=EACCES; give the user/,
  });
});

test('a file that vanishes while its directory is listed is missing', t => {
  const directory = directoryWith(t, {'in/a': '', 'in/b': ''});
  mkdirSync(join(directory, 'gone'));
  writeFileSync(join(directory, 'gone/x'), '');
  const fileSystem = {
    ...nodeFileSystem,
    readdirSync: (path: string) => {
      const names = nodeFileSystem.readdirSync(path);
      rmSync(join(directory, 'gone/x'));
      return names;
    },
  };

  t.throws(() => listFiles([join(directory, 'gone')], fileSystem), {code: 'E_SOURCE_FILE_MISSING'});
});

test('a glob prints no warning', t => {
  const module_ = new URL('../../src/connectors/file-system.ts', import.meta.url).href;
  const script = `import {nodeFileSystem} from '${module_}'; nodeFileSystem.globSync('*');`;
  const {stderr, status} = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
  });

  t.is(status, 0);
  t.is(stderr, '');
});
