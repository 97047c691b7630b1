/** Writes text files: a line for each record. */
import {FileSink, type FileSinkOptions, type FileSinkSetup} from './file-sink.ts';
import {showRecord} from './formats/shown-record.ts';

/**
 * Writes each record as a line of UTF-8 into `part-<subtask>` in `directory`.
 *
 * Shape:   texts as they are, also line breaks in them; anything else as `print` shows it. Half of a
 *          surrogate pair becomes U+FFFD; pieces of output with such are counted as `malformedText`.
 * Errors:  `E_SINK_DIRECTORY` if the directory is not empty (and `overwrite` not set), or no directory;
 *          `E_SINK_DISK_FULL`, `E_SINK_FILE` while writing.
 */
export function textFileSink(
  directory: string,
  options: FileSinkOptions = {},
  internals: Pick<FileSinkSetup, 'fileSystem'> = {},
): FileSink<unknown> {
  return new FileSink({
    name: 'Text File',
    ...options,
    ...internals,
    directory,
    createLineWriter: () => ({write: (value, part) => part.writeLine(showRecord(value))}),
  });
}
