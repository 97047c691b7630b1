/**
 * `flatMap`: any number of records out for one in, through the collector or as a returned iterable;
 * all with the timestamp of the input. A string that is returned counts as a mistake, not as an
 * iterable of characters.
 */
import {StreamError, showValue} from '../base/errors.ts';
import type {ChainCode, RecordText} from './chain-code.ts';
import {TimestampedCollector} from './collectors.ts';
import type {FlatMapFunction} from './functions.ts';
import {BaseOperator, type OperatorContext} from './operator-runtime.ts';
import {UserFunction} from './user-function.ts';

export class FlatMapOperator extends BaseOperator {
  readonly #fn: UserFunction;
  readonly #collector: TimestampedCollector;

  constructor(context: OperatorContext, fn: FlatMapFunction<any, any>) {
    super(context);
    this.#fn = new UserFunction(fn, 'flatMap');
    this.#collector = new TimestampedCollector(context.output);
  }

  override open(): void {
    this.#fn.open(this.context.runtime);
  }

  process(value: unknown, timestamp: number): void {
    this.#collector.interpret(timestamp);
    const returned = this.#fn.call(value, this.#collector);
    if (returned !== undefined) this.#collectAll(returned);
  }

  generate(code: ChainCode, record: RecordText): void {
    const collector = this.#collector.generate(code);
    const returned = code.name('returned');
    const argument = record.argument(this.#fn.use(0));
    code.line(`${collector}.timestamp = ${record.timestamp};`);
    code.line(`const ${returned} = ${this.#fn.text(code, argument, collector)};`);
    const collectAll = code.bind((values: unknown) => this.#collectAll(values));
    code.line(`if (${returned} !== undefined) ${collectAll}(${returned});`);
  }

  override prepareSnapshot(): void {
    this.#fn.snapshotState();
  }

  override close(): void {
    this.#fn.close();
  }

  #collectAll(returned: unknown): void {
    const collector = this.#collector;
    if (Array.isArray(returned)) {
      for (let index = 0; index < returned.length; index += 1) collector.collect(returned[index]);
      return;
    }
    if (typeof returned !== 'object' || returned === null || !(Symbol.iterator in returned)) {
      throw new StreamError(
        'E_FLATMAP_RESULT',
        'flatMap returned something that is not an iterable of records',
        {returned: showValue(returned)},
        {remedy: 'return an array, use out.collect, or return nothing'},
      );
    }
    for (const value of returned as Iterable<unknown>) collector.collect(value);
  }
}
