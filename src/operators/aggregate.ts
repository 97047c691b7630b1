/**
 * The rolling aggregations of a keyed stream: sum, min, max, minBy, maxBy. One result per input record
 * (or, in batch mode, one per key at the end).
 *
 * As in Flink, `sum`, `min` and `max` set the field in the *first* record seen for the key, whose other
 * fields stay; `minBy` and `maxBy` keep the whole extremal record, on ties the first or the last.
 *
 * State has one of two forms. Where records are flat and all of numbers, and the key is one of
 * their fields, a key's record is a row of a `NumberKeyTable`: nothing is allocated per record.
 * Otherwise it is an object in a `ValueTable`. Typed state becomes object state when a record comes
 * that does not fit, never the other way round.
 */
import {StreamError, showValue} from '../base/errors.ts';
import {propertyText, quote} from '../records/compiler.ts';
import type {RecordSchema} from '../records/schema.ts';
import {NO_ROW, NumberKeyTable} from '../state/number-key-table.ts';
import {ValueTable} from '../state/value-table.ts';
import type {ChainCode, RecordText} from './chain-code.ts';
import {badKey, keyReader, readPath, type KeyReader} from './key.ts';
import type {AggregationKind, OperatorSpec} from './operator.ts';
import {BaseOperator, type OperatorContext} from './operator-runtime.ts';

type AggregateSpec = Extract<OperatorSpec, {type: 'aggregate'}>;
type Fields = Record<string, unknown>;

/** Typed state: which field is the key, and which lane holds which other field. */
interface TypedState {
  readonly table: NumberKeyTable;
  readonly keyField: string;
  /** All fields in the order of the records; the key among them. */
  readonly fields: readonly string[];
}

export class AggregateOperator extends BaseOperator {
  readonly #spec: AggregateSpec;
  readonly #key: KeyReader;
  #typed: TypedState | undefined;
  #values: ValueTable | undefined;
  /** The record of each slot of `#values`. */
  readonly #records: unknown[] = [];
  readonly #timestamps: number[] = [];
  #finishPosition = 0;

  constructor(context: OperatorContext, spec: AggregateSpec) {
    super(context);
    this.#spec = spec;
    this.#key = keyReader(spec.key);
  }

  /** How many keys there are. */
  get keyCount(): number {
    return this.#typed?.table.size ?? this.#values?.size ?? 0;
  }

  process(value: unknown, timestamp: number): void {
    this.#chooseState(fieldsOf(value));
    if (this.#typed !== undefined) this.#processTyped(this.#typed, value as Fields, timestamp);
    else this.#processValue(this.#key.select(value), value, timestamp);
  }

  generate(code: ChainCode, record: RecordText): void {
    this.#chooseState(record.schema === undefined ? undefined : fieldsOfSchema(record.schema));
    if (this.#typed !== undefined) this.#generateTyped(code, record, this.#typed);
    else this.#generateValues(code, record);
  }

  override finish(): boolean {
    if (this.#spec.emit === 'update') return true;
    return this.#typed === undefined ? this.#finishValues() : this.#finishTyped(this.#typed);
  }

  /** Picks the form of state that the first record allows, and leaves typed state when it must. */
  #chooseState(fields: readonly string[] | undefined): void {
    if (this.#values !== undefined) return;
    if (this.#typed === undefined) {
      const keyField = this.#keyField();
      const [field, ...rest] = this.#spec.field;
      if (
        fields !== undefined &&
        keyField !== undefined &&
        fields.includes(keyField) &&
        field !== undefined &&
        rest.length === 0 &&
        field !== keyField &&
        fields.includes(field)
      ) {
        this.#typed = {table: new NumberKeyTable(fields.length - 1), keyField, fields};
      } else {
        this.#values = new ValueTable();
      }
    } else if (fields === undefined || fields.join('\n') !== this.#typed.fields.join('\n')) {
      this.#leaveTypedState(this.#typed);
    }
  }

  #keyField(): string | undefined {
    const {key} = this.#spec;
    if (key.kind === 'function' || key.paths.length !== 1 || key.paths[0]!.length !== 1) {
      return undefined;
    }
    return key.paths[0]![0];
  }

  #leaveTypedState(typed: TypedState): void {
    this.#typed = undefined;
    this.#values = new ValueTable();
    const {table} = typed;
    for (let at = table.nextRow(0); at !== NO_ROW; at = table.nextRow(at + table.stride)) {
      const slot = this.#values.upsert(table.rows[at]);
      this.#records[slot] = rowRecord(typed, at);
      this.#timestamps[slot] = NaN;
    }
    this.context.invalidateCode();
  }

  #processTyped(typed: TypedState, record: Fields, timestamp: number): void {
    const {table} = typed;
    const at = table.upsert(record[typed.keyField] as number);
    const {aggregation, first, field} = this.#spec;
    const lane = at + laneOf(typed, field[0]!);
    const incoming = record[field[0]!] as number;
    if (table.wasInserted || replaces(aggregation, first, table.rows[lane]!, incoming)) {
      for (const name of typed.fields) {
        if (name !== typed.keyField) table.rows[at + laneOf(typed, name)] = record[name] as number;
      }
    } else {
      table.rows[lane] = combine(aggregation, table.rows[lane]!, incoming) as number;
    }
    if (this.#spec.emit === 'update') this.context.output.emit(rowRecord(typed, at), timestamp);
  }

  #processValue(key: unknown, value: unknown, timestamp: number): void {
    const slot = this.#upsert(key);
    const records = this.#records;
    if (this.#values!.wasInserted) {
      this.#checkAggregated(readPath(value, this.#spec.field), value);
      records[slot] = copyAlong(value, this.#spec.field);
    } else {
      records[slot] = this.#aggregate(records[slot], value);
    }
    this.#timestamps[slot] = timestamp;
    if (this.#spec.emit === 'update') {
      this.context.output.emit(copyAlong(records[slot], this.#spec.field), timestamp);
    }
  }

  #upsert(key: unknown): number {
    if (key === undefined || key === null || key !== key) throw badKey(key);
    return this.#values!.upsert(key);
  }

  /** What the state becomes when `value` arrives; changes `accumulated` in place where it can. */
  #aggregate(accumulated: unknown, value: unknown): unknown {
    const {aggregation, field, first} = this.#spec;
    const old = readPath(accumulated, field);
    const incoming = readPath(value, field);
    this.#checkAggregated(incoming, value);
    if (replaces(aggregation, first, old, incoming)) return copyAlong(value, field);
    const combined = combine(aggregation, old, incoming);
    if (field.length === 0) return combined;
    let owner = accumulated as Fields;
    for (const name of field.slice(0, -1)) owner = owner[name] as Fields;
    owner[field.at(-1)!] = combined;
    return accumulated;
  }

  #checkAggregated(incoming: unknown, record: unknown): void {
    const type = typeof incoming;
    if (type === 'number' || type === 'bigint') return;
    const isOrdered = type === 'string' || type === 'boolean' || incoming instanceof Date;
    if (isOrdered && this.#spec.aggregation !== 'sum') return;
    throw new StreamError(
      'E_AGGREGATE_FIELD',
      `${this.#spec.aggregation} met a value that it cannot take`,
      {
        field: this.#spec.field.join('.') || '(record)',
        value: showValue(incoming),
        record: showValue(record),
      },
      {remedy: 'aggregate a field that holds a number in every record'},
    );
  }

  #generateTyped(code: ChainCode, record: RecordText, typed: TypedState): void {
    const {aggregation, emit, first} = this.#spec;
    const table = code.bind(typed.table);
    const field = this.#spec.field[0]!;
    const text = (name: string) => record.column([name])!.text;
    const [key, at, rows, incoming] = ['key', 'at', 'rows', 'incoming'].map(name =>
      code.name(name),
    );
    code.line(`const ${key} = ${text(typed.keyField)};`);
    code.line(`if (${key} !== ${key}) throw ${code.bind(badKey)}(${key});`);
    code.line(`const ${at} = ${table}.upsert(${key});`);
    code.line(`const ${rows} = ${table}.rows;`);
    const lane = (name: string) => `${rows}[${at} + ${laneOf(typed, name)}]`;
    const others = typed.fields.filter(name => name !== typed.keyField);
    const takeAll = others.map(name => `${lane(name)} = ${text(name)};`).join(' ');
    const old = lane(field);
    code.line(`const ${incoming} = ${text(field)};`);
    if (aggregation === 'sum') {
      code.line(`if (${table}.wasInserted) { ${takeAll} } else ${old} += ${incoming};`);
    } else if (aggregation === 'min' || aggregation === 'max') {
      const better = aggregation === 'min' ? '<' : '>';
      code.line(`if (${table}.wasInserted) { ${takeAll} }`);
      code.line(`else if (${incoming} ${better} ${old}) ${old} = ${incoming};`);
    } else {
      const better = `${aggregation === 'minBy' ? '<' : '>'}${first ? '' : '='}`;
      code.line(`if (${table}.wasInserted || ${incoming} ${better} ${old}) { ${takeAll} }`);
    }
    if (emit === 'final') return;
    const result = code.name('result');
    const fields = typed.fields.map(
      name => `${quote(name)}: ${name === typed.keyField ? key : lane(name)}`,
    );
    code.line(`const ${result} = {${fields.join(', ')}};`);
    code.emit(result, record.timestamp);
  }

  #generateValues(code: ChainCode, record: RecordText): void {
    const {aggregation, emit, field} = this.#spec;
    const keyPath = this.#spec.key.kind === 'fields' && this.#spec.key.paths.length === 1;
    const keyColumn = keyPath
      ? record.column((this.#spec.key as {paths: readonly (readonly string[])[]}).paths[0]!)
      : undefined;
    const incomingColumn = record.column(field);
    const isSimple =
      keyColumn?.type === 'string' &&
      incomingColumn !== undefined &&
      (incomingColumn.type === 'int32' || incomingColumn.type === 'float64') &&
      field.length === 1 &&
      aggregation === 'sum' &&
      emit === 'final';
    if (!isSimple) {
      const process = code.bind((value: unknown, timestamp: number) => {
        this.#processValueOnly(value, timestamp);
      });
      code.line(`${process}(${record.value()}, ${record.timestamp});`);
      if (emit === 'final') return;
      const result = code.name('result');
      code.line(`const ${result} = ${code.bind(() => this.#lastResult)}();`);
      code.emit(result, record.timestamp);
      return;
    }
    // The common count per word: no record is built for a key that is known.
    const table = code.bind(this.#values);
    const records = code.bind(this.#records);
    const slot = code.name('slot');
    const property = propertyText(`${records}[${slot}]`, field[0]!);
    code.line(`const ${slot} = ${table}.upsert(${keyColumn.text});`);
    const start = code.bind((at: number, value: unknown, timestamp: number) => {
      this.#records[at] = copyAlong(value, field);
      this.#timestamps[at] = timestamp;
    });
    code.line(
      `if (${table}.wasInserted) ${start}(${slot}, ${record.inline()}, ${record.timestamp});`,
    );
    code.line(`else ${property} += ${incomingColumn.text};`);
  }

  #lastResult: unknown;

  /** `#processValue` for compiled code, which emits by itself. */
  #processValueOnly(value: unknown, timestamp: number): void {
    const slot = this.#upsert(this.#key.select(value));
    if (this.#values!.wasInserted) {
      this.#checkAggregated(readPath(value, this.#spec.field), value);
      this.#records[slot] = copyAlong(value, this.#spec.field);
    } else {
      this.#records[slot] = this.#aggregate(this.#records[slot], value);
    }
    this.#timestamps[slot] = timestamp;
    this.#lastResult = copyAlong(this.#records[slot], this.#spec.field);
  }

  #finishTyped(typed: TypedState): boolean {
    const {table} = typed;
    let at = table.nextRow(this.#finishPosition);
    while (at !== NO_ROW) {
      if (!this.context.canEmit()) {
        this.#finishPosition = at;
        return false;
      }
      this.context.output.emit(rowRecord(typed, at), NaN);
      at = table.nextRow(at + table.stride);
    }
    this.#finishPosition = table.rows.length;
    return true;
  }

  #finishValues(): boolean {
    while (this.#finishPosition < this.#records.length) {
      if (!this.context.canEmit()) return false;
      const slot = this.#finishPosition;
      this.context.output.emit(this.#records[slot], this.#timestamps[slot]!);
      this.#finishPosition += 1;
    }
    return true;
  }
}

/** Whether the incoming record takes the place of the old one as a whole. */
function replaces(kind: AggregationKind, first: boolean, old: unknown, incoming: unknown): boolean {
  if (kind !== 'minBy' && kind !== 'maxBy') return false;
  const [a, b] = [old as number, incoming as number];
  if (kind === 'minBy') return first ? b < a : b <= a;
  return first ? b > a : b >= a;
}

function combine(kind: AggregationKind, old: unknown, incoming: unknown): unknown {
  const [a, b] = [old as number, incoming as number];
  switch (kind) {
    case 'sum':
      return a + b;
    case 'min':
      return b < a ? incoming : old;
    case 'max':
      return b > a ? incoming : old;
    default:
      return old;
  }
}

/** Fields of a flat record of numbers, or undefined if it is anything else. */
function fieldsOf(value: unknown): readonly string[] | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const names = Object.keys(value);
  return names.every(name => typeof (value as Fields)[name] === 'number') ? names : undefined;
}

function fieldsOfSchema(schema: RecordSchema): readonly string[] | undefined {
  if (schema.kind !== 'record') return undefined;
  const areNumbers = schema.columns.every(
    ({path, type, nullability}) =>
      path.length === 1 && nullability === 0 && (type === 'int32' || type === 'float64'),
  );
  return areNumbers ? schema.columns.map(({path}) => path[0]!) : undefined;
}

/** Place of a field in its row, behind the key. */
function laneOf(typed: TypedState, field: string): number {
  const index = typed.fields.indexOf(field);
  return index < typed.fields.indexOf(typed.keyField) ? index + 1 : index;
}

function rowRecord(typed: TypedState, at: number): Fields {
  const record: Fields = {};
  for (const name of typed.fields) {
    record[name] = typed.table.rows[name === typed.keyField ? at : at + laneOf(typed, name)];
  }
  return record;
}

/** A copy of `record` in which the objects along `path` are new, so that the field can be changed. */
function copyAlong(record: unknown, path: readonly string[]): unknown {
  if (path.length === 0 || typeof record !== 'object' || record === null) return record;
  const copy = {...(record as Fields)};
  const [name, ...rest] = path;
  if (rest.length > 0) copy[name!] = copyAlong(copy[name!], rest);
  return copy;
}
