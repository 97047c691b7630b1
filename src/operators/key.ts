/**
 * Finding the key of a record, in the two forms that everything in a chain has: a function, and source
 * text. A key that is a field is read as a column where records come as columns.
 */
import {propertyText} from '../records/compiler.ts';
import type {KeySelector} from './operator.ts';

/** Reads the value at `path`; undefined where an object on the way is missing. */
export function readPath(value: unknown, path: readonly string[]): unknown {
  let current: unknown = value;
  for (const name of path) {
    if (current === null || current === undefined) return undefined;
    current = (current as Record<string, unknown>)[name];
  }
  return current;
}

function pathText(value: string, path: readonly string[]): string {
  return path.reduce((object, name) => propertyText(`${object}?.`, name), value);
}

/** A key selector in both forms. Checks nothing: a bad key is refused where it is hashed. */
export interface KeyReader {
  readonly selector: KeySelector;
  /** The path, where the key is one field; an empty one is the record itself. */
  readonly path: readonly string[] | undefined;
  select(value: unknown): unknown;
  text(value: string, bind: (value: unknown) => string): string;
}

export function keyReader(selector: KeySelector): KeyReader {
  if (selector.kind === 'function') {
    const {fn} = selector;
    return {
      selector,
      path: undefined,
      select: fn,
      text: (value, bind) => `${bind(fn)}(${value})`,
    };
  }
  const {paths} = selector;
  if (paths.length === 1) {
    const path = paths[0]!;
    return {
      selector,
      path,
      select: value => readPath(value, path),
      text: value => pathText(value, path),
    };
  }
  return {
    selector,
    path: undefined,
    select: value => paths.map(path => readPath(value, path)),
    text: value => `[${paths.map(path => pathText(value, path)).join(', ')}]`,
  };
}
