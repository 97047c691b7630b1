/** J2x: two sources, an all-to-all exchange by key, a running count and sum per key, a sink. */
import {float64, int32, job, schema} from '../../../src/index.ts';
import {keyFunction, type J2xParameters} from '../../jobs/j2x.ts';
import {countsSink} from './fold-sink.ts';

export default job<J2xParameters>((env, {records, keys}) => {
  const key = keyFunction(keys);
  env
    .generate(i => ({key: key(i), value: i, ts: Math.floor(i / 100)}), {
      count: records,
      // What the other programs send, too; inferred, all three would be int32.
      schema: schema({key: int32, value: int32, ts: float64}),
    })
    .keyBy('key')
    .aggregate({
      createAccumulator: () => ({key: 0, count: 0, sum: 0}),
      add: (record, {count, sum}) => ({
        key: record.key,
        count: count + 1,
        sum: sum + record.value,
      }),
      getResult: accumulator => accumulator,
    })
    .sinkTo(countsSink());
});
