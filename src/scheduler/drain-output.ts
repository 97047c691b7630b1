/**
 * What a thread prints travels to the main thread as messages, as fast as that reads them. A thread
 * that is terminated takes along what still waits; so every thread that is about to be ended on
 * purpose waits for its output first.
 */

/** Resolves when everything printed by this thread so far is on its way. */
export async function drainOutput(): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) {
    if (stream.writableLength === 0) continue;
    await new Promise<void>(resolve => {
      stream.write('', () => {
        resolve();
      });
    });
  }
}
