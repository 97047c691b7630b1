/** Writes records into a sink. A sink that is full ends the loop: that is where backpressure begins. */
import type {ChainCode, RecordText} from './chain-code.ts';
import {ANY_USE} from './function-text.ts';
import {BaseOperator, type OperatorContext} from './operator-runtime.ts';
import type {Sink, SinkWriter, SinkWriterContext} from './sink.ts';

export class SinkOperator extends BaseOperator {
  readonly #sink: Sink<any>;
  /** Made when the operator opens: making it may fail, and may already take hold of something. */
  #writer: SinkWriter<unknown> | undefined;
  #hasFlushed = false;

  constructor(context: OperatorContext, sink: Sink<any>) {
    super(context);
    this.#sink = sink;
  }

  override open(): void {
    this.#writer = this.#sink.createWriter(this.#writerContext());
    this.#writer.open?.();
  }

  process(value: unknown, timestamp: number): void {
    this.#writer!.write(value, timestamp);
    if (!this.isWritable()) this.context.requestStop();
  }

  generate(code: ChainCode, record: RecordText): void {
    // Text for `explain` is written of chains that are not open; it never runs.
    const writer = code.bind(this.#writer ?? NOT_OPEN);
    code.line(`${writer}.write(${record.argument(ANY_USE)}, ${record.timestamp});`);
    if (this.#writer?.isWritable !== undefined) code.stopIf(`!${writer}.isWritable()`);
  }

  override finish(): boolean {
    const writer = this.#writer!;
    if (!this.#hasFlushed) {
      this.#hasFlushed = true;
      writer.flush?.(true);
    }
    return writer.isFlushed?.() ?? true;
  }

  override isWritable(): boolean {
    return this.#writer?.isWritable?.() ?? true;
  }

  override get writableAtMs(): number {
    return this.#writer?.writableAtMs ?? Infinity;
  }

  override onIdle(): void {
    if (!this.#hasFlushed) this.#writer?.flush?.(false);
  }

  override close(): void {
    this.#writer?.close?.();
  }

  /** The operator's context and `wakeUp`. The context may be of a class, so it is not spread. */
  #writerContext(): SinkWriterContext {
    const {runtime} = this.context;
    return {
      jobName: runtime.jobName,
      operatorName: runtime.operatorName,
      uid: runtime.uid,
      subtaskIndex: runtime.subtaskIndex,
      parallelism: runtime.parallelism,
      maxParallelism: runtime.maxParallelism,
      attemptNumber: runtime.attemptNumber,
      clock: runtime.clock,
      addToAccumulator: (name, amount) => runtime.addToAccumulator(name, amount),
      counter: name => runtime.counter(name),
      wakeUp: () => this.context.wakeUp(),
    };
  }
}

const NOT_OPEN: SinkWriter<unknown> = {write() {}};
