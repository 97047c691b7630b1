/**
 * What a declared schema leaves of a record: the fields that it names. Batches do that by storing no
 * other columns; a record that is too large for a batch goes through here. Pure function.
 */
import {isPlainObject} from '../records/any-codec.ts';
import type {RecordSchema} from '../records/schema.ts';

/** `value` without the fields that `schema` does not name. */
export function project(schema: RecordSchema, value: unknown): unknown {
  if (schema.kind !== 'record' || !isPlainObject(value)) return value;
  const result: Record<string, unknown> = {};
  for (const {path, type} of schema.columns) {
    let source: Record<string, unknown> = value;
    let target = result;
    for (const [depth, name] of path.entries()) {
      if (!Object.hasOwn(source, name)) break;
      const inner = source[name];
      const isLeaf = depth === path.length - 1 && type !== 'struct';
      if (isLeaf || !isPlainObject(inner)) {
        target[name] = inner;
        break;
      }
      target[name] ??= {};
      target = target[name] as Record<string, unknown>;
      source = inner;
    }
  }
  return result;
}
