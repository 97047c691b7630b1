/** handoff: one source, one consumer in the other worker, which counts per key and adds up the fields. */
import {
  float64,
  int32,
  job,
  schema,
  type Sink,
  type SinkWriter,
  type SinkWriterContext,
} from '../../../src/index.ts';
import {
  handoffFlags,
  handoffKey,
  handoffTime,
  HANDOFF_KEYS,
  type HandoffParameters,
} from '../../jobs/handoff.ts';

interface HandoffRecord {
  readonly key: number;
  readonly flags: number;
  readonly value: number;
  readonly ts: number;
}

class CountingWriter implements SinkWriter<HandoffRecord> {
  readonly #context: SinkWriterContext;
  readonly #counts = new Int32Array(HANDOFF_KEYS);
  #updates = 0;
  #sum = 0;
  #fields = 0;

  constructor(context: SinkWriterContext) {
    this.#context = context;
  }

  write({key, flags, value, ts}: HandoffRecord): void {
    this.#updates += 1;
    this.#sum += this.#counts[key] += 1;
    this.#fields += flags + value + ts;
  }

  close(): void {
    this.#context.addToAccumulator('updates', this.#updates);
    this.#context.addToAccumulator('counts', this.#sum);
    this.#context.addToAccumulator('fields', this.#fields);
  }
}

const countingSink: Sink<HandoffRecord> = {
  name: 'Counting',
  createWriter: context => new CountingWriter(context),
};

export default job<HandoffParameters>((env, {records}) => {
  env.setParallelism(1);
  env
    .generate(i => ({key: handoffKey(i), flags: handoffFlags(i), value: i, ts: handoffTime(i)}), {
      count: records,
      // 24 bytes, as in the other programs; inferred, all four would be int32.
      schema: schema({key: int32, flags: int32, value: float64, ts: float64}),
    })
    // Another group, so another slot, so another worker: the records have to cross.
    .sinkTo(countingSink)
    .slotSharingGroup('consumer');
});
