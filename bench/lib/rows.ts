/** The rows that a benchmark run leaves behind, and how they are made from single rounds. */
import type {Engine, Outcome} from '../jobs/job.ts';
import {median, spreadOf} from './statistics.ts';

export interface Row {
  readonly name: string;
  readonly engine: Engine;
  readonly recordsPerSecond: number;
  readonly recordsPerCpuSecond: number;
  readonly peakRssMb: number;
  readonly p50Ms?: number;
  readonly p99Ms?: number;
  readonly p999Ms?: number;
  readonly p9999Ms?: number;
  readonly runs: number;
  /** (max − min) / median of recordsPerSecond. */
  readonly spread: number;
  readonly checked: boolean;
}

/** One timed round of one engine. */
export interface Round extends Outcome {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakRssMb: number;
  /** Whether the answer was the expected one; if not, `complaint` says what it was. */
  readonly checked: boolean;
  readonly complaint?: string;
}

const PERCENTILES = ['p50Ms', 'p99Ms', 'p999Ms', 'p9999Ms'] as const;

export function rowOf(name: string, engine: Engine, rounds: readonly Round[]): Row {
  const rates = rounds.map(round => round.records / round.seconds);
  const percentiles: Partial<Record<(typeof PERCENTILES)[number], number>> = {};
  for (const percentile of PERCENTILES) {
    const values = rounds.map(round => round[percentile]).filter(value => value !== undefined);
    if (values.length > 0) percentiles[percentile] = median(values);
  }
  return {
    name,
    engine,
    recordsPerSecond: median(rates),
    recordsPerCpuSecond: median(rounds.map(round => round.records / round.cpuSeconds)),
    peakRssMb: Math.max(...rounds.map(round => round.peakRssMb)),
    ...percentiles,
    runs: rounds.length,
    spread: spreadOf(rates),
    checked: rounds.every(round => round.checked),
  };
}

/** 12 345 678 as "12.3 M". */
export function showRate(rate: number): string {
  if (rate >= 1e6) return `${(rate / 1e6).toFixed(rate >= 1e8 ? 0 : 1)} M`;
  if (rate >= 1e3) return `${(rate / 1e3).toFixed(1)} K`;
  return rate.toFixed(rate >= 10 ? 0 : 2);
}

function showMs(ms: number | undefined): string {
  return ms === undefined ? '' : ms.toFixed(ms >= 10 ? 1 : 2);
}

/** The rows of one job as a text table, with the engine's lead over each peer. */
export function tableOf(rows: readonly Row[]): string[][] {
  const own = rows.find(row => row.engine === 'millrace');
  const ratio = (of: number | undefined, to: number) =>
    of === undefined ? '' : (of / to).toFixed(2);
  return rows.map(row => [
    row.name,
    row.engine,
    showRate(row.recordsPerSecond),
    showRate(row.recordsPerCpuSecond),
    row.peakRssMb.toFixed(0),
    [row.p50Ms, row.p99Ms, row.p999Ms, row.p9999Ms]
      .filter(ms => ms !== undefined)
      .map(showMs)
      .join(' / '),
    String(row.runs),
    `${(row.spread * 100).toFixed(0)} %`,
    row.checked ? 'yes' : 'NO',
    row === own ? '' : ratio(own?.recordsPerSecond, row.recordsPerSecond),
    row === own ? '' : ratio(own?.recordsPerCpuSecond, row.recordsPerCpuSecond),
  ]);
}

export const TABLE_HEAD = [
  'job',
  'engine',
  'records/s',
  'per CPU-s',
  'RSS MB',
  'p50 / p99 / … ms',
  'runs',
  'spread',
  'checked',
  'millrace/it',
  '… per CPU',
];
