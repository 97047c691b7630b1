/** A process that does nothing but run the job beside this file to its end. */
import {start} from 'millrace';

const run = await start(new URL('./job.mjs', import.meta.url), {parallelism: 2});
await run.done;
