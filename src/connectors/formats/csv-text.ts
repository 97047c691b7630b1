/**
 * Writes records as rows of CSV (RFC 4180), so that `csvSource` with the types of the fields reads the
 * same records again: null is an empty field, the empty text is `""`.
 */
import {StreamError, showValue} from '../../base/errors.ts';

/** Refuses what cannot stand between two fields. */
export function checkDelimiter(code: string, delimiter: unknown): void {
  if (typeof delimiter === 'string' && /^[^"\r\n]$/.test(delimiter)) return;
  throw new StreamError(
    code,
    'a delimiter must be one character, neither a quote nor a line end',
    {delimiter: showValue(delimiter)},
    {remedy: 'use a comma, a semicolon or a tab'},
  );
}

/** Turns records into lines, without line ends. */
export class CsvRowWriter {
  readonly #delimiter: string;
  /** What makes quotes necessary. */
  readonly #special: RegExp;
  /** The delimiter may occur in numbers, dates and names of booleans. */
  readonly #quotesAll: boolean;
  #columns: readonly string[] | undefined;

  /** Without `columns` they are the fields of the first record. */
  constructor(delimiter: string, columns: readonly string[] | undefined) {
    this.#delimiter = delimiter;
    // A byte-order mark at the begin of a file would be dropped by whoever reads it.
    this.#special = new RegExp(`["\\r\\n\\ufeff${delimiter.replace(/[\\\]^-]/, '\\$&')}]`);
    this.#quotesAll = /[\w.:+-]/.test(delimiter);
    this.#columns = columns;
  }

  /** The columns, once they are known. */
  get columns(): readonly string[] | undefined {
    return this.#columns;
  }

  /** The line that names the columns. */
  header(): string {
    return this.#columns!.map(name => this.#text(name)).join(this.#delimiter);
  }

  /**
   * The line of a record.
   *
   * Errors: `E_SINK_VALUE` for what is no record, has a field without a column, or a value that a
   * field of CSV cannot hold.
   */
  row(record: unknown): string {
    if (typeof record !== 'object' || record === null || Array.isArray(record)) {
      throw valueError('a row of CSV needs a record', {value: showValue(record)}, MAP_TO_RECORD);
    }
    const columns = (this.#columns ??= Object.keys(record));
    if (columns.length === 0) {
      throw valueError('a record without fields has no columns', {}, MAP_TO_RECORD);
    }
    checkFields(record, columns);
    let line = '';
    for (let index = 0; index < columns.length; index += 1) {
      if (index > 0) line += this.#delimiter;
      const name = columns[index]!;
      line += this.#field((record as Record<string, unknown>)[name], name);
    }
    return line;
  }

  #field(value: unknown, name: string): string {
    if (typeof value === 'string') return this.#text(value);
    const text = this.#plain(value, name);
    return this.#quotesAll && text !== '' ? this.#text(text) : text;
  }

  /** A value that is no text; without what it would need in quotes. */
  #plain(value: unknown, name: string): string {
    switch (typeof value) {
      case 'number':
        return Object.is(value, -0) ? '-0' : String(value);
      case 'boolean':
      case 'bigint':
        return String(value);
      case 'undefined':
        return '';
      default:
        if (value === null) return '';
        if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString();
        throw valueError(
          'a value cannot stand in a field of CSV',
          {field: name, value: showValue(value)},
          'turn it into text or flat fields in a map, or write JSON lines',
        );
    }
  }

  #text(text: string): string {
    if (text !== '' && !this.#special.test(text)) return text;
    return `"${text.replaceAll('"', '""')}"`;
  }
}

const MAP_TO_RECORD = 'map values to records such as {value}';

/** Every field of the record must have a column; a column may lack its field. */
function checkFields(record: object, columns: readonly string[]): void {
  let index = 0;
  for (const name in record) {
    if (name === columns[index]) {
      index += 1;
      continue;
    }
    if (!Object.hasOwn(record, name) || columns.includes(name)) continue;
    throw valueError(
      'a record has a field without a column',
      {field: name, columns: showValue(columns)},
      'name all columns in the option `columns`, or map the records to them',
    );
  }
}

function valueError(what: string, details: Record<string, string>, remedy: string): StreamError {
  return new StreamError('E_SINK_VALUE', what, details, {remedy});
}
