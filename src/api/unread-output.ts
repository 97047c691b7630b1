/**
 * Notices that a job waits for its host to read an output, and says so: nothing fails then, and without a
 * word it would look like a job that hangs. Belongs to the host's thread.
 */
import {StreamError} from '../base/errors.ts';
import type {HostBell, HostOutput} from '../scheduler/runtime-contract.ts';

/** A host output that counts how often it is read. */
export class ReadOutput implements HostOutput {
  readonly name: string;
  readonly bell: HostBell;
  readCount = 0;
  readonly #output: HostOutput;

  constructor(name: string, output: HostOutput) {
    this.name = name;
    this.bell = output.bell;
    this.#output = output;
  }

  get isEnded(): boolean {
    return this.#output.isEnded;
  }

  poll(): readonly unknown[] | undefined {
    this.readCount += 1;
    return this.#output.poll();
  }

  isHoldingBack(): boolean {
    return this.#output.isHoldingBack();
  }

  close(): void {
    this.#output.close();
  }
}

/**
 * Emits a process warning, once per output, when the job has waited for `timeoutMs` or longer for a read.
 * Returns a function that ends the watching.
 */
export function watchReaders(
  job: string,
  outputs: readonly ReadOutput[],
  timeoutMs: number,
): () => void {
  if (outputs.length === 0 || timeoutMs === Infinity) return () => {};
  let watched = outputs.map(output => ({output, seenCount: -1}));
  const timer = setInterval(() => {
    watched = watched.flatMap(({output, seenCount}) => {
      if (!output.isHoldingBack()) return [{output, seenCount: -1}];
      if (output.readCount !== seenCount) return [{output, seenCount: output.readCount}];
      process.emitWarning(unreadOutput(job, output.name, timeoutMs));
      return [];
    });
  }, timeoutMs);
  // A job that waits keeps the process alive; the watching need not.
  timer.unref();
  return () => clearInterval(timer);
}

function unreadOutput(job: string, output: string, silentMs: number): StreamError {
  return new StreamError(
    'E_OUTPUT_UNREAD',
    'the job waits for its host, which does not read an output',
    {job, output, silentMs},
    {
      remedy: `read run.output('${output}') to its end; to drop the records, cancel() it`,
    },
  );
}
