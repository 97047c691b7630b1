/**
 * What ends a job before its time: signals, and a reader that has gone. The first signal asks the job to
 * end, the second ends the process at once, whatever its threads are doing: by SIGKILL, because
 * `process.exit` waits for threads.
 */
import {EXIT_FINISHED, EXIT_HUNG_UP, EXIT_INTERRUPTED, EXIT_TERMINATED} from './exit-code.ts';

/** Why a job was cancelled. `output closed`: nobody reads what it prints any more. */
export type CancelReason = 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'output closed';

/** Said to somebody who has pressed Ctrl-C and waits. */
export const CANCELING_HINT = 'cancelling; a second Ctrl-C ends the process at once';

/** As shells have it; a reader that has got what it wanted (`| head`) is no failure. */
const EXIT_CODES: Readonly<Record<CancelReason, number>> = {
  SIGINT: EXIT_INTERRUPTED,
  SIGTERM: EXIT_TERMINATED,
  SIGHUP: EXIT_HUNG_UP,
  'output closed': EXIT_FINISHED,
};

const END_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The exit code of a process whose job was cancelled. */
export function exitCodeOfCancellation(reason: CancelReason): number {
  return EXIT_CODES[reason];
}

/** Calls `onFirst` for the first signal. Returns a function that gives signals back their effect. */
export function watchSignals(onFirst: (reason: CancelReason) => void): () => void {
  let hasCome = false;
  const listen = (signal: NodeJS.Signals): void => {
    if (hasCome) process.kill(process.pid, 'SIGKILL');
    hasCome = true;
    onFirst(signal as CancelReason);
  };
  for (const signal of END_SIGNALS) process.on(signal, listen);
  return () => {
    for (const signal of END_SIGNALS) process.off(signal, listen);
  };
}
