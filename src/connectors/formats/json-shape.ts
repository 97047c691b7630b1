/**
 * Holds values that come from JSON against a declared schema, and gives them the types that JSON does
 * not have: dates from ISO 8601 text or milliseconds, bigints from whole numbers or digits. Without
 * this, a wrong type in line 1 000 000 would only be noticed by some operator later, or never.
 */
import {StreamError, showValue} from '../../base/errors.ts';
import {
  ALLOWS_MISSING,
  ALLOWS_NULL,
  ALLOWS_UNDEFINED,
  showPath,
  type ElementType,
  type RecordSchema,
} from '../../records/schema.ts';
import {parseDate} from './date-text.ts';

/** A value does not fit; `path` grows on the way out. */
export class ShapeError extends Error {
  readonly path: string[] = [];
  readonly wanted: string;
  readonly value: unknown;

  constructor(wanted: string, value: unknown) {
    super('a value does not fit');
    this.wanted = wanted;
    this.value = value;
  }
}

type Fields = Array<{readonly name: string; type: ElementType}>;

/**
 * A function that returns the value with the types of `schema`, changed in place where it must be.
 *
 * Errors: `E_SOURCE_SCHEMA` here if the schema has bytes, which JSON cannot carry; `ShapeError` from
 * the function.
 */
export function jsonFitter(schema: RecordSchema): (value: unknown) => unknown {
  const type = schema.kind === 'value' ? schema.columns[0]! : treeOf(schema);
  refuseBytes(type, schema.kind === 'value' ? [...schema.columns[0]!.path] : []);
  return value => fit(value, type);
}

/** The flat columns of a record as one type of nested fields. */
function treeOf(schema: RecordSchema): ElementType {
  const root = {type: 'struct', nullability: 0, fields: [] as Fields} as const;
  for (const column of schema.columns) {
    let fields: Fields = root.fields;
    for (const [depth, name] of column.path.entries()) {
      const isLeaf = depth === column.path.length - 1;
      let field = fields.find(each => each.name === name);
      if (field === undefined) {
        const {type, nullability} = isLeaf ? column : {type: 'struct' as const, nullability: 0};
        field = {name, type: type === 'struct' ? {type, nullability, fields: []} : column};
        fields.push(field);
      }
      fields = (field.type.fields ?? []) as Fields;
    }
  }
  return root;
}

function refuseBytes(type: ElementType, path: string[]): void {
  if (type.type === 'bytes') {
    throw new StreamError(
      'E_SOURCE_SCHEMA',
      'JSON cannot carry bytes',
      {field: showPath(path)},
      {remedy: 'declare the field as string, and decode it in a map'},
    );
  }
  if (type.element !== undefined) refuseBytes(type.element, [...path, '[]']);
  for (const field of type.fields ?? []) refuseBytes(field.type, [...path, field.name]);
}

function fit(value: unknown, type: ElementType): unknown {
  if (value === null || value === undefined) {
    const allowed = value === null ? ALLOWS_NULL : ALLOWS_MISSING | ALLOWS_UNDEFINED;
    if ((type.nullability & allowed) !== 0 || type.type === 'any') return value;
    throw new ShapeError(type.type, value);
  }
  switch (type.type) {
    case 'int32':
      if (typeof value === 'number' && Object.is(value | 0, value)) return value;
      break;
    case 'float64':
      if (typeof value === 'number') return value;
      break;
    case 'boolean':
      if (typeof value === 'boolean') return value;
      break;
    case 'string':
      if (typeof value === 'string') return value;
      break;
    case 'bigint': {
      // Above 2^53 the number has lost digits before anybody could see them.
      if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
      if (typeof value === 'string' && /^-?\d+$/.test(value)) return BigInt(value);
      break;
    }
    case 'date': {
      const ms = typeof value === 'string' ? parseDate(value) : value;
      const date = new Date(typeof ms === 'number' ? ms : NaN);
      if (!Number.isNaN(date.getTime())) return date;
      break;
    }
    case 'list':
      if (Array.isArray(value)) return fitElements(value, type.element!);
      break;
    case 'struct':
      if (typeof value === 'object' && !Array.isArray(value)) {
        return fitFields(value as Record<string, unknown>, type.fields!);
      }
      break;
    default:
      return value;
  }
  throw new ShapeError(wantedText(type), value);
}

function fitFields(
  value: Record<string, unknown>,
  fields: NonNullable<ElementType['fields']>,
): Record<string, unknown> {
  for (const {name, type} of fields) {
    const before = value[name];
    const after = at(name, before, type);
    if (after !== before) value[name] = after;
  }
  return value;
}

function fitElements(values: unknown[], element: ElementType): unknown[] {
  for (let index = 0; index < values.length; index += 1) {
    const before = values[index];
    const after = at(String(index), before, element);
    if (after !== before) values[index] = after;
  }
  return values;
}

function at(name: string, value: unknown, type: ElementType): unknown {
  try {
    return fit(value, type);
  } catch (error) {
    if (error instanceof ShapeError) error.path.unshift(name);
    throw error;
  }
}

function wantedText({type}: ElementType): string {
  if (type === 'bigint') return 'bigint (a whole number up to 2^53, or digits as text)';
  if (type === 'date') return 'date (ISO 8601 as text, or milliseconds)';
  if (type === 'struct') return 'object';
  if (type === 'list') return 'array';
  return type;
}

/** What the message of a line says about a value that does not fit. */
export function shapeDetails({path, wanted, value}: ShapeError): Record<string, string> {
  const found = value === undefined ? '(missing)' : showValue(value);
  return {field: showPath(path), wanted, found};
}
