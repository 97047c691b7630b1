/**
 * What a thread prints travels to its parent as messages, as fast as that reads them, and from there to the
 * main thread. A thread that is terminated takes along what still waits in it; so every thread that is
 * about to be ended on purpose waits for its output first, and whoever has ended a thread waits until
 * what it got from there has been passed on.
 */
import type {Readable} from 'node:stream';

/** The ends of a thread's output that its parent reads. */
export interface OutputOfThread {
  readonly stdout: Readable;
  readonly stderr: Readable;
}

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

/**
 * Resolves when what threads have printed that are gone now has been passed on; at the latest when nothing
 * has come for `patienceMs`, because nothing is passed on to an output that has been closed.
 */
export async function outputPassedOn(
  threads: readonly OutputOfThread[],
  patienceMs = Infinity,
): Promise<void> {
  const streams = threads.flatMap(({stdout, stderr}) => [stdout, stderr]).filter(isPassingOn);
  const passedOn = Promise.all(streams.map(ended));
  if (patienceMs === Infinity) {
    await passedOn;
    return;
  }
  const {promise: late, resolve} = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, patienceMs);
  const onData = () => timer.refresh();
  for (const stream of streams) stream.on('data', onData);
  await Promise.race([passedOn, late]);
  clearTimeout(timer);
  for (const stream of streams) stream.off('data', onData);
}

/** Without a listener nobody passes it on: the output that it was piped into is closed. */
function isPassingOn(stream: Readable): boolean {
  return !stream.readableEnded && !stream.destroyed && stream.listenerCount('data') > 0;
}

function ended(stream: Readable): Promise<void> {
  return new Promise(resolve => {
    stream.once('end', resolve);
    stream.once('close', resolve);
  });
}
