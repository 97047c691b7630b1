/**
 * `reduce` on a keyed stream: combines each record with what the key's records made so far, and emits
 * the result (in batch mode, only the last one per key). The first record passes unchanged. What the
 * function returned is kept as it is: neither it nor the first record may be changed later.
 */
import type {ChainCode, RecordText} from './chain-code.ts';
import type {ReduceFunction} from './functions.ts';
import {badKey, keyReader, type KeyReader} from './key.ts';
import type {KeySelector} from './operator.ts';
import {BaseOperator, type OperatorContext} from './operator-runtime.ts';
import {ValueTable} from '../state/value-table.ts';
import {UserFunction} from './user-function.ts';

export class ReduceOperator extends BaseOperator {
  readonly #fn: UserFunction;
  readonly #key: KeyReader;
  readonly #emitsUpdates: boolean;
  readonly #table = new ValueTable();
  /** What the records of each slot's key made so far. */
  readonly #accumulated: unknown[] = [];
  #finished = 0;

  constructor(
    context: OperatorContext,
    fn: ReduceFunction<any>,
    key: KeySelector,
    emit: 'update' | 'final',
  ) {
    super(context);
    this.#fn = new UserFunction(fn, 'reduce');
    this.#key = keyReader(key);
    this.#emitsUpdates = emit === 'update';
  }

  /** How many keys there are. */
  get keyCount(): number {
    return this.#table.size;
  }

  override open(): void {
    this.#fn.open(this.context.runtime);
  }

  process(value: unknown, timestamp: number): void {
    const slot = this.#slotOf(this.#key.select(value));
    const result = this.#table.wasInserted ? value : this.#fn.call(this.#accumulated[slot], value);
    this.#accumulated[slot] = result;
    if (this.#emitsUpdates) this.context.output.emit(result, timestamp);
  }

  generate(code: ChainCode, record: RecordText): void {
    const value = record.value();
    const [slot, result] = [code.name('slot'), code.name('result')];
    const accumulated = code.bind(this.#accumulated);
    const slotOf = code.bind((key: unknown) => this.#slotOf(key));
    const {selector} = this.#key;
    const column =
      selector.kind === 'fields' && selector.paths.length === 1
        ? record.column(selector.paths[0]!)
        : undefined;
    const key = column?.text ?? this.#key.text(value, bound => code.bind(bound));
    code.line(`const ${slot} = ${slotOf}(${key});`);
    const reduced = this.#fn.text(code, `${accumulated}[${slot}]`, value);
    code.line(`const ${result} = ${code.bind(this.#table)}.wasInserted ? ${value} : ${reduced};`);
    code.line(`${accumulated}[${slot}] = ${result};`);
    if (this.#emitsUpdates) code.emit(result, record.timestamp);
  }

  override finish(): boolean {
    if (this.#emitsUpdates) return true;
    while (this.#finished < this.#accumulated.length) {
      if (!this.context.canEmit()) return false;
      this.context.output.emit(this.#accumulated[this.#finished], NaN);
      this.#finished += 1;
    }
    return true;
  }

  override close(): void {
    this.#fn.close();
  }

  #slotOf(key: unknown): number {
    if (key === undefined || key === null || key !== key) throw badKey(key);
    return this.#table.upsert(key);
  }
}
