/** What the jobs with windows have in common: a count per key and window, and a sink that folds them. */
import type {AggregateFunction, Sink, SinkWriter, SinkWriterContext} from '../../../src/index.ts';
import type {WindowRecord} from '../../jobs/windows.ts';

export interface WindowCount {
  readonly key: number;
  readonly count: number;
}

/** Counts the records of a key in a window. */
export const countPerKey: AggregateFunction<WindowRecord, WindowCount, WindowCount> = {
  createAccumulator: () => ({key: 0, count: 0}),
  add: (record, {count}) => ({key: record.key, count: count + 1}),
  getResult: accumulator => accumulator,
  merge: (a, b) => ({key: a.key, count: a.count + b.count}),
};

class WindowCountsWriter implements SinkWriter<WindowCount> {
  readonly #context: SinkWriterContext;
  #results = 0;
  #counts = 0;
  #squares = 0;

  constructor(context: SinkWriterContext) {
    this.#context = context;
  }

  write({count}: WindowCount): void {
    this.#results += 1;
    this.#counts += count;
    this.#squares += count * count;
  }

  close(): void {
    this.#context.addToAccumulator('results', this.#results);
    this.#context.addToAccumulator('counts', this.#counts);
    this.#context.addToAccumulator('squares', this.#squares);
  }
}

export function windowCountsSink(): Sink<WindowCount> {
  return {name: 'Window Counts', createWriter: context => new WindowCountsWriter(context)};
}
