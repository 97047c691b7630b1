/**
 * The benchmarks on their small parameters, so that they run on the day when somebody needs them: every
 * job with every engine that needs neither Java nor cargo, and every micro bench. Each answer is checked
 * by the harness; the speed is of no interest here.
 */
import {spawn} from 'node:child_process';
import {existsSync, mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import {JOBS} from '../bench/jobs/index.ts';
import {ENGINES, type Engine} from '../bench/jobs/job.ts';
import {troubleWith} from '../bench/lib/engines.ts';
import {isExternal} from '../bench/lib/external.ts';
import {microNames} from '../bench/lib/micro.ts';
import type {Row} from '../bench/lib/rows.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Each takes a few seconds; the rest is for machines that have other things to do. */
const BENCH_MS_MAX = 120_000;

const results = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
test.after.always('results are removed', () => {
  rmSync(results, {recursive: true, force: true});
});

function bench(args: readonly string[]): Promise<{code: number | null; output: string}> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(ROOT, 'bench/run.ts'), '--smoke', ...args], {
      cwd: ROOT,
      timeout: BENCH_MS_MAX,
    });
    let output = '';
    child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()));
    child.stderr.on('data', (bytes: Buffer) => (output += bytes.toString()));
    child.on('error', reject);
    child.on('close', code => resolve({code, output}));
  });
}

const engines = ENGINES.filter(engine => !isExternal(engine));

for (const job of JOBS) {
  test.serial(`${job.name} gives the right answer on every engine of this runtime`, async t => {
    t.timeout(BENCH_MS_MAX);
    const file = join(results, `${job.name}.json`);

    const {code, output} = await bench([
      '--only',
      job.name,
      '--engine',
      engines.join(','),
      '--json',
      file,
    ]);

    t.is(code, 0, output);
    const rows = JSON.parse(readFileSync(file, 'utf8')) as Row[];
    // An optional peer may be missing; the engine itself never is.
    const isThere = (engine: Engine): boolean =>
      engine === 'millrace' || troubleWith(engine, job) === undefined;
    t.deepEqual(
      rows.map(({name, engine}) => ({name, engine})),
      job.engines
        .filter(engine => engines.includes(engine) && isThere(engine))
        .map(engine => ({name: job.name, engine})),
    );
    for (const row of rows) {
      t.true(row.checked, row.engine);
      t.true(row.recordsPerSecond > 0 && row.recordsPerCpuSecond > 0 && row.peakRssMb > 0);
      t.is(row.runs, 1);
    }
    t.true(existsSync(file.replace('.json', '.machine.json')));
  });
}

test('the jobs are those that the table of targets names', t => {
  t.deepEqual(
    JOBS.map(({name}) => name),
    [
      'J1',
      'J2',
      'J2x-1k',
      'J2x-1m',
      'bids',
      'wordcount',
      'handoff',
      'J3x-1k',
      'J3x-1m',
      'sliding',
      'session',
      'interval-join',
      'window-join',
      'process',
      'start',
      'latency',
      'contended',
    ],
  );
});

for (const name of microNames()) {
  test.serial(`the micro bench ${name} gives the right answers`, async t => {
    t.timeout(BENCH_MS_MAX);

    const {code, output} = await bench(['--micro', name]);

    t.is(code, 0, output);
    t.regex(output, new RegExp(`^${name} .* ns per `, 'm'));
  });
}
