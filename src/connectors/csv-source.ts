/**
 * Reads CSV files (RFC 4180). As quotes may hide line breaks, nobody can tell from the middle of such a
 * file where rows begin: a file is one split, unless the user says that rows do not span lines. Why the
 * parser is our own: formats/csv-parser.ts.
 */
import {StreamError, showValue} from '../base/errors.ts';
import type {RecordSchema} from '../records/schema.ts';
import {FileSource, type FileSourceOptions, type FileSourceSetup} from './file-source.ts';
import {
  CsvHeaderError,
  CsvValueError,
  checkCsvSchema,
  createRowMaker,
  type RowMaker,
} from './formats/csv-columns.ts';
import {CsvParser, CsvSyntaxError} from './formats/csv-parser.ts';
import {checkDelimiter} from './formats/csv-text.ts';
import {LineError, type LineDecoder, type LineFormat} from './formats/line-format.ts';

export interface CsvSourceOptions extends FileSourceOptions {
  /** The fields and their types. Default: all columns, as text. */
  readonly schema?: RecordSchema | undefined;
  /**
   * Whether the first row of each file names the columns (default). False: the columns are those of
   * `schema`, in its order. A list: the columns are these.
   */
  readonly header?: boolean | readonly string[] | undefined;
  /** One character. Default: a comma. */
  readonly delimiter?: string | undefined;
  /**
   * Whether a field in quotes may have line breaks (default). False allows several subtasks to share
   * a file, and refuses such fields.
   */
  readonly lineBreaksInQuotes?: boolean | undefined;
}

const SHOWN_LINE_LENGTH_MAX = 120;

class CsvDecoder implements LineDecoder {
  recordLine = -1;
  readonly #parser: CsvParser;
  readonly #schema: RecordSchema | undefined;
  readonly #spansLines: boolean;
  readonly #hasHeader: boolean;
  /** Unknown until the header is read. */
  #columnCount = -1;
  #make: RowMaker | undefined;

  constructor(
    delimiter: string,
    schema: RecordSchema | undefined,
    columns: readonly string[] | undefined,
    spansLines: boolean,
  ) {
    this.#parser = new CsvParser(delimiter);
    this.#schema = schema;
    this.#spansLines = spansLines;
    this.#hasHeader = columns === undefined;
    if (columns !== undefined) this.#setColumns(columns);
  }

  get needsFirstLine(): boolean {
    return this.#make === undefined;
  }

  get isInsideRecord(): boolean {
    return this.#parser.isOpen;
  }

  beginFile(): void {
    if (this.#hasHeader) this.#make = undefined;
  }

  decode(values: unknown[], count: number): number {
    const parser = this.#parser;
    let records = 0;
    let index = 0;
    // In the first lines of this call, a record may go on that began in an earlier one.
    this.recordLine = -1;
    try {
      for (; index < count; index += 1) {
        if (!parser.isOpen) this.recordLine = index;
        if (!parser.parse(values[index] as string)) {
          if (this.#spansLines) continue;
          throw new CsvSyntaxError('a quote is not closed', -1);
        }
        if (this.#make === undefined) {
          this.#setColumns(parser.fields.slice(0, parser.count));
        } else if (parser.count === this.#columnCount) {
          values[records] = this.#make(parser.fields, parser.isQuoted);
          records += 1;
        } else if (parser.count !== 1 || parser.fields[0] !== '' || parser.isQuoted[0] === true) {
          throw new FieldCountError();
        }
      }
    } catch (error) {
      throw this.#rowError(error, values[index] as string);
    }
    return records;
  }

  endSplit(): void {
    if (!this.#parser.isOpen) return;
    this.#parser.reset();
    throw new LineError('E_SOURCE_CSV', 'a quote is not closed', {
      index: -1,
      details: {},
      remedy: CLOSE_QUOTES,
    });
  }

  #setColumns(columns: readonly string[]): void {
    this.#make = createRowMaker(columns, this.#schema);
    this.#columnCount = columns.length;
  }

  #rowError(error: unknown, line: string): unknown {
    const text = JSON.stringify(
      line.length > SHOWN_LINE_LENGTH_MAX ? `${line.slice(0, SHOWN_LINE_LENGTH_MAX)}…` : line,
    );
    const index = this.recordLine;
    const {count} = this.#parser;
    this.#parser.reset();
    if (error instanceof CsvValueError) {
      const {column, wanted, text: found} = error;
      return new LineError('E_SOURCE_CSV', error.message, {
        index,
        details: {column, wanted, found: showValue(found), text},
        remedy: 'correct the file or the declared schema',
      });
    }
    if (error instanceof FieldCountError) {
      return new LineError('E_SOURCE_CSV', 'a row has another number of fields than columns', {
        index,
        details: {expected: this.#columnCount, found: count, text},
        remedy: 'correct the row, or check `delimiter`',
      });
    }
    if (error instanceof CsvSyntaxError) {
      return new LineError('E_SOURCE_CSV', error.message, {
        index,
        details: {text, ...(error.position < 0 ? {} : {column: error.position + 1})},
        remedy:
          error.position < 0
            ? `${CLOSE_QUOTES}, or allow line breaks in quotes`
            : 'double each quote inside of a field in quotes',
      });
    }
    if (error instanceof CsvHeaderError) {
      return new LineError('E_SOURCE_CSV', error.message, {
        index,
        details: {...error.details, text},
        remedy: error.remedy,
      });
    }
    return error;
  }
}

const CLOSE_QUOTES = 'close the quotes of every field that has them';

class FieldCountError extends Error {}

/**
 * The rows of CSV files as records. Bounded.
 *
 * Shape:   RFC 4180, in UTF-8; rows may end with a line feed alone. Empty lines are skipped where a row
 *          has more than one column. Without a schema every field is text. With one, fields are read
 *          as its types; one that is empty and not in quotes is null where null is allowed, else
 *          undefined where that is; columns that the schema does not name are left out.
 * Default: `header` true, `delimiter` comma, `lineBreaksInQuotes` true.
 * Errors:  `E_SOURCE_PATHS`, `E_SOURCE_OPTION`, `E_SOURCE_SCHEMA` here; `E_SOURCE_FILE_…` when files
 *          are listed and read; `E_SOURCE_CSV` for a row that is malformed or does not fit.
 */
export function csvSource(
  options: CsvSourceOptions,
  internals: Pick<FileSourceSetup, 'fileSystem' | 'sizes'> = {},
): FileSource<any> {
  const {schema, header = true, delimiter = ',', lineBreaksInQuotes = true} = options;
  checkDelimiter('E_SOURCE_OPTION', delimiter);
  if (schema !== undefined) checkCsvSchema(schema);
  const columns = givenColumns(header, schema);
  if (columns !== undefined) checkColumns(columns, schema);
  const format: LineFormat = {
    keepsCarriageReturns: true,
    spansLines: lineBreaksInQuotes,
    createDecoder: () => new CsvDecoder(delimiter, schema, columns, lineBreaksInQuotes),
  };
  return new FileSource({name: 'CSV File', ...options, ...internals, format});
}

/** The columns if they are known before any file is read. */
function givenColumns(
  header: boolean | readonly string[],
  schema: RecordSchema | undefined,
): readonly string[] | undefined {
  if (header === true) return undefined;
  if (Array.isArray(header)) return header as readonly string[];
  if (schema !== undefined) return schema.columns.map(column => column.path[0]!);
  throw new StreamError(
    'E_SOURCE_OPTION',
    'CSV without a header needs names for its columns',
    {header: showValue(header)},
    {remedy: 'give a schema, or the names as `header`'},
  );
}

/** Refuses given columns where the user gives them instead of when a file is read. */
function checkColumns(columns: readonly string[], schema: RecordSchema | undefined): void {
  try {
    createRowMaker(columns, schema);
  } catch (error) {
    if (!(error instanceof CsvHeaderError)) throw error;
    const {message, details, remedy} = error;
    throw new StreamError('E_SOURCE_OPTION', message, details, {remedy});
  }
}
