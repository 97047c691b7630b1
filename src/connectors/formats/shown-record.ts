/**
 * Records as one line for people: JSON, and in JSON's manner what JSON does not have. Records that JSON
 * can carry exactly are printed as exactly that, so that they can be piped into other tools.
 *
 *   {"id":1,"at":2024-02-29T12:00:00.000Z,"total":12n,"ratio":NaN,"tags":Set["a"],"note":undefined}
 */
import {inspect} from 'node:util';

const DEPTH_MAX = 64;
const BYTES_SHOWN_MAX = 64;

/** A record as text: strings as they are, everything else in one line. */
export function showRecord(record: unknown): string {
  if (typeof record === 'string') return record;
  if (typeof record === 'bigint') return String(record);
  return isExact(record, 0) ? JSON.stringify(record) : show(record, 0);
}

/** Whether JSON is all that there is to it. */
function isExact(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0);
    case 'object':
      return value === null || (depth < DEPTH_MAX && isExactObject(value, depth));
    default:
      return false;
  }
}

function isExactObject(value: object, depth: number): boolean {
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) {
      if (!isExact(value[index], depth + 1)) return false;
    }
    return true;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  if (typeof (value as {toJSON?: unknown}).toJSON === 'function') return false;
  for (const name in value) {
    if (!isExact((value as Record<string, unknown>)[name], depth + 1)) return false;
  }
  return true;
}

function show(value: unknown, depth: number): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value);
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value);
    case 'bigint':
      return `${value}n`;
    case 'object':
      if (value === null) return 'null';
      return depth < DEPTH_MAX ? showObject(value, depth + 1) : '…';
    case 'boolean':
    case 'undefined':
      return String(value);
    default:
      return inspect(value);
  }
}

function showObject(value: object, depth: number): string {
  if (Array.isArray(value)) return showAll('[', value, ']', depth);
  if (value instanceof Date) {
    return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  }
  if (value instanceof Map) {
    const entries = [...value].map(([key, each]) => `${show(key, depth)}=>${show(each, depth)}`);
    return `Map{${entries.join(',')}}`;
  }
  if (value instanceof Set) return showAll('Set[', [...value], ']', depth);
  if (value instanceof Uint8Array) {
    const hex = Buffer.from(value.subarray(0, BYTES_SHOWN_MAX)).toString('hex');
    return `bytes<${hex}${value.length > BYTES_SHOWN_MAX ? '…' : ''}>`;
  }
  if (Object.prototype.toString.call(value) !== '[object Object]') {
    return inspect(value, {breakLength: Infinity, compact: true});
  }
  const fields = Object.entries(value).map(
    ([name, each]) => `${JSON.stringify(name)}:${show(each, depth)}`,
  );
  return `{${fields.join(',')}}`;
}

function showAll(open: string, values: readonly unknown[], close: string, depth: number): string {
  return open + values.map(each => show(each, depth)).join(',') + close;
}
