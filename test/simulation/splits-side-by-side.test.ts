/** A source that reads several splits at a time: each has watermarks of its own, and waits by itself. */
import test from 'ava';
import {WatermarkStrategy} from '../../src/index.ts';
import {simulate} from '../../src/testing/index.ts';
import {logSource, type LogOptions, type LogRecord} from '../support/log-source.ts';

interface Seen extends LogRecord {
  readonly watermark: number;
}

const byTime = () =>
  WatermarkStrategy.forMonotonousTimestamps<LogRecord>().withTimestampAssigner(({time}) => time);

/** The records in the order in which they came to one subtask, and what event time was then. */
async function seenOf(
  options: LogOptions,
  strategy: WatermarkStrategy<LogRecord>,
  seed = 1,
): Promise<Seen[]> {
  const result = await simulate(
    env => {
      env
        .fromSource(logSource(options), strategy)
        .global()
        .process<Seen>({
          processElement(record, {timerService}, out) {
            out.collect({...record, watermark: timerService.currentWatermark});
          },
        })
        .setParallelism(1)
        .collect('seen');
    },
    {seed, parallelism: 2, config: {autoWatermarkIntervalMs: 3, bufferTimeoutMs: 0}},
  );
  const seen = result.collected['seen'] as Seen[];
  if (seen.length !== options.counts.reduce((sum, count) => sum + count, 0)) {
    throw new Error('every record of every split arrives');
  }
  return seen;
}

/** How far split 0 is ahead of split 1 at most, as long as that one has records. */
function leadOf(seen: readonly Seen[]): number {
  const last = [0, 0, 0];
  let lead = 0;
  const end = seen.findLastIndex(({split}) => split === 1);
  for (const {split, time} of seen.slice(0, end)) {
    last[split] = time;
    lead = Math.max(lead, last[0]! - last[1]!);
  }
  return lead;
}

test('no record is late, however fast the splits are', async t => {
  for (const seed of [1, 2, 3]) {
    const options = {counts: [300, 60, 100], intervalsMs: [0.5, 4, 2]};

    const seen = await seenOf(options, byTime(), seed);

    t.deepEqual(
      seen.filter(({time, watermark}) => time <= watermark),
      [],
    );
    t.true(leadOf(seen) > 1500);
  }
});

test('a split that has ended holds nobody back', async t => {
  const seen = await seenOf({counts: [5, 300], intervalsMs: [1, 1]}, byTime());

  const {watermark} = seen.at(-1)!;
  t.true(watermark > 2500, `${watermark}`);
});

test('of several splits only the one that is ahead waits', async t => {
  const aligned = byTime().withWatermarkAlignment('log', 100, 5);
  // Splits 0 and 2 and 1 are of two subtasks; 0 and 2 are read by one reader.
  const options = {counts: [300, 40, 40], intervalsMs: [0.5, 8, 8]};

  const free = await seenOf(options, byTime());
  t.true(leadOf(free) > 2000);
  for (const pausesSplits of [true, false]) {
    const seen = await seenOf({...options, pausesSplits}, aligned);
    const lead = leadOf(seen);
    // A reader that cannot pause one split stands still only when all are ahead.
    if (pausesSplits) t.true(lead < 600, `${lead}`);
    else t.true(lead > 600, `${lead}`);
  }
});
