/** J2: a keyed running count on one worker. */
import {job} from '../../../src/index.ts';
import {j2Record, type J2Parameters} from '../../jobs/j2.ts';
import {countsSink} from './fold-sink.ts';

export default job<J2Parameters>((env, {records}) => {
  env
    .generate(j2Record, {count: records})
    .keyBy('k')
    .aggregate({
      createAccumulator: () => ({key: 0, count: 0, sum: 0}),
      add: (record, {count, sum}) => ({key: record.k, count: count + 1, sum: sum + record.v}),
      getResult: accumulator => accumulator,
    })
    .sinkTo(countsSink());
});
