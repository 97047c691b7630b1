/**
 * A job of two workers with a shuffle between them, whose sink says when its first record has come.
 * JavaScript and the published package, because that is what starts cold: in the sources, each thread
 * would strip types first.
 */
import {job} from 'millrace';

// Not imported: that costs 3 ms in every thread, which are the example's and not the engine's.
const {writeSync} = process.getBuiltinModule('node:fs');

let hasSpoken = false;

function speakOnce() {
  if (hasSpoken) return;
  hasSpoken = true;
  // Not console.log, which would go through the main thread.
  writeSync(1, 'first\n');
}

export default job(env => {
  env
    .sequence(0, 9_999)
    .map(index => ({key: index % 10, value: index}))
    .keyBy('key')
    .sum('value')
    .sinkTo({name: 'first record', createWriter: () => ({write: speakOnce})});
});
