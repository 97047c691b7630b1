/**
 * From the paths that a user gives to the files that are read. A path is a file, a directory (all files
 * below it, save those whose name begins with a dot, and those in directories whose name does) or,
 * if nothing exists under that name, a glob. Runs once, in the coordinator.
 *
 * Files come in the order of the given paths, those of one path sorted by name, and each only once.
 * (Flink also leaves out names that begin with `_`. Here only what a Unix user calls hidden is.)
 */
import {join, resolve} from 'node:path';
import {StreamError} from '../base/errors.ts';
import {notAFile, readingError, type FileStatus, type ReadableFileSystem} from './file-system.ts';

const MAGIC = /[*?[\]{}()!]/;

export interface ListedFile {
  /** As the user gave it, or what a directory or glob made of it. */
  readonly path: string;
  readonly sizeBytes: number;
}

/**
 * Lists the files behind `paths`.
 *
 * Errors: `E_SOURCE_PATHS` for an empty list; `E_SOURCE_FILE_MISSING` for a path without a file and
 * a glob without a match; `E_SOURCE_FILE_ACCESS`, `E_SOURCE_FILE_KIND`, `E_SOURCE_FILE_READ`.
 */
export function listFiles(paths: readonly string[], fileSystem: ReadableFileSystem): ListedFile[] {
  checkPaths(paths);
  const listing = new Listing(fileSystem);
  for (const path of paths) listing.add(path);
  return [...listing.files.values()];
}

/** Refuses a list of paths without a path. */
export function checkPaths(paths: readonly string[]): void {
  if (Array.isArray(paths) && paths.length > 0 && paths.every(path => path !== '')) return;
  throw new StreamError(
    'E_SOURCE_PATHS',
    'a file source needs a path',
    {paths: JSON.stringify(paths)},
    {remedy: 'give at least one file, directory or glob'},
  );
}

class Listing {
  /** By absolute path, so that no file is read twice. */
  readonly files = new Map<string, ListedFile>();
  readonly #fileSystem: ReadableFileSystem;
  /** The directories that are open at present, without symbolic links: a loop ends here. */
  readonly #open = new Set<string>();

  constructor(fileSystem: ReadableFileSystem) {
    this.#fileSystem = fileSystem;
  }

  add(path: string): void {
    const status = this.#status(path);
    if (status !== undefined) return this.#addExisting(path, status);
    const matches = MAGIC.test(path) ? this.#matches(path) : undefined;
    if (matches === undefined) throw readingError({code: 'ENOENT'}, path);
    if (matches.length === 0) {
      throw new StreamError(
        'E_SOURCE_FILE_MISSING',
        'no file matches the glob',
        {path},
        {remedy: 'check the pattern; relative ones begin at the working directory'},
      );
    }
    for (const match of matches) this.#addPresent(match);
  }

  #addExisting(path: string, status: FileStatus): void {
    if (status.isDirectory()) return this.#addDirectory(path);
    if (!status.isFile()) throw notAFile(path, 'neither a file nor a directory');
    const key = resolve(path);
    if (!this.files.has(key)) this.files.set(key, {path, sizeBytes: status.size});
  }

  /** What was listed a moment ago; if it is gone now, it was a file in passing. */
  #addPresent(path: string): void {
    const status = this.#status(path);
    if (status === undefined) throw readingError({code: 'ENOENT'}, path);
    this.#addExisting(path, status);
  }

  #addDirectory(path: string): void {
    const [place, names] = this.#guard(path, () => [
      this.#fileSystem.realpathSync(path),
      this.#fileSystem.readdirSync(path),
    ]);
    if (this.#open.has(place)) return;
    this.#open.add(place);
    for (const name of names.sort()) {
      if (!name.startsWith('.')) this.#addPresent(join(path, name));
    }
    this.#open.delete(place);
  }

  #matches(pattern: string): string[] {
    return this.#guard(pattern, () => this.#fileSystem.globSync(pattern).sort());
  }

  #status(path: string): FileStatus | undefined {
    return this.#guard(path, () => this.#fileSystem.statSync(path));
  }

  #guard<T>(path: string, action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw readingError(error, path);
    }
  }
}
