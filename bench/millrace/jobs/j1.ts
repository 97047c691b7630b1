/** J1 in the object API: generate → map → filter → fold, on one worker. */
import {job} from '../../../src/index.ts';
import type {J1Parameters} from '../../jobs/j1.ts';
import {sumSink} from './fold-sink.ts';

export default job<J1Parameters>((env, {records}) => {
  env
    .generate(i => ({value: i}), {count: records})
    .map(record => ({value: 2 * record.value + 1}))
    .filter(record => record.value % 3 !== 0)
    .map(record => record.value)
    .sinkTo(sumSink());
});
