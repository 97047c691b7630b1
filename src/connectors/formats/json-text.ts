/**
 * Values as JSON, without silent loss: what JSON cannot carry is refused, with the name of the field.
 * `JSON.stringify` alone throws at a bigint without saying where, and makes `{}` of a Map.
 *
 * What passes although it does not come back as it was: NaN and the infinities become null, as does
 * undefined in an array; undefined fields are left out; -0 becomes 0; a Date, and any object with a
 * `toJSON` of its own, becomes what that returns; an object of a class becomes its fields.
 */
import {StreamError, showValue} from '../../base/errors.ts';
import {showPath} from '../../records/schema.ts';

/** Records are trees; what is deeper than this is taken for a circle. */
const DEPTH_MAX = 512;

/**
 * `value` as one line of JSON.
 *
 * Errors: `E_SINK_VALUE` for bigints, functions, symbols, Maps, Sets, bytes, errors, …, for undefined
 * as a whole value, and for circles.
 */
export function jsonLine(value: unknown): string {
  if (value === undefined || !isCarried(value, 0)) throw refusal(value);
  return JSON.stringify(value);
}

function isCarried(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'boolean':
    case 'undefined':
      return true;
    case 'object':
      return value === null || (depth < DEPTH_MAX && isCarriedObject(value, depth));
    default:
      return false;
  }
}

function isCarriedObject(value: object, depth: number): boolean {
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) {
      if (!isCarried(value[index], depth + 1)) return false;
    }
    return true;
  }
  if (isOpaque(value)) return false;
  if (typeof (value as {toJSON?: unknown}).toJSON === 'function') return true;
  for (const name in value) {
    if (!isCarried((value as Record<string, unknown>)[name], depth + 1)) return false;
  }
  return true;
}

/** Whether an object has content that is not in its fields. */
function isOpaque(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null || Array.isArray(value)) return false;
  // A Buffer has a `toJSON`, of which nobody thinks when a record holds bytes.
  if (ArrayBuffer.isView(value)) return true;
  if (typeof (value as {toJSON?: unknown}).toJSON === 'function') return false;
  return Object.prototype.toString.call(value) !== '[object Object]';
}

function refusal(value: unknown): StreamError {
  const path: string[] = [];
  let found = value;
  // Down to the innermost value that is refused.
  while (typeof found === 'object' && found !== null && !isOpaque(found)) {
    if (path.length === DEPTH_MAX) {
      return new StreamError(
        'E_SINK_VALUE',
        'a value is nested too deep for JSON, or in a circle',
        {field: showPath(path.slice(0, 8)), levels: DEPTH_MAX},
        {remedy: 'map the records to flat ones'},
      );
    }
    const inner = Object.entries(found).find(([, each]) => !isCarried(each, path.length + 1));
    if (inner === undefined) break;
    path.push(inner[0]);
    found = inner[1];
  }
  const type =
    typeof found === 'object' && found !== null
      ? (found.constructor?.name ?? 'object')
      : typeof found;
  return new StreamError(
    'E_SINK_VALUE',
    'JSON cannot carry a value',
    {field: showPath(path), type, value: showValue(found)},
    {remedy: 'turn it into text, numbers, arrays or plain objects in a map'},
  );
}
