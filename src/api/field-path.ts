/**
 * Types of field paths: `'price'`, `'user.id'`, checked by TypeScript against the type of the records, so
 * that `keyBy('nope')` is a compile error; and the way from a path as text to a path as the engine has
 * it, an array of names. A name that holds a dot cannot be written as a path: use a function for it.
 */
import {StreamError, showValue} from '../base/errors.ts';
import type {KeySelector} from '../operators/operator.ts';
import {probeKeySelector} from '../records/key-path.ts';

/** What can be a key: it has a hash that is the same everywhere and always. */
export type Key = string | number | boolean | bigint | Date | readonly Key[];

/** What `sum` can add. */
export type Summable = number | bigint;

/** What `min`, `max`, `minBy` and `maxBy` can compare. */
export type Ordered = number | bigint | string | boolean | Date;

type IsAny<T> = 0 extends 1 & T ? true : false;

/** Values that have no fields worth a path. */
type Opaque =
  | string
  | number
  | boolean
  | bigint
  | symbol
  | null
  | undefined
  | Date
  | Uint8Array
  | readonly unknown[]
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>
  | ((...args: never) => unknown);

/** Depths counted down, because a record type may contain itself. */
type Below = [never, 0, 1, 2, 3];

/** Paths to those fields of `T` whose values are of type `V`, at most five names deep. */
export type FieldPath<T, V, Depth extends number = 4> =
  IsAny<T> extends true
    ? string
    : [T] extends [Opaque]
      ? never
      : {
          [K in keyof T & string]-?:
            | (NonNullable<T[K]> extends V ? K : never)
            | ([Depth] extends [0]
                ? never
                : `${K}.${FieldPath<NonNullable<T[K]>, V, Below[Depth]>}`);
        }[keyof T & string];

/** Paths that `keyBy` takes. */
export type KeyPath<T> = FieldPath<T, Key>;

/** The type of the value at a path. Of `unknown` it is not known; so a stream of `T` is one of `unknown`. */
export type PathValue<T, P> =
  IsAny<T> extends true
    ? any
    : unknown extends T
      ? unknown
      : P extends keyof T
        ? T[P]
        : P extends `${infer K}.${infer Rest}`
          ? K extends keyof T
            ? PathValue<NonNullable<T[K]>, Rest>
            : never
          : never;

/** The names of a path that is written with dots. Errors: `E_API_PATH` if it is not a path. */
export function parsePath(operation: string, path: unknown): string[] {
  const names = typeof path === 'string' ? path.split('.') : [];
  if (names.length > 0 && names.every(name => name !== '')) return names;
  throw new StreamError(
    'E_API_PATH',
    `${operation} needs the name of a field`,
    {field: showValue(path)},
    {remedy: "write a name, or a path such as 'user.id'; use a function for names with dots"},
  );
}

/**
 * The key that the arguments of `keyBy` describe. A function that does nothing but read a field becomes
 * the path of that field, so that the engine compares columns and builds no record.
 */
export function parseKey(operation: string, args: readonly unknown[]): KeySelector {
  const [first] = args;
  if (typeof first === 'function' && args.length === 1) {
    const fn = first as (value: unknown) => unknown;
    const path = probeKeySelector(fn);
    return path === undefined ? {kind: 'function', fn} : {kind: 'fields', paths: [path]};
  }
  if (args.length === 0) parsePath(operation, undefined);
  return {kind: 'fields', paths: args.map(arg => parsePath(operation, arg))};
}
