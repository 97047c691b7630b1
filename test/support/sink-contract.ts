/**
 * What every sink must do, as tests. `sinkContract` declares them through a function that is given, so
 * it serves any test runner. Writers are driven on one thread as the engine drives them: prepared once,
 * fed only while they are writable, flushed at the end until they say that everything has arrived.
 */
import assert from 'node:assert/strict';
import type {Sink, SinkWriter} from '../../src/operators/sink.ts';
import {ConnectorContext} from './connector-context.ts';
import type {Declare} from './source-contract.ts';

/** A sink, and a look at its other side. */
export interface SinkUnderTest {
  readonly sink: Sink<any>;
  /**
   * The records that have arrived, in the form of `expected`; what a sink adds to them, such as headers
   * and the numbers of subtasks, is taken away. Of several subtasks in any order.
   */
  received(): readonly unknown[];
  dispose?(): void;
}

export interface SinkContractOptions {
  readonly create: () => SinkUnderTest;
  readonly values: readonly unknown[];
  /** What `values` look like on the other side, one for each; nothing for sinks that keep nothing. */
  readonly expected: (values: readonly unknown[]) => readonly unknown[];
}

/** More attempts than any sink of these tests needs. */
const ATTEMPTS_MAX = 10_000;

/** Drives one writer as a task does. */
export class SinkDriver {
  readonly writer: SinkWriter<any>;
  readonly context: ConnectorContext;

  constructor(sink: Sink<any>, context: ConnectorContext = new ConnectorContext()) {
    this.context = context;
    this.writer = sink.createWriter(context);
    this.writer.open?.();
  }

  write(value: unknown, timestamp = NaN): void {
    this.#await('takes records again', () => this.writer.isWritable?.() ?? true);
    this.writer.write(value, timestamp);
  }

  /** Ends the input: everything has arrived when this returns. */
  finish(): void {
    this.writer.flush?.(true);
    this.#await('hands everything on', () => this.writer.isFlushed?.() ?? true);
    this.writer.close?.();
  }

  #await(what: string, condition: () => boolean): void {
    for (let attempt = 0; !condition(); attempt += 1) {
      assert.ok(attempt < ATTEMPTS_MAX, `a writer ${what}`);
      const at = this.writer.writableAtMs ?? Infinity;
      if (at < Infinity) this.context.clock.set(Math.max(at, this.context.clock.now()));
    }
  }
}

/** Declares the tests that every sink passes. */
export function sinkContract(
  declare: Declare,
  name: string,
  {create, values, expected}: SinkContractOptions,
): void {
  const title = (text: string) => `${name}: ${text}`;
  const withSink = async (
    parallelism: number,
    body: (test: SinkUnderTest) => void,
  ): Promise<void> => {
    const test = create();
    try {
      await test.sink.prepare?.({parallelism});
      body(test);
    } finally {
      test.dispose?.();
    }
  };

  declare(title('every record arrives once and in order'), () =>
    withSink(1, ({sink, received}) => {
      const driver = new SinkDriver(sink);
      for (const value of values) driver.write(value);
      driver.finish();

      assert.deepEqual(received(), expected(values));
    }),
  );

  declare(title('flushes in between change nothing'), () =>
    withSink(1, ({sink, received}) => {
      const driver = new SinkDriver(sink);
      for (const [at, value] of values.entries()) {
        driver.write(value);
        for (let flush = 0; flush < at % 3; flush += 1) driver.writer.flush?.(false);
      }
      driver.finish();

      assert.deepEqual(received(), expected(values));
    }),
  );

  declare(title('several subtasks lose and double nothing'), () =>
    withSink(3, ({sink, received}) => {
      const drivers = [0, 1, 2].map(
        subtaskIndex => new SinkDriver(sink, new ConnectorContext({subtaskIndex, parallelism: 3})),
      );
      for (const [at, value] of values.entries()) drivers[at % 3]!.write(value);
      for (const driver of drivers) driver.finish();

      assert.deepEqual(received().map(String).sort(), expected(values).map(String).sort());
    }),
  );

  declare(title('a task without records ends well'), () =>
    withSink(1, ({sink}) => {
      new SinkDriver(sink).finish();
    }),
  );

  declare(title('a writer may be closed unopened, unfinished, and twice'), () =>
    withSink(1, ({sink}) => {
      sink.createWriter(new ConnectorContext()).close?.();
      const driver = new SinkDriver(sink);
      for (const value of values) driver.write(value);
      driver.writer.close?.();
      driver.writer.close?.();
    }),
  );
}
