/**
 * Reads files with a JSON value per line. Blank lines are skipped. With a declared schema each value is
 * held against it where it is read, because that is the last place that knows file and line.
 */
import type {RecordSchema} from '../records/schema.ts';
import {FileSource, type FileSourceOptions, type FileSourceSetup} from './file-source.ts';
import {jsonFitter, shapeDetails, ShapeError} from './formats/json-shape.ts';
import {LineError, type LineDecoder, type LineFormat} from './formats/line-format.ts';

export interface JsonLinesSourceOptions extends FileSourceOptions {
  /** The shape of the values; dates and bigints are made as it says. Default: what JSON says. */
  readonly schema?: RecordSchema | undefined;
}

const SHOWN_LINE_LENGTH_MAX = 120;

class JsonLineDecoder implements LineDecoder {
  readonly needsFirstLine = false;
  readonly isInsideRecord = false;
  readonly recordLine = -1;
  readonly #fit: ((value: unknown) => unknown) | undefined;

  constructor(fit: ((value: unknown) => unknown) | undefined) {
    this.#fit = fit;
  }

  beginFile(): void {}

  endSplit(): void {}

  decode(values: unknown[], count: number): number {
    const fit = this.#fit;
    let records = 0;
    let index = 0;
    // One `try` for all lines; it is entered again only behind a blank one.
    while (index < count) {
      try {
        for (; index < count; index += 1) {
          const value: unknown = JSON.parse(values[index] as string);
          values[records] = fit === undefined ? value : fit(value);
          records += 1;
        }
      } catch (error) {
        const line = values[index] as string;
        if (line.trim() !== '') throw lineError(error, line, index);
        index += 1;
      }
    }
    return records;
  }
}

/**
 * The values of files with one JSON value per line. Bounded.
 *
 * Shape:   any JSON value; blank lines are skipped. With `schema`, fields of type date are read from
 *          ISO 8601 text or milliseconds, those of type bigint from whole numbers or digits as text.
 *          Without, numbers beyond 2^53 are rounded, as by `JSON.parse`.
 * Errors:  `E_SOURCE_PATHS`, `E_SOURCE_OPTION`, `E_SOURCE_SCHEMA` here; `E_SOURCE_FILE_…` when files
 *          are listed and read; `E_SOURCE_JSON` for a line that is no JSON, or not what the schema says.
 */
export function jsonLinesSource(
  options: JsonLinesSourceOptions,
  internals: Pick<FileSourceSetup, 'fileSystem' | 'sizes'> = {},
): FileSource<any> {
  const {schema} = options;
  const fit = schema === undefined ? undefined : jsonFitter(schema);
  const format: LineFormat = {createDecoder: () => new JsonLineDecoder(fit)};
  return new FileSource({name: 'JSON Lines', ...options, ...internals, format});
}

function lineError(error: unknown, line: string, index: number): unknown {
  const text = JSON.stringify(
    line.length > SHOWN_LINE_LENGTH_MAX ? `${line.slice(0, SHOWN_LINE_LENGTH_MAX)}…` : line,
  );
  if (error instanceof ShapeError) {
    return new LineError('E_SOURCE_JSON', 'a line does not fit the schema', {
      index,
      details: {...shapeDetails(error), text},
      remedy: 'correct the file or the declared schema',
    });
  }
  if (!(error instanceof SyntaxError)) return error;
  return new LineError('E_SOURCE_JSON', 'a line is not JSON', {
    index,
    details: {text},
    remedy: 'write one JSON value per line, without line breaks inside',
    cause: error,
  });
}
