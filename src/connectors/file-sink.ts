/**
 * The sink that all formats of files share: a directory, a part for each subtask, a line for each
 * record. What a line is, the format says.
 */
import {StreamError, showValue} from '../base/errors.ts';
import type {Sink, SinkWriter, SinkWriterContext} from '../operators/sink.ts';
import {nodeFileSystem, type WritableFileSystem} from './file-system.ts';
import {prepareDirectory} from './part-directory.ts';
import {PartFile} from './part-file.ts';

/** What all file sinks can be told. */
export interface FileSinkOptions {
  /**
   * Whether parts of an earlier output are replaced. False (default) refuses a directory that is not
   * empty. Files that are no parts are never touched.
   */
  readonly overwrite?: boolean | undefined;
}

/** Turns the records of one part into lines. */
export interface LineWriter {
  /** Writes the lines of a record. Errors: `E_SINK_VALUE`. */
  write(value: unknown, part: PartFile): void;
  /** After the last record. */
  finish?(part: PartFile): void;
}

export interface FileSinkSetup extends FileSinkOptions {
  readonly name: string;
  readonly directory: string;
  readonly createLineWriter: () => LineWriter;
  readonly fileSystem?: WritableFileSystem | undefined;
}

export class FileSink<T> implements Sink<T> {
  readonly name: string;
  readonly #setup: FileSinkSetup;
  readonly #fileSystem: WritableFileSystem;

  /** Errors: `E_SINK_DIRECTORY` for a directory that is no text. */
  constructor(setup: FileSinkSetup) {
    if (typeof setup.directory !== 'string' || setup.directory === '') {
      throw new StreamError(
        'E_SINK_DIRECTORY',
        'a file sink needs a directory',
        {directory: showValue(setup.directory)},
        {remedy: 'name the directory that its files go into'},
      );
    }
    this.name = setup.name;
    this.#setup = setup;
    this.#fileSystem = setup.fileSystem ?? nodeFileSystem;
  }

  prepare(): void {
    const {directory, overwrite = false} = this.#setup;
    prepareDirectory(directory, overwrite, this.#fileSystem);
  }

  createWriter(context: SinkWriterContext): SinkWriter<T> {
    return new FileSinkWriter(context, this.#setup, this.#fileSystem);
  }
}

class FileSinkWriter<T> implements SinkWriter<T> {
  readonly #context: SinkWriterContext;
  readonly #setup: FileSinkSetup;
  readonly #fileSystem: WritableFileSystem;
  readonly #lines: LineWriter;
  #part: PartFile | undefined;

  constructor(context: SinkWriterContext, setup: FileSinkSetup, fileSystem: WritableFileSystem) {
    this.#context = context;
    this.#setup = setup;
    this.#fileSystem = fileSystem;
    this.#lines = setup.createLineWriter();
  }

  open(): void {
    const {subtaskIndex, attemptNumber} = this.#context;
    const {directory, overwrite = false} = this.#setup;
    this.#part = new PartFile({
      directory,
      subtaskIndex,
      // A worker that was killed leaves its part behind for its next attempt to replace.
      replaces: overwrite || attemptNumber > 0,
      fileSystem: this.#fileSystem,
      malformedText: this.#context.counter('malformedText'),
    });
  }

  write(value: T): void {
    this.#lines.write(value, this.#part!);
  }

  flush(endOfInput: boolean): void {
    const part = this.#part!;
    if (!endOfInput) return part.flush();
    this.#lines.finish?.(part);
    part.finish();
  }

  close(): void {
    this.#part?.abandon();
  }
}
