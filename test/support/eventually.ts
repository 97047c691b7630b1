/**
 * Waiting for what other threads bring about and nobody announces: words in shared memory, states, counts
 * of threads. It looks again every few milliseconds, and gives up, so that a broken engine fails a test
 * instead of stopping it.
 */
import {setTimeout as delay} from 'node:timers/promises';

const LOOK_EVERY_MS = 2;
const GIVE_UP_MS = 30_000;

/** Resolves when `condition` holds; rejects with `what` if it does not within half a minute. */
export async function eventually(what: string, condition: () => boolean): Promise<void> {
  const looksMax = GIVE_UP_MS / LOOK_EVERY_MS;
  for (let looks = 0; !condition(); looks += 1) {
    if (looks === looksMax) throw new Error(`has not come about: ${what}`);
    await delay(LOOK_EVERY_MS);
  }
}
