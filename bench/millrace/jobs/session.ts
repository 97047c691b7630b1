/** Counts per key and session window of event time. */
import {
  EventTimeSessionWindows,
  WatermarkStrategy,
  float64,
  int32,
  job,
  schema,
} from '../../../src/index.ts';
import {sessionRecord, type SessionParameters, type WindowRecord} from '../../jobs/windows.ts';
import {countPerKey, windowCountsSink} from './window-counts.ts';

export default job<SessionParameters>((env, parameters) => {
  env
    .generate(i => sessionRecord(i, parameters), {
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
