/**
 * Watches a running job to its end: reads its counters a few times per second, shows them on a terminal
 * or in a log, and sums up. Counters are words in shared memory, so watching disturbs nobody.
 */
import type {JobHandle} from '../api/job-handle.ts';
import type {JobResult} from '../api/job-result.ts';
import type {Clock} from '../base/clock.ts';
import {StreamError} from '../base/errors.ts';
import type {CancelReason} from './cancellation.ts';
import {cutTo, harmless} from './display-width.ts';
import {paintFor} from './paint.ts';
import {ProgressMeter, notYetRunning, type JobProgress} from './progress-meter.ts';
import {progressLines, progressLogLine, type ViewOptions} from './progress-view.ts';
import {reportOutcome, type ReportOptions} from './report-outcome.ts';
import {outcomeOfMetrics, usageOfProcess} from './run-outcome.ts';
import {TerminalArea} from './terminal-area.ts';

export interface WatchOptions extends ReportOptions {
  /** What the job is called before it has said its name. */
  readonly jobName: string;
  /** Standard error is a terminal on which lines can be drawn again. */
  readonly isLive: boolean;
  readonly clock: Clock;
  readonly requestedAtMs: number;
  readonly showsWatermarks: boolean;
  cancel(reason: CancelReason): void;
  cancelReason(): CancelReason | undefined;
}

/** Often enough to look alive; a terminal over a slow line keeps up. */
const READ_INTERVAL_MS = 200;
const LOG_INTERVAL_MS = 5000;
/** The progress keeps so many rows, however many watermarks there are. */
const MIN_ROWS = 6;
/** Of a terminal that does not say. */
const COLUMNS_DEFAULT = 80;
const ROWS_DEFAULT = 24;

/**
 * Watches a job that is starting until it has ended, whatever that is. Returns the exit code; rejects if
 * the job does not start.
 */
export async function watchJob(
  starting: Promise<JobHandle>,
  options: WatchOptions,
): Promise<number> {
  const {clock, requestedAtMs, streams} = options;
  const display = new Display(options);
  const timer = setInterval(() => display.update(), READ_INTERVAL_MS);
  let result: JobResult | undefined;
  let failure: unknown;
  let handle: JobHandle;
  let startMs: number;
  try {
    handle = await starting;
    startMs = requestedAtMs + handle.startProfile.runningAt;
    await refuseHostStreams(handle);
    display.attach(handle, startMs);
    try {
      result = await handle.done;
    } catch (error) {
      failure = error;
    }
  } finally {
    clearInterval(timer);
    await Promise.all([streams.output.drained(), streams.errors.drained()]);
    display.close();
  }
  const durationMs = result?.durationMs ?? clock.monotonicNow() - startMs;
  return await reportOutcome(
    {
      job: handle.name,
      jobId: handle.id,
      state: result?.state ?? 'FAILED',
      canceledBy: result?.state === 'CANCELED' ? options.cancelReason() : undefined,
      startMs: startMs - requestedAtMs,
      durationMs,
      ...outcomeOfMetrics(handle.metrics(), durationMs),
      ...usageOfProcess(clock),
      accumulators: result?.accumulators ?? {},
      collected: result?.collected ?? {},
      failures: handle.failures,
    },
    failure,
    options,
  );
}

/** Shows the progress of a job, in place or line by line, or not at all. */
class Display {
  readonly #options: WatchOptions;
  readonly #area: TerminalArea | undefined;
  #handle: JobHandle | undefined;
  #meter: ProgressMeter | undefined;
  #loggedAtMs: number;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#loggedAtMs = options.requestedAtMs;
    if (!options.isLive) return;
    const {stdout, stderr, output, errors} = options.streams;
    this.#area = new TerminalArea(terminalOn(stderr));
    errors.share(this.#area);
    // With --json the job's output goes the way of its errors.
    if (stdout.isTTY || options.isJson) output.share(this.#area);
  }

  /** The job runs. */
  attach(handle: JobHandle, startMs: number): void {
    this.#handle = handle;
    this.#meter = new ProgressMeter(startMs);
    this.#loggedAtMs = startMs;
    this.#read(startMs);
  }

  update(): void {
    const {isQuiet, clock, cancel, streams} = this.#options;
    const nowMs = clock.monotonicNow();
    if (this.#read(nowMs)) cancel('output closed');
    const progress = this.#meter?.progress() ?? notYetRunning(nowMs - this.#options.requestedAtMs);
    if (this.#area !== undefined) {
      this.#area.show(this.#lines(progress));
    } else if (!isQuiet && nowMs - this.#loggedAtMs >= LOG_INTERVAL_MS) {
      this.#loggedAtMs = nowMs;
      const lines = [progressLogLine(progress, this.#view()), ...this.#watermarks()];
      streams.stderr.write(`${lines.join('\n')}\n`);
    }
  }

  close(): void {
    this.#area?.clear();
  }

  /** Returns whether print sinks have found that nobody reads them any more. */
  #read(nowMs: number): boolean {
    const metrics = this.#handle?.metrics();
    if (metrics === undefined || metrics.tasks.length === 0) return false;
    const states = this.#handle!.tasks().map(({state}) => state);
    const {cpuSeconds, peakMemoryBytes} = usageOfProcess(this.#options.clock);
    this.#meter!.add({atMs: nowMs, metrics, states, cpuMs: cpuSeconds * 1000, peakMemoryBytes});
    return (
      !this.#options.streams.stdout.isTTY &&
      metrics.tasks.some(({counters}) => (counters['linesDropped'] ?? 0) > 0)
    );
  }

  /** The progress, and below it what holds event time back, where there is room. */
  #lines(progress: JobProgress): string[] {
    const view = this.#view();
    const watermarks = this.#watermarks().map(text => cutTo(text, view.columns - 1));
    const rows = Math.max(MIN_ROWS, view.rows - watermarks.length);
    const lines = progressLines(progress, {...view, rows});
    return [...lines, ...watermarks.slice(0, Math.max(0, view.rows - 1 - lines.length))];
  }

  #watermarks(): string[] {
    if (!this.#options.showsWatermarks) return [];
    return (this.#handle?.explainWatermarks() ?? []).map(({text}) => harmless(text));
  }

  #view(): ViewOptions {
    const {stderr} = this.#options.streams;
    return {
      jobName: this.#handle?.name ?? this.#options.jobName,
      status: this.#handle?.status ?? 'STARTING',
      isCanceling: this.#options.cancelReason() !== undefined,
      columns: stderr.columns ?? COLUMNS_DEFAULT,
      rows: stderr.rows ?? ROWS_DEFAULT,
      paint: paintFor(stderr),
    };
  }
}

function terminalOn(stream: NodeJS.WriteStream) {
  return {
    get columns() {
      return stream.columns ?? COLUMNS_DEFAULT;
    },
    get rows() {
      return stream.rows ?? ROWS_DEFAULT;
    },
    write: (text: string) => stream.write(text),
  };
}

/** A job that waits for a program around it would wait for ever: there is none on a command line. */
async function refuseHostStreams(handle: JobHandle): Promise<void> {
  const streams = [...handle.inputNames, ...handle.outputNames];
  if (streams.length === 0) return;
  await handle.cancel();
  throw new StreamError(
    'E_HOST_STREAM',
    'a job with host streams cannot run on the command line',
    {job: handle.name, streams: streams.join(', ')},
    {remedy: 'start it from a program with start(), whose handle has the other ends'},
  );
}
