/**
 * wordcount: the lines of one file, cut among the subtasks; each word belongs to the subtask that counts it.
 * The program says nothing of partial counts: in batch mode the engine counts on the producer's side first
 * (`MILLRACE_BENCH_COMBINE=false` lets every word cross). (examples/wordcount.ts counts the words of a line.)
 */
import {job} from '../../../src/index.ts';
import {wordsOf} from '../../../examples/words.ts';

export interface WordcountArgs {
  readonly file: string;
}

export default job<WordcountArgs>((env, {file}) => {
  env.setRuntimeMode('batch');
  env
    .readText(file)
    .flatMap(wordsOf)
    .map(word => ({word, count: 1}))
    .keyBy('word')
    .sum('count')
    .collect('counts');
});
