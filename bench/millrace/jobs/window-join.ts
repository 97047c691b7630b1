/** Pairs of two streams in tumbling windows. */
import {TumblingEventTimeWindows, job} from '../../../src/index.ts';
import {weightOf, type JoinParameters} from '../../jobs/joins.ts';
import {joinStream, weightsSink} from './join-weights.ts';

export default job<JoinParameters>((env, parameters) => {
  joinStream(env, parameters, false)
    .join(joinStream(env, parameters, true))
    .where('key')
    .equalTo('key')
    .window(TumblingEventTimeWindows.of(parameters.spanMs))
    .apply<number>(weightOf)
    .sinkTo(weightsSink());
});
