/**
 * How a value per key lies in rows: as data, for tables that read and write it and for code that is
 * generated for one shape.
 *
 *   record   a plain object with always the same fields: numbers in lanes, other values in cells; a
 *            field that always equals the key is not stored at all
 *   number   a bare number, in one lane
 *   value    anything, in one cell
 *
 * Shapes only widen: a field that equalled the key becomes a lane or a cell, a lane becomes a cell, and
 * when fields come or go the record becomes a value. So nothing is ever lost, and a stream settles
 * after a few records.
 */
import {isPlainObject} from '../records/any-codec.ts';
import {ALLOWS_MISSING, isInheritedName, type RecordSchema} from '../records/schema.ts';
import type {KeyKind} from './keyed-rows.ts';

/** Records with more fields are values: rows would get long, and generated code longer. */
const FIELDS_MAX = 64;

export interface ShapeField {
  readonly name: string;
  readonly place: 'key' | 'lane' | 'cell';
  /** Which lane, or which cell. */
  readonly index: number;
}

export interface RecordShape {
  readonly kind: 'record' | 'number' | 'value';
  /** Of a record, in the order in which they are built. */
  readonly fields: readonly ShapeField[];
  readonly laneCount: number;
  readonly cellCount: number;
}

export const NUMBER_SHAPE: RecordShape = {kind: 'number', fields: [], laneCount: 1, cellCount: 0};
export const VALUE_SHAPE: RecordShape = {kind: 'value', fields: [], laneCount: 0, cellCount: 1};

/** The narrowest shape of `value`; `keyField` names the field that is likely to hold the key. */
export function shapeOf(value: unknown, key: unknown, keyField: string | undefined): RecordShape {
  if (typeof value === 'number') return NUMBER_SHAPE;
  if (!isPlainObject(value)) return VALUE_SHAPE;
  const names = Object.keys(value);
  if (names.length === 0 || names.length > FIELDS_MAX) return VALUE_SHAPE;
  if (names.some(isInheritedName)) return VALUE_SHAPE;
  return recordShape(
    names.map(name => {
      const field = value[name];
      const isKey = name === keyField && isShared(key) && Object.is(field, key);
      return [name, isKey ? 'key' : typeof field === 'number' ? 'lane' : 'cell'];
    }),
  );
}

/** Whether values of this type can stand for the key: those that have no identity. */
function isShared(key: unknown): boolean {
  return typeof key === 'number' || typeof key === 'string';
}

/**
 * The shape of records that come as columns, or undefined if records of this schema differ in shape.
 * `keyField` is the field that the key is read from.
 */
export function shapeOfSchema(
  schema: RecordSchema,
  keyField: string | undefined,
): RecordShape | undefined {
  if (schema.kind === 'value') return isNumber(schema, 0) ? NUMBER_SHAPE : VALUE_SHAPE;
  const places = new Map<string, ShapeField['place']>();
  for (const [index, {path, type, nullability}] of schema.columns.entries()) {
    const name = path[0]!;
    if (isInheritedName(name)) return undefined;
    if (path.length > 1) {
      if (!places.has(name)) places.set(name, 'cell');
      continue;
    }
    if ((nullability & ALLOWS_MISSING) !== 0) return undefined;
    const isKey = name === keyField && nullability === 0;
    if (isNumber(schema, index)) places.set(name, isKey ? 'key' : 'lane');
    else places.set(name, isKey && type === 'string' ? 'key' : 'cell');
  }
  return places.size > FIELDS_MAX ? undefined : recordShape([...places]);
}

function isNumber(schema: RecordSchema, index: number): boolean {
  const {type, nullability} = schema.columns[index]!;
  return nullability === 0 && (type === 'int32' || type === 'float64');
}

/** The kind of table for keys like `key`. */
export function keyKindOf(key: unknown): KeyKind {
  return typeof key === 'number' || typeof key === 'string' ? (typeof key as KeyKind) : 'any';
}

/**
 * Whether rows of `shape` can hold `value` under `key`. A field that is undefined must be there: it is
 * not the same as one that is missing.
 */
export function fitsShape(shape: RecordShape, value: unknown, key: unknown): boolean {
  if (shape.kind === 'value') return true;
  if (shape.kind === 'number') return typeof value === 'number';
  if (!hasFields(shape, value)) return false;
  return shape.fields.every(({name, place}) => {
    if (place === 'lane') return typeof value[name] === 'number';
    return place === 'cell' || Object.is(value[name], key);
  });
}

function hasFields(shape: RecordShape, value: unknown): value is Record<string, unknown> {
  if (!isPlainObject(value)) return false;
  return (
    Object.keys(value).length === shape.fields.length &&
    shape.fields.every(({name}) => Object.hasOwn(value, name))
  );
}

/** The least shape that holds what `shape` holds under keys of `keyKind`, and `value` under `key`. */
export function widenShape(
  shape: RecordShape,
  value: unknown,
  key: unknown,
  keyKind: KeyKind,
): RecordShape {
  if (shape.kind !== 'record' || !hasFields(shape, value)) return VALUE_SHAPE;
  return recordShape(
    shape.fields.map(({name, place}) => {
      const field = value[name];
      const isNumeric = typeof field === 'number';
      if (place === 'lane') return [name, isNumeric ? 'lane' : 'cell'];
      if (place === 'cell' || Object.is(field, key)) return [name, place];
      return [name, isNumeric && keyKind === 'number' ? 'lane' : 'cell'];
    }),
  );
}

function recordShape(places: ReadonlyArray<readonly [string, ShapeField['place']]>): RecordShape {
  let laneCount = 0;
  let cellCount = 0;
  const fields = places.map(([name, place]): ShapeField => {
    if (place === 'key') return {name, place, index: 0};
    return {name, place, index: place === 'lane' ? laneCount++ : cellCount++};
  });
  return {kind: 'record', fields, laneCount, cellCount};
}
