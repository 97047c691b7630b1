/**
 * Imports a job's module, in whichever thread needs its graph. What goes wrong on the way gets an error that
 * tells a missing file from one that is there but cannot be loaded, and says what to do about it.
 */
import {StreamError, showValue} from '../base/errors.ts';
import type {JobRuntime} from './runtime-contract.ts';

/** What the runtime says of a module that it cannot load, by the code of its error. */
const REMEDIES: Readonly<Record<string, string>> = {
  ERR_MODULE_NOT_FOUND: 'install the package that it imports, or correct the path',
  ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX:
    'types are only stripped: use no enums, namespaces or parameter properties, or compile it first',
  ERR_INVALID_TYPESCRIPT_SYNTAX: 'repair the syntax',
  ERR_UNKNOWN_FILE_EXTENSION: 'give a module that ends in .js, .mjs or .ts',
  ERR_UNSUPPORTED_ESM_URL_SCHEME: 'give the path of a file, or its file: URL',
};

/** Errors: E_JOB_NOT_FOUND (no such module), E_JOB_LOAD (it cannot be loaded, or threw). */
export async function importJobModule(jobUrl: string): Promise<Record<string, unknown>> {
  try {
    return (await import(jobUrl)) as Record<string, unknown>;
  } catch (thrown) {
    const {code, url} = (thrown ?? {}) as {code?: unknown; url?: unknown};
    if (
      // A package or a file that the module itself imports may be missing as well.
      (code === 'ERR_MODULE_NOT_FOUND' && url === jobUrl) ||
      code === 'ERR_UNSUPPORTED_DIR_IMPORT'
    ) {
      throw new StreamError(
        'E_JOB_NOT_FOUND',
        'there is no such job module',
        {module: jobUrl},
        {remedy: 'give the path or URL of a module that exports a job by default', cause: thrown},
      );
    }
    throw loadFailure(jobUrl, thrown);
  }
}

function loadFailure(module: string, thrown: unknown): StreamError {
  const code = String((thrown as {code?: unknown} | null | undefined)?.code);
  const isRefused = Object.hasOwn(REMEDIES, code);
  return new StreamError(
    'E_JOB_LOAD',
    isRefused || thrown instanceof SyntaxError
      ? 'the job module cannot be loaded'
      : 'the job module threw an error while it was loaded',
    {
      module,
      thrown: thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : showValue(thrown),
      at: placeOf(thrown, isRefused),
    },
    {remedy: isRefused ? REMEDIES[code] : undefined, cause: thrown},
  );
}

/**
 * Where in user code an error comes from, `path:line`, as far as its stack tells: an error of syntax has its
 * place in front of the message, one that was thrown by the module in its first frame.
 */
function placeOf(thrown: unknown, isRefused: boolean): string | undefined {
  const stack = thrown instanceof Error ? (thrown.stack ?? '') : '';
  const syntax = /^(\S+:\d+)\n/.exec(stack);
  if (syntax !== null) return syntax[1];
  if (isRefused || thrown instanceof SyntaxError) return undefined;
  return /^ +at (?:.*\()?(file:\/\/.+?:\d+):\d+\)?$/m.exec(stack)?.[1];
}

/** Imports the module that plugs the engine into the scheduler. */
export async function importRuntime(runtimeUrl: string): Promise<JobRuntime> {
  const {jobRuntime} = (await import(runtimeUrl)) as {jobRuntime: JobRuntime};
  return jobRuntime;
}
