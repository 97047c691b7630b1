/** Counts per key and sliding window of event time. */
import {
  SlidingEventTimeWindows,
  WatermarkStrategy,
  float64,
  int32,
  job,
  schema,
} from '../../../src/index.ts';
import {slidingFields, type SlidingParameters, type WindowRecord} from '../../jobs/windows.ts';
import {countPerKey, windowCountsSink} from './window-counts.ts';

export default job<SlidingParameters>((env, parameters) => {
  const {key, time} = slidingFields(parameters);
  env
    .generate(i => ({key: key(i), value: i, ts: time(i)}), {
      count: parameters.records,
      schema: schema({key: int32, value: int32, ts: float64}),
      watermarks: WatermarkStrategy.forMonotonousTimestamps<WindowRecord>().withTimestampAssigner(
        ({ts}) => ts,
      ),
    })
    .keyBy('key')
    .window(SlidingEventTimeWindows.of(parameters.sizeMs, parameters.slideMs))
    .aggregate(countPerKey)
    .sinkTo(windowCountsSink());
});
