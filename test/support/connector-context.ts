/** The context that a reader or writer gets from the engine, for driving one without the engine. */
import {ManualClock} from '../../src/base/clock.ts';
import type {Counter} from '../../src/metrics/counter.ts';
import type {SinkWriterContext} from '../../src/operators/sink.ts';
import type {SourceReaderContext} from '../../src/operators/source.ts';

class TestCounter implements Counter {
  value = 0;

  add(amount = 1): void {
    this.value += amount;
  }
}

/** Stands in for the context of a source reader or a sink writer; nothing in it happens by itself. */
export class ConnectorContext implements SourceReaderContext, SinkWriterContext {
  readonly jobName = 'test';
  readonly operatorName = 'connector';
  readonly uid = 'connector';
  readonly subtaskIndex: number;
  readonly parallelism: number;
  readonly maxParallelism = 128;
  readonly attemptNumber: number;
  readonly clock = new ManualClock();
  readonly accumulators = new Map<string, number>();
  readonly counters = new Map<string, Counter>();
  wakeUps = 0;

  constructor({subtaskIndex = 0, parallelism = 1, attemptNumber = 0} = {}) {
    this.subtaskIndex = subtaskIndex;
    this.parallelism = parallelism;
    this.attemptNumber = attemptNumber;
  }

  addToAccumulator(name: string, amount: number): void {
    this.accumulators.set(name, (this.accumulators.get(name) ?? 0) + amount);
  }

  counter(name: string): Counter {
    let counter = this.counters.get(name);
    if (counter === undefined) this.counters.set(name, (counter = new TestCounter()));
    return counter;
  }

  /** The value of a counter; undefined if nobody has asked for it. */
  counted(name: string): number | undefined {
    return this.counters.get(name)?.value;
  }

  wakeUp(): void {
    this.wakeUps += 1;
  }
}
