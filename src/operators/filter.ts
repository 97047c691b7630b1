/** `filter`: lets a record pass, unchanged, if the user's function returns something truthy. */
import type {ChainCode, RecordText} from './chain-code.ts';
import type {FilterFunction} from './functions.ts';
import {BaseOperator, type OperatorContext} from './operator-runtime.ts';
import {UserFunction} from './user-function.ts';

export class FilterOperator extends BaseOperator {
  readonly #fn: UserFunction;

  constructor(context: OperatorContext, fn: FilterFunction<any>) {
    super(context);
    this.#fn = new UserFunction(fn, 'filter');
  }

  override open(): void {
    this.#fn.open(this.context.runtime);
  }

  process(value: unknown, timestamp: number): void {
    if (this.#fn.call(value)) this.context.output.emit(value, timestamp);
  }

  generate(code: ChainCode, record: RecordText): void {
    const argument = record.argument(this.#fn.use(0));
    code.begin(`if (${this.#fn.text(code, argument)}) {`);
    code.pass(record);
    code.end();
  }

  override prepareSnapshot(): void {
    this.#fn.snapshotState();
  }

  override close(): void {
    this.#fn.close();
  }
}
