/**
 * What a record looks like. A `RecordSchema` is plain data that crosses threads: a list of columns,
 * in which nested objects are flattened to paths. A path stays an array of names, so that a name with
 * a dot in it is not mistaken for two. A stream of bare values (numbers, strings, arrays) has the
 * kind `value` and exactly one column with an empty path.
 *
 *   {id: 1, at: {x: 2, y: 3}}   →   [id] int32, [at, x] int32, [at, y] int32
 *
 * A nested object that may be absent, or that has no fields, has a column of its own of type
 * `struct` in front of its fields; it has no data, only states.
 *
 * Schemas are declared (`schema({…})`: a contract of the user, what it does not name is projected
 * away) or inferred (infer-schema.ts: nothing is ever lost, a record that does not fit widens it).
 */
import {assert} from '../base/assert.ts';
import {StreamError, showValue} from '../base/errors.ts';

export type ColumnType =
  | 'int32'
  | 'float64'
  | 'boolean'
  | 'string'
  | 'bigint'
  | 'date'
  | 'bytes'
  | 'list'
  | 'struct'
  | 'any';

/** A column accepts null. */
export const ALLOWS_NULL = 1;
/** A column accepts an own field whose value is undefined. */
export const ALLOWS_UNDEFINED = 2;
/** A column accepts records that lack the field. */
export const ALLOWS_MISSING = 4;

/** The type of a value inside a list, which has no columns of its own. */
export interface ElementType {
  readonly type: ColumnType;
  readonly nullability: number;
  readonly element?: ElementType;
  readonly fields?: ReadonlyArray<{readonly name: string; readonly type: ElementType}>;
}

/** One column. `nullability` is a sum of `ALLOWS_…`; `element` belongs to lists. */
export interface Column {
  readonly path: readonly string[];
  readonly type: ColumnType;
  readonly nullability: number;
  readonly element?: ElementType;
}

/** The shape of a stream's records; plain data. */
export interface RecordSchema {
  readonly kind: 'record' | 'value';
  readonly declared: boolean;
  readonly columns: readonly Column[];
}

declare const CARRIED: unique symbol;

/** The type of a field in a declared schema; `T` is what TypeScript sees. */
export interface FieldType<T> extends ElementType {
  readonly [CARRIED]?: T;
}

/** A field that records may lack. */
export interface OptionalFieldType<T> extends FieldType<T | undefined> {
  readonly isOptional: true;
}

/** A declared schema; `Infer<typeof it>` is the type of its records. */
export interface Schema<T> extends RecordSchema {
  readonly [CARRIED]?: T;
}

type Fields = Readonly<Record<string, FieldType<any>>>;
type ValueOf<F> = F extends FieldType<infer T> ? T : never;
type OptionalNames<F> = {
  [K in keyof F]: F[K] extends OptionalFieldType<any> ? K : never;
}[keyof F];
type RecordOf<F> = {
  -readonly [K in Exclude<keyof F, OptionalNames<F>>]: ValueOf<F[K]>;
} & {-readonly [K in OptionalNames<F>]?: ValueOf<F[K]>} extends infer T
  ? {[K in keyof T]: T[K]}
  : never;

/** The TypeScript type of the records of a declared schema. */
export type Infer<S> = S extends Schema<infer T> ? T : never;

/** A whole number from -2^31 to 2^31 - 1, without -0. */
export const int32: FieldType<number> = {type: 'int32', nullability: 0};
/** Any number: NaN, -0 and infinities included. */
export const float64: FieldType<number> = {type: 'float64', nullability: 0};
/** true or false. */
export const boolean: FieldType<boolean> = {type: 'boolean', nullability: 0};
/** Any string, lone surrogates included. */
export const string: FieldType<string> = {type: 'string', nullability: 0};
/** A bigint of any size. */
export const bigint: FieldType<bigint> = {type: 'bigint', nullability: 0};
/** A Date, also an invalid one. */
export const date: FieldType<Date> = {type: 'date', nullability: 0};
/** A Uint8Array or a Buffer; each comes back as what it was, with memory of its own. */
export const bytes: FieldType<Uint8Array> = {type: 'bytes', nullability: 0};
/** Whatever can be carried; slower than every other type. */
export const any: FieldType<any> = {type: 'any', nullability: 0};

/** An array whose elements have one type. */
export function list<T>(element: FieldType<T>): FieldType<T[]> {
  return {type: 'list', nullability: 0, element};
}

/** A nested object; its fields become columns of their own. */
export function struct<F extends Fields>(fields: F): FieldType<RecordOf<F>> {
  return {
    type: 'struct',
    nullability: 0,
    fields: Object.keys(fields).map(name => ({name, type: fields[name]!})),
  };
}

/** A field whose value may be null. */
export function nullable<T>(type: FieldType<T>): FieldType<T | null> {
  return {...type, nullability: type.nullability | ALLOWS_NULL} as FieldType<T | null>;
}

/** A field that may be undefined, or that records may lack. */
export function optional<T>(type: FieldType<T>): OptionalFieldType<T> {
  const nullability = type.nullability | ALLOWS_UNDEFINED | ALLOWS_MISSING;
  return {...type, nullability, isOptional: true} as OptionalFieldType<T>;
}

/**
 * Declares the shape of a stream: fields of records, or, given a single type, of bare values.
 *
 * Errors: `E_SCHEMA` for a field whose type is not one of this module's, or whose name every object
 * inherits (`__proto__`, `constructor`, …: declare the surrounding object as `any`).
 */
export function schema<T>(type: FieldType<T>): Schema<T>;
export function schema<F extends Fields>(fields: F): Schema<RecordOf<F>>;
export function schema(shape: FieldType<unknown> | Fields): Schema<unknown> {
  if (isFieldType(shape)) {
    if (shape.type !== 'struct' || shape.nullability !== 0) return declareValue(shape);
    return schema(Object.fromEntries(shape.fields!.map(field => [field.name, field.type])));
  }
  const columns: Column[] = [];
  for (const name of Object.keys(shape)) flatten([name], shape[name], columns);
  if (columns.length === 0) throw new StreamError('E_SCHEMA', 'a schema needs at least one field');
  return {kind: 'record', declared: true, columns};
}

/** Whether every object has `name` from its prototype, so that a lack of it cannot be seen cheaply. */
export function isInheritedName(name: string): boolean {
  return name in Object.prototype;
}

/** A short text that is equal exactly for equal schemas. */
export function fingerprint(schema: RecordSchema): string {
  return JSON.stringify([
    schema.kind,
    schema.declared,
    schema.columns.map(column => [
      column.path,
      column.type,
      column.nullability,
      column.element === undefined ? null : plainElement(column.element),
    ]),
  ]);
}

/**
 * Whether a column stands for a field that was only ever null, undefined or missing. It has states
 * and no data; the first value of the field gives it a type.
 */
export function isUnknown(column: ElementType): boolean {
  return column.type === 'any' && (column.nullability & (ALLOWS_NULL | ALLOWS_UNDEFINED)) !== 0;
}

/** The schema that a single column of anything has. */
export const ANY_VALUE: RecordSchema = {
  kind: 'value',
  declared: false,
  columns: [{path: [], type: 'any', nullability: 0}],
};

/** A path for people: `a.b`, with names in quotes where they need it. */
export function showPath(path: readonly string[]): string {
  if (path.length === 0) return '(the record)';
  return path.map(name => (/^[\w$]+$/.test(name) ? name : JSON.stringify(name))).join('.');
}

function isFieldType(shape: unknown): shape is FieldType<unknown> {
  if (typeof shape !== 'object' || shape === null) return false;
  const candidate = shape as Partial<ElementType>;
  return typeof candidate.type === 'string' && typeof candidate.nullability === 'number';
}

function declareValue(type: ElementType): RecordSchema {
  const isPlain = type.type !== 'struct';
  const column: Column = isPlain
    ? {...pick(type), path: [], nullability: type.nullability & ~ALLOWS_MISSING}
    : {path: [], type: 'any', nullability: 0};
  return {kind: 'value', declared: true, columns: [column]};
}

function flatten(path: string[], type: unknown, columns: Column[]): void {
  if (!isFieldType(type)) {
    throw new StreamError('E_SCHEMA', 'a field has no type', {
      field: showPath(path),
      type: showValue(type),
    });
  }
  if (isInheritedName(path.at(-1)!)) {
    throw new StreamError(
      'E_SCHEMA',
      'a field has a name that every object inherits',
      {field: showPath(path)},
      {remedy: 'declare the surrounding object as any'},
    );
  }
  if (type.type !== 'struct') {
    columns.push({...pick(type), path});
    return;
  }
  const fields = type.fields!;
  if (type.nullability !== 0 || fields.length === 0) {
    columns.push({path, type: 'struct', nullability: type.nullability});
  }
  for (const field of fields) flatten([...path, field.name], field.type, columns);
}

function pick(type: ElementType): ElementType {
  // `any` carries null and undefined by itself.
  const nullability = type.type === 'any' ? type.nullability & ALLOWS_MISSING : type.nullability;
  if (type.type !== 'list') return {type: type.type, nullability};
  assert(type.element !== undefined, 'a list has an element type');
  return {type: 'list', nullability, element: plainElement(type.element)};
}

/** An element type without what only TypeScript and the declaration need. */
function plainElement(type: ElementType): ElementType {
  const {nullability} = type;
  return {
    type: type.type,
    nullability,
    ...(type.element === undefined ? {} : {element: plainElement(type.element)}),
    ...(type.fields === undefined
      ? {}
      : {fields: type.fields.map(({name, type}) => ({name, type: plainElement(type)}))}),
  };
}
