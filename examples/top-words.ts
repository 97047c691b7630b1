/** The most frequent words of a stream of final counts, as a table for people. */
import type {Collector, ProcessFunction} from '../src/index.ts';

export interface WordCount {
  readonly word: string;
  readonly count: number;
}

const BAR_LENGTH = 32;

/** Keeps the `limit` best words that it has seen, and emits them as lines of text at the end. */
export class TopWords implements ProcessFunction<WordCount, string> {
  readonly #limit: number;
  #best: WordCount[] = [];

  constructor(limit: number) {
    if (!(Number.isInteger(limit) && limit > 0))
      throw new RangeError('--top needs a whole number above 0');
    this.#limit = limit;
  }

  processElement(candidate: WordCount): void {
    const best = this.#best;
    if (best.length === this.#limit && byRank(best.at(-1)!, candidate) < 0) return;
    best.push(candidate);
    best.sort(byRank);
    best.length = Math.min(best.length, this.#limit);
  }

  finish(out: Collector<string>): void {
    const most = this.#best[0]?.count ?? 0;
    const width = Math.max(...this.#best.map(({word}) => word.length));
    for (const [index, {word, count}] of this.#best.entries()) {
      const rank = String(index + 1).padStart(String(this.#limit).length);
      const bar = '█'.repeat(Math.ceil((count / most) * BAR_LENGTH));
      out.collect(
        `${rank}  ${word.padEnd(width)}  ${count.toLocaleString('en').padStart(11)}  ${bar}`,
      );
    }
  }
}

/** The more frequent word first; equally frequent ones in the order of their characters. */
function byRank(a: WordCount, b: WordCount): number {
  return b.count - a.count || (a.word < b.word ? -1 : 1);
}
