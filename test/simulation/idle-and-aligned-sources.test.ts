/** Sources that fall silent, and sources that wait for each other, under the clock of the simulator. */
import test from 'ava';
import {WatermarkStrategy, type DataStream} from '../../src/index.ts';
import {simulate} from '../../src/testing/index.ts';
import {silentSource, type SilentRecord} from '../support/silent-source.ts';

/** What event time was at each record, as one subtask sees all splits. */
function watch(stream: DataStream<SilentRecord>): void {
  stream
    .global()
    .process<{split: number; time: number; watermark: number}>({
      processElement({split, time}, {timerService}, out) {
        out.collect({split, time, watermark: timerService.currentWatermark});
      },
    })
    .setParallelism(1)
    .collect('seen');
}

const byTime = () =>
  WatermarkStrategy.forMonotonousTimestamps<SilentRecord>().withTimestampAssigner(({time}) => time);

async function lastWatermark(
  strategy: WatermarkStrategy<SilentRecord>,
  config: Record<string, unknown> = {},
): Promise<number> {
  const result = await simulate(
    env => watch(env.fromSource(silentSource([3, 500]), strategy).setParallelism(2)),
    {
      seed: 1,
      config: {autoWatermarkIntervalMs: 5, ...config},
      faults: [{kind: 'stop', atStep: 12_000}],
    },
  );
  const seen = result.collected['seen'] as Array<{split: number; watermark: number}>;
  return seen.filter(({split}) => split === 1).at(-1)!.watermark;
}

test('a silent split holds the watermark back; not for longer than its idle timeout', async t => {
  t.is(await lastWatermark(byTime(), {sourceIdleTimeoutMs: 0}), 1);
  t.true((await lastWatermark(byTime().withIdleness(50))) > 400);
});

test('with several splits idleness is found by default', async t => {
  t.true((await lastWatermark(byTime(), {sourceIdleTimeoutMs: 50})) > 400);
  // What the strategy says holds.
  t.is(await lastWatermark(byTime().withIdleness(1e9), {sourceIdleTimeoutMs: 50}), 1);
});

interface Paced {
  readonly kind: 'fast' | 'slow';
  readonly time: number;
}

/** How far the fast source was ahead of the slow one at most, in event time. */
async function largestLead(strategy: WatermarkStrategy<Paced>, seed: number): Promise<number> {
  const result = await simulate(
    env => {
      const source = (kind: Paced['kind'], ratePerSecond: number) =>
        env
          .generate((n): Paced => ({kind, time: n * 10}), {
            count: 1000,
            ratePerSecond,
            watermarks: strategy,
          })
          .setParallelism(1);
      source('fast', 10_000)
        .union(source('slow', 500))
        .map(each => each)
        .setParallelism(1)
        .collect('all');
    },
    {seed, config: {autoWatermarkIntervalMs: 5, bufferTimeoutMs: 0}},
  );
  const all = result.collected['all'] as Paced[];
  if (all.length !== 2000) throw new Error(`all records arrive, not ${all.length}`);
  const last = {fast: 0, slow: 0};
  let lead = 0;
  for (const {kind, time} of all) {
    last[kind] = time;
    lead = Math.max(lead, last.fast - last.slow);
  }
  return lead;
}

test('a source that is ahead of its group waits, and goes on when the others have ended', async t => {
  const strategy = WatermarkStrategy.forMonotonousTimestamps<Paced>().withTimestampAssigner(
    ({time}) => time,
  );
  for (const seed of [1, 2, 3]) {
    t.true((await largestLead(strategy, seed)) > 8000, 'without alignment');
    const aligned = strategy.withWatermarkAlignment('group', 100, 10);
    t.true((await largestLead(aligned, seed)) < 3000, 'with alignment');
  }
});
