/**
 * A temporary file that has no name: it is removed from its directory as soon as it is open, and the system
 * frees its space when it is closed, or when the thread or the process is gone, however that came about.
 * Belongs to the task's thread, and is read and written in one go: whoever uses it keeps pieces small.
 */
import {closeSync, mkdirSync, mkdtempSync, openSync, readSync, rmSync, writeSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {StreamError} from '../base/errors.ts';

/** A piece of the file. */
export interface FilePiece {
  readonly position: number;
  readonly sizeBytes: number;
}

export class SpillFile {
  readonly #directory: string;
  readonly #file: number;
  #sizeBytes = 0;
  #isOpen = true;

  /** Errors: `E_SPILL_FILE` if no file can be made in `directory` (default: the system's). */
  constructor(directory: string | undefined) {
    this.#directory = directory ?? tmpdir();
    this.#file = this.#try(() => {
      mkdirSync(this.#directory, {recursive: true});
      const own = mkdtempSync(join(this.#directory, 'millrace-sort-'));
      try {
        return openSync(join(own, 'runs'), 'wx+', 0o600);
      } finally {
        rmSync(own, {recursive: true});
      }
    });
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Errors: `E_SPILL_FILE`, for instance when the disk is full. */
  append(bytes: Uint8Array): FilePiece {
    const piece = {position: this.#sizeBytes, sizeBytes: bytes.length};
    let done = 0;
    while (done < bytes.length) {
      const position = piece.position + done;
      done += this.#try(() => writeSync(this.#file, bytes, done, bytes.length - done, position));
    }
    this.#sizeBytes += bytes.length;
    return piece;
  }

  /** Errors: `E_SPILL_FILE`. */
  read({position, sizeBytes}: FilePiece): Buffer {
    const bytes = Buffer.allocUnsafeSlow(sizeBytes);
    let done = 0;
    while (done < sizeBytes) {
      const count = this.#try(() =>
        readSync(this.#file, bytes, done, sizeBytes - done, position + done),
      );
      if (count === 0) throw this.#failure(new Error('the file is shorter than what was written'));
      done += count;
    }
    return bytes;
  }

  /** Frees the space; twice does no harm. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    closeSync(this.#file);
  }

  #try<T>(action: () => T): T {
    try {
      return action();
    } catch (cause) {
      throw this.#failure(cause);
    }
  }

  #failure(cause: unknown): StreamError {
    return new StreamError(
      'E_SPILL_FILE',
      'a temporary file of a sort cannot be used',
      {directory: this.#directory, cause: cause instanceof Error ? cause.message : String(cause)},
      {
        remedy:
          'set temporaryDirectory to a directory with room that this process may write, ' +
          'or raise batchSortMemory',
        cause,
      },
    );
  }
}
