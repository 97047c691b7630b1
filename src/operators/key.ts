/**
 * Finding the key of a record, in the two forms that everything in a chain has: a function, and source
 * text. A key that is a field is read as a column where records come as columns.
 */
import {propertyText} from '../records/compiler.ts';
import type {ChainCode, RecordText} from './chain-code.ts';
import {parameterUse} from './function-text.ts';
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

/** The key of a record as an expression: a column where it can be, so that no record is built for it. */
export function keyText(code: ChainCode, record: RecordText, key: KeyReader): string {
  const {selector} = key;
  if (selector.kind === 'function') {
    return key.text(record.argument(parameterUse(selector.fn, 0)), value => code.bind(value));
  }
  const columns = selector.paths.map(path => record.column(path)?.text);
  if (columns.every(text => text !== undefined)) {
    return columns.length === 1 ? columns[0]! : `[${columns.join(', ')}]`;
  }
  // Some may be null, or are no columns at all.
  return key.text(record.value(), value => code.bind(value));
}
