/**
 * Frees what goes into state from the batch that it came in: a text that was read out of a batch is a slice
 * of the batch's whole text and would keep it alive for as long as the state lives. Looks one level deep
 * into plain objects and arrays and puts an equal text there, which nobody can tell from the one before.
 */
import {isPlainObject} from '../records/any-codec.ts';
import {flattenString} from '../records/flatten.ts';

/** Shorter texts are never slices. */
const SLICE_LENGTH_MIN = 13;

const ELEMENTS_MAX = 64;

/** `value`, with texts of its own. */
export function ownTexts(value: unknown): unknown {
  if (typeof value === 'string') return flattenString(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    if (value.length <= ELEMENTS_MAX) ownElements(value);
  } else if (isPlainObject(value)) {
    ownFields(value);
  }
  return value;
}

function ownFields(record: Record<string, unknown>): void {
  for (const name in record) {
    const field = record[name];
    if (typeof field !== 'string' || field.length < SLICE_LENGTH_MIN) continue;
    if (!isWritable(record, name)) return;
    record[name] = flattenString(field);
  }
}

function ownElements(values: unknown[]): void {
  for (let index = 0; index < values.length; index += 1) {
    const element = values[index];
    if (typeof element !== 'string' || element.length < SLICE_LENGTH_MIN) continue;
    if (!isWritable(values, index)) return;
    values[index] = flattenString(element);
  }
}

/** False for what is frozen, and for fields that are computed. */
function isWritable(target: object, name: PropertyKey): boolean {
  return Object.getOwnPropertyDescriptor(target, name)?.writable === true;
}
