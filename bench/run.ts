/**
 * The benchmark harness: `npm run bench -- [--only JOB,…] [--engine ENGINE,…] [--runs N]
 * [--json FILE] [--smoke]`, or `npm run bench -- --counters [--runs N] [--smoke]`, which compares the
 * engine with its counters and without, or `npm run bench -- --micro [BENCH…] [--smoke]`, which measures
 * single parts (lib/micro.ts).
 *
 * Every (job, engine) pair has a process of its own (measure.ts). The engines of a job take turns
 * round by round, so that a machine that becomes slower meanwhile slows all of them. The first
 * rounds warm up and do not count. A wrong answer makes `checked` false and the exit code 1.
 *
 * With --json the rows go to FILE, and what the machine was to FILE with the ending .machine.json.
 */
import {writeFileSync} from 'node:fs';
import {parseArgs} from 'node:util';
import {JOBS, jobNamed, type AnyJob} from './jobs/index.ts';
import {ENGINES, type Engine} from './jobs/job.ts';
import {Contestant} from './lib/contestant.ts';
import {counterCost} from './lib/counter-cost.ts';
import {troubleWith} from './lib/engines.ts';
import {machineCpuSeconds, machineFacts} from './lib/machine.ts';
import {microLine, microNames, runMicro} from './lib/micro.ts';
import {TABLE_HEAD, rowOf, tableOf, type Row} from './lib/rows.ts';

const WARM_UP_ROUNDS = 2;

const {values: options, positionals} = parseArgs({
  allowPositionals: true,
  options: {
    only: {type: 'string'},
    engine: {type: 'string'},
    json: {type: 'string'},
    smoke: {type: 'boolean', default: false},
    runs: {type: 'string'},
    counters: {type: 'boolean', default: false},
    micro: {type: 'boolean', default: false},
  },
});

if (positionals.length > 0 && !options.micro) {
  throw new Error(`nobody knows what this is for: ${positionals.join(' ')}`);
}
const runs = Number(options.runs ?? (options.smoke ? 1 : 5));
if (!Number.isInteger(runs) || runs < 1)
  throw new Error(`--runs must be at least 1: ${options.runs}`);
const size = options.smoke ? 'smoke' : 'full';
const jobs = options.only === undefined ? JOBS : options.only.split(',').map(jobNamed);
const engines: readonly Engine[] =
  options.engine === undefined ? ENGINES : options.engine.split(',').map(engineNamed);

function engineNamed(name: string): Engine {
  const engine = ENGINES.find(each => each === name);
  if (engine === undefined)
    throw new Error(`no such engine: ${name}; there are ${ENGINES.join(', ')}`);
  return engine;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function printTable(rows: readonly string[][]): void {
  const widths = rows[0].map((_, column) => Math.max(...rows.map(row => row[column].length)));
  for (const row of rows) {
    print(
      row
        .map((cell, column) =>
          column < 2 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]),
        )
        .join('  '),
    );
  }
}

/** All chosen engines on one job. */
async function runJob(job: AnyJob): Promise<{rows: Row[]; failed: boolean}> {
  const contestants: Contestant[] = [];
  let failed = false;
  for (const engine of job.engines.filter(each => engines.includes(each))) {
    const trouble = troubleWith(engine, job);
    if (trouble === undefined) contestants.push(new Contestant(job, engine, {size}));
    else print(`${job.name} ${engine}: skipped: ${trouble}`);
  }
  if (contestants.length === 0) return {rows: [], failed};

  job.prepare?.(options.smoke ? job.smoke : job.full);
  await Promise.all(contestants.map(each => each.ready()));

  const isCold = job.name === 'start';
  const warmUps = isCold ? 0 : options.smoke ? 1 : WARM_UP_ROUNDS;
  let othersCpu = 0;
  let wall = 0;
  for (let number = -warmUps; number < runs; number += 1) {
    for (const contestant of contestants) {
      if (contestant.failure !== undefined) continue;
      const cpuBefore = machineCpuSeconds();
      const startMs = performance.now();
      const round = await contestant.round({counts: number >= 0});
      if (round === undefined || number < 0) continue;
      const seconds = (performance.now() - startMs) / 1000;
      wall += seconds;
      // The process that burns a core belongs to the experiment: about a second of CPU per second.
      const burnt = job.contended ? round.seconds : 0;
      othersCpu += machineCpuSeconds() - cpuBefore - round.cpuSeconds - burnt;
    }
  }
  await Promise.all(contestants.map(each => each.end()));

  const rows: Row[] = [];
  for (const {engine, rounds, failure} of contestants) {
    if (failure !== undefined) print(`${job.name} ${engine}: failed: ${failure}`);
    for (const {complaint} of rounds) {
      if (complaint !== undefined) print(`${job.name} ${engine}: wrong answer: ${complaint}`);
    }
    if (rounds.length > 0) rows.push(rowOf(job.name, engine, rounds));
    failed ||= failure !== undefined || rounds.some(round => !round.checked);
  }
  printTable([TABLE_HEAD, ...tableOf(rows)]);
  if (wall > 0 && !Number.isNaN(othersCpu)) {
    print(`CPU that others used meanwhile: ${Math.max(othersCpu / wall, 0).toFixed(2)} cores\n`);
  }
  return {rows, failed};
}

const machine = machineFacts();
for (const [name, value] of Object.entries(machine)) print(`${name.padEnd(9)} ${value}`);
print('');

const rows: Row[] = [];
let failed = false;
if (options.counters) {
  for (const line of await counterCost(size, runs)) print(line);
}
if (options.micro) {
  const names = positionals.length > 0 ? positionals : microNames();
  await runMicro(names, size, row => print(microLine(row)));
}
for (const job of options.counters || options.micro ? [] : jobs) {
  const outcome = await runJob(job);
  rows.push(...outcome.rows);
  failed ||= outcome.failed;
}
if (options.json !== undefined) {
  writeFileSync(options.json, `${JSON.stringify(rows, null, 2)}\n`);
  writeFileSync(
    `${options.json.replace(/\.json$/, '')}.machine.json`,
    `${JSON.stringify({...machine, smoke: options.smoke}, null, 2)}\n`,
  );
}
process.exitCode = failed ? 1 : 0;
