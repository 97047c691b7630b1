/**
 * The source that all formats of files share: lists files, cuts them into splits which subtasks fetch
 * when they have read the last one, reads lines and has the format decode them. A source is made in
 * every thread; its splits are made in the coordinator, a reader in the thread of its subtask.
 *
 * A record belongs to the split in which its first line begins. What `snapshotSplits` returns are the
 * same splits with a later start, so a reader that goes on from there yields exactly the records that
 * were not yet returned.
 */
import {StreamError} from '../base/errors.ts';
import {
  END_OF_SPLITS,
  MORE_AVAILABLE,
  type PollResult,
  type Source,
  type SourceReader,
  type SourceReaderContext,
} from '../operators/source.ts';
import type {RecordSchema} from '../records/schema.ts';
import {checkPaths, listFiles} from './file-listing.ts';
import {checkSplitSize, cutIntoSplits, wholeFiles, type FileSplit} from './file-split.ts';
import {nodeFileSystem, type ReadableFileSystem} from './file-system.ts';
import {LineError, type LineDecoder, type LineFormat} from './formats/line-format.ts';
import {LineReader, type LineReaderOptions} from './line-reader.ts';

/** What all file sources can be told. */
export interface FileSourceOptions {
  /** Files, directories (all files below, save hidden ones) and globs. */
  readonly paths: readonly string[];
  /** Bytes in a split. Default: fitting for the files and the parallelism, at most 4 MiB. */
  readonly splitSizeBytes?: number | undefined;
}

export interface FileSourceSetup extends FileSourceOptions {
  readonly name: string;
  readonly schema?: RecordSchema | undefined;
  readonly format: LineFormat;
  readonly fileSystem?: ReadableFileSystem | undefined;
  /** For tests: the sizes that `LineReader` takes. */
  readonly sizes?: Pick<LineReaderOptions, 'bufferSizeBytes' | 'blockSizeBytes'> | undefined;
}

export class FileSource<T> implements Source<T, FileSplit> {
  readonly name: string;
  readonly isBounded = true;
  readonly assignment = 'lazy';
  readonly schema: RecordSchema | undefined;
  readonly #setup: FileSourceSetup;

  /** Errors: `E_SOURCE_PATHS`, `E_SOURCE_OPTION`. */
  constructor(setup: FileSourceSetup) {
    checkPaths(setup.paths);
    checkSplitSize(setup.splitSizeBytes);
    this.name = setup.name;
    this.schema = setup.schema;
    this.#setup = setup;
  }

  enumerateSplits({parallelism}: {parallelism: number}): FileSplit[] {
    const {paths, fileSystem = nodeFileSystem, format, splitSizeBytes} = this.#setup;
    const files = listFiles(paths, fileSystem);
    if (format.spansLines === true) return wholeFiles(files);
    return cutIntoSplits(files, parallelism, splitSizeBytes);
  }

  createReader(context: SourceReaderContext): SourceReader<T, FileSplit> {
    return new FileSourceReader<T>(context, this.#setup);
  }
}

class FileSourceReader<T> implements SourceReader<T, FileSplit> {
  readonly batch = {kind: 'values' as const, values: [] as T[], count: 0};
  readonly wakeAtMs = Infinity;
  readonly #fileSystem: ReadableFileSystem;
  readonly #lineReaderOptions: LineReaderOptions;
  readonly #lines: LineReader;
  readonly #decoder: LineDecoder;
  readonly #waiting: FileSplit[] = [];
  #split: FileSplit | undefined;
  /** The file that the decoder knows. */
  #path = '';
  /** Where the record began that the decoder is inside of. */
  #recordPosition = 0;

  constructor(context: SourceReaderContext, setup: FileSourceSetup) {
    this.#fileSystem = setup.fileSystem ?? nodeFileSystem;
    this.#lineReaderOptions = {
      ...setup.sizes,
      fileSystem: this.#fileSystem,
      invalidUtf8: context.counter('invalidUtf8'),
      keepsCarriageReturns: setup.format.keepsCarriageReturns ?? false,
    };
    this.#lines = new LineReader(this.#lineReaderOptions);
    this.#decoder = setup.format.createDecoder();
  }

  addSplit(split: FileSplit): void {
    this.#waiting.push(split);
  }

  poll(countMax: number): PollResult {
    const {batch} = this;
    batch.count = 0;
    if (!this.#lines.isOpen) {
      const split = this.#waiting.shift();
      if (split === undefined) return END_OF_SPLITS;
      this.#begin(split);
    }
    const count = this.#lines.read(batch.values, countMax);
    if (count > 0) batch.count = this.#decode(this.#lines, batch.values, count);
    if (!this.#lines.isOpen) this.#end();
    return MORE_AVAILABLE;
  }

  snapshotSplits(): FileSplit[] {
    const rest = this.#lines.rest();
    const start = this.#decoder.isInsideRecord ? this.#recordPosition : undefined;
    const split = this.#split;
    if (start !== undefined && split !== undefined) return [{...split, start}, ...this.#waiting];
    return rest === undefined ? [...this.#waiting] : [rest, ...this.#waiting];
  }

  close(): void {
    this.#lines.close();
  }

  #begin(split: FileSplit): void {
    this.#split = split;
    this.#lines.open(split);
    if (split.start === 0 || split.path !== this.#path) this.#decoder.beginFile();
    this.#path = split.path;
    if (split.start > 0 && this.#decoder.needsFirstLine) this.#decodeFirstLines(split);
  }

  /** Has the decoder see the first record of the file of which this reader has a later split. */
  #decodeFirstLines(split: FileSplit): void {
    const lines = new LineReader(this.#lineReaderOptions);
    lines.open({...split, start: 0, end: split.fileSizeBytes});
    const line: unknown[] = [];
    while (lines.isOpen && this.#decoder.needsFirstLine) {
      if (lines.read(line, 1) === 1) this.#decode(lines, line, 1);
    }
    lines.close();
  }

  #decode(lines: LineReader, values: unknown[], count: number): number {
    const decoder = this.#decoder;
    try {
      const records = decoder.decode(values, count);
      if (decoder.isInsideRecord && decoder.recordLine >= 0) {
        this.#recordPosition = lines.linePosition(decoder.recordLine);
      }
      return records;
    } catch (error) {
      throw error instanceof LineError ? this.#located(error, lines) : error;
    }
  }

  #end(): void {
    try {
      this.#decoder.endSplit();
    } catch (error) {
      throw error instanceof LineError ? this.#located(error, this.#lines) : error;
    }
    this.#split = undefined;
  }

  #located(error: LineError, lines: LineReader): StreamError {
    const {path} = this.#split!;
    const offset = error.index < 0 ? this.#recordPosition : lines.linePosition(error.index);
    return new StreamError(
      error.code,
      error.message,
      {path, line: lineNumber(this.#fileSystem, path, offset), offset, ...error.details},
      {remedy: error.remedy, cause: error.cause},
    );
  }
}

/** Further into a file nobody would count lines; the byte offset has to do. */
const COUNTED_SIZE_BYTES_MAX = 64 << 20;

/** The number of the line at `offset`, from 1, by reading everything in front of it. */
function lineNumber(
  fileSystem: ReadableFileSystem,
  path: string,
  offset: number,
): number | undefined {
  if (offset > COUNTED_SIZE_BYTES_MAX) return undefined;
  const buffer = Buffer.allocUnsafe(64 << 10);
  let number = 1;
  try {
    const descriptor = fileSystem.openSync(path);
    try {
      for (let position = 0; position < offset;) {
        const wanted = Math.min(buffer.length, offset - position);
        const read = fileSystem.readSync(descriptor, buffer, 0, wanted, position);
        if (read === 0) return undefined;
        position += read;
        const piece = buffer.subarray(0, read);
        for (let at = piece.indexOf(10); at >= 0; at = piece.indexOf(10, at + 1)) number += 1;
      }
    } finally {
      fileSystem.closeSync(descriptor);
    }
  } catch {
    // The error that is being reported matters more than the number of its line.
    return undefined;
  }
  return number;
}
