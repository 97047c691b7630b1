/** The last thing that `millrace run` does: says what the run came to, and turns it into an exit code. */
import {toErrorData} from '../base/errors.ts';
import {exitCodeOfCancellation, type CancelReason} from './cancellation.ts';
import {harmless} from './display-width.ts';
import {reportError} from './error-report.ts';
import {EXIT_FINISHED, exitCodeOfError} from './exit-code.ts';
import {paintFor} from './paint.ts';
import type {RunOutcome} from './run-outcome.ts';
import {writeDocument, type JobOutput} from './standard-streams.ts';
import {summaryJson, summaryLines} from './summary.ts';

export interface ReportOptions {
  /** The real streams, and those that the job writes to. */
  readonly streams: {
    readonly stdout: NodeJS.WriteStream;
    readonly stderr: NodeJS.WriteStream;
    readonly output: JobOutput;
    readonly errors: JobOutput;
  };
  readonly isJson: boolean;
  readonly isQuiet: boolean;
  readonly showsAllFrames: boolean;
}

/** Of a terminal that does not say. */
const COLUMNS_DEFAULT = 80;

/** Reports an outcome, and the error that a failed job ended in. Returns the exit code. */
export async function reportOutcome(
  outcome: RunOutcome,
  failure: unknown,
  {streams: {stdout, stderr, output}, isJson, isQuiet, showsAllFrames}: ReportOptions,
): Promise<number> {
  const exitCode = exitCodeOf(outcome, failure);
  // On a terminal what the job has printed stands right above.
  if (stdout.isTTY && !output.endsLine && (!isQuiet || failure !== undefined)) stderr.write('\n');
  if (failure !== undefined) reportError(failure, {showsAllFrames, stream: stderr});
  if (isJson) {
    await writeDocument(stdout, summaryJson(outcome, exitCode));
  } else if (!isQuiet && outcome.vertices.length > 0) {
    const columns = stderr.columns ?? COLUMNS_DEFAULT;
    const lines = summaryLines(outcome, {columns, paint: paintFor(stderr)});
    if (failure !== undefined || (stdout.isTTY && output.hasWritten)) lines.unshift('');
    await writeDocument(stderr, `${lines.join('\n')}\n`);
  } else if (!isQuiet && outcome.canceledBy !== undefined) {
    await writeDocument(
      stderr,
      `${harmless(outcome.job)} was cancelled while it started (${outcome.canceledBy})\n`,
    );
  }
  return exitCode;
}

function exitCodeOf({canceledBy}: RunOutcome, failure: unknown): number {
  if (failure !== undefined) return exitCodeOfError(toErrorData(failure).code);
  if (canceledBy === undefined) return EXIT_FINISHED;
  return exitCodeOfCancellation(canceledBy as CancelReason);
}
