/** What the joins have in common: two streams in event time, and a sink that folds the weights of pairs. */
import {
  WatermarkStrategy,
  float64,
  int32,
  schema,
  type DataStream,
  type Sink,
  type SinkWriter,
  type SinkWriterContext,
  type StreamExecutionEnvironment,
} from '../../../src/index.ts';
import {joinRecord, type JoinParameters} from '../../jobs/joins.ts';
import type {WindowRecord} from '../../jobs/windows.ts';

/** One of the two streams. */
export function joinStream(
  env: StreamExecutionEnvironment,
  parameters: JoinParameters,
  isRight: boolean,
): DataStream<WindowRecord> {
  return env.generate(i => joinRecord(i, isRight, parameters), {
    count: parameters.records / 2,
    schema: schema({key: int32, value: int32, ts: float64}),
    watermarks: WatermarkStrategy.forMonotonousTimestamps<WindowRecord>().withTimestampAssigner(
      ({ts}) => ts,
    ),
  });
}

class WeightsWriter implements SinkWriter<number> {
  readonly #context: SinkWriterContext;
  #results = 0;
  #sum = 0;
  #squares = 0;

  constructor(context: SinkWriterContext) {
    this.#context = context;
  }

  write(weight: number): void {
    this.#results += 1;
    this.#sum += weight;
    this.#squares += weight * weight;
  }

  close(): void {
    this.#context.addToAccumulator('results', this.#results);
    this.#context.addToAccumulator('counts', this.#sum);
    this.#context.addToAccumulator('squares', this.#squares);
  }
}

export function weightsSink(): Sink<number> {
  return {name: 'Weights', createWriter: context => new WeightsWriter(context)};
}
