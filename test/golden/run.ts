/**
 * Runs all vectors of a directory: `npm run golden -- <directory>`. Prints a line for each, then how many
 * passed, failed and were skipped, because the engine or the runner does not know such an operator; the exit
 * code is 1 if any failed.
 */
import {runVector} from './run-vector.ts';
import {readVectors} from './vector.ts';

const [directory] = process.argv.slice(2);
if (directory === undefined) {
  console.error('usage: npm run golden -- <directory>');
  process.exit(2);
}
const counts = {pass: 0, fail: 0, unsupported: 0};
for (const vector of readVectors(directory)) {
  const {status, reason} = await runVector(vector);
  counts[status] += 1;
  console.log(`${vector.name}: ${status}${reason === undefined ? '' : ` (${reason})`}`);
}
console.log(`${counts.pass} passed, ${counts.fail} failed, ${counts.unsupported} skipped`);
process.exitCode = counts.fail > 0 ? 1 : 0;
