/** The process in which one case of a micro bench runs: BENCH CASE full|smoke; prints its row as JSON. */
import {runCase} from './micro.ts';

const [bench, name, size] = process.argv.slice(2);
process.stdout.write(JSON.stringify(await runCase(bench!, name!, size as 'full' | 'smoke')));
