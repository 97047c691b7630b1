/**
 * The operators of connected streams: coMap, coFlatMap, coProcess. Two inputs with types of their
 * own, one function object, one thread; nothing is promised about the order between the inputs.
 */
import type {ChainCode, RecordText} from './chain-code.ts';
import {ElementContext, TimestampedCollector} from './collectors.ts';
import type {CoFlatMapFunction, CoMapFunction, CoProcessFunction} from './functions.ts';
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

  override close(): void {
    this.#maps[0]!.close();
  }
}

/** What coFlatMap and coProcess share: a method per input that emits through a collector. */
abstract class CoCollectingOperator extends BaseOperator {
  protected readonly collector: TimestampedCollector;
  readonly #methods: readonly UserFunction[];
  readonly #extraArguments: readonly unknown[];

  constructor(
    context: OperatorContext,
    fn: unknown,
    methods: readonly [string, string],
    extraArguments: (collector: TimestampedCollector) => readonly unknown[],
  ) {
    super(context);
    this.#methods = methods.map(method => new UserFunction(fn, method));
    this.collector = new TimestampedCollector(context.output);
    this.#extraArguments = extraArguments(this.collector);
  }

  override open(): void {
    this.#methods[0]!.open(this.context.runtime);
  }

  process(value: unknown, timestamp: number, inputIndex: number): void {
    this.collector.interpret(timestamp);
    this.#methods[inputIndex]!.call(value, ...this.#extraArguments, this.collector);
  }

  generate(code: ChainCode, record: RecordText, inputIndex: number): void {
    const collector = this.collector.generate(code);
    const extra = this.#extraArguments.map(argument => code.bind(argument));
    const method = this.#methods[inputIndex]!;
    const argument = record.argument(method.use(0));
    code.line(`${collector}.timestamp = ${record.timestamp};`);
    code.line(`${method.text(code, argument, ...extra, collector)};`);
  }

  override close(): void {
    this.#methods[0]!.close();
  }
}

/** `flatMap1` and `flatMap2`: any number of records out for each one in. */
export class CoFlatMapOperator extends CoCollectingOperator {
  constructor(context: OperatorContext, fn: CoFlatMapFunction<any, any, any>) {
    super(context, fn, ['flatMap1', 'flatMap2'], () => []);
  }
}

/** `processElement1` and `processElement2`, with a context and side outputs. */
export class CoProcessOperator extends CoCollectingOperator {
  readonly #function: CoProcessFunction<any, any, any>;

  constructor(context: OperatorContext, fn: CoProcessFunction<any, any, any>) {
    super(context, fn, ['processElement1', 'processElement2'], collector => [
      new ElementContext(collector, tag => context.sideOutput(tag)),
    ]);
    this.#function = fn;
  }

  override finish(): boolean {
    this.collector.interpret(NaN);
    this.#function.finish?.(this.collector);
    return true;
  }
}
