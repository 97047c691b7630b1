/** What the command tells its caller; documented in docs/reference/cli.md and in `millrace --help`. */

/** The job has finished, or the reader of its output has gone (`| head`). */
export const EXIT_FINISHED = 0;
/** The job failed. */
export const EXIT_FAILED = 1;
/** Nothing was run: the command line, an option, the job's module or its graph is wrong. */
export const EXIT_USAGE = 2;
/** The job was cancelled by Ctrl-C; other signals: 128 and their number, as shells have it. */
export const EXIT_INTERRUPTED = 130;
export const EXIT_TERMINATED = 143;
export const EXIT_HUNG_UP = 129;

/** Errors of these families say that the caller has to change something before anything can run. */
const USAGE_CODES = [
  /^E_CLI_/,
  /^E_CONFIG_/,
  /^E_API_/,
  /^E_GRAPH_/,
  /^E_JOB_(NOT_FOUND|ARGS|LOAD|MODULE|BUILDER|BUILD|TYPESCRIPT)$/,
  /^E_NONDETERMINISTIC_JOB$/,
  /^E_MEMORY_(BUDGET|SIZE)$/,
  /^E_HOST_STREAM$/,
];

/** The exit code for a job, or a command, that ended in this error. */
export function exitCodeOfError(code: string): number {
  return USAGE_CODES.some(pattern => pattern.test(code)) ? EXIT_USAGE : EXIT_FAILED;
}
