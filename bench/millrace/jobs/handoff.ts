/** handoff: one source, one consumer in the other worker, which counts per key and adds up the fields. */
import {float64, int32, job, schema, type Sink} from '../../../src/index.ts';
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

function countingSink(): Sink<HandoffRecord> {
  return {
    name: 'Counting',
    createWriter(context) {
      const counts = new Int32Array(HANDOFF_KEYS);
      let updates = 0;
      let sum = 0;
      let fields = 0;
      return {
        write({key, flags, value, ts}) {
          updates += 1;
          sum += counts[key] += 1;
          fields += flags + value + ts;
        },
        close() {
          context.addToAccumulator('updates', updates);
          context.addToAccumulator('counts', sum);
          context.addToAccumulator('fields', fields);
        },
      };
    },
  };
}

export default job<HandoffParameters>((env, {records}) => {
  env.setParallelism(1);
  env
    .generate(i => ({key: handoffKey(i), flags: handoffFlags(i), value: i, ts: handoffTime(i)}), {
      count: records,
      // 24 bytes, as in the other programs; inferred, all four would be int32.
      schema: schema({key: int32, flags: int32, value: float64, ts: float64}),
    })
    // Another group, so another slot, so another worker: the records have to cross.
    .sinkTo(countingSink())
    .slotSharingGroup('consumer');
});
