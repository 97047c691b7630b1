/**
 * The host's ends of a running job: `JobInput` writes records into it, `JobOutput` reads records from it.
 * The records go through the same channels and under the same credits as between two tasks, so a
 * slow job slows its host's writers, and a slow host slows the job.
 *
 * The host's thread must never block. All its streams of one job share one doorbell and one
 * `HostPump`, which waits on that bell with waitAsync: two waiters with one sleeper flag would
 * clear it for each other. An attempt that waits is repeated after every ring.
 */
import {ReadableStream, WritableStream} from 'node:stream/web';
import {StreamError} from '../base/errors.ts';
import type {HostBell, HostInput, HostOutput} from '../scheduler/runtime-contract.ts';

/** A ring that was lost with the thread that owed it is made good after this time. */
const PARK_MS_MAX = 50;

/** How many values an input keeps for a writer that does not wait for `ready`. */
export const INPUT_BACKLOG_MAX = 1024;

interface Attempt {
  /** Tries again; true when there is nothing more to wait for. */
  readonly attempt: () => boolean;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/** Repeats attempts until they succeed, each time the host's bell rings. */
export class HostPump {
  readonly #waiting = new Set<Attempt>();
  #isRunning = false;
  #failure: StreamError | undefined;

  /** Resolves when `attempt` has returned true. Rejects when the job has failed or was cancelled. */
  until(bell: HostBell, attempt: () => boolean): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#waiting.add({attempt, resolve, reject});
      if (!this.#isRunning) void this.#run(bell);
    });
  }

  /** No ring will come any more: attempts are made once more, and then rejected. */
  fail(reason: StreamError): void {
    this.#failure = reason;
    this.#tryAll();
    for (const waiting of this.#waiting) waiting.reject(reason);
    this.#waiting.clear();
  }

  async #run(bell: HostBell): Promise<void> {
    this.#isRunning = true;
    while (this.#waiting.size > 0) {
      const seen = bell.prepareToPark();
      if (!this.#tryAll()) {
        // The timeout also lets a pump end that nobody rings: `fail` empties it.
        await bell.parkAsync(seen, PARK_MS_MAX);
      } else {
        // Whoever was served goes on first, and so does the event loop.
        bell.awake();
        await new Promise<void>(resolve => {
          setImmediate(resolve);
        });
      }
      bell.awake();
    }
    this.#isRunning = false;
  }

  /** Returns whether any attempt succeeded. */
  #tryAll(): boolean {
    let anySucceeded = false;
    for (const waiting of this.#waiting) {
      try {
        if (!waiting.attempt()) continue;
        waiting.resolve();
      } catch (thrown) {
        waiting.reject(thrown);
      }
      this.#waiting.delete(waiting);
      anySucceeded = true;
    }
    return anySucceeded;
  }
}

/**
 * Writes records into the host source of a running job. Use either `write`, or the Web Stream that
 * it is (`pipeTo(run.input('orders'))`, `getWriter()`), not both at a time.
 *
 *   for (const order of orders) if (!input.write(order)) await input.ready;
 *   input.end();
 */
export class JobInput<T = unknown> extends WritableStream<T> {
  readonly name: string;
  readonly #writer: InputWriter;

  constructor(name: string, input: HostInput, pump: HostPump) {
    const writer = new InputWriter(name, input, pump);
    super({
      write: async value => {
        if (!writer.write(value)) await writer.ready;
      },
      close: async () => {
        await writer.ready;
        writer.end();
      },
      abort: () => {
        writer.end();
      },
    });
    this.name = name;
    this.#writer = writer;
  }

  /**
   * Takes a record. False: the job has no room now; wait for `ready` before the next one. (Up to
   * 1 024 records are kept for a writer that does not.)
   * Errors: E_INPUT_FULL if the writer never waits; E_INPUT_CLOSED after the end; the failure of
   * the job if there is one.
   */
  write(value: T): boolean {
    return this.#writer.write(value);
  }

  /** Resolves when there is room; rejects when the job has failed or was cancelled. */
  get ready(): Promise<void> {
    return this.#writer.ready;
  }

  /** Ends the source, after what was written so far. */
  end(): void {
    this.#writer.end();
  }
}

class InputWriter {
  readonly #name: string;
  readonly #input: HostInput;
  readonly #pump: HostPump;
  #backlog: unknown[] = [];
  #draining: Promise<void> | undefined;
  #isFlushScheduled = false;
  #isEnded = false;

  constructor(name: string, input: HostInput, pump: HostPump) {
    this.#name = name;
    this.#input = input;
    this.#pump = pump;
  }

  get ready(): Promise<void> {
    return this.#draining ?? Promise.resolve();
  }

  write(value: unknown): boolean {
    if (this.#isEnded) {
      throw new StreamError('E_INPUT_CLOSED', 'a record was written after the end of an input', {
        input: this.#name,
      });
    }
    if (this.#draining === undefined && this.#input.offer(value)) {
      this.#flushSoon();
      return true;
    }
    if (this.#backlog.length >= INPUT_BACKLOG_MAX) {
      throw new StreamError(
        'E_INPUT_FULL',
        'the job does not take records as fast as they are written',
        {input: this.#name, waiting: this.#backlog.length},
        {remedy: 'when write() returns false, await ready before the next one'},
      );
    }
    this.#backlog.push(value);
    this.#drain();
    return false;
  }

  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    const isClosed = this.#draining === undefined && this.#input.close();
    if (!isClosed) this.#drain();
  }

  #drain(): void {
    if (this.#draining !== undefined) return;
    const draining = this.#pump
      .until(this.#input.bell, () => this.#handOver())
      .then(() => {
        this.#draining = undefined;
      });
    this.#draining = draining;
    // Whoever awaits `ready` hears of it; a writer that does not gets it from the job's `done`.
    draining.catch(() => {});
  }

  /** Offers what waits, and the end behind it; true when nothing is left. */
  #handOver(): boolean {
    let count = 0;
    while (count < this.#backlog.length && this.#input.offer(this.#backlog[count])) count += 1;
    if (count > 0) this.#backlog = this.#backlog.slice(count);
    if (this.#backlog.length > 0) return false;
    return this.#isEnded ? this.#input.close() : this.#input.flush();
  }

  /** Hands a partial batch over at the end of this turn: batches grow under load. */
  #flushSoon(): void {
    if (this.#isFlushScheduled) return;
    this.#isFlushScheduled = true;
    setImmediate(() => {
      this.#isFlushScheduled = false;
      if (!this.#isEnded && this.#draining === undefined && !this.#input.flush()) this.#drain();
    });
  }
}

/**
 * Reads the records that reach a host sink of a running job: an async iterable of records, a
 * `ReadableStream`, or, fastest, an async iterable of whole batches (`batches()`). One of them at
 * a time. Leaving a loop early closes the output; what arrives afterwards is dropped. Not reading
 * at all holds the job back.
 */
export class JobOutput<T = unknown> extends ReadableStream<T> {
  readonly name: string;
  readonly #output: HostOutput;
  readonly #pump: HostPump;

  constructor(name: string, output: HostOutput, pump: HostPump) {
    super(
      {
        pull: async controller => {
          const values = await nextBatch(output, pump);
          if (values === undefined) controller.close();
          else for (const value of values) controller.enqueue(value as T);
        },
        cancel: () => {
          discard(output, pump);
        },
      },
      {highWaterMark: 0},
    );
    this.name = name;
    this.#output = output;
    this.#pump = pump;
  }

  /** Batches of records, as they arrive; never an empty one. */
  async *batches(): AsyncGenerator<readonly T[], void, void> {
    let isAtEnd = false;
    try {
      for (;;) {
        const values = await nextBatch(this.#output, this.#pump);
        isAtEnd = values === undefined;
        if (values === undefined) return;
        yield values as readonly T[];
      }
    } finally {
      if (!isAtEnd) discard(this.#output, this.#pump);
    }
  }
}

/** The next batch that is not empty; undefined at the end. */
async function nextBatch(
  output: HostOutput,
  pump: HostPump,
): Promise<readonly unknown[] | undefined> {
  let values = output.poll();
  if ((values === undefined || values.length === 0) && !output.isEnded) {
    await pump.until(output.bell, () => {
      values = output.poll();
      return (values !== undefined && values.length > 0) || output.isEnded;
    });
  }
  return values !== undefined && values.length > 0 ? values : undefined;
}

/** Closes an output before its end: what still arrives is taken and dropped, so that the job goes on. */
function discard(output: HostOutput, pump: HostPump): void {
  output.close();
  const drained = pump.until(output.bell, () => {
    output.poll();
    return output.isEnded;
  });
  // Ended by the end of the job, whatever that is.
  drained.catch(() => {});
}
