/**
 * `millrace run`: starts a job, and has it watched. This thread belongs to the command line: the job's
 * coordinator and workers have their own.
 */
import {fstatSync} from 'node:fs';
import {setTimeout} from 'node:timers/promises';
import {start} from '../api/start.ts';
import {systemClock} from '../base/clock.ts';
import {StreamError, toErrorData} from '../base/errors.ts';
import {parseConfigPairs} from '../graph/config.ts';
import {CANCELING_HINT, watchSignals, type CancelReason} from './cancellation.ts';
import {jobFileOf, jobNameOf} from './job-file.ts';
import type {ParsedArguments} from './options.ts';
import {JobOutput, replaceStandardStream} from './standard-streams.ts';

/** PRINT_TO_HOST of connectors/print-sink.ts, which is not worth loading for a name. */
const PRINT_TO_HOST = 'MILLRACE_PRINT_TO_HOST';

/** A start that takes longer is worth showing. */
const SHOW_START_AFTER_MS = 150;

/** Runs the command; returns the exit code. */
export async function run(args: ParsedArguments): Promise<number> {
  const file = jobFileOf('run', args);
  const parallelism = args.value('parallelism');
  const config = {
    name: jobNameOf(file),
    ...parseConfigPairs(args.values('config')),
    ...(parallelism === undefined ? {} : {parallelism}),
  };
  const isJson = args.has('json');
  const isQuiet = args.has('quiet');

  const {stdout, stderr} = process;
  const isLive = !isQuiet && canDraw(stderr) && (isJson || !isPipe(stdout.fd));
  let cancelReason: CancelReason | undefined;
  const canceling = new AbortController();
  const cancel = (reason: CancelReason): void => {
    cancelReason ??= reason;
    canceling.abort();
    if (!isLive && !isQuiet && reason !== 'output closed') stderr.write(`${CANCELING_HINT}\n`);
  };
  const unwatchSignals = watchSignals(cancel);

  const output = new JobOutput(isJson ? stderr : stdout, () => cancel('output closed'));
  const errors = new JobOutput(stderr, () => {});
  replaceStandardStream('stdout', output);
  replaceStandardStream('stderr', errors);
  // Else the sink writes past this thread, which is faster.
  if (isJson || (isLive && stdout.isTTY)) process.env[PRINT_TO_HOST] = '1';

  const requestedAtMs = systemClock.monotonicNow();
  const options = {
    streams: {stdout, stderr, output, errors},
    isJson,
    isQuiet,
    showsAllFrames: args.has('stack'),
    showsWatermarks: args.has('watermarks'),
  };
  try {
    const starting = start(file, {args: args.jobArgs, config, signal: canceling.signal});
    // Whoever awaits it hears of a failure; until then it must not count as unhandled.
    starting.catch(() => {});
    // Threads that start need the cores; whatever shows something is loaded when they have started.
    await Promise.race([
      starting.catch(() => {}),
      setTimeout(SHOW_START_AFTER_MS, undefined, {ref: false}),
    ]);
    const {watchJob} = await import('./watch-job.ts');
    return await watchJob(starting, {
      ...options,
      jobName: config.name,
      isLive,
      clock: systemClock,
      requestedAtMs,
      cancel,
      cancelReason: () => cancelReason,
    });
  } catch (error) {
    await Promise.all([output.drained(), errors.drained()]);
    const [{outcomeOfFailedStart}, {reportOutcome}] = await Promise.all([
      import('./run-outcome.ts'),
      import('./report-outcome.ts'),
    ]);
    const startMs = systemClock.monotonicNow() - requestedAtMs;
    const outcome = outcomeOfFailedStart(config.name, startMs, [toErrorData(error)], systemClock);
    // A coordinator that waits for the job's module cannot answer; its thread is ended then.
    const isCanceled =
      error instanceof StreamError && /^E_(JOB_CANCELED|COORDINATOR_EXIT)$/.test(error.code);
    return cancelReason !== undefined && isCanceled
      ? await reportOutcome(
          {...outcome, state: 'CANCELED', canceledBy: cancelReason, failures: []},
          undefined,
          options,
        )
      : await reportOutcome(outcome, error, options);
  } finally {
    unwatchSignals();
    replaceStandardStream('stdout', stdout);
    replaceStandardStream('stderr', stderr);
  }
}

/** Whether lines can be drawn again in place. */
function canDraw(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY && process.env['TERM'] !== 'dumb';
}

/**
 * Whether a program reads the job's output. It may print to the same terminal (`| head`, `| grep`), and
 * a display that is drawn in place would erase its lines.
 */
function isPipe(descriptor: number): boolean {
  try {
    const status = fstatSync(descriptor);
    return status.isFIFO() || status.isSocket();
  } catch {
    // Standard output is closed.
    return false;
  }
}
