/**
 * From the fields of a CSV row to a record. What is to be made of which field is known when the header
 * has been read; then the object literal is generated once, so that all records have one hidden class
 * and no name is looked up per row (reading and parsing included: 3.3 million rows of five fields per
 * CPU-second, against 2.5 when objects are filled by name).
 */
import {StreamError, showValue} from '../../base/errors.ts';
import {
  compileFactory,
  isCodeGenerationAllowed,
  quote as quoteText,
} from '../../records/compiler.ts';
import {
  ALLOWS_MISSING,
  ALLOWS_NULL,
  ALLOWS_UNDEFINED,
  isInheritedName,
  showPath,
  type Column,
  type ColumnType,
  type RecordSchema,
} from '../../records/schema.ts';
import {parseDate} from './date-text.ts';

/** Makes a record of the fields of a row. Errors: `CsvValueError`. */
export type RowMaker = (
  fields: readonly string[],
  isQuoted: readonly boolean[],
) => Record<string, unknown>;

/** A field that is not what its column says. */
export class CsvValueError extends Error {
  readonly column: string;
  readonly wanted: string;
  readonly text: string;

  constructor(column: string, wanted: string, text: string) {
    super('a field is not what its column says');
    this.column = column;
    this.wanted = wanted;
    this.text = text;
  }
}

/** A header that does not do; `details` say why. */
export class CsvHeaderError extends Error {
  readonly details: Record<string, string>;
  readonly remedy: string;

  constructor(what: string, details: Record<string, string>, remedy: string) {
    super(what);
    this.details = details;
    this.remedy = remedy;
  }
}

type FieldParser = (text: string, isQuoted: boolean | undefined) => unknown;

/** What becomes of a field; without a parser the text itself. */
interface OutputField {
  readonly name: string;
  readonly index: number;
  readonly parse: FieldParser | undefined;
}

const INTEGER = /^\s*[+-]?\d+\s*$/;
const DECIMAL = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*$/;
const ZERO = 48;
const NINE = 57;
const MINUS = 45;
const NAMED_NUMBERS: ReadonlyMap<string, number> = new Map([
  ['NaN', NaN],
  ['Infinity', Infinity],
  ['-Infinity', -Infinity],
]);

/** What values of a column are read from, for messages. */
const WANTED: Partial<Record<ColumnType, string>> = {
  int32: 'int32 (a whole number from -2^31 to 2^31 - 1)',
  float64: 'float64 (a decimal number)',
  boolean: 'boolean (true or false)',
  bigint: 'bigint (digits)',
  date: 'date (ISO 8601)',
};

/**
 * Refuses a schema that rows of CSV cannot have.
 *
 * Errors: `E_SOURCE_SCHEMA` for bare values, nested fields, bytes, lists and structs.
 */
export function checkCsvSchema(schema: RecordSchema): void {
  const remedy = 'declare flat fields of int32, float64, boolean, bigint, date and string';
  if (schema.kind !== 'record') {
    throw new StreamError('E_SOURCE_SCHEMA', 'rows of CSV are records', {}, {remedy});
  }
  for (const {path, type} of schema.columns) {
    const isFlat = path.length === 1 && (type === 'string' || type === 'any' || type in WANTED);
    if (isFlat) continue;
    throw new StreamError(
      'E_SOURCE_SCHEMA',
      'a field cannot be read from CSV',
      {field: showPath(path), type},
      {remedy},
    );
  }
}

/**
 * How records are made of rows with these columns. With a schema its fields, as its types, wherever
 * they stand; else all columns as text.
 *
 * Errors: `CsvHeaderError` for a column that is missing, double, or has a name no field can have.
 */
export function createRowMaker(
  columns: readonly string[],
  schema: RecordSchema | undefined,
): RowMaker {
  const seen = new Set<string>();
  for (const column of columns) {
    if (seen.has(column)) {
      throw new CsvHeaderError('a column is there twice', {column}, 'give each its own name');
    }
    if (isInheritedName(column)) {
      throw new CsvHeaderError(
        'a column has a name that every object inherits',
        {column},
        'rename the column',
      );
    }
    seen.add(column);
  }
  const output =
    schema === undefined
      ? columns.map((name, index) => ({name, index, parse: undefined}))
      : schema.columns.flatMap(column => declaredField(column, columns));
  return isCodeGenerationAllowed() ? generate(output) : interpret(output);
}

function declaredField(column: Column, columns: readonly string[]): OutputField[] {
  const name = column.path[0]!;
  const index = columns.indexOf(name);
  if (index >= 0) return [{name, index, parse: fieldParser(column, name)}];
  if ((column.nullability & ALLOWS_MISSING) !== 0) return [];
  throw new CsvHeaderError(
    'a column of the schema is missing',
    {column: name, found: showValue(columns)},
    'correct the header or the schema, or declare the field as optional',
  );
}

function generate(output: readonly OutputField[]): RowMaker {
  const parsers = output.map(field => field.parse);
  const values = output.map(({name, index, parse}, place) => {
    const field = `fields[${index}]`;
    const value = parse === undefined ? field : `parse${place}(${field}, isQuoted[${index}])`;
    return `${quoteText(name)}: ${value}`;
  });
  return compileFactory<RowMaker>(
    'csv/row',
    parsers.map((_, place) => `parse${place}`),
    `return (fields, isQuoted) => ({${values.join(', ')}});`,
  )(...parsers);
}

function interpret(output: readonly OutputField[]): RowMaker {
  return (fields, isQuoted) => {
    const record: Record<string, unknown> = {};
    for (const {name, index, parse} of output) {
      const field = fields[index]!;
      record[name] = parse === undefined ? field : parse(field, isQuoted[index]);
    }
    return record;
  };
}

/** How the fields of a column are read; undefined if they are taken as they are. */
function fieldParser({type, nullability}: Column, name: string): FieldParser | undefined {
  const parse = typeParser(type);
  const wanted = WANTED[type] ?? type;
  const allowsNull = (nullability & ALLOWS_NULL) !== 0;
  const allowsEmpty = allowsNull || (nullability & (ALLOWS_UNDEFINED | ALLOWS_MISSING)) !== 0;
  if (parse === undefined && !allowsEmpty) return undefined;
  const whenEmpty = allowsNull ? null : undefined;
  return (text, isQuoted) => {
    if (allowsEmpty && text === '' && isQuoted !== true) return whenEmpty;
    if (parse === undefined) return text;
    const value = parse(text);
    if (value === undefined) throw new CsvValueError(name, wanted, text);
    return value;
  };
}

/** Reads a value of a type, or undefined if the text is none. */
function typeParser(type: ColumnType): ((text: string) => unknown) | undefined {
  switch (type) {
    case 'int32':
      return parseInt32;
    case 'float64':
      return parseFloat64;
    case 'boolean':
      return parseBoolean;
    case 'bigint':
      return text => (INTEGER.test(text) ? BigInt(text) : undefined);
    case 'date':
      return text => {
        const ms = parseDate(text.trim());
        return Number.isNaN(ms) ? undefined : new Date(ms);
      };
    default:
      return undefined;
  }
}

/**
 * Plain digits are read without a regular expression and `Number`, anything else by them: 2.4 instead
 * of 1.8 million rows of four columns per CPU-second.
 */
function parseInt32(text: string): number | undefined {
  const {length} = text;
  const start = text.charCodeAt(0) === MINUS ? 1 : 0;
  let value = 0;
  for (let at = start; at < length; at += 1) {
    const digit = text.charCodeAt(at) - ZERO;
    if (digit < 0 || digit > 9 || at === 10) return parseAnyInt32(text);
    value = value * 10 + digit;
  }
  if (length === start) return undefined;
  return checkInt32(start === 0 ? value : -value);
}

function parseAnyInt32(text: string): number | undefined {
  return INTEGER.test(text) ? checkInt32(Number(text)) : undefined;
}

function checkInt32(value: number): number | undefined {
  return (value | 0) === value ? value | 0 : undefined;
}

/** `Number` takes more than decimal numbers, but nothing else that begins with a digit from 1 on. */
function parseFloat64(text: string): number | undefined {
  const first = text.charCodeAt(0);
  if ((first > ZERO && first <= NINE) || DECIMAL.test(text)) {
    const value = Number(text);
    if (Number.isFinite(value)) return value;
  }
  return NAMED_NUMBERS.get(text.trim());
}

function parseBoolean(text: string): boolean | undefined {
  switch (text.trim().toLowerCase()) {
    case 'true':
      return true;
    case 'false':
      return false;
    default:
      return undefined;
  }
}
