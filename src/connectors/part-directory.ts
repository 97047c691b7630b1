/**
 * The directory that a file sink writes into: one file `part-<subtask>` for each subtask.
 *
 *   .part-3.inprogress   being written; hidden, so that nobody takes it for a result
 *   part-3               complete: everything is on disk
 *
 * A part gets its name when all of its records are in it, so a file with a name is never half of one.
 * A task that fails or is cancelled removes its unfinished part; one whose process is killed leaves it
 * behind, and the next job refuses the directory as it refuses any that is not empty, because the file
 * might as well be that of a job that still runs. With `overwrite` parts and remains of parts go, and
 * other files stay.
 */
import {join} from 'node:path';
import {StreamError} from '../base/errors.ts';
import {systemCode, type WritableFileSystem} from './file-system.ts';

const PART = /^(?:part-\d+|\.part-\d+\.inprogress)$/;

/** The file of a subtask while it is written. */
export function unfinishedPart(directory: string, subtaskIndex: number): string {
  return join(directory, `.part-${subtaskIndex}.inprogress`);
}

/** The file of a subtask. */
export function finishedPart(directory: string, subtaskIndex: number): string {
  return join(directory, `part-${subtaskIndex}`);
}

/**
 * Makes the directory ready for a job, before any of its writers begins.
 *
 * Errors: `E_SINK_DIRECTORY` if it is something else, or not empty and not to be overwritten;
 * `E_SINK_FILE` if it cannot be made.
 */
export function prepareDirectory(
  directory: string,
  overwrite: boolean,
  fileSystem: WritableFileSystem,
): void {
  createDirectory(directory, fileSystem);
  try {
    const names = fileSystem.readdirSync(directory);
    if (!overwrite && names.length > 0) throw notEmpty(directory, names);
    for (const name of names) if (PART.test(name)) fileSystem.removeSync(join(directory, name));
  } catch (error) {
    throw writingError(error, directory, 0);
  }
}

/** Creates the directory and its parents. Errors: as `prepareDirectory`. */
export function createDirectory(directory: string, fileSystem: WritableFileSystem): void {
  try {
    fileSystem.mkdirSync(directory);
  } catch (error) {
    if (systemCode(error) === 'EEXIST' || systemCode(error) === 'ENOTDIR') {
      throw new StreamError(
        'E_SINK_DIRECTORY',
        'the output needs a directory, and there is a file in its place',
        {directory},
        {remedy: 'name another directory', cause: error},
      );
    }
    throw writingError(error, directory, 0);
  }
}

/** There is something where an output is to go. */
export function notEmpty(directory: string, names: readonly string[]): StreamError {
  const remains = names.filter(name => name.startsWith('.part-'));
  const remedy = 'name another directory, empty this one, or pass overwrite: true';
  return new StreamError(
    'E_SINK_DIRECTORY',
    'the output directory is not empty',
    {directory, entries: names.length, found: names[0]},
    {
      remedy:
        remains.length === 0
          ? remedy
          : `${remedy} (${remains[0]} is of a job that was killed, or that still runs)`,
    },
  );
}

/** An error of the file system while `path` was written, as an error for the user. */
export function writingError(error: unknown, path: string, writtenBytes: number): StreamError {
  if (error instanceof StreamError) return error;
  const reason = systemCode(error);
  if (reason === 'ENOSPC' || reason === 'EDQUOT') {
    return new StreamError(
      'E_SINK_DISK_FULL',
      'there is no room for the output',
      {path, writtenBytes, reason},
      {
        remedy: 'make room, or name a directory on another disk, and run the job again',
        cause: error,
      },
    );
  }
  return new StreamError(
    'E_SINK_FILE',
    'a file could not be written',
    {path, writtenBytes, reason: reason === '' ? String(error) : reason},
    {remedy: 'check that the directory exists and may be written', cause: error},
  );
}
