/**
 * Everything that README.md and docs/ claim and that a machine can check: code blocks compile and run
 * (support/doc-blocks.ts has the convention), and links lead somewhere. All blocks are compiled by one
 * process; each page runs in one of its own.
 */
import {spawn} from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import {dirname, join, relative} from 'node:path';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import {blocksOf, type DocBlock} from './support/doc-blocks.ts';
import {blockMark, type BlockToRun} from './support/run-doc-blocks.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SOURCES = join(ROOT, 'src');
const PAGE_MS_MAX = 90_000;

interface Page {
  /** Relative to the root. */
  readonly path: string;
  readonly text: string;
}

const pages: Page[] = ['README.md', 'docs']
  .filter(path => existsSync(join(ROOT, path)))
  .flatMap(path =>
    path.endsWith('.md')
      ? [path]
      : readdirSync(join(ROOT, path), {recursive: true, encoding: 'utf8'})
          .filter(name => name.endsWith('.md'))
          .map(name => join(path, name)),
  )
  .sort()
  .map(path => ({path, text: readFileSync(join(ROOT, path), 'utf8')}));

// Inside of the checkout, so that blocks find the packages that it has installed.
mkdirSync(join(ROOT, '.millrace'), {recursive: true});
const workshop = mkdtempSync(join(ROOT, '.millrace/docs-'));

test.after.always('extracted blocks are removed', () => {
  rmSync(workshop, {recursive: true, force: true});
});

/** The blocks of a page that are files, saved in a folder of the page's own. */
function save({path, text}: Page): {folder: string; blocks: DocBlock[]} {
  const folder = join(workshop, path.replaceAll(/[^a-zA-Z0-9.]+/g, '-'));
  mkdirSync(folder, {recursive: true});
  const blocks = blocksOf(text, path).filter(({file}) => file !== undefined);
  for (const {file, text: code, isCode} of blocks) {
    mkdirSync(dirname(join(folder, file!)), {recursive: true});
    writeFileSync(join(folder, file!), isCode ? withSources(code) : code);
  }
  return {folder, blocks};
}

/** The package is what it is in this checkout. */
function withSources(code: string): string {
  return code
    .replaceAll(/(['"])millrace\1/g, `'${SOURCES}/index.ts'`)
    .replaceAll(/(['"])millrace\/(\w+)\1/g, `'${SOURCES}/$2/index.ts'`);
}

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(args: readonly string[], cwd: string, input = ''): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {cwd, timeout: PAGE_MS_MAX});
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (bytes: Buffer) => (stdout += bytes.toString()));
    child.stderr.on('data', (bytes: Buffer) => (stderr += bytes.toString()));
    child.on('error', reject);
    child.on('close', code => resolve({code, stdout, stderr}));
    child.stdin.end(input);
  });
}

/** Runs the blocks of a page. Throws with what they printed if one fails or prints something else. */
async function runPage(page: Page): Promise<number> {
  const {folder, blocks} = save(page);
  const toRun = blocks.filter(({isRun}) => isRun);
  if (toRun.length === 0) return 0;
  const input: BlockToRun[] = toRun.map(({file, args}) => ({path: join(folder, file!), args}));
  const driver = join(ROOT, 'test/support/run-doc-blocks.ts');
  const {code, stdout, stderr} = await run([driver], folder, JSON.stringify(input));
  if (code !== 0) {
    const last = toRun.findLast(({file}) => stdout.includes(blockMark(join(folder, file!))));
    throw new Error(`${page.path}:${last?.line}: the block fails\n${stderr}`);
  }
  for (const {file, line, output, text} of toRun) {
    if (output === undefined) continue;
    const mark = `${blockMark(join(folder, file!))}\n`;
    const printed = stdout.slice(stdout.indexOf(mark) + mark.length).split('\u0001', 1)[0]!;
    const inOrder = (lines: string) =>
      text.includes('export default') ? lines.split('\n').sort().join('\n').trim() : lines;
    if (inOrder(printed) !== inOrder(output)) {
      throw new Error(`${page.path}:${line}: the block prints\n${printed}and not\n${output}`);
    }
  }
  return toRun.length;
}

/** What the compiler has to say about all code of these pages. */
async function compile(subject: readonly Page[], name: string): Promise<Ran> {
  const files: string[] = [];
  for (const page of subject) {
    const {folder, blocks} = save(page);
    files.push(...blocks.filter(({isCode}) => isCode).map(({file}) => join(folder, file!)));
  }
  // The compiler calls it an error if there is nothing to compile.
  if (files.length === 0) return {code: 0, stdout: '', stderr: ''};
  const config = join(workshop, `${name}.json`);
  writeFileSync(
    config,
    JSON.stringify({
      extends: join(ROOT, 'tsconfig.json'),
      compilerOptions: {
        allowJs: true,
        noEmit: true,
        // The sources are imported by absolute paths, which nobody could rewrite.
        allowImportingTsExtensions: true,
        rewriteRelativeImportExtensions: false,
        paths: {},
      },
      include: [],
      files: files.map(file => relative(workshop, file)),
    }),
  );
  return await run([join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', config], ROOT);
}

test('all code of the documentation compiles', async t => {
  t.timeout(180_000);

  const {code, stdout} = await compile(pages, 'pages');

  t.is(code, 0, stdout);
});

for (const page of pages.filter(({text}) => /^```(?:ts|js)\b/m.test(text))) {
  // One after the other: all of them at once would take each other's time.
  test.serial(`the code of ${page.path} runs`, async t => {
    t.timeout(PAGE_MS_MAX);

    await t.notThrowsAsync(runPage(page));
  });
}

const PAGE_THAT_WORKS = `
\`\`\`text file=in.txt
b a
\`\`\`
\`\`\`ts file=word.ts
export const separator = ' ';
\`\`\`
\`\`\`ts args=in.txt
import {job} from 'millrace';
import {separator} from './word.ts';
export default job((env, [path]) => {
  env.readText(path!).flatMap(line => line.split(separator)).print();
});
\`\`\`
\`\`\`text output
a
b
\`\`\`
`;

test('a page with files, imports, arguments and output runs', async t => {
  t.timeout(PAGE_MS_MAX);

  t.is(await runPage({path: 'works.md', text: PAGE_THAT_WORKS}), 2);
});

test('a block that throws, and one that prints something else, are noticed', async t => {
  t.timeout(PAGE_MS_MAX);
  const throws = '\n```js\nthrow new Error("no");\n```\n';
  const prints = '\n```js\nconsole.log(1);\n```\n```text output\n2\n```\n';

  await t.throwsAsync(runPage({path: 'throws.md', text: throws}), {message: /throws.md:2: [^]*no/});
  await t.throwsAsync(runPage({path: 'prints.md', text: prints}), {
    message: /prints.md:2: [^]*1\n/,
  });
});

test('a block with a type error is noticed', async t => {
  t.timeout(180_000);
  const text = "\n```ts no-run\nimport {start} from 'millrace';\nawait start(1);\n```\n";

  const {code, stdout} = await compile([{path: 'typed.md', text}], 'typed');

  t.not(code, 0);
  t.regex(stdout, /typed-2\.ts\(2,13\): error TS2345/);
});

test('a word that nobody knows, and a fence that is not closed, are refused', t => {
  t.throws(() => blocksOf('```ts norun\n```', 'page.md'), {message: /page.md:1: .*norun/});
  t.throws(() => blocksOf('text\n```ts\n', 'page.md'), {message: /page.md:2: .*not closed/});
});

/** The anchors that headings get: lower case, words joined by hyphens, other signs gone. */
function anchorsOf(text: string): Set<string> {
  const prose = text.replaceAll(/^```[^]*?^```/gm, '');
  return new Set(
    [...prose.matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
      title!
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

test('links lead to files and headings that exist', t => {
  const offences: string[] = [];

  for (const {path, text} of pages) {
    const prose = text.replaceAll(/^```[^]*?^```/gm, '').replaceAll(/`[^`\n]*`/g, '');
    for (const [, target] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target!)) continue;
      const [file, anchor] = target!.split('#', 2);
      const full = file === '' ? join(ROOT, path) : join(ROOT, dirname(path), file!);
      const isFound =
        existsSync(full) &&
        (anchor === undefined || anchorsOf(readFileSync(full, 'utf8')).has(anchor));
      if (!isFound) offences.push(`${path}: ${target}`);
    }
  }

  t.deepEqual(offences, []);
});
