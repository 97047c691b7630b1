/**
 * DuckDB: the same questions as SQL over a bounded input. It is a batch engine: it counts each key
 * once, at the end, and the sum of the running counts follows as n (n + 1) / 2; no update per record
 * is ever emitted. One thread in J1 and J2, two in the jobs for two workers.
 */
import {DuckDBInstance, type DuckDBConnection} from '@duckdb/node-api';
import type {J1Parameters} from '../jobs/j1.ts';
import type {J2Parameters} from '../jobs/j2.ts';
import {rangeOf, type J2xParameters} from '../jobs/j2x.ts';
import {checksumOf, type Outcome} from '../jobs/job.ts';
import {wordcountAnswer, wordcountFile, type WordcountParameters} from '../jobs/wordcount.ts';
import type {Runners} from '../lib/engines.ts';

const FIBONACCI = 0x9e3779b1;

async function connect(threads: number): Promise<DuckDBConnection> {
  const instance = await DuckDBInstance.create(':memory:', {threads: String(threads)});
  return instance.connect();
}

async function numbers(connection: DuckDBConnection, sql: string): Promise<number[]> {
  const [row] = (await connection.runAndReadAll(sql)).getRowsJS();
  return row.map(Number);
}

async function loadJ1(): Promise<(parameters: J1Parameters) => Promise<Outcome>> {
  const connection = await connect(1);
  return async ({records}) => {
    const sum = await numbers(
      connection,
      `SELECT sum(x) FROM (SELECT 2 * range + 1 AS x FROM range(${records})) WHERE x % 3 <> 0`,
    );
    return {records, checksum: checksumOf(...sum)};
  };
}

/** Key, value and time of records as a subquery; the key is an expression over `h`, 32 bits. */
function source(from: number, to: number, key: string): string {
  return (
    `SELECT CAST(${key} AS INTEGER) AS key, value, ts FROM (SELECT CAST(range AS INTEGER) AS value, ` +
    `CAST(range // 100 AS DOUBLE) AS ts, (range * ${FIBONACCI}) & 4294967295 AS h FROM range(${from}, ${to}))`
  );
}

function keyedCount(input: string): string {
  return (
    `SELECT sum(n), sum(n * (n + 1) // 2), sum(total) FROM ` +
    `(SELECT key, count(*) AS n, sum(value) AS total FROM (${input}) GROUP BY key)`
  );
}

async function loadJ2(): Promise<(parameters: J2Parameters) => Promise<Outcome>> {
  const connection = await connect(1);
  return async ({records}) => {
    const [updates, counts] = await numbers(connection, keyedCount(source(0, records, 'h >> 22')));
    return {records, checksum: checksumOf(updates, counts)};
  };
}

async function loadJ2x(): Promise<(parameters: J2xParameters) => Promise<Outcome>> {
  const connection = await connect(2);
  return async ({records, keys}) => {
    const key = keys === 1024 ? 'h >> 22' : `h % ${keys}`;
    // Two ranges, so that a range scan that is not split among threads does not bind it to one.
    const halves = [0, 1].map(worker => {
      const {from, to} = rangeOf(records, worker);
      return source(from, to, key);
    });
    const [updates, counts] = await numbers(connection, keyedCount(halves.join(' UNION ALL ')));
    return {records, checksum: checksumOf(updates, counts)};
  };
}

async function loadWordcount(): Promise<(parameters: WordcountParameters) => Promise<Outcome>> {
  const connection = await connect(2);
  return async parameters => {
    const reader = await connection.runAndReadAll(`
      SELECT word, count(*) FROM (
        SELECT unnest(regexp_extract_all(lower(line), '[\\p{L}\\p{N}]+')) AS word
        FROM read_csv('${wordcountFile(parameters)}', columns = {'line': 'VARCHAR'}, header = false,
                      delim = '\\x01', quote = '', escape = '', auto_detect = false,
                      max_line_size = 10000000, null_padding = true)
      ) GROUP BY word`);
    const counts = new Map(
      reader.getRowsJS().map(([word, count]) => [word as string, Number(count)]),
    );
    return wordcountAnswer(counts);
  };
}

export const runners: Runners = {
  j1: loadJ1,
  j2: loadJ2,
  j2x: loadJ2x,
  wordcount: loadWordcount,
};
