/**
 * The operators of connected streams: coMap, coFlatMap; coProcess is in process.ts. Two inputs with types
 * of their own, one function object, one thread; nothing is promised about the order between the inputs.
 */
import type {ChainCode, RecordText} from './chain-code.ts';
import {TimestampedCollector} from './collectors.ts';
import type {CoFlatMapFunction, CoMapFunction} from './functions.ts';
import {BaseOperator, type OperatorContext} from './operator-runtime.ts';
import {UserFunction} from './user-function.ts';

/** `map1` and `map2`: one record out for each one in. */
export class CoMapOperator extends BaseOperator {
  readonly #maps: readonly UserFunction[];

  constructor(context: OperatorContext, fn: CoMapFunction<any, any, any>) {
    super(context);
    this.#maps = [new UserFunction(fn, 'map1'), new UserFunction(fn, 'map2')];
  }

  override open(): void {
    this.#maps[0]!.open(this.context.runtime);
  }

  process(value: unknown, timestamp: number, inputIndex: number): void {
    this.context.output.emit(this.#maps[inputIndex]!.call(value), timestamp);
  }

  generate(code: ChainCode, record: RecordText, inputIndex: number): void {
    const result = code.name('mapped');
    const fn = this.#maps[inputIndex]!;
    const argument = record.argument(fn.use(0));
    code.line(`const ${result} = ${fn.text(code, argument)};`);
    code.emit(result, record.timestamp, fn.resultFields);
  }

  override prepareSnapshot(): void {
    this.#maps[0]!.snapshotState();
  }

  override close(): void {
    this.#maps[0]!.close();
  }
}

/** `flatMap1` and `flatMap2`: any number of records out for each one in. */
export class CoFlatMapOperator extends BaseOperator {
  readonly #collector: TimestampedCollector;
  readonly #methods: readonly UserFunction[];

  constructor(context: OperatorContext, fn: CoFlatMapFunction<any, any, any>) {
    super(context);
    this.#methods = [new UserFunction(fn, 'flatMap1'), new UserFunction(fn, 'flatMap2')];
    this.#collector = new TimestampedCollector(context.output);
  }

  override open(): void {
    this.#methods[0]!.open(this.context.runtime);
  }

  process(value: unknown, timestamp: number, inputIndex: number): void {
    this.#collector.interpret(timestamp);
    this.#methods[inputIndex]!.call(value, this.#collector);
  }

  generate(code: ChainCode, record: RecordText, inputIndex: number): void {
    const collector = this.#collector.generate(code);
    const method = this.#methods[inputIndex]!;
    const argument = record.argument(method.use(0));
    code.line(`${collector}.timestamp = ${record.timestamp};`);
    code.line(`${method.text(code, argument, collector)};`);
  }

  override prepareSnapshot(): void {
    this.#methods[0]!.snapshotState();
  }

  override close(): void {
    this.#methods[0]!.close();
  }
}
