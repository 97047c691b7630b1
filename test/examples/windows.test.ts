/** The examples with windows print what a program prints that has all records at once. */
import {Writable} from 'node:stream';
import test from 'ava';
import sessionAnalytics, {click} from '../../examples/session-analytics.ts';
import windowAggregation, {report, type Report} from '../../examples/window-aggregation.ts';
import {PRINT_TO_HOST} from '../../src/connectors/print-sink.ts';
import {replaceStandardStream} from '../../src/cli/standard-streams.ts';
import {runInThread, type JobModule} from '../../src/index.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

// What the jobs print is looked at, not shown.
process.env[PRINT_TO_HOST] = '1';
let printed = '';
replaceStandardStream(
  'stdout',
  new Writable({
    write(chunk: Buffer, _encoding, callback) {
      printed += chunk.toString();
      callback();
    },
  }),
);

async function linesOf(
  job: JobModule<any>,
  args: string[],
  parallelism: number,
): Promise<string[]> {
  printed = '';
  await runInThread(job, {args, parallelism});
  return printed.split('\n').filter(line => line !== '');
}

function clock(ms: number): string {
  return new Date(ms).toISOString().slice(11, 16);
}

/** What is printed of a quarter, each time that it is. */
function quarterLine(held: readonly Report[], start: number): string {
  const celsius = held.map(each => each.celsius);
  const mean = (celsius.reduce((a, b) => a + b, 0) / held.length).toFixed(1);
  const [least, largest] = [Math.min(...celsius), Math.max(...celsius)];
  const {station} = held[0]!;
  return `${clock(start)} ${station}: ${held.length} reports, ${mean} °C (${least} to ${largest})`;
}

/** One report after the other, with the watermark that stands behind it. */
function naiveQuarters(reports: readonly Report[], latenessMs: number): string[] {
  const lines: string[] = [];
  const open = new Map<string, Report[]>();
  let watermark = -Infinity;
  const fireUpTo = (next: number): void => {
    for (const [name, held] of open) {
      const start = Number(name.split(' ')[0]);
      const last = start + 15 * MINUTE - 1;
      if (last > watermark && last <= next) lines.push(quarterLine(held, start));
    }
    watermark = next;
  };
  for (const each of reports) {
    const start = Math.floor(each.at / (15 * MINUTE)) * 15 * MINUTE;
    const last = start + 15 * MINUTE - 1;
    if (last + latenessMs <= watermark) {
      lines.push(`too late: ${each.station} of ${clock(each.at)}`);
    } else {
      const name = `${start} ${each.station}`;
      open.set(name, [...(open.get(name) ?? []), each]);
      if (last <= watermark) lines.push(quarterLine(open.get(name)!, start));
    }
    fireUpTo(Math.max(watermark, each.at - 2 * MINUTE - 1));
  }
  fireUpTo(Infinity);
  return lines;
}

for (const [latenessMinutes, parallelism] of [
  [0, 1],
  [0, 2],
  [30, 1],
  [90, 2],
] as const) {
  test.serial(
    `the window aggregation is right, ${latenessMinutes} minutes late, by ${parallelism}`,
    async t => {
      const reports = Array.from({length: 6 * 360}, (_, index) => report(index));

      const args = ['--hours', '6', '--lateness-minutes', String(latenessMinutes)];
      const lines = await linesOf(windowAggregation, args, parallelism);

      const [all, quarters] = [true, false].map(isAll =>
        lines.filter(line => line.includes('all stations') === isAll).sort(),
      );
      t.deepEqual(quarters, naiveQuarters(reports, latenessMinutes * MINUTE).sort());
      // The sliding windows: every five minutes until the last report is a quarter old.
      t.is(all!.length, (6 * 60) / 5 + 2);
    },
  );
}

for (const parallelism of [1, 2]) {
  test.serial(`the session analytics are right, by ${parallelism}`, async t => {
    const count = 8_000;
    const byVisitor = new Map<number, number[]>();
    for (let index = 0; index < count; index += 1) {
      const {visitor, at} = click(index);
      byVisitor.set(visitor, [...(byVisitor.get(visitor) ?? []), at]);
    }
    const hours = new Map<number, Array<{pages: number; minutes: number}>>();
    for (const times of byVisitor.values()) {
      let visit: number[] = [];
      const end = (): void => {
        if (visit.length === 0) return;
        const last = visit.at(-1)!;
        const hour = Math.floor((last + 30 * MINUTE - 1) / HOUR) * HOUR;
        const ended = {pages: visit.length, minutes: (last - visit[0]!) / MINUTE};
        hours.set(hour, [...(hours.get(hour) ?? []), ended]);
      };
      for (const at of times.sort((a, b) => a - b)) {
        if (visit.length > 0 && at > visit.at(-1)! + 30 * MINUTE) {
          end();
          visit = [];
        }
        visit.push(at);
      }
      end();
    }
    const expected = [...hours].map(([start, visits]) => {
      const bounced = visits.filter(({pages}) => pages === 1).length;
      const minutes = visits.reduce((sum, visit) => sum + visit.minutes, 0) / visits.length;
      const share = Math.round((100 * bounced) / visits.length);
      return `${clock(start)} ${visits.length} visits, ${share} % left at once, ${minutes.toFixed(1)} min`;
    });

    const lines = await linesOf(
      sessionAnalytics,
      ['--clicks', String(count), '--visits'],
      parallelism,
    );

    const isHour = (line: string): boolean => line.includes('left at once');
    t.deepEqual(lines.filter(isHour).sort(), expected.sort());
    t.is(
      lines.filter(line => !isHour(line)).length,
      [...hours.values()].reduce((sum, visits) => sum + visits.length, 0),
    );
  });
}
