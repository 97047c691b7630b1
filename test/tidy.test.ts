/**
 * Checks of the source text itself: what the design fixes for all files, and nothing of taste. Each test
 * collects every offender before it fails, so that one run shows all there is to repair.
 */
import {existsSync, readFileSync, readdirSync} from 'node:fs';
import {basename, dirname, join, posix} from 'node:path';
import test from 'ava';

const ROOT = join(import.meta.dirname, '..');

/** A folder imports from folders of a lower rank and from itself, never sideways or upwards. */
const RANK: Readonly<Record<string, number>> = {
  base: 0,
  memory: 1,
  records: 2,
  time: 2,
  metrics: 2,
  network: 3,
  state: 3,
  operators: 4,
  checkpoint: 4,
  graph: 5,
  windowing: 5,
  connectors: 5,
  scheduler: 6,
  api: 7,
  sql: 8,
  cep: 8,
  server: 8,
  testing: 8,
  cli: 9,
};

/** Each package is imported by one file, which hides it from the rest of the engine. */
const PACKAGE_HOME: Readonly<Record<string, string>> = {
  piscina: 'scheduler/worker-pool.ts',
  comlink: 'scheduler/control-link.ts',
  flatbuffers: 'checkpoint/manifest.ts',
  'hdr-histogram-js': 'metrics/latency-histogram.ts',
  lmdb: 'state/lmdb-backend.ts',
};

/** What no file of src contains, save its one home. */
const HOME_OF: ReadonlyArray<{what: string; pattern: RegExp; home: string}> = [
  {what: 'generated code', pattern: /\bnew Function\b|\beval\(/, home: 'records/compiler.ts'},
  {
    what: 'the clock',
    pattern: /\bDate\.now\b|\bnew Date\(\)|\bperformance\b\.|\bhrtime\b/,
    home: 'base/clock.ts',
  },
  {
    what: 'chance',
    pattern: /\bMath\.random\b|\brandomUUID\b|\brandomBytes\b|\bgetRandomValues\b/,
    home: 'base/random.ts',
  },
];

const LINES_MAX = 700;

/** Files that may be longer, and why. */
const LONG_FILES: Readonly<Record<string, string>> = {
  'src/api/data-stream.ts':
    'streams and keyed streams make each other, and every method stands with its docstring',
  'src/records/any-codec.ts':
    'writer and reader of one byte format: apart, each change of the format would be two changes',
  'test/network/record-writer.test.ts':
    'independent tests of one class, which share one set-up and are read one at a time',
};

/** Names that say nothing about what is inside. */
const GRAB_BAG = /^(utils?|common|helpers?|misc|stuff|types|impl|manager|lib|shared)$/;

interface Source {
  /** Relative to the root, with slashes. */
  readonly path: string;
  readonly text: string;
}

function sourcesIn(folder: string): Source[] {
  if (!existsSync(join(ROOT, folder))) return [];
  return readdirSync(join(ROOT, folder), {recursive: true, encoding: 'utf8'})
    .map(path => posix.join(folder, path.replaceAll('\\', '/')))
    .filter(path => path.endsWith('.ts') && !/\/(target|node_modules)\//.test(path))
    .map(path => ({path, text: readFileSync(join(ROOT, path), 'utf8')}));
}

const engine = sourcesIn('src');
const everything = [...engine, ...['test', 'bench', 'examples'].flatMap(sourcesIn)];

/** Everything that a file imports or requires, types and re-exports included; comments do not count. */
function importsOf(text: string): string[] {
  const statements = /^(?:import|export)\b(?:[^'";]*\bfrom)? '([^']+)'/gm;
  const calls =
    /^(?! *(?:\*|\/\/)).*?(?:\bimport|\bcreateRequire\(import\.meta\.url\))\('([^']+)'/gm;
  return [statements, calls].flatMap(pattern => [...text.matchAll(pattern)].map(found => found[1]));
}

/** The layer of a path: the folder below src. */
const layerOf = (path: string): string => path.split('/')[1];

test('every folder of src is a layer with a rank', t => {
  const folders = readdirSync(join(ROOT, 'src'), {withFileTypes: true})
    .filter(entry => entry.isDirectory())
    .map(entry => entry.name);

  t.deepEqual(
    folders.filter(folder => RANK[folder] === undefined),
    [],
  );
});

test('arrows between layers run only downwards', t => {
  const offences: string[] = [];
  let arrows = 0;

  for (const {path, text} of engine.filter(source => source.path !== 'src/index.ts')) {
    for (const target of importsOf(text).filter(name => name.startsWith('.'))) {
      const from = layerOf(path);
      const to = layerOf(posix.join(dirname(path), target));
      arrows += 1;
      if (from !== to && !(RANK[to] < RANK[from])) offences.push(`${path} imports ${target}`);
    }
  }

  t.deepEqual(offences, []);
  // A pattern that no longer matches the imports must not look like tidiness.
  t.true(arrows > 100);
});

test('relative imports name files that exist', t => {
  const offences: string[] = [];

  for (const {path, text} of engine) {
    for (const target of importsOf(text).filter(name => name.startsWith('.'))) {
      if (!existsSync(join(ROOT, dirname(path), target))) offences.push(`${path}: ${target}`);
    }
  }

  t.deepEqual(offences, []);
});

test('every package is imported by its one home', t => {
  const offences: string[] = [];
  const seen = new Set<string>();

  for (const {path, text} of engine) {
    for (const name of importsOf(text)) {
      if (name.startsWith('.') || name.startsWith('node:')) continue;
      seen.add(name);
      if (`src/${PACKAGE_HOME[name]}` !== path) offences.push(`${path} imports ${name}`);
    }
  }

  t.deepEqual(offences, []);
  t.true(seen.has('piscina') && seen.has('comlink'));
});

test('the engine depends on packages that have a home, and on no other', t => {
  const {dependencies} = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };

  t.deepEqual(
    Object.keys(dependencies).filter(name => PACKAGE_HOME[name] === undefined),
    [],
  );
});

for (const {what, pattern, home} of HOME_OF) {
  test(`${what} has one home`, t => {
    const users = engine.filter(({text}) => pattern.test(text)).map(({path}) => path);

    t.deepEqual(users, [`src/${home}`]);
  });
}

test('every file opens with the comment that a new owner reads first', t => {
  const offences = everything
    .filter(({text}) => !/^(?:#!.*\n)?\/\*\*\s*\S/.test(text))
    .map(({path}) => path);

  t.deepEqual(offences, []);
});

test(`no file has more than ${LINES_MAX} lines, but for those that say why`, t => {
  const long = everything
    .filter(({text}) => text.split('\n').length - 1 > LINES_MAX)
    .map(({path}) => path);

  t.deepEqual(long, Object.keys(LONG_FILES));
});

test('what is left to do has the number of an issue', t => {
  const offences: string[] = [];

  for (const {path, text} of everything.filter(({path}) => path !== 'test/tidy.test.ts')) {
    for (const [line] of text.matchAll(/^.*\b(?:TODO|FIXME|XXX)\b.*$/gm)) {
      if (!/\b(?:TODO|FIXME|XXX) ?\(#\d+\)/.test(line)) offences.push(`${path}: ${line.trim()}`);
    }
  }

  t.deepEqual(offences, []);
});

test('names say what is inside, in kebab-case', t => {
  const offences = everything
    .map(({path}) => path)
    .filter(path => {
      const name = basename(path).replace(/(\.test|\.d)?\.ts$/, '');
      const folders = dirname(path).split('/');
      // bench/lib is the harness beside the jobs and the peers.
      const hasGrabBag = [...folders, name].some(
        part => GRAB_BAG.test(part) && !path.startsWith('bench/lib/'),
      );
      return hasGrabBag || !/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(name);
    });

  t.deepEqual(offences, []);
});

/** Layers whose tests lie under another name. */
const TESTED_IN: Readonly<Record<string, string>> = {testing: 'simulation'};

test('every layer has tests', t => {
  const layers = new Set(
    engine.filter(({path}) => path !== 'src/index.ts').map(({path}) => layerOf(path)),
  );
  const tested = new Set(
    sourcesIn('test')
      .filter(({path}) => path.endsWith('.test.ts'))
      .map(({path}) => layerOf(path)),
  );

  t.deepEqual(
    [...layers].filter(layer => !tested.has(TESTED_IN[layer] ?? layer)),
    [],
  );
});
