/**
 * What reduce, the aggregations and aggregate have in common: one value per key, kept in a
 * `RecordTable`, and one result per record, or per key at the end of input.
 *
 * There are two ways through each of them. `accumulate` is the general one and works on any form of
 * state: the interpreter and compiled code outside of the loop call it, and whoever meets something
 * unusual. The other is generated for the table's present form and does with lanes and cells what
 * `accumulate` does with objects; where a record does not fit, it calls the general way, the form
 * widens, the loop ends behind that record and is generated anew.
 *
 * A result never changes after it was emitted, and what a user does to it reaches neither the state nor
 * the record that came in: records are taken apart when they are stored and built when they are
 * emitted, values of other shapes are copied one level deep.
 */
import {StreamError, showValue} from '../base/errors.ts';
import {NO_ROW} from '../state/keyed-rows.ts';
import {RecordTable, type RecordTableOptions} from '../state/record-table.ts';
import type {ChainCode, RecordText} from './chain-code.ts';
import {ANY_USE} from './function-text.ts';
import {keyReader, type KeyReader} from './key.ts';
import type {KeySelector} from './operator.ts';
import {BaseOperator, type OperatorContext} from './operator-runtime.ts';
import {RowCode, type RowPlace} from './row-code.ts';

/** The timestamp of results at the end of input, as in Flink's batch mode: the end of time. */
export const END_OF_TIME = Infinity;

export abstract class KeyedOperator extends BaseOperator {
  protected readonly key: KeyReader;
  /** Where records go. Windows put another table here from time to time. */
  protected table: RecordTable;
  protected readonly emitsUpdates: boolean;
  readonly #keyField: string | undefined;
  #place: (() => RowPlace) | undefined;
  #slow: ((record: RecordText) => string) | undefined;
  #births: {count: number} | undefined;
  #isGenerating = false;
  #finishPosition = 0;

  /** `keyFieldOf` names the field of the kept values that is likely to hold the key. */
  constructor(
    context: OperatorContext,
    key: KeySelector,
    emit: 'update' | 'final',
    keyFieldOf: (path: readonly string[]) => string | undefined,
  ) {
    super(context);
    this.key = keyReader(key);
    this.emitsUpdates = emit === 'update';
    const {path} = this.key;
    this.#keyField = path === undefined ? undefined : keyFieldOf(path);
    this.table = this.createTable(() => {
      context.invalidateCode();
      if (!this.#isGenerating) context.requestStop();
    });
  }

  /** A table for the values that this operator keeps. */
  createTable(onReshape: () => void, options?: RecordTableOptions): RecordTable {
    return new RecordTable(this.#keyField, onReshape, options);
  }

  /** For windows: takes a record into `table`, in the general way. */
  takeInto(table: RecordTable, value: unknown): void {
    this.table = table;
    this.accumulate(value);
  }

  /** For windows: misfits of generated code go into `table` from now on. */
  useTable(table: RecordTable): void {
    this.table = table;
  }

  /** For windows: the key of a record. */
  keyOf(value: unknown): unknown {
    return this.key.select(value);
  }

  /** For windows: numbers new rows of tables with an extra lane by counting `births`. */
  numberRows(births: {count: number}): void {
    this.#births = births;
  }

  /** For windows: the result of a kept value that belongs to nobody else; undefined: there is none. */
  resultOf(value: unknown): unknown {
    return value;
  }

  /**
   * For windows: writes the code that takes a record into the table that `place` names, which has the form
   * of `table`. False, and nothing is written, if records of this kind have to go through `take`.
   */
  generateInto(
    code: ChainCode,
    record: RecordText,
    table: RecordTable,
    place: () => RowPlace,
  ): boolean {
    const used = this.table;
    [this.table, this.#place] = [table, place];
    this.#isGenerating = true;
    const isTyped = code.isLoop && this.generateTyped(code, record);
    this.#isGenerating = false;
    this.table = used;
    [this.#place, this.#slow] = [undefined, undefined];
    return isTyped;
  }

  /** How many keys there are. */
  get keyCount(): number {
    return this.table.size;
  }

  process(value: unknown, timestamp: number): void {
    const result = this.accumulate(value);
    if (this.emitsUpdates) this.context.output.emit(result, timestamp);
  }

  generate(code: ChainCode, record: RecordText): void {
    this.#isGenerating = true;
    const isTyped = code.isLoop && this.generateTyped(code, record);
    this.#isGenerating = false;
    if (isTyped) return;
    const accumulate = code.bind((value: unknown) => this.accumulate(value));
    const call = `${accumulate}(${record.argument(ANY_USE)})`;
    if (!this.emitsUpdates) {
      code.line(`${call};`);
      return;
    }
    const result = code.name('result');
    code.line(`const ${result} = ${call};`);
    code.emit(result, record.timestamp);
  }

  override finish(): boolean {
    const {rows} = this.table;
    if (this.emitsUpdates || rows === undefined) return true;
    let at = rows.nextRow(this.#finishPosition);
    while (at !== NO_ROW) {
      if (!this.context.canEmit()) {
        this.#finishPosition = at;
        return false;
      }
      this.context.output.emit(this.resultAt(at), END_OF_TIME);
      at = rows.nextRow(at + rows.stride);
    }
    return true;
  }

  /** Gives the row at `position` the next number, if rows are numbered: its first record has come. */
  protected numberRow(position: number): void {
    if (this.#births === undefined) return;
    this.#births.count += 1;
    this.table.rows!.lanes[this.table.extraLane(position)] = this.#births.count;
  }

  protected rowCode(code: ChainCode): RowCode {
    const place = this.#place?.();
    this.#slow = place?.slow;
    return new RowCode(code, this.table, place);
  }

  readKey(key: unknown): Readonly<Record<string, unknown>> | undefined {
    const {rows} = this.table;
    if (rows === undefined) return undefined;
    // Rows of one kind look for keys of that kind only; -0 is never among the numbers.
    if (rows.keyKind !== 'any' && (typeof key !== rows.keyKind || Object.is(key, -0))) {
      return undefined;
    }
    const at = rows.find(key);
    return at === NO_ROW ? undefined : {result: this.resultAt(at)};
  }

  /** A statement that does everything about the record in the general way. */
  protected processText(code: ChainCode, record: RecordText): string {
    if (this.#slow !== undefined) return this.#slow(record);
    const process = code.bind((value: unknown, timestamp: number) => {
      this.process(value, timestamp);
    });
    return `${process}(${record.inline()}, ${record.timestamp});`;
  }

  /** Takes a record into the state of its key and returns the result; only needed for updates. */
  protected abstract accumulate(value: unknown): unknown;

  /** Writes the code for the present form of the state; false if the general way has to do. */
  protected abstract generateTyped(code: ChainCode, record: RecordText): boolean;

  /** The result that belongs to what is kept at `position`. */
  protected abstract resultAt(position: number): unknown;

  /**
   * For windows that share slices: what two kept values make together; the key's first record in `a` came
   * before the one in `b`. May change and return `a`, which belongs to nobody else.
   */
  abstract merge(a: unknown, b: unknown): unknown;

  /** Whether `merge` picks one of the two, which then keeps the time of its record. */
  get keepsWhole(): boolean {
    return false;
  }
}

/** Refuses null and undefined where a user function has to return a record. */
export function checkResult(method: string, result: unknown): void {
  if (result !== undefined && result !== null) return;
  throw new StreamError(
    'E_FUNCTION_RESULT',
    `${method} returned nothing`,
    {returned: showValue(result)},
    {remedy: `${method} must return a record: check that every path through it has a return`},
  );
}
