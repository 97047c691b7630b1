/**
 * A sink that keeps what it gets in the thread of the test, and that a test can hold back. For jobs in that
 * thread (`runInThread`, `simulate`): make it outside of the builder, so that all workers write into the same
 * one.
 */
import type {Sink, SinkWriter, SinkWriterContext} from '../operators/sink.ts';
import {outputRecord, type OutputRecord} from './harness-output.ts';

/** A record and the subtask that wrote it. */
export interface TestSinkRecord<T> extends OutputRecord<T> {
  readonly subtask: number;
}

/**
 * Keeps all records in the order in which they came.
 *
 *     const sink = new TestSink<Order>();
 *     await runInThread(env => void env.fromCollection(orders).sinkTo(sink));
 *     sink.values;   // the orders
 */
export class TestSink<T> implements Sink<T> {
  readonly name = 'Test Sink';
  readonly records: Array<TestSinkRecord<T>> = [];
  readonly #contexts = new Set<SinkWriterContext>();
  readonly #waiting: Array<{readonly count: number; readonly resolve: () => void}> = [];
  #isPaused = false;

  /** The records without timestamps and subtasks. */
  get values(): T[] {
    return this.records.map(({value}) => value);
  }

  /** Takes nothing from now on: the job is held back. */
  pause(): void {
    this.#isPaused = true;
  }

  /** Takes records again. */
  resume(): void {
    this.#isPaused = false;
    for (const context of this.#contexts) context.wakeUp();
  }

  /** Waits until at least `count` records have come. */
  async until(count: number): Promise<void> {
    if (this.records.length >= count) return;
    await new Promise<void>(resolve => {
      this.#waiting.push({count, resolve});
    });
  }

  createWriter(context: SinkWriterContext): SinkWriter<T> {
    this.#contexts.add(context);
    const subtask = context.subtaskIndex;
    return {
      write: (value, timestamp) => {
        this.records.push({...outputRecord(value, timestamp), subtask});
        for (const each of [...this.#waiting]) {
          if (this.records.length < each.count) continue;
          this.#waiting.splice(this.#waiting.indexOf(each), 1);
          each.resolve();
        }
      },
      isWritable: () => !this.#isPaused,
      close: () => {
        this.#contexts.delete(context);
      },
    };
  }
}
