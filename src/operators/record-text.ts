/**
 * Records as generated code sees them: objects in a variable, and rows of a batch that become objects
 * only where somebody needs one.
 *
 * A user function that gets the object may change it, and everybody behind it has to see that. So
 * each `argument` says what is still known afterwards: columns stand for the record only as long as
 * nobody can have changed it, and its fields are proven only as long as nobody can have added any.
 */
import type {BatchReader, TextPlace} from '../records/batch-reader.ts';
import {quote, propertyText} from '../records/compiler.ts';
import {ALLOWS_MISSING, type ColumnType, type RecordSchema} from '../records/schema.ts';
import type {RecordText} from './chain-code.ts';
import type {ParameterUse} from './function-text.ts';

/** What a record needs of the compiler to declare itself. */
export interface RecordScope {
  line(text: string): void;
  name(prefix: string): string;
  /** The blocks around the present place. */
  readonly openBlocks: readonly object[];
}

/** A record that is an object in a variable. */
export class ObjectRecord implements RecordText {
  readonly timestamp: string;
  readonly schema = undefined;
  readonly #name: string;
  #fieldNames: readonly string[] | undefined;

  constructor(name: string, timestamp: string, fieldNames: readonly string[] | undefined) {
    this.#name = name;
    this.timestamp = timestamp;
    this.#fieldNames = fieldNames;
  }

  get fieldNames(): readonly string[] | undefined {
    return this.#fieldNames;
  }

  value(): string {
    return this.#name;
  }

  argument(use: ParameterUse): string {
    if (!keepsFields(use, this.#fieldNames)) this.#fieldNames = undefined;
    return this.#name;
  }

  inline(): string {
    if (this.#fieldNames === undefined) return this.#name;
    const fields = this.#fieldNames.map(
      field => `${quote(field)}: ${propertyText(this.#name, field)}`,
    );
    return `({${fields.join(', ')}})`;
  }

  column(): undefined {
    return undefined;
  }

  columnAt(): undefined {
    return undefined;
  }

  textPlace(): undefined {
    return undefined;
  }

  remember(): void {}

  field(name: string): string {
    return propertyText(this.#name, name);
  }
}

/** Values without parts: whoever gets one can change nothing. */
const PRIMITIVE_TYPES: ReadonlySet<ColumnType> = new Set([
  'int32',
  'float64',
  'boolean',
  'string',
  'bigint',
] as const);

/** A row of the attached batch; the row is `$row`. */
export class ColumnRecord implements RecordText {
  readonly timestamp: string;
  readonly #scope: RecordScope;
  readonly #reader: BatchReader;
  /** The variables that hold it as an object, by the block that declares them. */
  readonly #declared = new Map<object, string>();
  /** Variables that hold a column, by the block that declares them and by path. */
  readonly #remembered = new Map<object, Map<string, string>>();
  /** Whether the columns still say what the record is. */
  #isColumnar = true;
  #fieldNames: readonly string[] | undefined;

  constructor(scope: RecordScope, reader: BatchReader) {
    this.#scope = scope;
    this.#reader = reader;
    this.timestamp = reader.timestampText('$row');
    this.#fieldNames = fieldNamesOf(reader.schema);
  }

  get schema(): RecordSchema | undefined {
    return this.#isColumnar ? this.#reader.schema : undefined;
  }

  get fieldNames(): readonly string[] | undefined {
    return this.#fieldNames;
  }

  value(): string {
    const visible = this.#visible();
    if (visible !== undefined) return visible;
    const name = this.#scope.name('record');
    this.#scope.line(`const ${name} = ${this.#reader.recordText('$row')};`);
    this.#declared.set(this.#scope.openBlocks.at(-1)!, name);
    return name;
  }

  argument(use: ParameterUse): string {
    const parts = this.#visible() === undefined ? this.#partsFor(use) : undefined;
    if (parts !== undefined) return parts;
    const name = this.value();
    if (!keepsFields(use, this.#fieldNames)) this.#fieldNames = undefined;
    if (!this.#keepsColumns(use)) this.#isColumnar = false;
    return name;
  }

  inline(): string {
    return this.#isColumnar ? this.#reader.recordText('$row') : this.value();
  }

  column(path: readonly string[]): {text: string; type: ColumnType} | undefined {
    const column = this.#isColumnar ? this.#reader.columnText(path, '$row') : undefined;
    if (column === undefined || column.isNullable) return undefined;
    return {text: this.#nameOf(path) ?? column.text, type: column.type};
  }

  columnAt(path: readonly string[], row: string): string | undefined {
    return this.column(path) === undefined ? undefined : this.#reader.columnText(path, row)!.text;
  }

  textPlace(path: readonly string[]): TextPlace | undefined {
    return this.column(path) === undefined ? undefined : this.#reader.textPlace(path, '$row');
  }

  remember(path: readonly string[], name: string): void {
    const block = this.#scope.openBlocks.at(-1)!;
    const names = this.#remembered.get(block) ?? new Map<string, string>();
    this.#remembered.set(block, names.set(JSON.stringify(path), name));
  }

  field(name: string): string {
    return this.column([name])?.text ?? propertyText(this.value(), name);
  }

  #nameOf(path: readonly string[]): string | undefined {
    for (const block of this.#scope.openBlocks) {
      const name = this.#remembered.get(block)?.get(JSON.stringify(path));
      if (name !== undefined) return name;
    }
    return undefined;
  }

  #visible(): string | undefined {
    for (const block of this.#scope.openBlocks) {
      const name = this.#declared.get(block);
      if (name !== undefined) return name;
    }
    return undefined;
  }

  /** An object of only those fields that a function reads, if it cannot see the difference. */
  #partsFor(use: ParameterUse): string | undefined {
    if (!this.#isColumnar || !this.#keepsColumns(use)) return undefined;
    if (this.#reader.schema.kind === 'value') return undefined;
    const names = this.#topNames();
    const read = use.fields!.filter(field => names.has(field));
    if (read.length === names.size) return undefined;
    const parts = read.map(
      field =>
        `${quote(field)}: ${this.#nameOf([field]) ?? this.#reader.columnText([field], '$row')!.text}`,
    );
    return `{${parts.join(', ')}}`;
  }

  /** Whether a function that uses the record in this way leaves everything as the columns say. */
  #keepsColumns({fields, isWritten, isReturned}: ParameterUse): boolean {
    const {kind, columns} = this.#reader.schema;
    if (kind === 'value') return PRIMITIVE_TYPES.has(columns[0]!.type);
    if (fields === undefined || isWritten || isReturned) return false;
    const names = this.#topNames();
    return fields.every(field => {
      const column = this.#reader.columnText([field], '$row');
      return column === undefined ? !names.has(field) : PRIMITIVE_TYPES.has(column.type);
    });
  }

  #topNames(): ReadonlySet<string> {
    return new Set(this.#reader.schema.columns.map(({path}) => path[0]!));
  }
}

/** The same record with another timestamp. */
export class TimedRecord implements RecordText {
  readonly timestamp: string;
  readonly #record: RecordText;

  constructor(record: RecordText, timestamp: string) {
    this.#record = record;
    this.timestamp = timestamp;
  }

  get schema(): RecordSchema | undefined {
    return this.#record.schema;
  }

  get fieldNames(): readonly string[] | undefined {
    return this.#record.fieldNames;
  }

  value(): string {
    return this.#record.value();
  }

  argument(use: ParameterUse): string {
    return this.#record.argument(use);
  }

  inline(): string {
    return this.#record.inline();
  }

  column(path: readonly string[]): {text: string; type: string} | undefined {
    return this.#record.column(path);
  }

  columnAt(path: readonly string[], row: string): string | undefined {
    return this.#record.columnAt(path, row);
  }

  textPlace(path: readonly string[]): TextPlace | undefined {
    return this.#record.textPlace(path);
  }

  remember(path: readonly string[], name: string): void {
    this.#record.remember(path, name);
  }

  field(name: string): string {
    return this.#record.field(name);
  }
}

/** Whether a record surely has the fields `fieldNames` and no others behind such a use. */
function keepsFields(
  {fields, isWritten, isReturned}: ParameterUse,
  fieldNames: readonly string[] | undefined,
): boolean {
  if (fieldNames === undefined || fields === undefined || isReturned) return false;
  return !isWritten || fields.every(field => fieldNames.includes(field));
}

/** The fields that all records of a schema have, if none may lack one. */
function fieldNamesOf(schema: RecordSchema): readonly string[] | undefined {
  if (schema.kind !== 'record') return undefined;
  const mayLack = schema.columns.some(
    ({path, nullability}) => path.length === 1 && (nullability & ALLOWS_MISSING) !== 0,
  );
  return mayLack ? undefined : [...new Set(schema.columns.map(({path}) => path[0]!))];
}
