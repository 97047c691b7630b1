/**
 * `aggregate` on a keyed stream: an `AggregateFunction` whose accumulator is kept per key, and whose
 * result is emitted for each record (in batch mode, once per key). Flink has it only for windows; this
 * is the same function without a window.
 *
 * An accumulator that is a flat record, or a number, lies in a row of typed state and is built in front
 * of `add`; anything else (a Map, an object of a class, nested objects) is kept as it is.
 */
import {ownCopy} from '../state/record-table.ts';
import type {ChainCode, RecordText} from './chain-code.ts';
import type {AggregateFunction} from './functions.ts';
import {KeyedOperator, checkResult} from './keyed-operator.ts';
import type {KeySelector} from './operator.ts';
import type {OperatorContext} from './operator-runtime.ts';
import type {RowCode} from './row-code.ts';
import {UserFunction} from './user-function.ts';

export class RollingAggregateOperator extends KeyedOperator {
  readonly #create: UserFunction;
  readonly #add: UserFunction;
  readonly #getResult: UserFunction;
  readonly #merge: UserFunction;

  constructor(
    context: OperatorContext,
    fn: AggregateFunction<any, any, any>,
    key: KeySelector,
    emit: 'update' | 'final',
  ) {
    // The accumulator is the user's: it holds the key, if at all, under the name that the key has.
    super(context, key, emit, path => path.at(-1));
    this.#create = new UserFunction(fn, 'createAccumulator');
    this.#add = new UserFunction(fn, 'add');
    this.#getResult = new UserFunction(fn, 'getResult');
    this.#merge = new UserFunction(fn, 'merge');
  }

  override open(): void {
    this.#add.open(this.context.runtime);
  }

  override prepareSnapshot(): void {
    this.#add.snapshotState();
  }

  override close(): void {
    this.#add.close();
  }

  protected accumulate(value: unknown): unknown {
    const key = this.key.select(value);
    const {table} = this;
    const position = table.locate(key);
    const isNew = table.wasInserted;
    const accumulator = isNew ? this.#create.call() : table.read(position);
    const added = this.#add.call(value, accumulator);
    checkResult('add', added);
    // A record that became the accumulator still belongs to whoever else has it.
    const at = table.store(position, key, added === value ? ownCopy(value) : added);
    if (isNew) this.numberRow(at);
    return this.emitsUpdates ? this.#resultOf(at, added) : undefined;
  }

  protected generateTyped(code: ChainCode, record: RecordText): boolean {
    const {table} = this;
    // The first accumulator shows the form, when the first record has come.
    if (record.schema === undefined || table.rows === undefined) return false;
    if (table.shape!.kind === 'value') return false;
    const row = this.rowCode(code);
    const {timestamp} = record;
    row.begin(record, this.key, this.processText(code, record));
    const misfit = code.bind((at: number, key: unknown, added: unknown, time: number) => {
      checkResult('add', added);
      const position = this.table.store(at, key, ownCopy(added));
      if (this.emitsUpdates) this.context.output.emit(this.#resultOf(position, added), time);
    });
    const leave = (added: string) =>
      `${misfit}(${row.position}, ${row.key}, ${added}, ${timestamp});`;
    const add = (accumulator: string) =>
      this.#add.text(code, record.argument(this.#add.use(0)), accumulator);
    const fields = row.update(variables => {
      code.block(`if (${row.isNew}) {`);
      const first = code.name('first');
      code.line(`const ${first} = ${add(this.#create.text(code))};`);
      row.takeReturned(this.#add, first, variables, leave);
      code.end();
      code.block('else {');
      row.combine(this.#add, 1, variables, add, leave);
      code.end();
    });
    if (this.emitsUpdates) {
      const result = code.name('result');
      const accumulator = row.literal(field => fields.get(field) ?? row.key);
      const check = code.bind(checkResult);
      code.line(`const ${result} = ${this.#getResult.text(code, accumulator)};`);
      code.line(`if (${result} === undefined || ${result} === null) {`);
      code.line(`${check}('getResult', ${result});`);
      code.line('}');
      code.beginRest(row.left);
      code.emit(result, timestamp, this.#resultFields(row));
      code.end();
    }
    row.end();
    return true;
  }

  merge(a: unknown, b: unknown): unknown {
    const merged = this.#merge.call(a, b);
    checkResult('merge', merged);
    return merged;
  }

  /** As in Flink, a window whose result is null emits nothing. */
  override resultOf(value: unknown): unknown {
    return this.#getResult.call(value) ?? undefined;
  }

  protected resultAt(position: number): unknown {
    return this.#resultOf(position, this.table.read(position));
  }

  /** The result of what `accumulator` holds; another object, if the table still holds that one. */
  #resultOf(position: number, accumulator: unknown): unknown {
    const result = this.#getResult.call(accumulator);
    checkResult('getResult', result);
    const isHeld = this.table.shape!.kind === 'value' && result === this.table.read(position);
    return isHeld ? ownCopy(result) : result;
  }

  /** The fields that results have: those of a literal, or of the accumulator if that is the result. */
  #resultFields(row: RowCode): readonly string[] | undefined {
    return this.#getResult.isIdentity ? row.fieldNames : this.#getResult.resultFields;
  }
}
