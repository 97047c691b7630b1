/**
 * wordcount: the lines of one file, cut among the subtasks; every word crosses to the subtask that counts
 * it, as in the programs of the peers. (examples/wordcount.ts counts the words of a line first.)
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
