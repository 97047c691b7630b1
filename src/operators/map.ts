/** `map`: one record in, one record out, with the timestamp of the input. */
import type {ChainCode, RecordText} from './chain-code.ts';
import type {MapFunction} from './functions.ts';
import {BaseOperator, type OperatorContext} from './operator-runtime.ts';
import {UserFunction} from './user-function.ts';

export class MapOperator extends BaseOperator {
  readonly #fn: UserFunction;

  constructor(context: OperatorContext, fn: MapFunction<any, any>) {
    super(context);
    this.#fn = new UserFunction(fn, 'map');
  }

  override open(): void {
    this.#fn.open(this.context.runtime);
  }

  process(value: unknown, timestamp: number): void {
    this.context.output.emit(this.#fn.call(value), timestamp);
  }

  generate(code: ChainCode, record: RecordText): void {
    const result = code.name('mapped');
    const argument = record.argument(this.#fn.use(0));
    code.line(`const ${result} = ${this.#fn.text(code, argument)};`);
    code.emit(result, record.timestamp, this.#fn.resultFields);
  }

  override prepareSnapshot(): void {
    this.#fn.snapshotState();
  }

  override close(): void {
    this.#fn.close();
  }
}
