/**
 * Prints records on standard output, one line each. Every subtask writes to the file descriptor itself,
 * from its own thread: `process.stdout` of a worker hands its text to the main thread, which may never
 * come to print it, if the worker ends first or the host is busy.
 *
 * Lines are gathered and written together, at the latest when the task runs idle or 100 ms have passed.
 * A pipe whose reader is slow makes the sink refuse records until there is room, instead of blocking
 * the worker. A reader that has gone (`head`) is not an error: what follows is dropped and counted.
 */
import {StreamError} from '../base/errors.ts';
import type {Sink, SinkWriter, SinkWriterContext} from '../operators/sink.ts';
import {systemCode} from './file-system.ts';
import {showRecord} from './formats/shown-record.ts';

// Not imported: an import makes Node load the streams of files too, 3 ms in every thread of a cold start.
const fs = process.getBuiltinModule('node:fs');

const GATHERED_LENGTH_MAX = 16 << 10;
/** Up to this size a pipe takes all or nothing, so that lines of two subtasks never mix. */
const WRITE_SIZE_BYTES_MAX = 4096;
const FLUSH_INTERVAL_MS = 100;
/** A pipe cannot tell a thread that sleeps when there is room again. */
const RETRY_AFTER_MS = 2;
/** How long `close` waits for a slow reader after a failure. */
const CLOSE_RETRIES_MAX = 100;

const STANDARD_OUTPUT = 1;

/**
 * Set to 1 in the environment of the process, it makes prints take the way of `console.log`: for a main
 * thread that has put something in the place of its `process.stdout` (the command line).
 */
export const PRINT_TO_HOST = 'MILLRACE_PRINT_TO_HOST';

const LINE_FEED = 10;

/** Where lines go to: standard output, or a stand-in of tests. Throws what `fs.writeSync` throws. */
export interface PrintTarget {
  write(source: Uint8Array, offset: number, sizeBytes: number): number;
  /** Takes more, but would rather have the writer wait. Default: false. */
  isFull?(): boolean;
  close?(): void;
}

/**
 * Prints each record as one line on standard output.
 *
 * Shape:   texts as they are; numbers, booleans and bigints as their digits; records as JSON, with dates,
 *          bigints, NaN and other values that JSON lacks in a readable form. With several subtasks a line
 *          begins with `N> `, N from 1, as in Flink.
 * Cost:    a system call per 16 Ki characters. Printing is for people: a terminal takes some 100 000
 *          lines per second.
 */
export function printSink(openTarget: () => PrintTarget = openStandardOutput): Sink<unknown> {
  return {
    name: 'Print to Std. Out',
    createWriter: context => new PrintWriter(context, openTarget),
  };
}

class PrintWriter implements SinkWriter<unknown> {
  writableAtMs = Infinity;
  readonly #context: SinkWriterContext;
  readonly #openTarget: () => PrintTarget;
  readonly #prefix: string;
  #target: PrintTarget | undefined;
  #lines: string[] = [];
  #length = 0;
  #flushedAtMs = 0;
  /** What the system has not taken yet. */
  #bytes = Buffer.alloc(0);
  #offset = 0;
  /** Nobody reads any more. */
  #isClosed = false;

  constructor(context: SinkWriterContext, openTarget: () => PrintTarget) {
    this.#context = context;
    this.#openTarget = openTarget;
    this.#prefix = context.parallelism > 1 ? `${context.subtaskIndex + 1}> ` : '';
  }

  open(): void {
    this.#target = this.#openTarget();
    this.#flushedAtMs = this.#context.clock.monotonicNow();
  }

  write(value: unknown): void {
    if (this.#isClosed) return this.#drop(1);
    const line = this.#prefix + showRecord(value);
    this.#lines.push(line);
    this.#length += line.length + 1;
    if (this.#length >= GATHERED_LENGTH_MAX || this.#isLate()) this.#print();
  }

  isWritable(): boolean {
    if (this.#target?.isFull?.() === true) {
      this.writableAtMs = this.#context.clock.monotonicNow() + RETRY_AFTER_MS;
      return false;
    }
    return this.#offset === this.#bytes.length || this.#print();
  }

  flush(): void {
    this.#print();
  }

  isFlushed(): boolean {
    return this.#print();
  }

  close(): void {
    for (let retry = 0; !this.#print() && retry < CLOSE_RETRIES_MAX; retry += 1) {
      Atomics.wait(SLEEP, 0, 0, RETRY_AFTER_MS);
    }
    this.#target?.close?.();
    this.#target = undefined;
  }

  #isLate(): boolean {
    return this.#context.clock.monotonicNow() - this.#flushedAtMs >= FLUSH_INTERVAL_MS;
  }

  /** Writes as much as goes; false if something is left. */
  #print(): boolean {
    if (this.#target === undefined || this.#isClosed) return true;
    try {
      while (this.#offset < this.#bytes.length || this.#gather()) {
        const sizeBytes = wholeLines(this.#bytes, this.#offset);
        this.#offset += this.#target.write(this.#bytes, this.#offset, sizeBytes);
      }
    } catch (error) {
      return this.#isRefused(error);
    }
    this.writableAtMs = Infinity;
    this.#flushedAtMs = this.#context.clock.monotonicNow();
    return true;
  }

  /** What is to be done about a failed write: false says try again, true that it does not matter. */
  #isRefused(error: unknown): boolean {
    const reason = systemCode(error);
    if (reason === 'EAGAIN') {
      this.writableAtMs = this.#context.clock.monotonicNow() + RETRY_AFTER_MS;
      return false;
    }
    if (reason === 'EPIPE') {
      const unsent = this.#bytes.subarray(this.#offset);
      this.#drop(this.#lines.length + unsent.filter(byte => byte === LINE_FEED).length);
      this.#isClosed = true;
      this.#lines = [];
      this.#bytes = Buffer.alloc(0);
      this.#offset = 0;
      this.writableAtMs = Infinity;
      return true;
    }
    throw new StreamError(
      'E_SINK_PRINT',
      'standard output does not take what is printed',
      {reason: reason === '' ? String(error) : reason},
      {remedy: 'check where the output is redirected to', cause: error},
    );
  }

  /** Makes bytes of the lines gathered; false if there are none. */
  #gather(): boolean {
    if (this.#lines.length === 0) return false;
    this.#bytes = Buffer.from(`${this.#lines.join('\n')}\n`);
    this.#offset = 0;
    this.#lines = [];
    this.#length = 0;
    return true;
  }

  #drop(count: number): void {
    this.#context.counter('linesDropped').add(count);
  }
}

const SLEEP = new Int32Array(new SharedArrayBuffer(4));

/** The size of the next write: whole lines if they are not too long. */
function wholeLines(bytes: Buffer, offset: number): number {
  const rest = bytes.length - offset;
  if (rest <= WRITE_SIZE_BYTES_MAX) return rest;
  const last = bytes.subarray(offset, offset + WRITE_SIZE_BYTES_MAX).lastIndexOf(LINE_FEED);
  return last >= 0 ? last + 1 : WRITE_SIZE_BYTES_MAX;
}

/**
 * Standard output for one writer. A pipe or terminal is opened once more, because only then can it be
 * told not to block without telling everybody else who has it. (Node does tell them when a main thread
 * first touches `process.stdout`; whether that is before the first record is chance.) A file or socket
 * is used as it is.
 */
function openStandardOutput(): PrintTarget {
  if (process.env[PRINT_TO_HOST] === '1') return openHostOutput();
  let descriptor = STANDARD_OUTPUT;
  try {
    const status = fs.fstatSync(STANDARD_OUTPUT);
    if (status.isFIFO() || status.isCharacterDevice()) {
      descriptor = fs.openSync('/dev/stdout', fs.constants.O_WRONLY | fs.constants.O_NONBLOCK);
    }
  } catch {
    // Then it blocks, or says itself what is wrong when it is written to.
  }
  return {
    write: (source, offset, sizeBytes) => fs.writeSync(descriptor, source, offset, sizeBytes),
    close: () => {
      if (descriptor !== STANDARD_OUTPUT) fs.closeSync(descriptor);
    },
  };
}

/** The stream of the thread, which goes to `process.stdout` of the process's main thread. */
function openHostOutput(): PrintTarget {
  const {stdout} = process;
  return {
    write: (source, offset, sizeBytes) => {
      // A copy of its own: the message takes along the whole buffer that a view is on.
      stdout.write(new Uint8Array(source.subarray(offset, offset + sizeBytes)));
      return sizeBytes;
    },
    isFull: () => stdout.writableNeedDrain,
  };
}
