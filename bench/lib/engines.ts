/**
 * Where the engines' sides of the jobs are found.
 *
 * A peer in JavaScript is bench/peers/<engine>.ts, which exports `runners`: a function per job
 * module that loads what this job needs and returns its `Runner`, so that a process holds no code
 * but that of its own job. Millrace is bench/millrace/<job module>.ts, which exports `run`. The
 * programs in Java and Rust are spoken to by lib/external.ts.
 */
import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {pathToFileURL} from 'node:url';
import type {AnyJob} from '../jobs/index.ts';
import type {Engine, Runner} from '../jobs/job.ts';
import {externalRunner, externalTrouble, isExternal} from './external.ts';

const BENCH = join(import.meta.dirname, '..');

/** Loads one engine's side of one job module. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Runners = Readonly<Record<string, () => Promise<Runner<any>>>>;

function millraceFile(job: AnyJob): string {
  return join(BENCH, 'millrace', `${job.module}.ts`);
}

/** Why this engine cannot run this job here, in words for the user; undefined if it can. */
export function troubleWith(engine: Engine, job: AnyJob): string | undefined {
  if (isExternal(engine)) return externalTrouble(engine);
  if (engine === 'millrace' && !existsSync(millraceFile(job))) {
    return `bench/millrace/${job.module}.ts does not exist yet`;
  }
  return undefined;
}

/** One engine's side of one job, ready to run. */
export async function loadRunner(engine: Engine, job: AnyJob): Promise<Runner<object>> {
  if (isExternal(engine)) return externalRunner(engine, job.module);
  if (engine === 'millrace') {
    const module = (await import(pathToFileURL(millraceFile(job)).href)) as {run: Runner<object>};
    return module.run;
  }
  const module = (await import(`../peers/${engine}.ts`)) as {runners: Runners};
  const load = module.runners[job.module];
  if (load === undefined) throw new Error(`${engine} has no side of ${job.module}`);
  return load();
}
