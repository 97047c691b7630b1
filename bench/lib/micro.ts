/**
 * The home of all micro benches, and of tinybench: `npm run bench -- --micro [NAME,…] [--smoke]`.
 *
 * A micro bench is a file of bench/micro/ that exports `bench`: what it measures, and its cases. Each
 * case runs in a process of its own (micro-case.ts), because cases of one process share call sites and
 * slow each other down (a chain took 3 ns alone, and 23 after two others). A case times itself, so that
 * setting up, and threads that start, do not count; it returns an answer, which is compared.
 */
import {execFile} from 'node:child_process';
import {readdirSync} from 'node:fs';
import {join} from 'node:path';
import {pathToFileURL} from 'node:url';
import {promisify} from 'node:util';
import {Bench} from 'tinybench';

const MICRO = join(import.meta.dirname, '../micro');
const CASE_ENTRY = join(import.meta.dirname, 'micro-case.ts');

const RUNS_FULL = 9;
const RUNS_SMOKE = 1;

/** One timed run of a case. */
export interface MicroRun {
  /** Of all operations together, without set-up. */
  readonly ms: number;
  /** What came out; compared with `MicroCase.answer`. */
  readonly answer: number | string;
  /** Other things to be known of a run, such as rows per batch; those of the last run are shown. */
  readonly notes?: Readonly<Record<string, number>>;
}

export interface MicroCase {
  /** How many operations a run has. The small number is for the test suite. */
  readonly operations: {readonly full: number; readonly smoke: number};
  run(operations: number): MicroRun | Promise<MicroRun>;
  /** False: one of many steps of a series, which the test suite leaves out. */
  readonly isInSmoke?: boolean;
  /** What `run` must find out, by other means. */
  answer(operations: number): number | string;
}

export interface MicroBench {
  /** What an operation is: `entry`, `record`. */
  readonly unit: string;
  readonly cases: Readonly<Record<string, MicroCase>>;
}

/** What a case came to; a row of the table. */
export interface MicroRow {
  readonly bench: string;
  readonly name: string;
  readonly unit: string;
  readonly nsMedian: number;
  readonly nsMin: number;
  readonly nsMax: number;
  readonly runs: number;
  readonly notes: Readonly<Record<string, number>>;
}

/** The names of all micro benches. */
export function microNames(): string[] {
  return readdirSync(MICRO)
    .filter(file => file.endsWith('.ts'))
    .map(file => file.slice(0, -3))
    .sort();
}

async function load(name: string): Promise<MicroBench> {
  if (!microNames().includes(name)) {
    throw new Error(`no such micro bench: ${name}; there are ${microNames().join(', ')}`);
  }
  const module = (await import(pathToFileURL(join(MICRO, `${name}.ts`)).href)) as {
    bench: MicroBench;
  };
  return module.bench;
}

/** Runs one case in this process. Errors: the answer is wrong. */
export async function runCase(
  benchName: string,
  name: string,
  size: 'full' | 'smoke',
): Promise<MicroRow> {
  const bench = await load(benchName);
  const microCase = bench.cases[name];
  if (microCase === undefined) throw new Error(`${benchName} has no case ${name}`);
  const operations = microCase.operations[size];
  const expected = microCase.answer(operations);
  let notes: MicroRow['notes'] = {};

  const isSmoke = size === 'smoke';
  const tinybench = new Bench({
    time: 0,
    iterations: isSmoke ? RUNS_SMOKE : RUNS_FULL,
    warmup: !isSmoke,
    warmupTime: 0,
    warmupIterations: 2,
    retainSamples: true,
    throws: true,
  });
  tinybench.add(name, async () => {
    const run = await microCase.run(operations);
    if (run.answer !== expected) {
      throw new Error(`${benchName} ${name}: wrong answer: ${run.answer}, not ${expected}`);
    }
    notes = run.notes ?? {};
    return {overriddenDuration: run.ms};
  });
  await tinybench.run();

  const {result} = tinybench.tasks[0]!;
  if (result.state !== 'completed') throw new Error(`${benchName} ${name}: ${result.state}`);
  const {p50, min, max, samplesCount} = result.latency;
  const nsOf = (ms: number): number => (ms * 1e6) / operations;
  return {
    bench: benchName,
    name,
    unit: bench.unit,
    nsMedian: nsOf(p50),
    nsMin: nsOf(min),
    nsMax: nsOf(max),
    runs: samplesCount,
    notes,
  };
}

/** Runs all cases of the named benches, each in a process of its own; `report` hears of each row. */
export async function runMicro(
  names: readonly string[],
  size: 'full' | 'smoke',
  report: (row: MicroRow) => void,
): Promise<void> {
  for (const benchName of names) {
    const {cases} = await load(benchName);
    for (const [name, {isInSmoke}] of Object.entries(cases)) {
      if (size === 'smoke' && isInSmoke === false) continue;
      const {stdout} = await promisify(execFile)(
        process.execPath,
        ['--disable-warning=ExperimentalWarning', CASE_ENTRY, benchName, name, size],
        {maxBuffer: 1 << 26},
      );
      report(JSON.parse(stdout) as MicroRow);
    }
  }
}

/** A row as a line of text. */
export function microLine({bench, name, unit, nsMedian, nsMin, nsMax, notes}: MicroRow): string {
  const ns = (value: number): string => value.toFixed(value < 100 ? 1 : 0);
  const shownNotes = Object.entries(notes)
    .map(([note, value]) => `, ${note} ${value.toFixed(value < 10 ? 1 : 0)}`)
    .join('');
  return (
    `${bench.padEnd(13)} ${name.padEnd(34)} ${ns(nsMedian).padStart(8)} ns per ${unit} ` +
    `(${ns(nsMin)} to ${ns(nsMax)})${shownNotes}`
  );
}
