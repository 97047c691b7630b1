/**
 * Finding the key of a record, in the two forms that everything in a chain has: a function, and source
 * text. A key that is a field is read as a column where records come as columns.
 */
import {StreamError, showValue} from '../base/errors.ts';
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
  return path.reduce((object, name, index) => {
    if (index === 0) return propertyText(object, name);
    return `${object}?.${propertyText('', name)}`;
  }, value);
}

/** A key selector in both forms. Checks nothing: a bad key is refused where it is hashed. */
export interface KeyReader {
  readonly selector: KeySelector;
  select(value: unknown): unknown;
  text(value: string, bind: (value: unknown) => string): string;
}

export function keyReader(selector: KeySelector): KeyReader {
  if (selector.kind === 'function') {
    const {fn} = selector;
    return {selector, select: fn, text: (value, bind) => `${bind(fn)}(${value})`};
  }
  const {paths} = selector;
  if (paths.length === 1) {
    const path = paths[0]!;
    return {
      selector,
      select: value => readPath(value, path),
      text: value => pathText(value, path),
    };
  }
  return {
    selector,
    select: value => paths.map(path => readPath(value, path)),
    text: value => `[${paths.map(path => pathText(value, path)).join(', ')}]`,
  };
}

/** Refuses a key that has no hash, where a keyed operator meets it. */
export function badKey(key: unknown): StreamError {
  return new StreamError(
    'E_KEY_INVALID',
    'a record has a key that cannot be hashed',
    {key: showValue(key)},
    {remedy: 'filter such records out before keyBy, or give them a key of their own'},
  );
}
