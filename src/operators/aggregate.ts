/**
 * The rolling aggregations of a keyed stream: sum, min, max, minBy, maxBy. One result per input record
 * (or, in batch mode, one per key at the end).
 *
 * As in Flink, `sum`, `min` and `max` set the field in the *first* record seen for the key, whose other
 * fields stay; `minBy` and `maxBy` keep the whole extremal record, on ties the first or the last. What
 * is less is decided as Java decides it: NaN is above all numbers, -0 below 0, texts go by UTF-16 units.
 */
import {StreamError, showValue} from '../base/errors.ts';
import {isPlainObject} from '../records/any-codec.ts';
import {ownCopy} from '../state/record-table.ts';
import type {ShapeField} from '../state/record-shape.ts';
import type {ChainCode, RecordText} from './chain-code.ts';
import {readPath} from './key.ts';
import {KeyedOperator} from './keyed-operator.ts';
import type {AggregationKind, OperatorSpec} from './operator.ts';
import type {OperatorContext} from './operator-runtime.ts';
import {RowCode, startFromColumns, topField} from './row-code.ts';

type AggregateSpec = Extract<OperatorSpec, {type: 'aggregate'}>;

export class AggregateOperator extends KeyedOperator {
  readonly #kind: AggregationKind;
  readonly #field: readonly string[];
  readonly #first: boolean;

  constructor(context: OperatorContext, {key, emit, aggregation, field, first}: AggregateSpec) {
    super(context, key, emit, topField);
    this.#kind = aggregation;
    this.#field = field;
    this.#first = first;
  }

  protected accumulate(value: unknown): unknown {
    const key = this.key.select(value);
    const {table} = this;
    const position = table.locate(key);
    const incoming = readPath(value, this.#field);
    if (table.wasInserted) {
      this.#check(incoming, incoming);
      return this.#keepRecord(position, key, value);
    }
    const accumulated = table.read(position);
    const old = readPath(accumulated, this.#field);
    this.#check(incoming, old);
    const {isRecordTaken, field} = this.#combine(old, incoming);
    if (isRecordTaken) return this.#keepRecord(position, key, value);
    // What is held in one cell is not handed out, and not changed where it is.
    const isHeld = table.shape!.kind === 'value';
    if (Object.is(field, old)) return isHeld ? copyAlong(accumulated, this.#field) : accumulated;
    const next = withField(accumulated, this.#field, field);
    table.store(position, key, next);
    return isHeld && this.emitsUpdates ? copyAlong(next, this.#field) : next;
  }

  protected generateTyped(code: ChainCode, record: RecordText): boolean {
    const {table} = this;
    const column = record.column(this.#field);
    if (column?.type !== 'int32' && column?.type !== 'float64') return false;
    if (!startFromColumns(this.key, table, record)) return false;
    const row = this.rowCode(code);
    const field = row.fields.find(({name}) => name === (this.#field[0] ?? ''));
    if (field?.place !== 'lane') return false;
    row.begin(record, this.key, this.processText(code, record));
    code.block(`if (${row.isNew}) {`);
    takeRecord(code, row, record);
    code.end();
    code.block('else {');
    const incoming = code.name('incoming');
    code.line(`const ${incoming} = ${column.text};`);
    this.#generateUpdate(code, row, record, row.lane(field.index), incoming);
    code.end();
    if (this.emitsUpdates) {
      code.beginRest(row.left);
      const result = code.name('result');
      code.line(`const ${result} = ${row.literal(each => row.stored(each))};`);
      code.emit(result, record.timestamp, row.fieldNames);
      code.end();
    }
    row.end();
    return true;
  }

  protected resultAt(position: number): unknown {
    return this.table.read(position);
  }

  override get keepsWhole(): boolean {
    return this.#kind === 'minBy' || this.#kind === 'maxBy';
  }

  merge(a: unknown, b: unknown): unknown {
    const [old, incoming] = [readPath(a, this.#field), readPath(b, this.#field)];
    this.#check(incoming, old);
    const {isRecordTaken, field} = this.#combine(old, incoming);
    if (isRecordTaken) return b;
    return Object.is(field, old) ? a : withField(a, this.#field, field);
  }

  /** Keeps a record as it came. It is neither what is emitted nor the one that others may have. */
  #keepRecord(position: number, key: unknown, value: unknown): unknown {
    this.numberRow(this.table.store(position, key, copyAlong(value, this.#field)));
    return this.emitsUpdates ? copyAlong(value, this.#field) : undefined;
  }

  #generateUpdate(
    code: ChainCode,
    row: RowCode,
    record: RecordText,
    old: string,
    incoming: string,
  ): void {
    if (this.#kind === 'sum') {
      code.line(`${old} += ${incoming};`);
      return;
    }
    const isWhole = this.#kind === 'minBy' || this.#kind === 'maxBy';
    const [a, b] = this.#kind.startsWith('min') ? [incoming, old] : [old, incoming];
    const isBelowName = code.bind(isBelow);
    // Only equal values and NaN need a closer look.
    const below = (x: string, y: string) =>
      `(${x} < ${y} || (!(${x} > ${y}) && ${isBelowName}(${x}, ${y})))`;
    const test = isWhole && !this.#first ? `!${below(b!, a!)}` : below(a!, b!);
    code.block(`if (${test}) {`);
    if (isWhole) {
      takeRecord(code, row, record);
      row.number();
    } else code.line(`${old} = ${incoming};`);
    code.end();
  }

  /** What becomes of the old value: the whole record is taken, or the field gets another value. */
  #combine(old: unknown, incoming: unknown): {isRecordTaken: boolean; field: unknown} {
    switch (this.#kind) {
      case 'sum':
        return {isRecordTaken: false, field: (old as number) + (incoming as number)};
      case 'min':
        return {isRecordTaken: false, field: isBelow(incoming, old) ? incoming : old};
      case 'max':
        return {isRecordTaken: false, field: isBelow(old, incoming) ? incoming : old};
      case 'minBy':
        return {isRecordTaken: this.#replaces(incoming, old), field: old};
      case 'maxBy':
        return {isRecordTaken: this.#replaces(old, incoming), field: old};
    }
  }

  #replaces(a: unknown, b: unknown): boolean {
    return this.#first ? isBelow(a, b) : !isBelow(b, a);
  }

  /** Refuses what cannot be aggregated, and values of two types under one key. */
  #check(incoming: unknown, old: unknown): void {
    const type = typeof incoming;
    const isOrdered = type === 'string' || type === 'boolean' || incoming instanceof Date;
    const isNumeric = type === 'number' || type === 'bigint';
    const isAllowed = isNumeric || (isOrdered && this.#kind !== 'sum');
    if (isAllowed && type === typeof old) return;
    throw new StreamError(
      'E_AGGREGATE_FIELD',
      isAllowed
        ? `${this.#kind} met values of two types under one key`
        : `${this.#kind} met a value that it cannot take`,
      {
        field: this.#field.join('.') || '(record)',
        value: showValue(incoming),
        ...(isAllowed ? {before: showValue(old)} : {}),
      },
      {remedy: 'aggregate a field that holds a number in every record'},
    );
  }
}

/** Stores all fields of the record. */
function takeRecord(code: ChainCode, row: RowCode, record: RecordText): void {
  for (const field of row.fields) {
    if (field.place === 'key') continue;
    const text = field.name === '' ? record.value() : record.field(field.name);
    row.store(field, constant(code, field, text));
  }
}

/** A cell's value is looked at twice. */
function constant(code: ChainCode, field: ShapeField, text: string): string {
  if (field.place === 'lane') return text;
  const name = code.name('cell');
  code.line(`const ${name} = ${text};`);
  return name;
}

/**
 * Whether `a` comes before `b`, as Java compares: for numbers -0 is below 0, and NaN above all others.
 * Both are of one type.
 */
export function isBelow(a: unknown, b: unknown): boolean {
  if ((a as number) < (b as number)) return true;
  if ((a as number) > (b as number) || typeof a !== 'number') return false;
  if (a === b) return a === 0 && 1 / a < 1 / (b as number);
  return a === a && b !== b;
}

/** A copy of `record` in which the objects along `path` are new, so that the field can be changed. */
export function copyAlong(record: unknown, path: readonly string[]): unknown {
  const copy = copyOf(record);
  let owner = copy;
  for (const name of path.slice(0, -1)) {
    const fields = owner as Record<string, unknown>;
    owner = fields[name] = copyOf(fields[name]);
  }
  return copy;
}

/** A copy of `record` with another value at `path`. */
export function withField(record: unknown, path: readonly string[], value: unknown): unknown {
  if (path.length === 0) return value;
  const copy = copyAlong(record, path);
  const owner = readPath(copy, path.slice(0, -1)) as Record<string, unknown>;
  owner[path.at(-1)!] = value;
  return copy;
}

/** As `ownCopy`, but objects of a class are copied as well: the aggregation changes a field in them. */
function copyOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || isPlainObject(value) || Array.isArray(value)) {
    return ownCopy(value);
  }
  if (value instanceof Date) return value;
  return Object.assign(Object.create(Object.getPrototypeOf(value) as object) as object, value);
}
