/**
 * Standard output and standard error while a job runs. What worker threads print reaches this thread's
 * `process.stdout` and `process.stderr`, so these are replaced: the job's output can then be sent
 * elsewhere (`--json`), be kept apart from a progress display on the same terminal, and go on into
 * nowhere when its reader has gone, because threads that wait for their output would not end.
 */
import {Writable} from 'node:stream';

/** A display that shares a terminal with other output. */
export interface SharedTerminal {
  /** Writes for somebody else, in front of what is displayed. */
  writeAbove(write: () => void, endsLine: boolean): void;
}

const LINE_FEED = 10;

/** Stands for `process.stdout` or `process.stderr`, and forwards to where the output shall go. */
export class JobOutput extends Writable {
  readonly #target: NodeJS.WriteStream;
  readonly #onReaderGone: () => void;
  #terminal: SharedTerminal | undefined;
  #isReaderGone = false;
  #hasWritten = false;
  #endsLine = true;

  /** `onReaderGone` is called once, if a pipe is closed at its other end. */
  constructor(target: NodeJS.WriteStream, onReaderGone: () => void) {
    super({decodeStrings: true});
    this.#target = target;
    this.#onReaderGone = onReaderGone;
    target.on('error', (error: NodeJS.ErrnoException) => {
      if (!isReaderGone(error)) this.destroy(error);
      else this.#readerIsGone();
    });
  }

  /** From now on output and the display take turns. */
  share(terminal: SharedTerminal): void {
    this.#terminal = terminal;
  }

  /** Whether anything was written. */
  get hasWritten(): boolean {
    return this.#hasWritten;
  }

  /** Whether what was written ends with a line break, or is nothing. */
  get endsLine(): boolean {
    return this.#endsLine;
  }

  /** Resolves when everything that was written so far has been handed on. */
  async drained(): Promise<void> {
    // What threads printed before they ended is in streams of this thread by now, piped to this one.
    await new Promise<void>(resolve => setImmediate(resolve));
    if (this.writableLength === 0) return;
    await new Promise<void>(resolve => this.write('', () => resolve()));
  }

  override _write(chunk: Buffer, _encoding: string, callback: () => void): void {
    if (this.#isReaderGone || chunk.length === 0) {
      callback();
      return;
    }
    this.#hasWritten = true;
    this.#endsLine = chunk.at(-1) === LINE_FEED;
    const write = (): void => {
      // An error comes as an event too, which decides what it means.
      this.#target.write(chunk, () => {
        callback();
      });
    };
    if (this.#terminal === undefined) write();
    else this.#terminal.writeAbove(write, this.#endsLine);
  }

  #readerIsGone(): void {
    if (this.#isReaderGone) return;
    this.#isReaderGone = true;
    this.#onReaderGone();
  }
}

/** Makes `stream` what `process.stdout` (or `stderr`) is from now on; returns the real one. */
export function replaceStandardStream(
  name: 'stdout' | 'stderr',
  stream: Writable,
): NodeJS.WriteStream {
  const real = process[name];
  Object.defineProperty(process, name, {value: stream, configurable: true, enumerable: true});
  return real;
}

/** Writes a whole text. A reader that has gone in the middle of it (`| head`) is no error. */
export async function writeDocument(stream: NodeJS.WriteStream, text: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const settle = (error?: Error | null): void => {
      if (error === undefined || error === null || isReaderGone(error)) resolve();
      else reject(error);
    };
    stream.once('error', settle);
    stream.write(text, settle);
  });
}

function isReaderGone(error: NodeJS.ErrnoException): boolean {
  return error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED';
}
