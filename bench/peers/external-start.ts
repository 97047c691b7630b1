/** The cold start of a program in Java or Rust: its job `start` prints at the first record. */
import type {Engine, Outcome} from '../jobs/job.ts';
import {coldStarts} from '../lib/cold-start.ts';
import {externalCommand} from '../lib/external.ts';

export function run(engine: Engine): Promise<Outcome> {
  // Once is enough: it takes seconds, and the rounds repeat it.
  return coldStarts(externalCommand(engine, '--job', 'start', '--records', '1000'), 1);
}
