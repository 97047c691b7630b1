/** J3x: the main thread of tumbling-worker.ts. */
import {checksumOf, type Outcome} from '../../jobs/job.ts';
import type {TumblingParameters} from '../../jobs/windows.ts';
import {startPair} from './pair.ts';
import type {TumblingResult} from './tumbling-worker.ts';

const run = startPair<TumblingParameters, TumblingResult>('./tumbling-worker.ts');

export async function runTumbling(parameters: TumblingParameters): Promise<Outcome> {
  let [results, counts, squares] = [0, 0, 0];
  for (const result of await run(parameters)) {
    results += result.results;
    counts += result.counts;
    squares += result.squares;
  }
  return {records: parameters.records, checksum: checksumOf(results, counts, squares)};
}
