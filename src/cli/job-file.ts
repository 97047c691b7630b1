/**
 * The module that a command line names, checked before any thread is started: the answer to a mistyped name
 * should come at once and say what else is there.
 */
import {existsSync, readdirSync, statSync} from 'node:fs';
import {basename, dirname, extname, join} from 'node:path';
import {StreamError} from '../base/errors.ts';
import {nearMiss, type ParsedArguments} from './options.ts';

const MODULE_EXTENSIONS = ['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs'];

/**
 * The path or URL of the job's module, the one positional argument.
 *
 * Errors: `E_CLI_ARGUMENT` if there is none or more than one; `E_JOB_NOT_FOUND`; `E_JOB_TYPESCRIPT` for
 * TypeScript on a Node.js that does not run it.
 */
export function jobFileOf(command: string, {positionals}: ParsedArguments): string {
  const [file, extra] = positionals;
  if (file === undefined) {
    throw new StreamError(
      'E_CLI_ARGUMENT',
      `millrace ${command} needs the module of a job`,
      {},
      {remedy: `for instance: millrace ${command} job.ts`},
    );
  }
  if (extra !== undefined) {
    throw new StreamError(
      'E_CLI_ARGUMENT',
      `millrace ${command} takes one module`,
      {module: file, extra},
      {remedy: `arguments of the job go behind --: millrace ${command} ${file} -- ${extra} …`},
    );
  }
  if (!/^[a-z][a-z0-9+.-]+:/i.test(file)) {
    checkExists(file);
    checkTypeScript(file);
  }
  return file;
}

/** The name of a job that gives itself none: that of its file. */
export function jobNameOf(file: string): string {
  const name = basename(file, extname(file));
  return name === '' ? 'job' : name;
}

function checkExists(file: string): void {
  if (existsSync(file)) {
    if (!statSync(file).isDirectory()) return;
    throw notFound(file, 'a directory was given instead of the module of a job', modulesIn(file));
  }
  const directory = dirname(file);
  const near = nearMiss(basename(file), [basename(file, extname(file)), ...modulesIn(directory)]);
  const names = modulesIn(directory).filter(
    name => name === near || basename(name, extname(name)) === basename(file),
  );
  throw notFound(file, 'there is no such file', names);
}

function notFound(file: string, what: string, names: readonly string[]): StreamError {
  const folder = existsSync(file) ? file : dirname(file);
  const paths = names.slice(0, 5).map(name => join(folder, name));
  return new StreamError(
    'E_JOB_NOT_FOUND',
    what,
    {module: file},
    {remedy: paths.length === 0 ? undefined : `did you mean ${paths.join(' or ')}?`},
  );
}

function modulesIn(directory: string): string[] {
  try {
    return readdirSync(directory).filter(name => MODULE_EXTENSIONS.includes(extname(name)));
  } catch {
    // No such directory either: then there is nothing to suggest.
    return [];
  }
}

function checkTypeScript(file: string): void {
  const {typescript} = process.features as {typescript?: unknown};
  if (!/\.[cm]?ts$/.test(file)) return;
  if (typescript === undefined || typescript === false) {
    throw new StreamError(
      'E_JOB_TYPESCRIPT',
      'this Node.js does not run TypeScript',
      {module: file, node: process.version},
      {remedy: 'use Node.js 22.18 or later without --no-strip-types, or compile the job first'},
    );
  }
}
