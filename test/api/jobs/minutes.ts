/** Counts what the host writes, per key and ten milliseconds of its own time. */
import {TumblingEventTimeWindows, WatermarkStrategy, job} from '../../../src/index.ts';

export interface Moment {
  readonly key: string;
  readonly at: number;
}

export default job(env => {
  env
    .fromHost<Moment>('moments', {
      watermarks: WatermarkStrategy.forMonotonousTimestamps<Moment>().withTimestampAssigner(
        ({at}) => at,
      ),
    })
    .keyBy('key')
    .window(TumblingEventTimeWindows.of(10))
    .process<{key: string; start: number; count: number}>({
      process(key, {window}, moments, out) {
        out.collect({key, start: window.start, count: [...moments].length});
      },
    })
    .name('Count')
    .toHost('counts');
});
