/** Pairs of two streams whose times are near each other. */
import {job} from '../../../src/index.ts';
import {weightOf, type JoinParameters} from '../../jobs/joins.ts';
import {joinStream, weightsSink} from './join-weights.ts';

export default job<JoinParameters>((env, parameters) => {
  joinStream(env, parameters, false)
    .keyBy('key')
    .intervalJoin(joinStream(env, parameters, true).keyBy('key'))
    .between(-parameters.spanMs, parameters.spanMs)
    .process<number>((left, right, _context, out) => out.collect(weightOf(left, right)))
    .sinkTo(weightsSink());
});
