/**
 * Schemas that nobody declared: the narrowest one that carries all samples, and the least widening
 * that also carries one value more. Widening only ever goes up a small lattice, so a stream settles
 * after a few records:
 *
 *   int32 → float64 → any      string, boolean, bigint, date, bytes, struct → any
 *   X → X or null, undefined, missing       a field that is new: missing in all records so far
 *
 * What a column cannot describe without loss becomes `any`, at the smallest object around it: fields
 * whose names every object inherits, and objects used as dictionaries, whose names never settle.
 */
import {StreamError, showValue} from '../base/errors.ts';
import {ValueEncoder, encodingError, isInt32, isPlainObject} from './any-codec.ts';
import {
  ALLOWS_MISSING,
  ALLOWS_NULL,
  ALLOWS_UNDEFINED,
  ANY_VALUE,
  isInheritedName,
  isUnknown,
  showPath,
  type Column,
  type ColumnType,
  type ElementType,
  type RecordSchema,
} from './schema.ts';

/** An object with more fields than this is a dictionary: its names are data. */
const FIELD_COUNT_MAX = 64;

/** A record with more columns than this is carried as one value of type any. */
const COLUMN_COUNT_MAX = 192;

/** Objects nested deeper than this become `any` as a whole. */
const DEPTH_MAX = 16;

/**
 * What is known about a field. `type` is undefined while only null, undefined or nothing was seen.
 * Structs have fields, in the order in which they were met.
 */
interface Shape {
  type: ColumnType | undefined;
  nullability: number;
  fields: Map<string, Shape>;
}

const checker = new ValueEncoder();

/**
 * The narrowest schema that carries all of `samples`; without samples, any value.
 *
 * Errors: `E_RECORD_ENCODING` for a value that cannot be carried, with the path of the field.
 */
export function inferSchema(samples: readonly unknown[]): RecordSchema {
  if (samples.length === 0) return ANY_VALUE;
  let shape: Shape | undefined;
  for (const sample of samples) {
    if (shape === undefined) shape = shapeOf(sample, [], 0);
    else widenShape(shape, sample, [], 0);
  }
  return schemaOf(shape!);
}

/**
 * The least schema that carries what `schema` carries, and `value`; `schema` itself if that is it.
 *
 * Errors: `E_RECORD_ENCODING` for a value that cannot be carried, with the path of the field, and if
 * objects inherit fields; `E_SCHEMA_MISMATCH` if the schema was declared and so cannot widen.
 */
export function widen(schema: RecordSchema, value: unknown): RecordSchema {
  if (schema.declared) throw mismatchError(schema, value);
  refuseInheritedFields();
  const shape = shapeOfSchema(schema);
  widenShape(shape, value, [], 0);
  return schemaOf(shape);
}

/**
 * A library that gives all objects an enumerable property gives all records a field that is not theirs:
 * counting fields, no record would ever fit, however often its schema was widened.
 */
function refuseInheritedFields(): void {
  for (const name in Object.prototype) {
    throw new StreamError(
      'E_RECORD_ENCODING',
      'every object inherits an enumerable property, so fields cannot be counted',
      {property: name},
      {remedy: 'define it on Object.prototype as not enumerable, or declare a schema'},
    );
  }
}

/** Why `value` does not fit `schema`: the first field that differs, as an error for the user. */
export function mismatchError(schema: RecordSchema, value: unknown): StreamError {
  const remedy = schema.declared
    ? 'change the declared schema, or map the records to it'
    : 'this is a bug of the engine: inferred schemas widen';
  if (schema.kind === 'record' && !isPlainObject(value)) {
    const details = {value: showValue(value)};
    return new StreamError('E_SCHEMA_MISMATCH', 'a record is not a plain object', details, {
      remedy,
    });
  }
  for (const column of schema.columns) {
    let inner: unknown = value;
    let isPresent = true;
    for (const [depth, name] of column.path.entries()) {
      if (!isPlainObject(inner)) {
        const parent = schema.columns.find(
          other => other.type === 'struct' && isPrefix(other.path, column.path, depth),
        );
        if (parent !== undefined && acceptsAbsence(parent.nullability, inner, isPresent)) break;
        return mismatch(column.path.slice(0, depth), 'struct', inner, isPresent, remedy);
      }
      isPresent = Object.hasOwn(inner, name);
      inner = isPresent ? inner[name] : undefined;
      const isLast = depth === column.path.length - 1;
      if (isLast && !acceptsField(column, inner, isPresent)) {
        return mismatch(column.path, column.type, inner, isPresent, remedy);
      }
    }
    if (column.path.length === 0 && !acceptsField(column, value, true)) {
      return mismatch(column.path, column.type, value, true, remedy);
    }
  }
  const details = {value: showValue(value)};
  const what = 'a record has fields that its schema does not name';
  return new StreamError('E_SCHEMA_MISMATCH', what, details, {remedy});
}

function mismatch(
  path: readonly string[],
  type: string,
  value: unknown,
  isPresent: boolean,
  remedy: string,
): StreamError {
  const details = {
    field: showPath(path),
    expected: type,
    value: isPresent ? showValue(value) : '(missing)',
  };
  return new StreamError('E_SCHEMA_MISMATCH', 'a record does not fit its schema', details, {
    remedy,
  });
}

function isPrefix(prefix: readonly string[], path: readonly string[], length: number): boolean {
  return prefix.length === length && prefix.every((name, index) => name === path[index]);
}

function acceptsAbsence(nullability: number, value: unknown, isPresent: boolean): boolean {
  if (!isPresent) return (nullability & ALLOWS_MISSING) !== 0;
  if (value === null) return (nullability & ALLOWS_NULL) !== 0;
  return value === undefined && (nullability & ALLOWS_UNDEFINED) !== 0;
}

function acceptsField(column: Column, value: unknown, isPresent: boolean): boolean {
  if (!isPresent) return (column.nullability & ALLOWS_MISSING) !== 0;
  if (column.type === 'any' && !isUnknown(column)) return true;
  return (
    acceptsAbsence(column.nullability, value, true) ||
    (!isUnknown(column) && accepts(column, value))
  );
}

/** Whether a present value, neither null nor undefined, is of `type`. */
export function accepts(type: ElementType, value: unknown): boolean {
  switch (type.type) {
    case 'int32':
      return isInt32(value);
    case 'float64':
      return typeof value === 'number';
    case 'boolean':
    case 'string':
    case 'bigint':
      return typeof value === type.type;
    case 'date':
      return hasPrototype(value, Date.prototype);
    case 'bytes':
      return hasPrototype(value, Uint8Array.prototype) || hasPrototype(value, Buffer.prototype);
    case 'list': {
      if (!Array.isArray(value)) return false;
      for (let i = 0; i < value.length; i += 1) {
        if (!acceptsElement(type.element!, value[i], true)) return false;
      }
      return true;
    }
    case 'struct':
      if (!isPlainObject(value)) return false;
      return (type.fields ?? []).every(({name, type: field}) => {
        const isPresent = Object.hasOwn(value, name);
        return acceptsElement(field, isPresent ? value[name] : undefined, isPresent);
      });
    case 'any':
      return true;
  }
}

function acceptsElement(type: ElementType, value: unknown, isPresent: boolean): boolean {
  if (type.type === 'any') return isPresent || (type.nullability & ALLOWS_MISSING) !== 0;
  return acceptsAbsence(type.nullability, value, isPresent) || (isPresent && accepts(type, value));
}

function hasPrototype(value: unknown, prototype: object): boolean {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === prototype;
}

function newShape(type: ColumnType | undefined, nullability = 0): Shape {
  return {type, nullability, fields: new Map()};
}

function shapeOf(value: unknown, path: string[], depth: number): Shape {
  if (value === null) return newShape(undefined, ALLOWS_NULL);
  if (value === undefined) return newShape(undefined, ALLOWS_UNDEFINED);
  const type = typeOf(value, path, depth);
  const shape = newShape(type);
  if (type === 'struct') addFields(shape, value as Record<string, unknown>, path, depth);
  return shape;
}

/** The narrowest column type of a value that is neither null nor undefined. */
function typeOf(value: unknown, path: string[], depth: number): ColumnType {
  switch (typeof value) {
    case 'number':
      return isInt32(value) ? 'int32' : 'float64';
    case 'string':
      return 'string';
    case 'boolean':
      return 'boolean';
    case 'bigint':
      return 'bigint';
    case 'object':
      break;
    default:
      throw encodingError(path, value, `a ${typeof value} is not data`);
  }
  // Encoding it once finds whatever cannot be carried, with its place.
  checker.reset();
  checker.encode(value, path);
  if (isPlainObject(value)) {
    if (depth >= DEPTH_MAX) return 'any';
    const names = Object.keys(value);
    return names.length > FIELD_COUNT_MAX || names.some(isInheritedName) ? 'any' : 'struct';
  }
  if (hasPrototype(value, Date.prototype)) return 'date';
  if (hasPrototype(value, Uint8Array.prototype) || hasPrototype(value, Buffer.prototype)) {
    return 'bytes';
  }
  return 'any';
}

function addFields(shape: Shape, value: object, path: string[], depth: number): void {
  for (const name of Object.keys(value)) {
    const inner = (value as Record<string, unknown>)[name];
    shape.fields.set(name, shapeOf(inner, [...path, name], depth + 1));
  }
}

function widenShape(shape: Shape, value: unknown, path: string[], depth: number): void {
  if (value === null) {
    shape.nullability |= ALLOWS_NULL;
    return;
  }
  if (value === undefined) {
    shape.nullability |= ALLOWS_UNDEFINED;
    return;
  }
  const type = typeOf(value, path, depth);
  if (shape.type === undefined) {
    shape.type = type;
    if (type === 'struct') addFields(shape, value as object, path, depth);
    return;
  }
  shape.type = joinTypes(shape.type, type);
  if (shape.type !== 'struct') {
    shape.fields.clear();
    return;
  }
  const record = value as Record<string, unknown>;
  for (const [name, field] of shape.fields) {
    if (!Object.hasOwn(record, name)) field.nullability |= ALLOWS_MISSING;
  }
  for (const name of Object.keys(record)) {
    const field = shape.fields.get(name);
    if (field !== undefined) {
      widenShape(field, record[name], [...path, name], depth + 1);
    } else {
      const added = shapeOf(record[name], [...path, name], depth + 1);
      added.nullability |= ALLOWS_MISSING;
      shape.fields.set(name, added);
    }
  }
  if (shape.fields.size > FIELD_COUNT_MAX) {
    shape.type = 'any';
    shape.fields.clear();
  }
}

function joinTypes(a: ColumnType, b: ColumnType): ColumnType {
  if (a === b) return a;
  const areNumbers = (a === 'int32' || a === 'float64') && (b === 'int32' || b === 'float64');
  return areNumbers ? 'float64' : 'any';
}

/** The shape that a schema describes, to widen it. */
function shapeOfSchema(schema: RecordSchema): Shape {
  if (schema.kind === 'value') {
    const column = schema.columns[0]!;
    return newShape(isUnknown(column) ? undefined : column.type, column.nullability);
  }
  const root = newShape('struct');
  for (const column of schema.columns) {
    let shape = root;
    for (const [depth, name] of column.path.entries()) {
      let inner = shape.fields.get(name);
      if (inner === undefined) {
        inner = newShape('struct');
        shape.fields.set(name, inner);
      }
      if (depth === column.path.length - 1) {
        inner.type = isUnknown(column) ? undefined : column.type;
        inner.nullability = column.nullability;
      }
      shape = inner;
    }
  }
  return root;
}

function schemaOf(shape: Shape): RecordSchema {
  if (shape.type !== 'struct' || shape.nullability !== 0) {
    const isAny = shape.type === 'struct' || shape.type === 'any';
    const column: Column = isAny
      ? {path: [], type: 'any', nullability: 0}
      : {path: [], type: shape.type ?? 'any', nullability: shape.nullability};
    return {kind: 'value', declared: false, columns: [column]};
  }
  const columns: Column[] = [];
  addColumns(shape, [], columns);
  if (columns.length === 0 || columns.length > COLUMN_COUNT_MAX) return ANY_VALUE;
  return {kind: 'record', declared: false, columns};
}

function addColumns(shape: Shape, path: string[], columns: Column[]): void {
  for (const [name, field] of shape.fields) {
    const inner = [...path, name];
    // `any` keeps null and undefined by itself; with them noted the column would mean "unknown yet".
    if (field.type === 'any') {
      columns.push({path: inner, type: 'any', nullability: field.nullability & ALLOWS_MISSING});
      continue;
    }
    if (field.type !== 'struct') {
      columns.push({path: inner, type: field.type ?? 'any', nullability: field.nullability});
      continue;
    }
    if (field.nullability !== 0 || field.fields.size === 0) {
      columns.push({path: inner, type: 'struct', nullability: field.nullability});
    }
    addColumns(field, inner, columns);
  }
}
