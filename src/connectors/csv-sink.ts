/** Writes CSV files (RFC 4180, with line feeds alone). How values become fields: formats/csv-text.ts. */
import {StreamError, showValue} from '../base/errors.ts';
import {FileSink, type FileSinkOptions, type FileSinkSetup, type LineWriter} from './file-sink.ts';
import {CsvRowWriter, checkDelimiter} from './formats/csv-text.ts';

export interface CsvSinkOptions extends FileSinkOptions {
  /** The fields that are written, in this order. Default: those of each part's first record. */
  readonly columns?: readonly string[] | undefined;
  /** Whether the first row of each part names the columns. Default: true. */
  readonly header?: boolean | undefined;
  /** One character. Default: a comma. */
  readonly delimiter?: string | undefined;
}

/**
 * Writes each record as a row of CSV into `part-<subtask>` in `directory`.
 *
 * Shape:   null, undefined and a missing field are an empty field, the empty text is `""`; dates are ISO
 *          8601. A part without records has a header only if `columns` is given.
 * Errors:  `E_SINK_VALUE`, with the field, for records with other fields than columns and for values
 *          that are no single field; `E_SINK_OPTION` here; `E_SINK_DIRECTORY`, `E_SINK_DISK_FULL`,
 *          `E_SINK_FILE` as `textFileSink`.
 */
export function csvSink(
  directory: string,
  options: CsvSinkOptions = {},
  internals: Pick<FileSinkSetup, 'fileSystem'> = {},
): FileSink<unknown> {
  const {columns, header = true, delimiter = ',', overwrite} = options;
  checkDelimiter('E_SINK_OPTION', delimiter);
  if (columns !== undefined) checkColumns(columns);
  return new FileSink({
    name: 'CSV File',
    ...internals,
    overwrite,
    directory,
    createLineWriter: () => createLineWriter(new CsvRowWriter(delimiter, columns), header),
  });
}

function createLineWriter(rows: CsvRowWriter, header: boolean): LineWriter {
  let hasHeader = !header;
  return {
    write(value, part) {
      const row = rows.row(value);
      if (!hasHeader) {
        part.writeLine(rows.header());
        hasHeader = true;
      }
      part.writeLine(row);
    },
    finish(part) {
      if (!hasHeader && rows.columns !== undefined) part.writeLine(rows.header());
    },
  };
}

function checkColumns(columns: readonly string[]): void {
  const isList = Array.isArray(columns) && columns.length > 0;
  const areNames = isList && columns.every(name => typeof name === 'string');
  if (areNames && new Set(columns).size === columns.length) return;
  throw new StreamError(
    'E_SINK_OPTION',
    'columns must be a list of different names',
    {columns: showValue(columns)},
    {remedy: 'name each field once, or leave the option out'},
  );
}
