/** wordcount: the main thread of wordcount-worker.ts, which adds the counts of the two halves. */
import {statSync} from 'node:fs';
import type {Outcome} from '../../jobs/job.ts';
import {wordcountAnswer, wordcountFile, type WordcountParameters} from '../../jobs/wordcount.ts';
import {startPair} from './pair.ts';
import type {WordcountResult, WordcountRun} from './wordcount-worker.ts';

const run = startPair<WordcountRun, WordcountResult>('./wordcount-worker.ts');

export async function runWordcount(parameters: WordcountParameters): Promise<Outcome> {
  const file = wordcountFile(parameters);
  const total = new Map<string, number>();
  // The map is filled by words of both halves: an ASCII word and one with other characters can
  // become equal by lower-casing (the Kelvin sign), so every entry is added, never set.
  for (const {words, counts} of await run({file, bytes: statSync(file).size})) {
    for (let i = 0; i < words.length; i += 1) {
      total.set(words[i], (total.get(words[i]) ?? 0) + counts[i]);
    }
  }
  return wordcountAnswer(total);
}
