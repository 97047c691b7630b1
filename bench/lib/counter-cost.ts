/**
 * What counting and timing cost: J2x-1k with the option `metrics` on and off, in two processes that take
 * turns. Off, the code that counts is not even generated. Both orders are run in turn, so that a machine
 * that becomes slower favours neither.
 */
import {jobNamed} from '../jobs/index.ts';
import {Contestant} from './contestant.ts';
import {showRate} from './rows.ts';
import {median, spreadOf} from './statistics.ts';

const WARM_UP_ROUNDS = 2;

/** Lines that say what it costs, from the medians of `runs` rounds of each. */
export async function counterCost(size: 'smoke' | 'full', runs: number): Promise<string[]> {
  const job = jobNamed('J2x-1k');
  const contestants = ['true', 'false'].map(
    metrics =>
      new Contestant(job, 'millrace', {size, environment: {MILLRACE_BENCH_METRICS: metrics}}),
  );
  await Promise.all(contestants.map(each => each.ready()));
  for (let round = -WARM_UP_ROUNDS; round < runs; round += 1) {
    const order = round % 2 === 0 ? contestants : [...contestants].reverse();
    for (const contestant of order) await contestant.round({counts: round >= 0});
  }
  await Promise.all(contestants.map(each => each.end()));
  const failure = contestants.find(each => each.failure !== undefined)?.failure;
  if (failure !== undefined) throw new Error(failure);
  if (contestants.some(({rounds}) => rounds.some(round => !round.checked))) {
    throw new Error('a round gave a wrong answer');
  }
  const rates = contestants.map(({rounds}) => rounds.map(each => each.records / each.seconds));
  const perCpu = contestants.map(({rounds}) => rounds.map(each => each.records / each.cpuSeconds));
  const cost = ([on, off]: number[][]) => `${((1 - median(on) / median(off)) * 100).toFixed(1)} %`;
  return [
    `J2x-1k with counters     ${showRate(median(rates[0]))}/s, spread ${percent(spreadOf(rates[0]))}`,
    `J2x-1k without counters  ${showRate(median(rates[1]))}/s, spread ${percent(spreadOf(rates[1]))}`,
    `counters cost ${cost(rates)} of records/s, ${cost(perCpu)} of records per CPU-second (${runs} rounds each)`,
  ];
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}
