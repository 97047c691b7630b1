/** The cold start of Millrace: processes that import the package as it is published. */
import {execFileSync} from 'node:child_process';
import {readdirSync, statSync} from 'node:fs';
import {join} from 'node:path';
import type {Outcome} from '../jobs/job.ts';
import type {StartParameters} from '../jobs/start.ts';
import {coldStarts} from '../lib/cold-start.ts';

const ROOT = join(import.meta.dirname, '../..');
const MAIN = join(import.meta.dirname, 'cold-start/main.mjs');

function newestMs(folder: string): number {
  const files = readdirSync(join(ROOT, folder), {recursive: true, encoding: 'utf8'});
  return Math.max(...files.map(file => statSync(join(ROOT, folder, file)).mtimeMs));
}

function isBuilt(): boolean {
  const built = statSync(join(ROOT, 'dist/lib/index.js'), {throwIfNoEntry: false});
  return built !== undefined && built.mtimeMs > newestMs('src');
}

export function run({processes}: StartParameters): Promise<Outcome> {
  if (!isBuilt()) execFileSync(process.execPath, [join(ROOT, '.ci/build.mjs')], {stdio: 'inherit'});
  return coldStarts([process.execPath, MAIN], processes);
}
