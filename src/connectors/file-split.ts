/**
 * A part of a file: the lines that begin in the bytes `start` to `end - 1`. Where the first of them
 * begins is not known before somebody reads: a line begins at `start` exactly if `start` is 0 or the
 * byte before it is a line feed. So a split needs no look into the file when it is cut, and what is
 * left of a split after some lines is a split again, with another `start`.
 */
import {StreamError, showValue} from '../base/errors.ts';
import type {SourceSplit} from '../operators/source.ts';
import type {ListedFile} from './file-listing.ts';

export interface FileSplit extends SourceSplit {
  readonly path: string;
  readonly start: number;
  readonly end: number;
  /** The size when the file was listed. What is appended later is not read. */
  readonly fileSizeBytes: number;
}

/** Large enough that opening and searching a line's begin cost nothing, small enough to balance. */
export const SPLIT_SIZE_BYTES_DEFAULT = 4 << 20;
const SPLIT_SIZE_BYTES_MIN = 64 << 10;

/** A subtask that is slow with its last split keeps the others waiting for this part of its work. */
const SPLITS_PER_SUBTASK = 8;

/** The list of splits goes to every worker: beyond this many, they grow instead. */
const SPLIT_COUNT_MAX = 16_384;

/** Cuts `files` into splits, in their order; an empty file has none. */
export function cutIntoSplits(
  files: readonly ListedFile[],
  parallelism: number,
  splitSizeBytes: number | undefined,
): FileSplit[] {
  const size = splitSizeBytes ?? fittingSize(files, parallelism);
  return files.flatMap(file => {
    const splits: FileSplit[] = [];
    for (let start = 0; start < file.sizeBytes; start += size) {
      splits.push(splitOf(file, start, Math.min(start + size, file.sizeBytes)));
    }
    return splits;
  });
}

/** One split for each file that is not empty. */
export function wholeFiles(files: readonly ListedFile[]): FileSplit[] {
  return files.filter(file => file.sizeBytes > 0).map(file => splitOf(file, 0, file.sizeBytes));
}

/** Refuses a size of splits that is none. */
export function checkSplitSize(splitSizeBytes: number | undefined): void {
  if (splitSizeBytes === undefined) return;
  if (Number.isSafeInteger(splitSizeBytes) && splitSizeBytes > 0) return;
  throw new StreamError(
    'E_SOURCE_OPTION',
    'a size of splits must be a whole number of bytes above 0',
    {splitSizeBytes: showValue(splitSizeBytes)},
    {remedy: `leave it out for up to ${SPLIT_SIZE_BYTES_DEFAULT} bytes`},
  );
}

function fittingSize(files: readonly ListedFile[], parallelism: number): number {
  const total = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  const balanced = Math.ceil(total / (parallelism * SPLITS_PER_SUBTASK));
  const usual = Math.min(Math.max(balanced, SPLIT_SIZE_BYTES_MIN), SPLIT_SIZE_BYTES_DEFAULT);
  return Math.max(usual, Math.ceil(total / SPLIT_COUNT_MAX));
}

function splitOf({path, sizeBytes}: ListedFile, start: number, end: number): FileSplit {
  return {splitId: `${path}:${start}`, path, start, end, fileSizeBytes: sizeBytes};
}
