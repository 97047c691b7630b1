/** Writes records into a sink. A sink that is full ends the loop: that is where backpressure begins. */
import type {ChainCode, RecordText} from './chain-code.ts';
import {BaseOperator, type OperatorContext} from './operator-runtime.ts';
import type {Sink, SinkWriter} from './sink.ts';

export class SinkOperator extends BaseOperator {
  readonly #writer: SinkWriter<unknown>;
  #hasFlushed = false;

  constructor(context: OperatorContext, sink: Sink<any>) {
    super(context);
    this.#writer = sink.createWriter({...context.runtime, wakeUp: () => context.wakeUp()});
  }

  override open(): void {
    this.#writer.open?.();
  }

  process(value: unknown, timestamp: number): void {
    this.#writer.write(value, timestamp);
  }

  generate(code: ChainCode, record: RecordText): void {
    const writer = code.bind(this.#writer);
    code.line(`${writer}.write(${record.value()}, ${record.timestamp});`);
    if (this.#writer.isWritable !== undefined) code.stopIf(`!${writer}.isWritable()`);
  }

  override finish(): boolean {
    if (!this.#hasFlushed) {
      this.#hasFlushed = true;
      this.#writer.flush?.(true);
    }
    return this.#writer.isFlushed?.() ?? true;
  }

  override isWritable(): boolean {
    return this.#writer.isWritable?.() ?? true;
  }

  override get writableAtMs(): number {
    return this.#writer.writableAtMs ?? Infinity;
  }

  override onIdle(): void {
    if (!this.#hasFlushed) this.#writer.flush?.(false);
  }

  override close(): void {
    this.#writer.close?.();
  }
}
