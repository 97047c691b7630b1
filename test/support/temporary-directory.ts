/** A directory for one test, gone when the test ends. */
import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import type {ExecutionContext} from 'ava';

/** Makes an empty directory that is removed after the test. */
export function temporaryDirectory(t: ExecutionContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-test-'));
  t.teardown(() => rmSync(directory, {recursive: true, force: true}));
  return directory;
}

/** Makes a directory with these files, paths and contents, that is removed after the test. */
export function directoryWith(
  t: ExecutionContext,
  files: Record<string, string | Uint8Array>,
): string {
  const directory = temporaryDirectory(t);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), {recursive: true});
    writeFileSync(join(directory, path), content);
  }
  return directory;
}
