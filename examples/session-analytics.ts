/**
 * Visits to a web site: the clicks of a visitor belong to one visit until he has been silent for half an
 * hour. For each visit the job knows where it began, how many pages it had and how long it took; and for
 * each hour in which visits ended, how many there were and what share of them left at once.
 *
 *   millrace run examples/session-analytics.ts
 *   millrace run examples/session-analytics.ts -- --clicks 200000 --visits
 *
 * What there is to see:
 *
 * - A session window has no size: it grows with each click, and two grow into one when a click that came
 *   late lies between them.
 * - A result carries the last timestamp of its window, so the hours count visits by when they ended: windows
 *   follow windows, with nothing in between.
 */
import {parseArgs} from 'node:util';
import {
  EventTimeSessionWindows,
  TumblingEventTimeWindows,
  WatermarkStrategy,
  job,
  type AggregateFunction,
} from '../src/index.ts'; // in a project of your own: from 'millrace'

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const PAGES = ['/', '/prices', '/docs', '/blog', '/about'];

export interface Click {
  readonly visitor: number;
  readonly page: string;
  readonly at: number;
}

/** Draws from `limit` numbers, always the same one for `n`. */
function draw(n: number, limit: number): number {
  let z = Math.imul(n + 0x9e3779b9, 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return ((z ^ (z >>> 15)) >>> 0) % limit;
}

/** Two clicks in a second; a visitor comes with up to four of them, most of them a few minutes apart. */
export function click(index: number): Click {
  const visit = Math.floor(index / 4);
  const visitor = draw(visit, 5_000);
  const began = visit * 2_000;
  // The third click of some visits comes before the second, and that of others belongs to the next visit.
  const steps = [0, 3, draw(visit, 3) === 0 ? 1 : 6, draw(visit, 5) === 0 ? 50 : 7];
  const at = began + (steps[index % 4]! + draw(index, 60) / 60) * MINUTE;
  return {visitor, page: PAGES[draw(index * 3, PAGES.length)]!, at: Math.floor(at)};
}

interface Visit {
  readonly pages: number;
  readonly first: number;
  readonly last: number;
  readonly landing: string;
}

const visits: AggregateFunction<Click, Visit, Visit> = {
  createAccumulator: () => ({pages: 0, first: Infinity, last: -Infinity, landing: ''}),
  add: ({page, at}, {pages, first, last, landing}) => ({
    pages: pages + 1,
    first: Math.min(first, at),
    last: Math.max(last, at),
    landing: at < first ? page : landing,
  }),
  getResult: visit => visit,
  // Two visits that turn out to be one.
  merge: (a, b) => ({
    pages: a.pages + b.pages,
    first: Math.min(a.first, b.first),
    last: Math.max(a.last, b.last),
    landing: a.first <= b.first ? a.landing : b.landing,
  }),
};

interface Hour {
  readonly visits: number;
  readonly bounced: number;
  readonly minutes: number;
}

const perHour: AggregateFunction<Visit, Hour, Hour> = {
  createAccumulator: () => ({visits: 0, bounced: 0, minutes: 0}),
  add: ({pages, first, last}, hour) => ({
    visits: hour.visits + 1,
    bounced: hour.bounced + (pages === 1 ? 1 : 0),
    minutes: hour.minutes + (last - first) / MINUTE,
  }),
  getResult: hour => hour,
};

function clock(ms: number): string {
  return new Date(ms).toISOString().slice(11, 16);
}

export default job((env, args) => {
  const {values} = parseArgs({
    args: [...args],
    options: {
      clicks: {type: 'string', default: '50000'},
      visits: {type: 'boolean', default: false},
    },
  });

  const ended = env
    .generate(click, {
      count: Number(values.clicks),
      name: 'Clicks',
      watermarks: WatermarkStrategy.forBoundedOutOfOrderness<Click>(HOUR).withTimestampAssigner(
        ({at}) => at,
      ),
    })
    .keyBy('visitor')
    .window(EventTimeSessionWindows.withGap(30 * MINUTE))
    .aggregate(visits)
    .name('Visits');

  if (values.visits) {
    ended
      .map(({pages, first, last, landing}) => {
        const minutes = ((last - first) / MINUTE).toFixed(0);
        return `${clock(first)} from ${landing}: ${pages} pages in ${minutes} min`;
      })
      .print()
      .setParallelism(1);
  }
  ended
    .windowAll(TumblingEventTimeWindows.of(HOUR))
    .aggregate(perHour, ({window}, [hour]) => {
      const {visits: n, bounced, minutes} = hour!;
      const share = Math.round((100 * bounced) / n);
      return [
        `${clock(window.start)} ${n} visits, ${share} % left at once, ${(minutes / n).toFixed(1)} min`,
      ];
    })
    .name('Hours')
    .print()
    .setParallelism(1);
});
