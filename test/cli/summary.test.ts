/** What is said about a run that has ended. */
import test from 'ava';
import {plainPaint} from '../../src/cli/paint.ts';
import {outcomeOfMetrics, type RunOutcome} from '../../src/cli/run-outcome.ts';
import {summaryJson, summaryLines} from '../../src/cli/summary.ts';
import {displayWidth} from '../../src/cli/display-width.ts';
import {jobMetrics} from '../support/job-readings.ts';

function outcome(rest: Partial<RunOutcome> = {}): RunOutcome {
  const metrics = jobMetrics(
    {
      lines: 1000,
      words: 90_000,
      busyMs: 600,
      backpressuredMs: 300,
      idleMs: 100,
      counters: {invalidUtf8: 0, retries: 2},
    },
    {words: 90_000, busyMs: 500, idleMs: 500},
  );
  return {
    job: 'wordcount',
    jobId: 'a-1',
    state: 'FINISHED',
    canceledBy: undefined,
    startMs: 85.123456,
    durationMs: 1320.5,
    ...outcomeOfMetrics(metrics, 1320.5),
    cpuSeconds: 2.4,
    processSeconds: 1.5,
    peakMemoryBytes: 312 * 1024 * 1024,
    accumulators: {invalidUtf8: 0, retries: 4, late: 0},
    collected: {},
    failures: [],
    ...rest,
  };
}

const lines = (rest: Partial<RunOutcome> = {}, columns = 80): string[] =>
  summaryLines(outcome(rest), {columns, paint: plainPaint});

test('a finished job is summed up in a few lines and a table', t => {
  t.deepEqual(lines(), [
    'wordcount finished in 1.32 s',
    '  records      1,000 from sources  (757/s), 90,000 in Print  (68.2 k/s)',
    '  CPU          2.40 s  (1.6 cores on average)',
    '  peak memory  312 MB',
    '  late         0',
    '  retries      4',
    '',
    'operator  records in  records out  busy  backpr.  idle',
    'Lines ×2                    1,000  60 %     30 %  10 %',
    '└ Words        1,000       90,000',
    'Print         90,000               50 %      0 %  50 %',
  ]);
});

test('a cancelled job says why', t => {
  t.is(
    lines({state: 'CANCELED', canceledBy: 'SIGINT'})[0],
    'wordcount was cancelled after 1.32 s (SIGINT)',
  );
  t.is(lines({state: 'FAILED'})[0], 'wordcount failed after 1.32 s');
});

test('what was collected is at least counted', t => {
  t.true(
    lines({collected: {top: [1, 2, 3]}}).includes(
      '  top          3 records collected; --json shows them',
    ),
  );
});

test('a narrow terminal gets a narrower table', t => {
  for (const columns of [80, 60, 40]) {
    const table = lines({}, columns).slice(-4);
    for (const line of table) t.true(displayWidth(line) < columns, line);
  }
  t.is(lines({}, 40).at(-1), 'Print         90,000');
});

test('the JSON document has everything, with values that JSON lacks in a readable form', t => {
  const document = JSON.parse(
    summaryJson(
      outcome({
        state: 'CANCELED',
        canceledBy: 'SIGTERM',
        collected: {
          odd: [10n, NaN, new Map([['a', 1]]), new Set([1]), new Uint8Array([1, 2]), new Date(0)],
        },
      }),
      143,
    ),
  ) as Record<string, unknown>;

  t.deepEqual(document, {
    job: 'wordcount',
    jobId: 'a-1',
    state: 'CANCELED',
    canceledBy: 'SIGTERM',
    exitCode: 143,
    startMs: 85.123,
    durationMs: 1320.5,
    records: 1000,
    recordsPerSecond: 757.289,
    cpuSeconds: 2.4,
    peakMemoryBytes: 312 * 1024 * 1024,
    tasks: [
      {
        id: 'source',
        parallelism: 2,
        busyMs: 1200,
        backpressuredMs: 600,
        idleMs: 200,
        operators: [
          {name: 'Lines', uid: 'lines', recordsIn: 0, recordsOut: 1000},
          {name: 'Words', uid: 'words', recordsIn: 1000, recordsOut: 90_000},
        ],
      },
      {
        id: 'sink',
        parallelism: 1,
        busyMs: 500,
        backpressuredMs: 0,
        idleMs: 500,
        operators: [{name: 'Print', uid: 'print', recordsIn: 90_000, recordsOut: 0}],
      },
    ],
    accumulators: {invalidUtf8: 0, retries: 4, late: 0},
    counters: {invalidUtf8: 0, retries: 4},
    collected: {odd: ['10', 'NaN', [['a', 1]], [1], 'AQI=', '1970-01-01T00:00:00.000Z']},
  });
});

test('the JSON document of a failed job has its errors, root cause first', t => {
  const failure = {
    name: 'StreamError',
    code: 'E_X',
    message: 'E_X it broke',
    details: {},
    stack: undefined,
    cause: undefined,
  };

  const document = JSON.parse(summaryJson(outcome({state: 'FAILED', failures: [failure]}), 1)) as {
    state: string;
    error: {code: string};
    failures: unknown[];
  };

  t.is(document.state, 'FAILED');
  t.is(document.error.code, 'E_X');
  t.is(document.failures.length, 1);
});
