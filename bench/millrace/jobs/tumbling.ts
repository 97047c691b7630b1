/** Counts per key and tumbling window of event time. */
import {
  TumblingEventTimeWindows,
  WatermarkStrategy,
  float64,
  int32,
  job,
  schema,
} from '../../../src/index.ts';
import {tumblingFields, type TumblingParameters, type WindowRecord} from '../../jobs/windows.ts';
import {countPerKey, windowCountsSink} from './window-counts.ts';

export default job<TumblingParameters>((env, parameters) => {
  const {key, time} = tumblingFields(parameters);
  env
    .generate(i => ({key: key(i), value: i, ts: time(i)}), {
      count: parameters.records,
      schema: schema({key: int32, value: int32, ts: float64}),
      watermarks: WatermarkStrategy.forMonotonousTimestamps<WindowRecord>().withTimestampAssigner(
        ({ts}) => ts,
      ),
    })
    .keyBy('key')
    .window(TumblingEventTimeWindows.of(parameters.sizeMs))
    .aggregate(countPerKey)
    .sinkTo(windowCountsSink());
});
