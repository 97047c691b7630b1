/** wordcount on Millrace, two workers. */
import type {Outcome} from '../jobs/job.ts';
import {wordcountAnswer, wordcountFile, type WordcountParameters} from '../jobs/wordcount.ts';
import type {WordcountArgs} from './jobs/wordcount.ts';
import {runJob} from './run-job.ts';

export async function run(parameters: WordcountParameters): Promise<Outcome> {
  const args: WordcountArgs = {file: wordcountFile(parameters)};
  const {result, seconds, cpuSeconds} = await runJob('wordcount', {args});
  const counts = new Map<string, number>();
  for (const each of result.collected['counts'] as {word: string; count: number}[]) {
    counts.set(each.word, each.count);
  }
  return {...wordcountAnswer(counts), seconds, cpuSeconds};
}
