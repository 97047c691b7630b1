/**
 * Weather stations report temperatures, not always in time. For each station and quarter of an hour the
 * job prints how many reports there were, and their mean, least and largest; for all stations together,
 * every five minutes, how many reported in the last quarter. What comes too late is listed.
 *
 *   millrace run examples/window-aggregation.ts
 *   millrace run examples/window-aggregation.ts -- --hours 6 --lateness-minutes 10
 *
 * What there is to see:
 *
 * - Windows go by the time of the reports, not by the clock: a day is done in a second.
 * - Reports are up to two minutes late; the watermark waits for them. One in a hundred is later than that. With
 *   --lateness-minutes a window is kept longer, and such a report makes it print a corrected result.
 */
import {parseArgs} from 'node:util';
import {
  OutputTag,
  SlidingEventTimeWindows,
  TumblingEventTimeWindows,
  WatermarkStrategy,
  job,
  type AggregateFunction,
  type WatermarkGenerator,
  type WatermarkOutput,
} from '../src/index.ts'; // in a project of your own: from 'millrace'

const MINUTE = 60_000;
const STATIONS = ['Bergen', 'Oslo', 'Tromsø'];

export interface Report {
  readonly station: string;
  readonly celsius: number;
  /** When it was measured. */
  readonly at: number;
}

/** One report each ten seconds, from a station in turn; measured up to two minutes ago, rarely an hour. */
export function report(index: number): Report {
  const sent = index * 10_000;
  const delay = index % 100 === 99 ? 60 * MINUTE : ((index * 7919) % 120) * 1000;
  const at = Math.max(0, sent - delay);
  const day = Math.sin((at / (24 * 60 * MINUTE)) * 2 * Math.PI - Math.PI / 2);
  const station = STATIONS[index % STATIONS.length]!;
  const celsius = 10 - 4 * STATIONS.indexOf(station) + 6 * day + ((index * 31) % 11) / 10;
  return {station, celsius: Math.round(celsius * 10) / 10, at};
}

interface Summary {
  readonly count: number;
  readonly sum: number;
  readonly least: number;
  readonly largest: number;
}

/** Only this is kept of a window, however many reports it has. */
const summarize: AggregateFunction<Report, Summary, Summary> = {
  createAccumulator: () => ({count: 0, sum: 0, least: Infinity, largest: -Infinity}),
  add: ({celsius}, {count, sum, least, largest}) => ({
    count: count + 1,
    sum: sum + celsius,
    least: Math.min(least, celsius),
    largest: Math.max(largest, celsius),
  }),
  getResult: summary => summary,
  merge: (a, b) => ({
    count: a.count + b.count,
    sum: a.sum + b.sum,
    least: Math.min(a.least, b.least),
    largest: Math.max(a.largest, b.largest),
  }),
};

const count: AggregateFunction<Report, number, number> = {
  createAccumulator: () => 0,
  add: (_report, n) => n + 1,
  getResult: n => n,
  merge: (a, b) => a + b,
};

function clock(ms: number): string {
  return new Date(ms).toISOString().slice(11, 16);
}

export default job((env, args) => {
  const {values} = parseArgs({
    args: [...args],
    options: {
      hours: {type: 'string', default: '24'},
      'lateness-minutes': {type: 'string', default: '0'},
    },
  });

  const reports = env
    .generate(report, {
      count: Number(values.hours) * 360,
      name: 'Stations',
      watermarks: WatermarkStrategy.forGenerator<Report>(
        () => new BehindEach(2 * MINUTE),
      ).withTimestampAssigner(({at}) => at),
    })
    .setParallelism(1);

  const late = new OutputTag<Report>('late');
  const quarters = reports
    .keyBy('station')
    .window(TumblingEventTimeWindows.of(15 * MINUTE))
    .allowedLateness(Number(values['lateness-minutes']) * MINUTE)
    .sideOutputLateData(late)
    .aggregate(summarize, (station, {window}, [summary]) => {
      const {count: reportCount, sum, least, largest} = summary!;
      const mean = (sum / reportCount).toFixed(1);
      const from = clock(window.start);
      return [`${from} ${station}: ${reportCount} reports, ${mean} °C (${least} to ${largest})`];
    })
    .name('Quarters');
  quarters.print().setParallelism(1);
  quarters
    .getSideOutput(late)
    .map(({station, at}) => `too late: ${station} of ${clock(at)}`)
    .print()
    .setParallelism(1);

  reports
    .windowAll(SlidingEventTimeWindows.of(15 * MINUTE, 5 * MINUTE))
    .aggregate(count, ({window}, [n]) => [`${clock(window.end)} all stations: ${n} in a quarter`])
    .name('All stations')
    .print()
    .setParallelism(1);
});

/**
 * A watermark behind each report that is newer than all before. `forBoundedOutOfOrderness` does the same five
 * times in a second, which is enough for reports that come as they are measured; here a day goes by in that
 * time.
 */
class BehindEach implements WatermarkGenerator<Report> {
  readonly #boundMs: number;
  #newest = -Infinity;

  constructor(boundMs: number) {
    this.#boundMs = boundMs;
  }

  onEvent(_report: Report, timestamp: number, output: WatermarkOutput): void {
    if (timestamp <= this.#newest) return;
    this.#newest = timestamp;
    output.emitWatermark(timestamp - this.#boundMs - 1);
  }

  onPeriodicEmit(): void {}
}
