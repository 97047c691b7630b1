/** What holds watermarks back, read while a job is stepped by hand. */
import test from 'ava';
import {ManualClock} from '../../src/base/clock.ts';
import {Random} from '../../src/base/random.ts';
import {prepareLocalJob} from '../../src/api/local-job.ts';
import type {StreamExecutionEnvironment} from '../../src/api/environment.ts';
import {WatermarkStrategy, type KeyedProcessFunction} from '../../src/index.ts';
import {Arena} from '../../src/memory/arena.ts';
import {createWorkerTasks} from '../../src/scheduler/task-factory.ts';
import {WatermarkReportReader} from '../../src/scheduler/watermark-report.ts';
import {silentSource, type SilentRecord} from '../support/silent-source.ts';

const START_MS = 1_000_000;

/** Registers a timer that stays. */
class Waiting implements KeyedProcessFunction<number, SilentRecord, number> {
  processElement(
    ...[, {timerService}]: Parameters<
      KeyedProcessFunction<number, SilentRecord, number>['processElement']
    >
  ) {
    timerService.registerEventTimeTimer(1e6);
  }
}

const byTime = () =>
  WatermarkStrategy.forMonotonousTimestamps<SilentRecord>().withTimestampAssigner(({time}) => time);

/** Runs a job for so many milliseconds of its clock, and says what its watermarks wait for. */
async function explained(build: (env: StreamExecutionEnvironment) => void, forMs: number) {
  const {plans, deployment} = await prepareLocalJob(
    build,
    {parallelism: 2, config: {autoWatermarkIntervalMs: 10, sourceIdleTimeoutMs: 0}},
    1,
    'report',
  );
  const arena = new Arena(deployment.buffer);
  const clock = new ManualClock(START_MS);
  const {tasklets} = createWorkerTasks({
    plan: plans[0]!,
    deployment,
    arena,
    workerIndex: 0,
    clock,
    random: new Random(1),
  });
  for (let ms = 0; ms < forMs; ms += 1) {
    for (let round = 0; round < 8; round += 1) {
      for (const tasklet of tasklets) tasklet.step(clock.monotonicNow());
    }
    clock.advance(1);
  }
  const reports = new WatermarkReportReader(arena, deployment).explain(clock.now());
  for (const tasklet of tasklets) tasklet.dispose();
  return new Map(reports.map(report => [report.operator, report]));
}

test('the trail leads over all channels to the split that is silent, and says since when', async t => {
  const reports = await explained(env => {
    env
      .fromSource(silentSource([3, 5000]), byTime(), 'clicks')
      .keyBy(({split}) => split)
      .process(new Waiting())
      .name('Waiting')
      .rebalance()
      .map(value => value)
      .name('Behind')
      .setParallelism(1)
      .discard();
  }, 400);

  const waiting = reports.get('Waiting')!;
  t.is(waiting.watermark, 1);
  t.true(waiting.hasTimers);
  t.false(waiting.isIdle);
  t.true(waiting.standsForMs > 300);
  t.like(waiting.heldBackBy, {
    operator: 'Source: clicks',
    subtaskIndex: 0,
    split: 'split-0',
    watermark: 1,
  });

  const behind = reports.get('Behind')!;
  t.false(behind.hasTimers);
  t.is(behind.heldBackBy!.split, 'split-0');
  t.regex(
    behind.text,
    /^Behind \(1\/1\) stands at 1 since 0\.\d s: held back by split split-0 of Source: clicks \(1\/2\), over Waiting \(\d\/2\)$/,
  );
  t.is(reports.get('Source: clicks')!.watermark, 1);
});

test('an operator whose inputs are all idle is not held back by anybody', async t => {
  const reports = await explained(env => {
    env
      .fromSource(silentSource([3, 5]), byTime().withIdleness(20), 'clicks')
      .rebalance()
      .map(value => value)
      .name('Behind')
      .discard();
  }, 400);

  const {isIdle, heldBackBy, watermark, text} = reports.get('Behind')!;
  t.true(isIdle);
  t.is(heldBackBy, undefined);
  // The largest watermark of all.
  t.is(watermark, 3);
  t.regex(text, /all its inputs are idle$/);
});

test('a source without watermarks is named, and watermarks that are assigned later begin there', async t => {
  const reports = await explained(env => {
    const clicks = env.fromSource(silentSource([50, 50]), undefined, 'clicks');
    clicks
      .rebalance()
      .map(value => value)
      .name('Without')
      .discard();
    clicks
      .rebalance()
      .assignTimestampsAndWatermarks(byTime())
      .name('Assigned')
      .rebalance()
      .map(value => value)
      .name('With')
      .discard();
  }, 400);

  t.is(reports.get('Without')!.heldBackBy!.operator, 'Source: clicks');
  t.regex(reports.get('Without')!.text, /^Without \(\d\/2\) has no watermark yet since/);
  t.is(reports.get('With')!.heldBackBy!.operator, 'Assigned');
  t.is(reports.get('With')!.watermark, reports.get('Assigned')!.watermark);
  t.true(reports.get('With')!.watermark > 40);
});

test('a job that has ended has seen the last watermark everywhere', async t => {
  const reports = await explained(env => {
    env
      .fromElements(1, 2, 3)
      .rebalance()
      .map(value => value)
      .name('Map')
      .discard();
  }, 20);

  for (const {watermark, text} of reports.values()) {
    t.is(watermark, Infinity);
    t.regex(text, /has seen the last watermark$/);
  }
});
