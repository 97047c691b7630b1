/** The display of a job's progress, at fixed numbers and widths. */
import test from 'ava';
import {displayWidth} from '../../src/cli/display-width.ts';
import {plainPaint, type Paint} from '../../src/cli/paint.ts';
import {notYetRunning, type JobProgress} from '../../src/cli/progress-meter.ts';
import {
  progressLines,
  progressLogLine,
  timeBar,
  type ViewOptions,
} from '../../src/cli/progress-view.ts';

const PROGRESS: JobProgress = {
  elapsedMs: 12_345,
  records: 1_234_567,
  recordsPerSecond: 103_000,
  cores: 1.87,
  peakMemoryBytes: 312 * 1024 * 1024,
  vertices: [
    {
      parallelism: 2,
      operators: [
        {name: 'Text File', records: 1_234_567, recordsPerSecond: 103_000},
        {name: 'Flat Map', records: 1_234_567, recordsPerSecond: 103_000},
      ],
      busy: 0.6,
      backpressured: 0.25,
      idle: 0.15,
      queue: undefined,
      isFinished: false,
    },
    {
      parallelism: 2,
      operators: [
        {name: 'Keyed Aggregation', records: 24_800_000, recordsPerSecond: 2_100_000},
        {name: 'Sink: JSON Lines with a long, long name', records: 12, recordsPerSecond: 0},
      ],
      busy: 1,
      backpressured: 0,
      idle: 0,
      queue: {length: 12, lengthMax: 24},
      isFinished: false,
    },
    {
      parallelism: 1,
      operators: [{name: 'Print', records: 0, recordsPerSecond: 0}],
      busy: 0,
      backpressured: 0,
      idle: 0,
      queue: {length: 0, lengthMax: 12},
      isFinished: true,
    },
  ],
};

function options(columns: number, rows = 24, rest: Partial<ViewOptions> = {}): ViewOptions {
  return {
    jobName: 'wordcount',
    status: 'RUNNING',
    isCanceling: false,
    columns,
    rows,
    paint: plainPaint,
    ...rest,
  };
}

test('at 80 columns there are rates, totals, a bar of time, and queues', t => {
  t.deepEqual(progressLines(PROGRESS, options(80)), [
    'wordcount  RUNNING  12.3 s  1.23 M records  103 k/s  1.9 cores  peak 312 MB',
    '',
    'operator                     records/s   records  time                    queue',
    'Text File ×2                     103 k    1.23 M  ████████████▓▓▓▓▓░░░',
    '└ Flat Map                       103 k    1.23 M',
    'Keyed Aggregation ×2            2.10 M    24.8 M  ████████████████████    12/24',
    '└ Sink: JSON Lines with a …          0        12',
    'Print                                0         0  finished                 0/12',
    'time of the last second: █ busy  ▓ backpressured  ░ idle',
  ]);
});

test('at 120 columns shares of time have figures too', t => {
  const lines = progressLines(PROGRESS, options(120));

  t.regex(lines[0]!, /1,234,567 records/);
  t.regex(lines[3]!, /█▓▓▓▓▓░░░ +60 % +25 % +15 %$/);
  t.regex(lines[6]!, /└ Sink: JSON Lines with a long, long name +0 +12$/);
});

test('on a narrow terminal columns go, and at last all but one line', t => {
  t.notRegex(progressLines(PROGRESS, options(60)).join('\n'), /queue/);
  t.regex(progressLines(PROGRESS, options(60)).join('\n'), /records {2}time/);
  t.notRegex(progressLines(PROGRESS, options(45)).join('\n'), /1\.23 M *█/);
  t.deepEqual(progressLines(PROGRESS, options(30)), ['wordcount  RUNNING  12.3 s']);
});

test('no line is as wide as the terminal, and they never fill it', t => {
  for (let columns = 1; columns <= 200; columns += 1) {
    for (const rows of [1, 5, 6, 8, 24]) {
      const lines = progressLines(PROGRESS, options(columns, rows));

      t.true(lines.length < Math.max(2, rows), `${columns}×${rows}`);
      for (const line of lines)
        t.true(displayWidth(line) < Math.max(2, columns), `${columns}: ${line}`);
    }
  }
});

test('on a low terminal it says how many operators are missing', t => {
  const lines = progressLines(PROGRESS, options(80, 8));

  t.is(lines.length, 7);
  t.is(lines[5], '… and 3 more operators');
});

test('a job that is starting has one line', t => {
  t.deepEqual(progressLines(notYetRunning(1300), options(80, 24, {status: 'STARTING'})), [
    'wordcount  STARTING  1.30 s',
  ]);
  t.is(
    progressLogLine(notYetRunning(1300), options(80, 24, {status: 'STARTING'})),
    'wordcount: STARTING, 1.30 s',
  );
});

test('somebody who has pressed Ctrl-C learns what a second one does', t => {
  const lines = progressLines(PROGRESS, options(80, 24, {isCanceling: true, status: 'CANCELLING'}));

  t.is(lines.at(-1), 'cancelling; a second Ctrl-C ends the process at once');
});

test('names cannot break the display', t => {
  const lines = progressLines(PROGRESS, options(80, 24, {jobName: 'two\nlines\u001b[2J'}));

  t.true(lines[0]!.startsWith('two\ufffdlines\ufffd[2J  RUNNING'));
});

test('colours take no room', t => {
  const loud: Paint = (_style, text) => (text === '' ? '' : `\u001b[31m${text}\u001b[39m`);
  const painted = progressLines(PROGRESS, options(80, 24, {paint: loud}));

  t.deepEqual(
    // eslint-disable-next-line no-control-regex
    painted.map(line => line.replace(/\u001b\[\d+m/g, '').trimEnd()),
    progressLines(PROGRESS, options(80)),
  );
});

test('a bar has as many cells as it should, however shares are rounded', t => {
  for (let busy = 0; busy <= 1.0001; busy += 0.07) {
    for (let waiting = 0; busy + waiting <= 1.0001; waiting += 0.09) {
      const shares = {busy, backpressured: waiting, idle: 1 - busy - waiting};
      t.is(displayWidth(timeBar(shares, 20, plainPaint)), 20);
    }
  }
});

test('a log has it all on one line', t => {
  t.is(
    progressLogLine(PROGRESS, options(80)),
    'wordcount: RUNNING, 12.3 s, 1,234,567 records, 103 k/s, busiest Keyed Aggregation 100 %, peak 312 MB',
  );
});
