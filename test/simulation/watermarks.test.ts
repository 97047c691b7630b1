/**
 * Event time in whole jobs, drawn from seeds: whatever the order of steps, no record is overtaken by a
 * watermark, watermarks never go back, and the last one comes to every task.
 */
import test from 'ava';
import {Random} from '../../src/base/random.ts';
import {WatermarkStrategy, type DataStream, type ProcessFunction} from '../../src/index.ts';
import {simulate} from '../../src/testing/index.ts';
import {bag, buildRandomJob, drawJob, oracle, type Item} from '../support/random-job.ts';

const SEEDS = Number(process.env['MILLRACE_SEEDS'] ?? 300);
const PER_TEST = 50;

/** Timestamps that go up within a split, some of them more than once. */
const timeOf = ({v}: Item) => Math.floor(v / 3) * 10;

/** Source watermarks that let no record be late: at intervals, after every record, or as one likes. */
const STRATEGIES: Array<() => WatermarkStrategy<Item>> = [
  () =>
    WatermarkStrategy.forMonotonousTimestamps<Item>()
      .withTimestampAssigner(timeOf)
      .withEmitStrategy('on-event'),
  () => WatermarkStrategy.forMonotonousTimestamps<Item>().withTimestampAssigner(timeOf),
  () => WatermarkStrategy.forBoundedOutOfOrderness<Item>(25).withTimestampAssigner(timeOf),
  () =>
    WatermarkStrategy.forGenerator<Item>(() => ({
      onEvent: ({v}, timestamp, output) => {
        if (v % 4 === 0) output.emitWatermark(timestamp - 1);
      },
      onPeriodicEmit() {},
    })).withTimestampAssigner(timeOf),
  () => WatermarkStrategy.noWatermarks<Item>().withTimestampAssigner(timeOf),
];

/** Hands everything on, and looks at what event time is then. */
class Guard implements ProcessFunction<Item, Item> {
  #last = -Infinity;

  processElement(
    ...[item, context, out]: Parameters<ProcessFunction<Item, Item>['processElement']>
  ) {
    const watermark = context.timerService.currentWatermark;
    if (context.timestamp === undefined) throw new Error('a record has lost its timestamp');
    if (context.timestamp <= watermark) {
      throw new Error(`a record was overtaken: ${context.timestamp} by ${watermark}`);
    }
    if (watermark < this.#last)
      throw new Error(`event time went from ${this.#last} to ${watermark}`);
    this.#last = watermark;
    out.collect(item);
  }
}

const guarded = (stream: DataStream<Item>) => stream.process(new Guard());

for (let first = 0; first < SEEDS; first += PER_TEST) {
  test(`no record is overtaken by a watermark, seeds ${first} to ${first + PER_TEST - 1}`, async t => {
    for (let seed = first; seed < first + PER_TEST; seed += 1) {
      const random = new Random(seed ^ 0x71e);
      const drawn = drawJob(seed, 7);
      const workers = 1 + random.below(3);
      const strategy = STRATEGIES[random.below(STRATEGIES.length)]!;
      const config = {
        segmentSize: 1024 << random.below(3),
        exclusiveCredits: 1 + random.below(2),
        floatingCredits: random.below(3),
        bufferTimeoutMs: [0, 1, 100, -1][random.below(4)],
        autoWatermarkIntervalMs: [0, 1, 5, 200][random.below(4)],
        codeGeneration: random.below(4) !== 0,
      };

      const result = await simulate(
        env => buildRandomJob(env, drawn, {watermarks: strategy(), behind: guarded}),
        {seed, workers, parallelism: 2, config},
      );

      for (const [end, expected] of oracle(drawn)) {
        if (bag(result.collected[end] ?? []) !== bag(expected)) {
          t.fail(`seed ${seed}, end ${end}: ${JSON.stringify({config, workers, drawn}, null, 1)}`);
          return;
        }
      }
      for (const {name, currentInputWatermark, currentOutputWatermark} of result.metrics.tasks) {
        if (currentInputWatermark !== Infinity || currentOutputWatermark !== Infinity) {
          t.fail(`seed ${seed}: the last watermark has not come to ${name}`);
          return;
        }
      }
    }
    t.pass();
  });
}

test('in batch mode the only watermark is the last one', async t => {
  const result = await simulate(
    env => {
      env.setRuntimeMode('batch');
      env
        .generate((v): Item => ({k: v % 3, v}), {
          count: 300,
          watermarks: STRATEGIES[0]!(),
        })
        .rebalance()
        .process<number>({
          processElement(_item, {timerService}, out) {
            out.collect(timerService.currentWatermark);
          },
        })
        .collect('watermarks');
    },
    {seed: 1},
  );

  t.deepEqual([...new Set(result.collected['watermarks'])], [-Infinity]);
  t.true(result.metrics.tasks.every(task => task.currentInputWatermark === Infinity));
});
