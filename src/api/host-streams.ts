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
import {StreamError, showValue} from '../base/errors.ts';
import type {HostBell, HostInput, HostOutput} from '../scheduler/runtime-contract.ts';

/** A ring that was lost with the thread that owed it is made good after this time. */
const PARK_MS_MAX = 50;

/** How many records an input keeps for a writer that does not wait for `ready`. */
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

  /** Why there is nothing to wait for any more: the job has ended. */
  get failure(): StreamError | undefined {
    return this.#failure;
  }

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

/** What a `JobInput` stands on. */
export interface JobInputParts {
  readonly name: string;
  readonly channel: HostInput;
  readonly pump: HostPump;
  /** Fails the job: its input will never be complete. */
  fail(reason: StreamError): void;
}

/**
 * Writes records into the host source of a running job. Use either `write`, or the Web Stream that
 * it is (`pipeTo(run.input('orders'))`, `getWriter()`), not both at a time.
 *
 *   for (const order of orders) if (!input.write(order)) await input.ready;
 *   input.end();
 *
 * Aborting the stream, as `pipeTo` does when what it reads from fails, fails the job with
 * `E_INPUT_ABORTED`: an input that broke off must not look like one that has ended.
 */
export class JobInput<T = unknown> extends WritableStream<T> {
  readonly name: string;
  readonly #writer: InputWriter;

  constructor(parts: JobInputParts) {
    const writer = new InputWriter(parts);
    super({
      write: async value => {
        if (!writer.write(value)) await writer.ready;
      },
      close: async () => {
        writer.end();
        await writer.ready;
      },
      abort: reason => {
        writer.abort(reason);
      },
    });
    this.name = parts.name;
    this.#writer = writer;
  }

  /**
   * Takes a record, which may be changed afterwards. False: the job has no room now; wait for `ready`
   * before the next one. (1 024 records are kept for a writer that does not.)
   *
   * Errors: those of a record that cannot be carried, `E_RECORD_…` and `E_SCHEMA_…`, which is then not
   *         taken; if that shows only while a record waits, `ready` rejects with it, or the next call
   *         throws it. `E_INPUT_FULL` if the writer never waits; `E_INPUT_CLOSED` after the end; the
   *         failure of the job if there is one; `E_JOB_ENDED`, `E_JOB_CANCELED`.
   */
  write(value: T): boolean {
    return this.#writer.write(value);
  }

  /**
   * Resolves when there is room for more, and after `end`, when everything has been handed over. Rejects
   * when the job ends before.
   */
  get ready(): Promise<void> {
    return this.#writer.ready;
  }

  /** Ends the source, after what was written so far. Errors: that of a record which had to wait. */
  end(): void {
    this.#writer.end();
  }
}

class InputWriter {
  readonly #name: string;
  readonly #channel: HostInput;
  readonly #pump: HostPump;
  readonly #fail: (reason: StreamError) => void;
  /** Records taken since there was no room for one. */
  #backlogCount = 0;
  /** Settles when there is room again, or at the end; undefined while there is. */
  #draining: Promise<void> | undefined;
  /** Somebody waits for `#draining`, and will hear what goes wrong. */
  #isReadyWatched = false;
  /** About a record that had been taken; nobody has heard of it yet. */
  #refusal: StreamError | undefined;
  #isFlushScheduled = false;
  #isFlushing = false;
  #isEnded = false;

  constructor({name, channel, pump, fail}: JobInputParts) {
    this.#name = name;
    this.#channel = channel;
    this.#pump = pump;
    this.#fail = fail;
  }

  get ready(): Promise<void> {
    if (this.#draining === undefined) return Promise.resolve();
    this.#isReadyWatched = true;
    return this.#draining;
  }

  write(value: unknown): boolean {
    if (this.#isEnded) {
      throw new StreamError('E_INPUT_CLOSED', 'a record was written after the end of an input', {
        input: this.#name,
      });
    }
    if (this.#pump.failure !== undefined) throw this.#pump.failure;
    const refusal = this.#takeRefusal();
    if (refusal !== undefined) throw refusal;
    if (this.#backlogCount >= INPUT_BACKLOG_MAX) {
      throw new StreamError(
        'E_INPUT_FULL',
        'the job does not take records as fast as they are written',
        {input: this.#name, waiting: this.#backlogCount},
        {remedy: 'when write() returns false, await ready before the next one'},
      );
    }
    const hasRoom = this.#channel.offer(value);
    if (this.#draining === undefined && (hasRoom || this.#isHandedOver())) {
      this.#flushSoon();
      return true;
    }
    this.#backlogCount += 1;
    this.#drain();
    return false;
  }

  end(): void {
    if (this.#isEnded) return;
    this.#attempt(() => this.#channel.settle());
    const refusal = this.#takeRefusal();
    this.#isEnded = true;
    if (!this.#isHandedOver()) this.#drain();
    if (refusal !== undefined) throw refusal;
  }

  abort(reason: unknown): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#fail(
      new StreamError(
        'E_INPUT_ABORTED',
        'the host has aborted an input of the job',
        {input: this.#name, reason: reason instanceof Error ? reason.message : showValue(reason)},
        {cause: reason},
      ),
    );
  }

  /** Whether nothing that was written waits for room; behind the end, whether that has left too. */
  #isHandedOver(): boolean {
    if (!this.#attempt(() => this.#channel.settle())) return false;
    if (!this.#isEnded) return true;
    const refusal = this.#isReadyWatched ? undefined : this.#takeRefusal();
    if (refusal === undefined) return this.#attempt(() => this.#channel.close());
    // Nobody will ever hear that a record is missing: then the job must not look complete.
    this.#fail(refusal);
    return true;
  }

  #drain(): void {
    if (this.#draining !== undefined) return;
    this.#draining = this.#pump
      .until(this.#channel.bell, () => this.#isHandedOver())
      .then(() => {
        const refusal = this.#isReadyWatched ? this.#takeRefusal() : undefined;
        this.#draining = undefined;
        this.#isReadyWatched = false;
        this.#backlogCount = 0;
        this.#flushSoon();
        if (refusal !== undefined) throw refusal;
      });
    // Whoever awaits `ready` hears of it; a writer that does not gets it from the job's `done`.
    this.#draining.catch(() => {});
  }

  /** Tries something, and again if a record that waited was refused and dropped. */
  #attempt(action: () => boolean): boolean {
    for (;;) {
      try {
        return action();
      } catch (thrown) {
        if (!(thrown instanceof StreamError)) throw thrown;
        this.#refusal ??= thrown;
      }
    }
  }

  #takeRefusal(): StreamError | undefined {
    const refusal = this.#refusal;
    this.#refusal = undefined;
    return refusal;
  }

  /** Hands a partial batch over at the end of this turn: batches grow under load. */
  #flushSoon(): void {
    if (this.#isFlushScheduled || this.#isEnded) return;
    this.#isFlushScheduled = true;
    setImmediate(() => {
      this.#isFlushScheduled = false;
      this.#flush();
    });
  }

  /** Without credit the partial batch grows on meanwhile; writers need not wait for it. */
  #flush(): void {
    const isFlushed = () =>
      this.#isEnded || this.#draining !== undefined || this.#attempt(() => this.#channel.flush());
    if (this.#isFlushing || isFlushed()) return;
    this.#isFlushing = true;
    const done = () => {
      this.#isFlushing = false;
    };
    this.#pump.until(this.#channel.bell, isFlushed).then(done, done);
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

  /** Records one by one; leaving the loop closes the output. */
  override [Symbol.asyncIterator](): RecordIterator<T> {
    return new RecordIterator(this.batches());
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

/**
 * Takes batches apart. By hand, because a generator, or the iterator that every stream has, makes several
 * promises for each record: this is 3 and 10 times as fast.
 */
class RecordIterator<T> implements AsyncIterableIterator<T, undefined, undefined> {
  readonly #batches: AsyncGenerator<readonly T[], void, void>;
  #batch: readonly T[] = [];
  #index = 0;
  #fetching: Promise<boolean> | undefined;

  constructor(batches: AsyncGenerator<readonly T[], void, void>) {
    this.#batches = batches;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#index === this.#batch.length) return this.#nextOfBatch();
    const value = this.#batch[this.#index]!;
    this.#index += 1;
    return Promise.resolve({done: false, value});
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    this.#batch = [];
    this.#index = 0;
    await this.#batches.return();
    return {done: true, value: undefined};
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  /** Callers that do not wait for each other share one batch, in their order. */
  async #nextOfBatch(): Promise<IteratorResult<T, undefined>> {
    this.#fetching ??= this.#fetch();
    return (await this.#fetching) ? this.next() : {done: true, value: undefined};
  }

  async #fetch(): Promise<boolean> {
    const {done, value} = await this.#batches.next();
    this.#fetching = undefined;
    if (done === true) return false;
    this.#batch = value;
    this.#index = 0;
    return true;
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
