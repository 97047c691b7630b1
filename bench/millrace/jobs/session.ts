/** Counts per key and session window of event time. */
import {
  EventTimeSessionWindows,
  WatermarkStrategy,
  float64,
  int32,
  job,
  schema,
} from '../../../src/index.ts';
import {sessionFields, type SessionParameters, type WindowRecord} from '../../jobs/windows.ts';
import {countPerKey, windowCountsSink} from './window-counts.ts';

export default job<SessionParameters>((env, parameters) => {
  const {key, time} = sessionFields(parameters);
  env
    .generate(i => ({key: key(i), value: i, ts: time(i)}), {
      count: parameters.records,
      schema: schema({key: int32, value: int32, ts: float64}),
      watermarks: WatermarkStrategy.forMonotonousTimestamps<WindowRecord>().withTimestampAssigner(
        ({ts}) => ts,
      ),
    })
    .keyBy('key')
    .window(EventTimeSessionWindows.withGap(parameters.gapMs))
    .aggregate(countPerKey)
    .sinkTo(windowCountsSink());
});
