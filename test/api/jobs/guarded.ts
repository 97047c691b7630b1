/** Records through many exchanges, each of which fails the job if a watermark has overtaken a record. */
import {WatermarkStrategy, job, type DataStream, type ProcessFunction} from '../../../src/index.ts';

interface Item {
  readonly key: number;
  readonly at: number;
}

const guard: ProcessFunction<Item, Item> = {
  processElement(item, {timestamp, timerService}, out) {
    if (timestamp! <= timerService.currentWatermark) {
      throw new Error(`${timestamp} was overtaken by ${timerService.currentWatermark}`);
    }
    out.collect(item);
  },
};

export default job<{count?: number}>((env, {count = 60_000}) => {
  const guarded = (items: DataStream<Item>) => items.process(guard);
  const items = env.generate((at): Item => ({key: at % 100, at}), {
    count,
    watermarks: WatermarkStrategy.forMonotonousTimestamps<Item>().withTimestampAssigner(
      ({at}) => at,
    ),
  });
  const spread = guarded(guarded(items).rebalance()).keyBy('key').process<Item>(guard);
  guarded(spread.shuffle().union(guarded(items.broadcast()))).discard();
});
