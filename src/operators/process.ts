/** `process`: the general function of one input, with a context and side outputs. */
import type {ChainCode, RecordText} from './chain-code.ts';
import {ElementContext, TimestampedCollector} from './collectors.ts';
import type {ProcessFunction} from './functions.ts';
import {BaseOperator, type OperatorContext} from './operator-runtime.ts';
import {UserFunction} from './user-function.ts';

export class ProcessOperator extends BaseOperator {
  readonly #function: ProcessFunction<any, any>;
  readonly #element: UserFunction;
  readonly #collector: TimestampedCollector;
  readonly #elementContext: ElementContext;

  constructor(context: OperatorContext, fn: ProcessFunction<any, any>) {
    super(context);
    this.#function = fn;
    this.#element = new UserFunction(fn, 'processElement');
    this.#collector = new TimestampedCollector(context.output);
    this.#elementContext = new ElementContext(this.#collector, tag => context.sideOutput(tag));
  }

  override open(): void {
    this.#element.open(this.context.runtime);
  }

  process(value: unknown, timestamp: number): void {
    this.#collector.interpret(timestamp);
    this.#function.processElement(value, this.#elementContext, this.#collector);
  }

  generate(code: ChainCode, record: RecordText): void {
    const collector = this.#collector.generate(code);
    const context = code.bind(this.#elementContext);
    const argument = record.argument(this.#element.use(0));
    code.line(`${collector}.timestamp = ${record.timestamp};`);
    code.line(`${this.#element.text(code, argument, context, collector)};`);
  }

  override finish(): boolean {
    this.#collector.interpret(NaN);
    this.#function.finish?.(this.#collector);
    return true;
  }

  override close(): void {
    this.#element.close();
  }
}
