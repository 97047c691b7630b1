/**
 * Writes docs/benchmarks.md from the JSON of a run: `node bench/report.ts RESULTS.json`. Nothing in that
 * page is typed by hand; the targets are the table below.
 */
import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import type {Engine} from './jobs/job.ts';
import {showRate, type Row} from './lib/rows.ts';

interface Target {
  readonly name: string;
  readonly against: Engine | 'best JavaScript peer';
  readonly measure: 'perSecond' | 'perCpuSecond';
  readonly atLeast: number;
  readonly aim: number;
}

const JAVASCRIPT: readonly Engine[] = ['rxjs', 'node-stream', 'effect', 'piscina', 'postmessage'];

const both = (name: string, against: Engine, atLeast: number, aim: number): Target[] => [
  {name, against, measure: 'perSecond', atLeast, aim},
  {name, against, measure: 'perCpuSecond', atLeast, aim},
];

const TARGETS: readonly Target[] = [
  {name: 'J1', against: 'loop', measure: 'perSecond', atLeast: 0.6, aim: 1},
  {name: 'J2x-1k', against: 'ceiling', measure: 'perSecond', atLeast: 0.8, aim: 1},
  {name: 'J2x-1m', against: 'ceiling', measure: 'perSecond', atLeast: 0.8, aim: 1},
  {name: 'bids', against: 'ceiling', measure: 'perSecond', atLeast: 0.8, aim: 1},
  ...both('J2x-1k', 'flink', 4, 10),
  ...both('J2x-1m', 'flink', 4, 10),
  ...both('bids', 'flink', 4, 10),
  ...both('wordcount', 'flink', 4, 10),
  {name: 'J2x-1k', against: 'jet', measure: 'perSecond', atLeast: 3, aim: 8},
  {name: 'J2x-1m', against: 'jet', measure: 'perSecond', atLeast: 3, aim: 8},
  ...['J2', 'J2x-1k', 'J2x-1m', 'bids', 'wordcount'].map((name): Target => ({
    name,
    against: 'best JavaScript peer',
    measure: 'perSecond',
    atLeast: 3,
    aim: 10,
  })),
  {name: 'handoff', against: 'ringbuf', measure: 'perSecond', atLeast: 0.8, aim: 1.2},
];

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('usage: node bench/report.ts RESULTS.json');
const rows = JSON.parse(readFileSync(file, 'utf8')) as Row[];
const machine = JSON.parse(
  readFileSync(`${file.replace(/\.json$/, '')}.machine.json`, 'utf8'),
) as Record<string, string | number | boolean>;

function rowOf(name: string, engine: Engine): Row | undefined {
  return rows.find(row => row.name === name && row.engine === engine);
}

function peerOf({name, against}: Target): Row | undefined {
  if (against !== 'best JavaScript peer') return rowOf(name, against);
  const peers = JAVASCRIPT.map(engine => rowOf(name, engine)).filter(row => row !== undefined);
  return peers.sort((a, b) => b.recordsPerSecond - a.recordsPerSecond)[0];
}

function table(head: readonly string[], body: readonly string[][]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    line(head),
    line(head.map((_, column) => (column < 2 ? '---' : '--:'))),
    ...body.map(line),
  ];
}

const milliseconds = (ms: number | undefined) =>
  ms === undefined ? '' : ms.toFixed(ms >= 10 ? 0 : 2);

function jobLines(name: string): string[] {
  const own = rowOf(name, 'millrace');
  const ratio = (ours: number | undefined, theirs: number) =>
    ours === undefined ? '' : `${(ours / theirs).toFixed(2)}×`;
  return [
    `### ${name}`,
    '',
    ...table(
      [
        'engine',
        'checked',
        'records/s',
        'per CPU-second',
        'peak RSS',
        'p50 ms',
        'p99 ms',
        'spread',
        'Millrace / it',
        'per CPU',
      ],
      rows
        .filter(row => row.name === name)
        .map(row => [
          row.engine,
          row.checked ? 'yes' : '**no**',
          showRate(row.recordsPerSecond),
          showRate(row.recordsPerCpuSecond),
          `${row.peakRssMb.toFixed(0)} MB`,
          milliseconds(row.p50Ms),
          milliseconds(row.p99Ms),
          `${(row.spread * 100).toFixed(0)} %`,
          row === own ? '' : ratio(own?.recordsPerSecond, row.recordsPerSecond),
          row === own ? '' : ratio(own?.recordsPerCpuSecond, row.recordsPerCpuSecond),
        ]),
    ),
    '',
  ];
}

function targetLines(): string[] {
  const body = TARGETS.flatMap(target => {
    const own = rowOf(target.name, 'millrace');
    const peer = peerOf(target);
    if (own === undefined || peer === undefined) return [];
    const value =
      target.measure === 'perSecond'
        ? own.recordsPerSecond / peer.recordsPerSecond
        : own.recordsPerCpuSecond / peer.recordsPerCpuSecond;
    const verdict =
      value >= target.aim ? 'aim' : value >= target.atLeast ? 'reached' : '**missed**';
    const measure = target.measure === 'perSecond' ? 'records/s' : 'per CPU-second';
    const shown =
      peer.engine === target.against ? target.against : `${target.against} (${peer.engine})`;
    return [
      [
        target.name,
        shown,
        measure,
        `${value.toFixed(2)}×`,
        `${target.atLeast}×`,
        `${target.aim}×`,
        verdict,
      ],
    ];
  });
  return table(['job', 'against', 'measure', 'measured', 'at least', 'aim', ''], body);
}

const names = [...new Set(rows.map(row => row.name))];
const text = [
  '# Benchmarks',
  '',
  'Made by `node bench/report.ts` from the results of `npm run bench -- --json FILE`; not edited by hand.',
  'What each job does, how peers are set up and how figures are taken: [bench/README.md](../bench/README.md).',
  'Medians of several runs; engines take turns in one run, so ratios mean more than absolutes.',
  '',
  '## Machine',
  '',
  ...Object.entries(machine).map(([name, value]) => `- ${name}: ${value}`),
  '',
  '## Targets',
  '',
  ...targetLines(),
  '',
  '## Jobs',
  '',
  'The engine `ceiling` is a program written by hand for two workers and this job alone; `loop` a loop over',
  'objects on one thread; `duckdb` works in batch on the whole input. In `start`, p50 is the time from a',
  'cold process to the first record at the sink, p99 to its exit, and `loop` is `node -e 0`.',
  '',
  ...names.flatMap(jobLines),
].join('\n');
writeFileSync(join(import.meta.dirname, '../docs/benchmarks.md'), `${text.trimEnd()}\n`);
