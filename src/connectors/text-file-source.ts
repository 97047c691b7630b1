/** Reads text files: a record for each line. All of the work is done by `LineReader`. */
import {schema, string} from '../records/schema.ts';
import {FileSource, type FileSourceOptions, type FileSourceSetup} from './file-source.ts';
import type {LineDecoder, LineFormat} from './formats/line-format.ts';

const LINES_AS_THEY_ARE: LineDecoder = {
  beginFile() {},
  needsFirstLine: false,
  isInsideRecord: false,
  recordLine: -1,
  decode: (_values, count) => count,
  endSplit() {},
};

const FORMAT: LineFormat = {createDecoder: () => LINES_AS_THEY_ARE};

/** Known, but nobody's contract: it may still be joined with other values in a union. */
const LINE = {...schema(string), declared: false};

/**
 * The lines of text files in UTF-8, without line ends. Bounded.
 *
 * Shape:   a line ends with a line feed, or a carriage return and a line feed. The last one may have
 *          no end. A byte-order mark is dropped. Bytes that are no UTF-8 become U+FFFD as the Encoding
 *          Standard has it, and are counted as `invalidUtf8`. Lines of several files and splits come
 *          in no particular order.
 * Errors:  `E_SOURCE_PATHS`, `E_SOURCE_OPTION` here; `E_SOURCE_FILE_…` when files are listed and read;
 *          `E_SOURCE_LINE_LENGTH` for a line above 512 MiB.
 * Cost:    1 GB/s and core for lines of 70 bytes in the page cache.
 */
export function textFileSource(
  options: FileSourceOptions,
  internals: Pick<FileSourceSetup, 'fileSystem' | 'sizes'> = {},
): FileSource<string> {
  return new FileSource({
    name: 'Text File',
    ...options,
    ...internals,
    schema: LINE,
    format: FORMAT,
  });
}
