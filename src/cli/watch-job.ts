/**
 * Watches a running job to its end: reads its counters a few times per second, shows them on a terminal
 * or in a log, and sums up. Counters are words in shared memory, so watching disturbs nobody.
 */
import type {JobHandle} from '../api/job-handle.ts';
import type {JobResult} from '../api/job-result.ts';
import type {Clock} from '../base/clock.ts';
import {StreamError} from '../base/errors.ts';
import type {CancelReason} from './cancellation.ts';
import {paintFor} from './paint.ts';
import {ProgressMeter} from './progress-meter.ts';
import {progressLines, progressLogLine} from './progress-view.ts';
import {reportOutcome, type ReportOptions} from './report-outcome.ts';
import {outcomeOfMetrics, usageOfProcess} from './run-outcome.ts';
import {TerminalArea} from './terminal-area.ts';

export interface WatchOptions extends ReportOptions {
  /** Standard error is a terminal on which lines can be drawn again. */
  readonly isLive: boolean;
  readonly clock: Clock;
  readonly requestedAtMs: number;
  cancel(reason: CancelReason): void;
  cancelReason(): CancelReason | undefined;
}

/** Often enough to look alive; a terminal over a slow line keeps up. */
const READ_INTERVAL_MS = 200;
const LOG_INTERVAL_MS = 5000;
/** Of a terminal that does not say. */
const COLUMNS_DEFAULT = 80;
const ROWS_DEFAULT = 24;

/** Watches until the job has ended, whatever that is. Returns the exit code. */
export async function watchJob(handle: JobHandle, options: WatchOptions): Promise<number> {
  await refuseHostStreams(handle);
  const {clock, requestedAtMs} = options;
  const startMs = clock.monotonicNow();
  const display = new Display(handle, options, startMs);
  const timer = setInterval(() => display.update(), READ_INTERVAL_MS);
  let result: JobResult | undefined;
  let failure: unknown;
  try {
    result = await handle.done;
  } catch (error) {
    failure = error;
  }
  clearInterval(timer);
  const durationMs = result?.durationMs ?? clock.monotonicNow() - startMs;

  const {output, errors} = options.streams;
  await Promise.all([output.drained(), errors.drained()]);
  display.close();

  const canceledBy = result?.state === 'CANCELED' ? options.cancelReason() : undefined;
  return await reportOutcome(
    {
      job: handle.name,
      jobId: handle.id,
      state: result?.state ?? 'FAILED',
      canceledBy,
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
  readonly #handle: JobHandle;
  readonly #options: WatchOptions;
  readonly #meter: ProgressMeter;
  readonly #area: TerminalArea | undefined;
  #loggedAtMs: number;

  constructor(handle: JobHandle, options: WatchOptions, startMs: number) {
    this.#handle = handle;
    this.#options = options;
    this.#meter = new ProgressMeter(startMs);
    this.#loggedAtMs = startMs;
    if (options.isLive) {
      const {stdout, stderr, output, errors} = options.streams;
      this.#area = new TerminalArea(terminalOn(stderr));
      errors.share(this.#area);
      // With --json the job's output goes the way of its errors.
      if (stdout.isTTY || options.isJson) output.share(this.#area);
    }
    this.#read(startMs);
  }

  update(): void {
    const {isQuiet, isLive, clock, cancel} = this.#options;
    const nowMs = clock.monotonicNow();
    if (this.#read(nowMs)) cancel('output closed');
    if (isLive) {
      this.#area!.show(progressLines(this.#meter.progress(), this.#view()));
    } else if (!isQuiet && nowMs - this.#loggedAtMs >= LOG_INTERVAL_MS) {
      this.#loggedAtMs = nowMs;
      const line = progressLogLine(this.#meter.progress(), this.#view());
      this.#options.streams.stderr.write(`${line}\n`);
    }
  }

  close(): void {
    this.#area?.clear();
  }

  /** Returns whether print sinks have found that nobody reads them any more. */
  #read(nowMs: number): boolean {
    const metrics = this.#handle.metrics();
    if (metrics.tasks.length === 0) return false;
    const states = this.#handle.tasks().map(({state}) => state);
    const {cpuSeconds, peakMemoryBytes} = usageOfProcess(this.#options.clock);
    this.#meter.add({atMs: nowMs, metrics, states, cpuMs: cpuSeconds * 1000, peakMemoryBytes});
    return (
      !this.#options.streams.stdout.isTTY &&
      metrics.tasks.some(({counters}) => (counters['linesDropped'] ?? 0) > 0)
    );
  }

  #view() {
    const {stderr} = this.#options.streams;
    return {
      jobName: this.#handle.name,
      status: this.#handle.status,
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
