/**
 * A self-describing encoding of single values: for columns of type any, list, bigint, and for records
 * that are too large for a segment. It carries everything that a record may hold and refuses the rest
 * with an error that names the place; nothing is changed on the way.
 *
 * A value is a tag byte and what the tag says. Counts and int32 are variable-length (7 bits per
 * byte). Texts are Latin-1 where one byte per unit suffices, else UTF-16, so lone surrogates
 * survive. Arrays of int32, of float64 and of strings have packed forms.
 *
 * An object is the list of its names, as one run of bytes with its length in front, and the values.
 * Lists repeat: the encoder finds the bytes of a list it has met, the decoder finds the names by the
 * bytes, and builds objects of frequent lists by generated code. Both are only caches, every value can
 * be read by itself.
 *
 * A library was measured and lost (bench/micro/codecs.ts, docs/internals/records.md): msgpackr changes
 * -0, sparse arrays, lone surrogates, `__proto__`, class instances and functions silently. Each value
 * would have to be walked first, and the walk is what this encoder costs.
 */
import {assert} from '../base/assert.ts';
import {StreamError, showValue} from '../base/errors.ts';
import {compileFactory, isCodeGenerationAllowed, quote} from './compiler.ts';
import {showPath} from './schema.ts';

const UNDEFINED = 0;
const NULL = 1;
const FALSE = 2;
const TRUE = 3;
const INT32 = 4;
const FLOAT64 = 5;
const LATIN1 = 6;
const UTF16 = 7;
const BIGINT = 8;
const DATE = 9;
const BYTES = 10;
const BUFFER = 11;
const ARRAY = 12;
const SPARSE_ARRAY = 13;
const INT32_ARRAY = 14;
const FLOAT64_ARRAY = 15;
const OBJECT = 16;
const NULL_OBJECT = 17;
const MAP = 18;
const SET = 19;
const REGEXP = 20;
const TYPED_ARRAY = 21;
const ARRAY_BUFFER = 22;
const DATA_VIEW = 23;

/** Beyond this depth a value is taken for cyclic. */
const DEPTH_MAX = 500;

/** Texts up to this length are written by a loop; a call to the buffer costs more. */
const LOOP_LENGTH_MAX = 24;

/** Lists of names that the encoder remembers. */
const SHAPE_COUNT_MAX = 1024;

/** Places in the decoder's cache of lists of names; a power of two. */
const SHAPE_CACHE_SIZE = 256;

/** Objects of one list before building them is compiled. */
const COMPILED_AFTER = 32;

const WIDE = /[^\0-\xff]/;

/** A list of names and its bytes. */
interface NameList {
  readonly names: readonly string[];
  readonly encoded: Uint8Array;
}

/** What the decoder knows about a list of names. */
interface KnownList {
  readonly encoded: Uint8Array;
  readonly names: readonly string[];
  uses: number;
  build: (() => Record<string, unknown>) | undefined;
}

/** Reading a short text through the public `toString` takes twice as long. */
type Slicing = Buffer & {latin1Slice(start: number, end: number): string};

const TYPED_ARRAYS: ReadonlyArray<{
  readonly prototype: object;
  readonly create: (buffer: ArrayBuffer) => NodeJS.TypedArray;
}> = [
  {prototype: Int8Array.prototype, create: buffer => new Int8Array(buffer)},
  {prototype: Uint8ClampedArray.prototype, create: buffer => new Uint8ClampedArray(buffer)},
  {prototype: Int16Array.prototype, create: buffer => new Int16Array(buffer)},
  {prototype: Uint16Array.prototype, create: buffer => new Uint16Array(buffer)},
  {prototype: Int32Array.prototype, create: buffer => new Int32Array(buffer)},
  {prototype: Uint32Array.prototype, create: buffer => new Uint32Array(buffer)},
  {prototype: Float32Array.prototype, create: buffer => new Float32Array(buffer)},
  {prototype: Float64Array.prototype, create: buffer => new Float64Array(buffer)},
  {prototype: BigInt64Array.prototype, create: buffer => new BigInt64Array(buffer)},
  {prototype: BigUint64Array.prototype, create: buffer => new BigUint64Array(buffer)},
];

const DOUBLE = new Float64Array(1);
const DOUBLE_BYTES = new Uint8Array(DOUBLE.buffer);

/** Whether `value` is a number that an int32 carries without loss; -0 is not. */
export function isInt32(value: unknown): value is number {
  return typeof value === 'number' && (value | 0) === value && (value !== 0 || 1 / value > 0);
}

/** Whether `value` is an object with the prototype of `{}`. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
  );
}

/** The error for a value that cannot be carried. */
export function encodingError(path: readonly string[], value: unknown, why: string): StreamError {
  return new StreamError(
    'E_RECORD_ENCODING',
    'a record holds a value that cannot be carried',
    {field: showPath(path), value: showRefused(value), reason: why},
    {remedy: 'map it to plain data before it is sent'},
  );
}

function showRefused(value: unknown): string {
  if (typeof value === 'function') return `function ${value.name || '(anonymous)'}`;
  if (typeof value === 'object' && value !== null) {
    const name = (value as {constructor?: {name?: unknown}}).constructor?.name;
    if (typeof name === 'string' && name !== 'Object') return `${name} ${showValue(value)}`;
  }
  return showValue(value);
}

/** Encodes values one after another into a buffer that grows. */
export class ValueEncoder {
  #buffer: Buffer;
  #position = 0;
  #depth = 0;
  #path: string[] = [];
  /** Lists of names by their first name. */
  readonly #lists = new Map<string, NameList[]>();
  #listCount = 0;

  constructor(initialSizeBytes = 1024) {
    this.#buffer = Buffer.allocUnsafeSlow(initialSizeBytes);
  }

  /** Bytes written since the last `reset`. */
  get position(): number {
    return this.#position;
  }

  /** The memory written to; it moves when it grows, so read it after encoding. */
  get buffer(): Buffer {
    return this.#buffer;
  }

  /** Forgets what was written. */
  reset(): void {
    this.#position = 0;
  }

  /** Gives memory back that one large value needed. */
  shrink(): void {
    this.#buffer = Buffer.allocUnsafeSlow(1024);
    this.#position = 0;
  }

  /**
   * Appends `value` and returns the position behind it. `path` is where the value lies in its record.
   *
   * Errors: `E_RECORD_ENCODING` with the path of the offending part; then nothing was appended.
   */
  encode(value: unknown, path: readonly string[] = []): number {
    const start = this.#position;
    this.#depth = 0;
    try {
      this.#value(value);
    } catch (error) {
      this.#position = start;
      const inner = this.#path;
      this.#path = [];
      if (error instanceof Refusal) {
        throw encodingError([...path, ...inner], error.value, error.why);
      }
      throw error;
    }
    return this.#position;
  }

  /** Appends the bytes of a column of type bytes: one byte that tells Buffers apart, then the data. */
  encodeBytes(value: Uint8Array): number {
    this.#reserve(1 + value.length);
    this.#buffer[this.#position++] = Object.getPrototypeOf(value) === Buffer.prototype ? 1 : 0;
    this.#buffer.set(value, this.#position);
    this.#position += value.length;
    return this.#position;
  }

  #reserve(count: number): void {
    const needed = this.#position + count;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#buffer.length));
    larger.set(this.#buffer.subarray(0, this.#position));
    this.#buffer = larger;
  }

  #tag(tag: number): void {
    this.#reserve(16);
    this.#buffer[this.#position++] = tag;
  }

  #count(value: number): void {
    this.#reserve(5);
    const buffer = this.#buffer;
    while (value > 127) {
      buffer[this.#position++] = (value & 127) | 128;
      value >>>= 7;
    }
    buffer[this.#position++] = value;
  }

  #double(value: number): void {
    DOUBLE[0] = value;
    const buffer = this.#buffer;
    const position = this.#position;
    for (let i = 0; i < 8; i += 1) buffer[position + i] = DOUBLE_BYTES[i]!;
    this.#position = position + 8;
  }

  #text(text: string): void {
    const {length} = text;
    if (length <= LOOP_LENGTH_MAX) {
      this.#reserve(2 + length);
      const buffer = this.#buffer;
      const start = this.#position;
      let all = 0;
      for (let i = 0; i < length; i += 1) {
        const unit = text.charCodeAt(i);
        all |= unit;
        buffer[start + 2 + i] = unit;
      }
      if (all <= 0xff) {
        buffer[start] = LATIN1;
        buffer[start + 1] = length;
        this.#position = start + 2 + length;
        return;
      }
    }
    const isWide = WIDE.test(text);
    const sizeBytes = isWide ? 2 * length : length;
    this.#tag(isWide ? UTF16 : LATIN1);
    this.#count(length);
    this.#reserve(sizeBytes);
    this.#buffer.write(text, this.#position, sizeBytes, isWide ? 'utf16le' : 'latin1');
    this.#position += sizeBytes;
  }

  #raw(tag: number, source: Uint8Array): void {
    this.#tag(tag);
    this.#count(source.length);
    this.#reserve(source.length);
    this.#buffer.set(source, this.#position);
    this.#position += source.length;
  }

  #value(value: unknown): void {
    switch (typeof value) {
      case 'number':
        if (isInt32(value)) {
          this.#tag(INT32);
          this.#count(((value << 1) ^ (value >> 31)) >>> 0);
        } else {
          this.#tag(FLOAT64);
          this.#double(value);
        }
        return;
      case 'string':
        this.#text(value);
        return;
      case 'boolean':
        this.#tag(value ? TRUE : FALSE);
        return;
      case 'undefined':
        this.#tag(UNDEFINED);
        return;
      case 'bigint':
        this.#bigint(value);
        return;
      case 'object':
        if (value === null) this.#tag(NULL);
        else this.#object(value);
        return;
      default:
        throw new Refusal(value, `a ${typeof value} is not data`);
    }
  }

  #bigint(value: bigint): void {
    const isNegative = value < 0n;
    const digits = (isNegative ? -value : value).toString(16);
    this.#tag(BIGINT);
    this.#reserve(1);
    this.#buffer[this.#position++] = isNegative ? 1 : 0;
    this.#count(digits.length);
    this.#reserve(digits.length);
    this.#buffer.write(digits, this.#position, digits.length, 'latin1');
    this.#position += digits.length;
  }

  #object(value: object): void {
    this.#depth += 1;
    if (this.#depth > DEPTH_MAX) {
      this.#path = this.#path.slice(0, 8);
      throw new Refusal(value, `it is cyclic, or nested deeper than ${DEPTH_MAX} levels`);
    }
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === Object.prototype) this.#fields(OBJECT, value as Record<string, unknown>);
    else if (prototype === Array.prototype && Array.isArray(value)) this.#array(value);
    else if (prototype === null) this.#fields(NULL_OBJECT, value as Record<string, unknown>);
    else this.#special(value, prototype);
    this.#depth -= 1;
  }

  #fields(tag: number, value: Record<string, unknown>): void {
    const names = Object.keys(value);
    refuseHidden(value, names.length);
    const {encoded} = this.#listOf(names);
    this.#tag(tag);
    this.#count(encoded.length);
    this.#reserve(encoded.length);
    const buffer = this.#buffer;
    const start = this.#position;
    for (let i = 0; i < encoded.length; i += 1) buffer[start + i] = encoded[i]!;
    this.#position = start + encoded.length;
    for (const name of names) {
      this.#path.push(name);
      this.#value(value[name]);
      this.#path.pop();
    }
  }

  #listOf(names: string[]): NameList {
    const first = names.length === 0 ? '' : names[0]!;
    let lists = this.#lists.get(first);
    if (lists !== undefined) {
      for (const list of lists) if (areEqual(list.names, names)) return list;
    }
    if (this.#listCount >= SHAPE_COUNT_MAX) {
      this.#lists.clear();
      this.#listCount = 0;
      lists = undefined;
    }
    const encoder = new ValueEncoder(256);
    for (const name of names) encoder.#text(name);
    const list = {names, encoded: new Uint8Array(encoder.#buffer.subarray(0, encoder.#position))};
    if (lists === undefined) this.#lists.set(first, [list]);
    else lists.push(list);
    this.#listCount += 1;
    return list;
  }

  #array(value: unknown[]): void {
    const {length} = value;
    let present = 0;
    let int32Count = 0;
    let doubleCount = 0;
    for (let i = 0; i < length; i += 1) {
      const element = value[i];
      if (element === undefined && !Object.hasOwn(value, i)) continue;
      present += 1;
      if (typeof element === 'number') {
        if (isInt32(element)) int32Count += 1;
        else doubleCount += 1;
      }
      // An array that is nearly empty is walked by its keys instead.
      if (i > 1024 && present < i >> 4) break;
    }
    if (present < length) return this.#sparse(value);
    if (Object.keys(value).length !== length) {
      throw new Refusal(value, 'the array has named properties that would be lost');
    }
    refuseSymbols(value);
    if (length > 1 && int32Count === length) {
      this.#tag(INT32_ARRAY);
      this.#count(length);
      this.#reserve(5 * length);
      for (let i = 0; i < length; i += 1) {
        const element = value[i] as number;
        this.#count(((element << 1) ^ (element >> 31)) >>> 0);
      }
      return;
    }
    if (length > 1 && int32Count + doubleCount === length) {
      this.#tag(FLOAT64_ARRAY);
      this.#count(length);
      this.#reserve(8 * length);
      for (let i = 0; i < length; i += 1) this.#double(value[i] as number);
      return;
    }
    this.#tag(ARRAY);
    this.#count(length);
    for (let i = 0; i < length; i += 1) {
      this.#path.push(String(i));
      this.#value(value[i]);
      this.#path.pop();
    }
  }

  #sparse(value: unknown[]): void {
    const names = Object.keys(value);
    for (const name of names) {
      if (String(Number(name) >>> 0) !== name) {
        throw new Refusal(value, `the array has the named property ${showValue(name)}`);
      }
    }
    refuseSymbols(value);
    this.#tag(SPARSE_ARRAY);
    this.#count(value.length);
    this.#count(names.length);
    for (const name of names) {
      this.#count(Number(name));
      this.#path.push(name);
      this.#value(value[Number(name)]);
      this.#path.pop();
    }
  }

  #special(value: object, prototype: unknown): void {
    switch (prototype) {
      case Date.prototype:
        refuseHidden(value, 0);
        this.#tag(DATE);
        this.#double((value as Date).getTime());
        return;
      case Uint8Array.prototype:
        refuseNamed(value as Uint8Array);
        this.#raw(BYTES, value as Uint8Array);
        return;
      case Buffer.prototype:
        refuseNamed(value as Uint8Array);
        this.#raw(BUFFER, value as Uint8Array);
        return;
      case Map.prototype: {
        const map = value as Map<unknown, unknown>;
        refuseHidden(map, 0);
        this.#tag(MAP);
        this.#count(map.size);
        for (const [key, inner] of map) {
          this.#path.push('(key)');
          this.#value(key);
          this.#path[this.#path.length - 1] = typeof key === 'string' ? key : '(value)';
          this.#value(inner);
          this.#path.pop();
        }
        return;
      }
      case Set.prototype: {
        const set = value as Set<unknown>;
        refuseHidden(set, 0);
        this.#tag(SET);
        this.#count(set.size);
        this.#path.push('(element)');
        for (const element of set) this.#value(element);
        this.#path.pop();
        return;
      }
      case RegExp.prototype: {
        const expression = value as RegExp;
        refuseHidden(expression, 1);
        this.#tag(REGEXP);
        this.#text(expression.source);
        this.#text(expression.flags);
        this.#value(expression.lastIndex);
        return;
      }
      case ArrayBuffer.prototype:
        refuseHidden(value, 0);
        if ((value as ArrayBuffer).resizable) throw new Refusal(value, 'it is resizable');
        this.#raw(ARRAY_BUFFER, new Uint8Array(value as ArrayBuffer));
        return;
      case DataView.prototype: {
        const view = value as DataView;
        refuseHidden(view, 0);
        this.#raw(DATA_VIEW, new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
        return;
      }
    }
    const kind = TYPED_ARRAYS.findIndex(entry => entry.prototype === prototype);
    if (kind < 0) throw new Refusal(value, 'an instance of a class is not plain data');
    const view = value as NodeJS.TypedArray;
    refuseNamed(view);
    this.#tag(TYPED_ARRAY);
    this.#buffer[this.#position++] = kind;
    const {byteLength} = view;
    this.#count(byteLength);
    this.#reserve(byteLength);
    this.#buffer.set(new Uint8Array(view.buffer, view.byteOffset, byteLength), this.#position);
    this.#position += byteLength;
  }
}

function areEqual(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return false;
  return true;
}

/** Carries the refused part up to `encode`, which knows the path. */
class Refusal extends Error {
  readonly value: unknown;
  readonly why: string;

  constructor(value: unknown, why: string) {
    super(why);
    this.value = value;
    this.why = why;
  }
}

/** Refuses what `Object.keys` does not show: symbols, hidden properties, names on containers. */
function refuseHidden(value: object, expected: number): void {
  if (Object.getOwnPropertyNames(value).length !== expected) {
    throw new Refusal(value, 'it has hidden or extra properties that would be lost');
  }
  refuseSymbols(value);
}

/** `Reflect.ownKeys` would tell all at once, at twice the cost of both calls. */
function refuseSymbols(value: object): void {
  if (Object.getOwnPropertySymbols(value).length > 0) {
    throw new Refusal(value, 'it has symbol properties that would be lost');
  }
}

/** Refuses typed arrays with properties beside their elements. */
function refuseNamed(value: NodeJS.TypedArray): void {
  // Listing the keys of a large typed array is slow; those past the elements come last in `for in`.
  if (value.length <= 64) return refuseHidden(value, value.length);
  refuseSymbols(value);
}

/** Reads what `ValueEncoder` wrote. Keeps a position and a cache of name lists. */
export class ValueDecoder {
  #buffer: Buffer = Buffer.alloc(0);
  #position = 0;
  readonly #lists: Array<KnownList | undefined> = Array.from({length: SHAPE_CACHE_SIZE});
  readonly #next = (): unknown => this.#value();

  /** The value that starts at `start`. Everything returned has memory of its own. */
  decode(buffer: Buffer, start: number, end: number): unknown {
    this.#buffer = buffer;
    this.#position = start;
    const value = this.#value();
    assert(this.#position === end, 'a value ends where its column says');
    return value;
  }

  /** All values that `buffer` holds, one behind the other. */
  decodeAll(buffer: Buffer): unknown[] {
    this.#buffer = buffer;
    this.#position = 0;
    const values: unknown[] = [];
    while (this.#position < buffer.length) values.push(this.#value());
    assert(this.#position === buffer.length, 'the last value ends with the bytes');
    return values;
  }

  /** The counterpart of `encodeBytes`. */
  decodeBytes(buffer: Buffer, start: number, end: number): Uint8Array {
    const data = buffer.subarray(start + 1, end);
    return buffer[start] === 1 ? Buffer.from(data) : new Uint8Array(data);
  }

  #count(): number {
    const buffer = this.#buffer;
    let byte = buffer[this.#position++]!;
    let value = byte & 127;
    for (let shift = 7; byte > 127; shift += 7) {
      byte = buffer[this.#position++]!;
      value |= (byte & 127) << shift;
    }
    return value >>> 0;
  }

  #int32(): number {
    const value = this.#count();
    return (value >>> 1) ^ -(value & 1);
  }

  #double(): number {
    const buffer = this.#buffer;
    const position = this.#position;
    for (let i = 0; i < 8; i += 1) DOUBLE_BYTES[i] = buffer[position + i]!;
    this.#position = position + 8;
    return DOUBLE[0]!;
  }

  #text(tag: number): string {
    const length = this.#count();
    const start = this.#position;
    if (tag === LATIN1) {
      this.#position = start + length;
      return (this.#buffer as Slicing).latin1Slice(start, this.#position);
    }
    assert(tag === UTF16, 'a text has the tag of a text');
    this.#position = start + 2 * length;
    return this.#buffer.toString('utf16le', start, this.#position);
  }

  #raw(): Uint8Array<ArrayBuffer> {
    const length = this.#count();
    const copy = new Uint8Array(length);
    copy.set(this.#buffer.subarray(this.#position, this.#position + length));
    this.#position += length;
    return copy;
  }

  #value(): unknown {
    const tag = this.#buffer[this.#position++]!;
    switch (tag) {
      case UNDEFINED:
        return undefined;
      case NULL:
        return null;
      case FALSE:
        return false;
      case TRUE:
        return true;
      case INT32:
        return this.#int32();
      case FLOAT64:
        return this.#double();
      case LATIN1:
      case UTF16:
        return this.#text(tag);
      case BIGINT: {
        const isNegative = this.#buffer[this.#position++] === 1;
        const length = this.#count();
        const start = this.#position;
        this.#position += length;
        const magnitude = BigInt(`0x${this.#buffer.toString('latin1', start, this.#position)}`);
        return isNegative ? -magnitude : magnitude;
      }
      case DATE:
        return new Date(this.#double());
      case BYTES:
        return this.#raw();
      case BUFFER:
        return Buffer.from(this.#raw().buffer);
      case ARRAY: {
        const length = this.#count();
        const array: unknown[] = [];
        for (let i = 0; i < length; i += 1) array.push(this.#value());
        return array;
      }
      case SPARSE_ARRAY: {
        const array: unknown[] = [];
        array.length = this.#count();
        for (let n = this.#count(); n > 0; n -= 1) {
          const index = this.#count();
          array[index] = this.#value();
        }
        return array;
      }
      case INT32_ARRAY: {
        const length = this.#count();
        const array: number[] = [];
        for (let i = 0; i < length; i += 1) array.push(this.#int32());
        return array;
      }
      case FLOAT64_ARRAY: {
        const length = this.#count();
        const array: number[] = [];
        for (let i = 0; i < length; i += 1) array.push(this.#double());
        return array;
      }
      case OBJECT:
        return this.#fields(true);
      case NULL_OBJECT:
        return this.#fields(false);
      case MAP: {
        const map = new Map<unknown, unknown>();
        for (let n = this.#count(); n > 0; n -= 1) {
          const key = this.#value();
          map.set(key, this.#value());
        }
        return map;
      }
      case SET: {
        const set = new Set<unknown>();
        for (let n = this.#count(); n > 0; n -= 1) set.add(this.#value());
        return set;
      }
      case REGEXP: {
        const source = this.#value() as string;
        const expression = new RegExp(source, this.#value() as string);
        expression.lastIndex = this.#value() as number;
        return expression;
      }
      case TYPED_ARRAY: {
        const kind = this.#buffer[this.#position++]!;
        return TYPED_ARRAYS[kind]!.create(this.#raw().buffer);
      }
      case ARRAY_BUFFER:
        return this.#raw().buffer;
      case DATA_VIEW:
        return new DataView(this.#raw().buffer);
      default:
        assert(false, 'an encoded value has a known tag');
    }
  }

  #fields(isPlain: boolean): Record<string, unknown> {
    const list = this.#list();
    if (isPlain) {
      list.uses += 1;
      if (list.uses === COMPILED_AFTER) list.build = this.#compile(list.names);
      if (list.build !== undefined) return list.build();
    }
    const object = (isPlain ? {} : Object.create(null)) as Record<string, unknown>;
    for (const name of list.names) {
      const value = this.#value();
      if (name === '__proto__') {
        const descriptor = {value, writable: true, enumerable: true, configurable: true};
        Object.defineProperty(object, name, descriptor);
      } else {
        object[name] = value;
      }
    }
    return object;
  }

  /** Finds the names at the position among those known by their bytes, or reads them. */
  #list(): KnownList {
    const length = this.#count();
    const buffer = this.#buffer;
    const start = this.#position;
    const end = start + length;
    // A text of the list starts with tag and length, so that byte 2 is the first of a name.
    const sum = length === 0 ? 0 : buffer[start + 2]! + 3 * buffer[end - 1]!;
    const middle = buffer[start + (length >> 1)]!;
    const place = (7 * length + sum + 5 * middle) & (SHAPE_CACHE_SIZE - 1);
    const known = this.#lists[place];
    if (known !== undefined && isAt(buffer, start, length, known.encoded)) {
      this.#position = end;
      return known;
    }
    const names: string[] = [];
    while (this.#position < end) names.push(this.#text(buffer[this.#position++]!));
    assert(this.#position === end, 'a list of names ends where its length says');
    const encoded = new Uint8Array(buffer.subarray(start, end));
    const list: KnownList = {encoded, names, uses: 0, build: undefined};
    this.#lists[place] = list;
    return list;
  }

  #compile(names: readonly string[]): (() => Record<string, unknown>) | undefined {
    if (!isCodeGenerationAllowed() || names.includes('__proto__')) return undefined;
    const fields = names.map(name => `${quote(name)}: next()`).join(', ');
    return compileFactory<() => Record<string, unknown>>(
      'millrace/any-object',
      ['next'],
      `return () => ({${fields}});`,
    )(this.#next);
  }
}

function isAt(buffer: Buffer, start: number, length: number, expected: Uint8Array): boolean {
  if (length !== expected.length) return false;
  for (let i = 0; i < length; i += 1) if (buffer[start + i] !== expected[i]) return false;
  return true;
}
