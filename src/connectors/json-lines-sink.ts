/** Writes files with a JSON value per line. What JSON cannot carry is refused: formats/json-text.ts. */
import {FileSink, type FileSinkOptions, type FileSinkSetup} from './file-sink.ts';
import {jsonLine} from './formats/json-text.ts';

/**
 * Writes each record as a line of JSON into `part-<subtask>` in `directory`.
 *
 * Shape:   NaN and infinities become null, undefined fields are left out, -0 becomes 0, dates become ISO
 *          8601 text; all else comes back as it was.
 * Errors:  `E_SINK_VALUE`, with the field, for bigints, functions, symbols, Maps, Sets, bytes and other
 *          values without a form in JSON; `E_SINK_DIRECTORY`, `E_SINK_DISK_FULL`, `E_SINK_FILE` as
 *          `textFileSink`.
 */
export function jsonLinesSink(
  directory: string,
  options: FileSinkOptions = {},
  internals: Pick<FileSinkSetup, 'fileSystem'> = {},
): FileSink<unknown> {
  return new FileSink({
    name: 'JSON Lines',
    ...options,
    ...internals,
    directory,
    createLineWriter: () => ({write: (value, part) => part.writeLine(jsonLine(value))}),
  });
}
