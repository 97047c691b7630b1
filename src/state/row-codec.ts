/**
 * How a value of fixed width lies in the lanes of a row: a number in one lane, or a plain record whose
 * fields are numbers and booleans, one lane each. What is read is built anew each time, so a state in
 * lanes and its user never share an object. Pure; any thread.
 *
 * A codec comes from a declared schema, which is a contract (fields that it does not name are left
 * out, as in streams), or from the first value, which the next one may break: then `fits` says no, and the
 * store moves to the heap. Records are taken apart by generated code where that is allowed.
 */
import {StreamError, showValue} from '../base/errors.ts';
import {isPlainObject} from '../records/any-codec.ts';
import {compileFactory, isCodeGenerationAllowed, propertyText, quote} from '../records/compiler.ts';
import {isInheritedName, type RecordSchema} from '../records/schema.ts';

/** Wider records stay on the heap: rows would get long. */
const FIELDS_MAX = 16;

type FieldKind = 'number' | 'int32' | 'boolean';

export interface RowCodec {
  readonly isNumber: boolean;
  readonly laneCount: number;
  /** Declared by the user: a value that does not fit is a mistake. */
  readonly isDeclared: boolean;
  fits(value: unknown): boolean;
  read(lanes: Float64Array, at: number): unknown;
  /** Writes `value` if it fits, and says whether it did. */
  write(lanes: Float64Array, at: number, value: unknown): boolean;
}

/** The codec of a declared schema, or undefined if its values have no fixed width. */
export function codecOfSchema(schema: RecordSchema): RowCodec | undefined {
  const fields: Array<[string, FieldKind]> = [];
  for (const {path, type, nullability} of schema.columns) {
    if (nullability !== 0) return undefined;
    const kind = type === 'float64' ? 'number' : type;
    if (kind !== 'number' && kind !== 'int32' && kind !== 'boolean') return undefined;
    if (schema.kind === 'value') return kind === 'boolean' ? undefined : numberCodec(true);
    if (path.length !== 1) return undefined;
    fields.push([path[0]!, kind]);
  }
  return fields.length > FIELDS_MAX ? undefined : recordCodec(fields, true);
}

/** The narrowest codec of `value`, or undefined if it belongs on the heap. */
export function codecOfValue(value: unknown): RowCodec | undefined {
  if (typeof value === 'number') return numberCodec(false);
  if (!isPlainObject(value)) return undefined;
  const names = Object.keys(value);
  if (names.length === 0 || names.length > FIELDS_MAX || names.some(isInheritedName)) {
    return undefined;
  }
  if (Object.getOwnPropertySymbols(value).length > 0) return undefined;
  const fields: Array<[string, FieldKind]> = [];
  for (const name of names) {
    const kind = typeof value[name];
    if (kind !== 'number' && kind !== 'boolean') return undefined;
    fields.push([name, kind]);
  }
  return recordCodec(fields, false);
}

/** Errors: `E_STATE_SCHEMA`, for a value that does not fit the schema of its state. */
export function refuseValue(state: string, value: unknown): never {
  throw new StreamError(
    'E_STATE_SCHEMA',
    'a value does not fit the schema of its state',
    {state, value: showValue(value)},
    {remedy: 'correct the schema of the descriptor, or leave it out'},
  );
}

function numberCodec(isDeclared: boolean): RowCodec {
  return {
    isNumber: true,
    laneCount: 1,
    isDeclared,
    fits: value => typeof value === 'number',
    read: (lanes, at) => lanes[at],
    write: (lanes, at, value) => {
      if (typeof value !== 'number') return false;
      lanes[at] = value;
      return true;
    },
  };
}

function recordCodec(
  fields: ReadonlyArray<readonly [name: string, kind: FieldKind]>,
  isDeclared: boolean,
): RowCodec {
  const shape = {isNumber: false, laneCount: fields.length, isDeclared};
  return isCodeGenerationAllowed()
    ? {...shape, ...compileCodec(fields, isDeclared)}
    : {...shape, ...interpretCodec(fields, isDeclared)};
}

type Methods = Pick<RowCodec, 'fits' | 'read' | 'write'>;

/** A field out of a lane. As an int32 it needs no object of its own, which a double in a record does. */
const READ: Readonly<Record<FieldKind, (lane: string) => string>> = {
  number: lane => lane,
  int32: lane => `${lane} | 0`,
  boolean: lane => `${lane} === 1`,
};

/** -0 is no int32. */
const IS_TYPED: Readonly<Record<FieldKind, (field: string) => string>> = {
  number: field => `typeof ${field} === 'number'`,
  int32: field => `Object.is(${field} | 0, ${field})`,
  boolean: field => `typeof ${field} === 'boolean'`,
};

/** Equal shapes share their code. */
const compiled = new Map<string, Methods>();

function compileCodec(
  fields: ReadonlyArray<readonly [string, FieldKind]>,
  isDeclared: boolean,
): Methods {
  const id = JSON.stringify([isDeclared, fields]);
  const known = compiled.get(id);
  if (known !== undefined) return known;
  const built = fields.map(([name, kind], index) => {
    const lane = `lanes[at + ${index}]`;
    return `${quote(name)}: ${READ[kind](lane)}`;
  });
  // Each field is read once.
  const taken = fields.map(([name], index) => `const f${index} = ${propertyText('value', name)};`);
  const isTyped = fields.map(([, kind], index) => IS_TYPED[kind](`f${index}`));
  const written = fields.map(
    ([, kind], index) =>
      `lanes[at + ${index}] = ${kind === 'boolean' ? `f${index} ? 1 : 0` : `f${index}`};`,
  );
  const check = `
    if (typeof value !== 'object' || value === null) return false;
    ${taken.join(' ')}
    if (!(${isTyped.join(' && ')})) return false;
    ${
      isDeclared
        ? ''
        : `if (prototypeOf(value) !== objectPrototype) return false;
           let count = 0;
           for (const _ in value) count += 1;
           if (count !== ${fields.length}) return false;`
    }`;
  const methods = compileFactory<Methods>(
    'millrace/state-row',
    ['prototypeOf', 'objectPrototype'],
    `return {
      fits(value) { ${check} return true; },
      read(lanes, at) { return {${built.join(', ')}}; },
      write(lanes, at, value) { ${check} ${written.join(' ')} return true; },
    };`,
  )(Object.getPrototypeOf, Object.prototype);
  compiled.set(id, methods);
  return methods;
}

function interpretCodec(
  fields: ReadonlyArray<readonly [string, FieldKind]>,
  isDeclared: boolean,
): Methods {
  const fits = (value: unknown): boolean => {
    if (typeof value !== 'object' || value === null) return false;
    const record = value as Record<string, unknown>;
    if (!fields.every(([name, kind]) => isOfKind(record[name], kind))) return false;
    return isDeclared || (isPlainObject(value) && Object.keys(value).length === fields.length);
  };
  return {
    fits,
    read(lanes, at) {
      const record: Record<string, unknown> = {};
      for (const [index, [name, kind]] of fields.entries()) {
        const lane = lanes[at + index]!;
        record[name] = kind === 'boolean' ? lane === 1 : lane;
      }
      return record;
    },
    write(lanes, at, value) {
      if (!fits(value)) return false;
      for (const [index, [name, kind]] of fields.entries()) {
        const field = (value as Record<string, unknown>)[name];
        lanes[at + index] = kind === 'boolean' ? (field === true ? 1 : 0) : (field as number);
      }
      return true;
    },
  };
}

function isOfKind(field: unknown, kind: FieldKind): boolean {
  if (kind === 'int32') return typeof field === 'number' && Object.is(field | 0, field);
  return typeof field === kind;
}
