/**
 * The sinks of the benchmark jobs: they fold what arrives into numbers, which end as accumulators. The
 * numbers are fields of a class: V8 changes a float64 field in place, where a variable that a closure
 * shares gets a new object for each value beyond 31 bits.
 */
import type {Sink, SinkWriter, SinkWriterContext} from '../../../src/index.ts';

class CountsWriter implements SinkWriter<{readonly count: number}> {
  readonly #context: SinkWriterContext;
  #updates = 0;
  #counts = 0;

  constructor(context: SinkWriterContext) {
    this.#context = context;
  }

  write(update: {readonly count: number}): void {
    this.#updates += 1;
    this.#counts += update.count;
  }

  close(): void {
    this.#context.addToAccumulator('updates', this.#updates);
    this.#context.addToAccumulator('counts', this.#counts);
  }
}

/** Counts the updates that arrive, and adds up the field `count` of each. */
export function countsSink(): Sink<{readonly count: number}> {
  return {name: 'Counts', createWriter: context => new CountsWriter(context)};
}

class SumWriter implements SinkWriter<number> {
  readonly #context: SinkWriterContext;
  #sum = 0;

  constructor(context: SinkWriterContext) {
    this.#context = context;
  }

  write(value: number): void {
    this.#sum += value;
  }

  close(): void {
    this.#context.addToAccumulator('sum', this.#sum);
  }
}

/** Adds up numbers. */
export function sumSink(): Sink<number> {
  return {name: 'Sum', createWriter: context => new SumWriter(context)};
}
