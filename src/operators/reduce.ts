/**
 * `reduce` on a keyed stream: combines each record with what the key's records made so far, and emits
 * the result (in batch mode, only the last one per key). The first record of a key passes unchanged.
 *
 * The function may build a new record or change and return the one that it was given first: that one
 * belongs to the engine, and nobody else holds it.
 */
import {ownCopy} from '../state/record-table.ts';
import type {ChainCode, RecordText} from './chain-code.ts';
import type {ReduceFunction} from './functions.ts';
import {KeyedOperator, checkResult} from './keyed-operator.ts';
import type {KeySelector} from './operator.ts';
import type {OperatorContext} from './operator-runtime.ts';
import {startFromColumns, topField} from './row-code.ts';
import {UserFunction} from './user-function.ts';

export class ReduceOperator extends KeyedOperator {
  readonly #fn: UserFunction;

  constructor(
    context: OperatorContext,
    fn: ReduceFunction<any>,
    key: KeySelector,
    emit: 'update' | 'final',
  ) {
    super(context, key, emit, topField);
    this.#fn = new UserFunction(fn, 'reduce');
  }

  override open(): void {
    this.#fn.open(this.context.runtime);
  }

  override prepareSnapshot(): void {
    this.#fn.snapshotState();
  }

  override close(): void {
    this.#fn.close();
  }

  protected accumulate(value: unknown): unknown {
    const key = this.key.select(value);
    const position = this.table.locate(key);
    if (this.table.wasInserted) {
      this.numberRow(this.table.store(position, key, ownCopy(value)));
      return this.emitsUpdates ? ownCopy(value) : value;
    }
    const accumulated = this.table.read(position);
    const result = this.#fn.call(accumulated, value);
    checkResult('reduce', result);
    return this.#keep(position, key, accumulated, value, result);
  }

  protected generateTyped(code: ChainCode, record: RecordText): boolean {
    const {table} = this;
    if (!startFromColumns(this.key, table, record)) return false;
    const row = this.rowCode(code);
    const {timestamp} = record;
    row.begin(record, this.key, this.processText(code, record));
    const fields = row.update(variables => {
      code.block(`if (${row.isNew}) {`);
      for (const [{name}, variable] of variables) {
        code.line(`${variable} = ${name === '' ? record.value() : record.field(name)};`);
      }
      code.end();
      code.block('else {');
      const misfit = code.bind((at: number, key: unknown, result: unknown, time: number) => {
        checkResult('reduce', result);
        const emitted = this.#keep(at, key, undefined, undefined, result);
        if (this.emitsUpdates) this.context.output.emit(emitted, time);
      });
      row.combine(
        this.#fn,
        0,
        variables,
        accumulated => this.#fn.text(code, accumulated, record.argument(this.#fn.use(1))),
        result => `${misfit}(${row.position}, ${row.key}, ${result}, ${timestamp});`,
      );
      code.end();
    });
    if (this.emitsUpdates) {
      code.beginRest(row.left);
      const result = code.name('result');
      code.line(`const ${result} = ${row.literal(field => fields.get(field) ?? row.key)};`);
      code.emit(result, timestamp, row.fieldNames);
      code.end();
    }
    row.end();
    return true;
  }

  protected resultAt(position: number): unknown {
    return this.table.read(position);
  }

  merge(a: unknown, b: unknown): unknown {
    const merged = this.#fn.call(a, b);
    checkResult('reduce', merged);
    return merged;
  }

  /**
   * Keeps what the function returned and gives what is to be emitted: neither the object that is kept,
   * nor the record that came in, which others may have as well.
   */
  #keep(
    position: number,
    key: unknown,
    accumulated: unknown,
    value: unknown,
    result: unknown,
  ): unknown {
    const isOwn = result === accumulated && result !== value;
    this.table.store(position, key, isOwn ? result : ownCopy(result));
    const isHeld = isOwn && this.table.shape!.kind === 'value';
    return this.emitsUpdates && (isHeld || result === value) ? ownCopy(result) : result;
  }
}
