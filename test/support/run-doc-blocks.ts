/**
 * Runs the code blocks of one page, each in its turn, in a process of its own: `node run-doc-blocks.ts`
 * with the blocks as JSON on standard input. In front of what a block prints stands a line that names
 * it. Ends with code 1 at the first block that throws.
 */
import {readFileSync, writeSync} from 'node:fs';
import {pathToFileURL} from 'node:url';
import {isJob} from '../../src/api/job.ts';
import {runInThread} from '../../src/index.ts';

export interface BlockToRun {
  readonly path: string;
  readonly args: readonly string[];
}

/** What stands in front of a block's output; no block prints it by chance. */
export const blockMark = (path: string): string => `\u0001${path}\u0001`;

if (import.meta.main) {
  const blocks = JSON.parse(readFileSync(0, 'utf8')) as BlockToRun[];
  for (const {path, args} of blocks) {
    writeSync(1, `${blockMark(path)}\n`);
    const module = (await import(pathToFileURL(path).href)) as {default?: unknown};
    if (isJob(module.default)) await runInThread(module.default, {args});
  }
}
