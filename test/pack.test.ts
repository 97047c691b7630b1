/**
 * The package as strangers get it: built, packed, installed into an empty folder, and used from there in
 * plain JavaScript, by the command line, and by the TypeScript compiler.
 */
import {spawn} from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import {readFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import test from 'ava';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const INSTALL_MS_MAX = 90_000;
/** What npm says when there is nobody to ask. */
const NO_REGISTRY =
  /ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|ENOTCACHED|ENETUNREACH|E40[34]|E5\d\d/;

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(command: string, args: readonly string[], cwd: string, timeoutMs = 60_000) {
  return new Promise<Ran>((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: timeoutMs,
      // npm runs ava and passes its own settings on, which are about another folder.
      env: Object.fromEntries(
        Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')),
      ),
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (bytes: Buffer) => (stdout += bytes.toString()));
    child.stderr.on('data', (bytes: Buffer) => (stderr += bytes.toString()));
    child.on('error', reject);
    child.on('close', code => resolve({code, stdout, stderr}));
  });
}

const workshop = mkdtempSync(join(tmpdir(), 'millrace-pack-'));
const staging = join(workshop, 'staging');
const app = join(workshop, 'app');

/** Without a registry: the package from its tarball, what it depends on from this checkout. */
async function installByHand(tarball: string): Promise<void> {
  const home = join(app, 'node_modules/millrace');
  mkdirSync(home, {recursive: true});
  await run('tar', ['xzf', tarball, '-C', home, '--strip-components=1'], app);
  const lock = JSON.parse(await readFile(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, {dev?: boolean}>;
  };
  for (const [folder, {dev}] of Object.entries(lock.packages)) {
    if (folder === '' || dev === true || !existsSync(join(ROOT, folder))) continue;
    mkdirSync(dirname(join(app, folder)), {recursive: true});
    symlinkSync(join(ROOT, folder), join(app, folder), 'dir');
  }
}

test.before('the package is built, packed and installed', async t => {
  t.timeout(240_000);
  // In a folder of its own, because other tests and benches use dist/ at the same time.
  mkdirSync(staging);
  mkdirSync(app);
  for (const file of ['package.json', 'README.md', 'LICENSE']) {
    if (existsSync(join(ROOT, file))) cpSync(join(ROOT, file), join(staging, file));
  }
  const built = await run(
    process.execPath,
    [join(ROOT, '.ci/build.mjs'), join(staging, 'dist')],
    ROOT,
  );
  t.is(built.code, 0, built.stdout + built.stderr);

  const packed = await run('npm', ['pack', '--ignore-scripts', '--json'], staging);
  t.is(packed.code, 0, packed.stderr);
  const tarball = join(staging, /millrace-[\d.]+\.tgz/.exec(packed.stdout)![0]);

  writeFileSync(
    join(app, 'package.json'),
    JSON.stringify({name: 'app', private: true, type: 'module'}),
  );
  const installed = await run(
    'npm',
    ['install', tarball, '--prefer-offline', '--no-audit', '--no-fund', '--fetch-retries=1'],
    app,
    INSTALL_MS_MAX,
  );
  if (installed.code !== 0) {
    // What is wrong with the package itself must not pass as a missing registry.
    t.regex(installed.stderr, NO_REGISTRY, 'npm install failed');
    t.log('no registry answered: dependencies were taken from this checkout instead');
    await installByHand(tarball);
  }
});

test.after.always('the folder is removed', () => {
  rmSync(workshop, {recursive: true, force: true});
});

const WORD_JOB = `
import {OutputTag, job} from 'millrace';

const long = new OutputTag('long');

export default job((env, args) => {
  const words = env
    .fromCollection(args.length > 0 ? args : ['to be', 'or not to be'])
    .flatMap(line => line.split(' '))
    .process({
      processElement(word, context, out) {
        if (word.length > 2) context.output(long, word);
        out.collect({word, count: 1});
      },
    });
  words.keyBy('word').sum('count').collect('counts');
  words.getSideOutput(long).collect('long');
});
`;

/** The last count of each word. */
function finalCounts(counts: ReadonlyArray<{word: string; count: number}>): Record<string, number> {
  return Object.fromEntries(counts.map(({word, count}) => [word, count]));
}

test('the package holds what it should and nothing else', async t => {
  const home = join(app, 'node_modules/millrace');
  const {files, exports, bin} = JSON.parse(await readFile(join(home, 'package.json'), 'utf8')) as {
    files: string[];
    exports: Record<string, string | {types: string; default: string}>;
    bin: Record<string, string>;
  };

  const listed = await run('find', ['.', '-type', 'f'], home);
  const paths = listed.stdout.trim().split('\n');

  t.deepEqual(
    paths.filter(path => !/^\.\/(dist\/|LICENSE$|README\.md$|package\.json$)/.test(path)),
    [],
  );
  t.deepEqual(
    paths.filter(path => path.startsWith('./dist/lib/') && !path.endsWith('.js')),
    [],
  );
  t.true(files.includes('LICENSE') && paths.includes('./LICENSE'));
  for (const target of [...Object.values(exports), ...Object.values(bin)]) {
    for (const path of typeof target === 'string' ? [target] : [target.types, target.default]) {
      t.true(existsSync(join(home, path)), path);
    }
  }
});

test('a job runs from the command line', async t => {
  t.timeout(120_000);
  writeFileSync(join(app, 'words.mjs'), WORD_JOB);

  const {code, stdout, stderr} = await run(
    'npx',
    ['--no-install', 'millrace', 'run', 'words.mjs', '--parallelism', '2', '--json', '--', 'a b a'],
    app,
  );

  t.is(code, 0, stderr);
  const result = JSON.parse(stdout) as {
    state: string;
    collected: {counts: {word: string; count: number}[]};
  };
  t.is(result.state, 'FINISHED');
  t.deepEqual(finalCounts(result.collected.counts), {a: 2, b: 1});
});

test('a job runs from plain JavaScript, in threads and in this one', async t => {
  t.timeout(120_000);
  writeFileSync(join(app, 'embedded.mjs'), WORD_JOB);
  writeFileSync(
    join(app, 'main.mjs'),
    `
import {StreamError, runInThread, start} from 'millrace';
import {simulate} from 'millrace/testing';
import words from './embedded.mjs';

const args = ['to be or', 'not to be'];
const run = await start(new URL('./embedded.mjs', import.meta.url), {parallelism: 2, args});
const {collected: inThreads} = await run.done;
const {collected: inThread} = await runInThread(words, {args});
const simulated = await simulate(words, {args, seed: 1});

const failing = await start(new URL('./failing.mjs', import.meta.url), {parallelism: 2});
const failure = await failing.done.catch(error => error);

console.log(JSON.stringify({
  inThreads,
  inThread,
  simulated: simulated.status,
  failsWithStreamError: failure instanceof StreamError,
}));
`,
  );
  writeFileSync(
    join(app, 'failing.mjs'),
    `
import {StreamError, job} from 'millrace';
export default job(env => {
  env.sequence(1, 10).map(index => { throw new StreamError('E_MINE', 'no', {index}); }).discard();
});
`,
  );

  const {code, stdout, stderr} = await run(process.execPath, ['main.mjs'], app);

  t.is(code, 0, stderr);
  const {inThreads, inThread, simulated, failsWithStreamError} = JSON.parse(stdout) as Record<
    string,
    any
  >;
  const expected = {to: 2, be: 2, or: 1, not: 1};
  t.deepEqual(finalCounts(inThreads.counts), expected);
  t.deepEqual(inThreads.long, ['not']);
  t.deepEqual(finalCounts(inThread.counts), expected);
  t.is(simulated, 'FINISHED');
  // One class on both sides: what the engine throws, and what the user imports.
  t.true(failsWithStreamError);
});

test('the types of the package are checked without help from this checkout', async t => {
  t.timeout(120_000);
  writeFileSync(
    join(app, 'typed.ts'),
    `
import {float64, int32, job, schema, start, type JobHandle} from 'millrace';
import {simulate} from 'millrace/testing';

const order = schema({id: int32, price: float64});

export const orders = job((env, args: {limit: number}) => {
  env
    .sequence(1, args.limit)
    .map(id => ({id, price: id / 2}))
    .filter(({price}) => price > 1)
    .keyBy('id')
    .sum('price')
    .map(({price}) => price.toFixed(2))
    // @ts-expect-error strings have no such field
    .filter(text => text.price)
    .discard();
});

export async function total(handle: JobHandle): Promise<number> {
  const {collected} = await handle.done;
  return Object.keys(collected).length;
}
export const runs = [() => start('x.ts'), () => simulate(orders, {seed: 1, args: {limit: 3}}), () => order];
`,
  );
  const options = {
    compilerOptions: {
      strict: true,
      noEmit: true,
      target: 'ES2024',
      lib: ['ES2024', 'ESNext.Disposable'],
      module: 'NodeNext',
      // Declarations of the package count, too.
      skipLibCheck: false,
      types: ['node'],
      typeRoots: [join(ROOT, 'node_modules/@types')],
    },
    files: ['typed.ts'],
  };
  writeFileSync(join(app, 'tsconfig.json'), JSON.stringify(options));

  const {code, stdout} = await run(
    process.execPath,
    [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.json'],
    app,
  );

  t.is(code, 0, stdout);
});
