/**
 * How the lines of a file become records. A format is what a source shares among its readers; a decoder
 * belongs to one reader and may remember things from line to line.
 */
import type {ErrorDetails} from '../../base/errors.ts';

export interface LineFormat {
  /** Lines keep the carriage return in front of their line feed. */
  readonly keepsCarriageReturns?: boolean;
  /** A record may have several lines, so that files must not be cut. */
  readonly spansLines?: boolean;
  createDecoder(): LineDecoder;
}

export interface LineDecoder {
  /** Lines of another file follow, from its first one on or from somewhere behind it. */
  beginFile(): void;
  /** The first line of the file has to be decoded before those of a later split. */
  readonly needsFirstLine: boolean;
  /** The last line was not the end of its record. */
  readonly isInsideRecord: boolean;
  /** The line of the last `decode` in which that record began; -1 if it began before. */
  readonly recordLine: number;
  /**
   * Turns the first `count` of `values`, which are lines, into records, in place, and returns how many
   * there are. Errors: `LineError`.
   */
  decode(values: unknown[], count: number): number;
  /** There are no more lines in the split. Errors: `LineError` if a record has no end. */
  endSplit(): void;
}

/** What is wrong with a line; the reader adds where it is. Never reaches the user as such. */
export class LineError extends Error {
  readonly code: string;
  /** The line within the last `decode`; -1 for the one in which an unfinished record began. */
  readonly index: number;
  readonly details: ErrorDetails;
  readonly remedy: string;

  constructor(
    code: string,
    what: string,
    options: {index: number; details: ErrorDetails; remedy: string; cause?: unknown},
  ) {
    super(what, options.cause === undefined ? undefined : {cause: options.cause});
    this.code = code;
    this.index = options.index;
    this.details = options.details;
    this.remedy = options.remedy;
  }
}
