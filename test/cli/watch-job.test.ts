/** A job watched on a terminal, with a made-up job and a made-up terminal. */
import {EventEmitter, once} from 'node:events';
import {stripVTControlCharacters} from 'node:util';
import test from 'ava';
import type {JobHandle} from '../../src/api/job-handle.ts';
import type {JobResult} from '../../src/api/job-result.ts';
import {systemClock} from '../../src/base/clock.ts';
import {StreamError} from '../../src/base/errors.ts';
import type {CancelReason} from '../../src/cli/cancellation.ts';
import {JobOutput} from '../../src/cli/standard-streams.ts';
import {watchJob, type WatchOptions} from '../../src/cli/watch-job.ts';
import type {JobMetrics} from '../../src/scheduler/runtime-contract.ts';
import {jobMetrics} from '../support/job-readings.ts';

/** A terminal, or a pipe, that keeps what it is sent and tells of it. */
class Sent extends EventEmitter {
  readonly columns = 80;
  readonly rows = 24;
  readonly isTTY: boolean;
  text = '';

  constructor(isTTY: boolean) {
    super();
    this.isTTY = isTTY;
  }

  write(chunk: string | Buffer, callback?: () => void): boolean {
    this.text += chunk.toString();
    queueMicrotask(() => {
      this.emit('sent');
      callback?.();
    });
    return true;
  }

  async shows(text: string): Promise<void> {
    while (!stripVTControlCharacters(this.text).includes(text)) await once(this, 'sent');
  }
}

/** A handle whose metrics and end are what the test says. */
class FakeJob {
  readonly id = 'x-1';
  readonly name = 'orders';
  readonly startProfile = {runningAt: 40};
  readonly inputNames: string[] = [];
  readonly outputNames: string[] = [];
  readonly failures: never[] = [];
  readonly #done = Promise.withResolvers<JobResult>();
  metricsNow: JobMetrics = jobMetrics({}, {});
  status = 'RUNNING';
  isCanceled = false;

  get done(): Promise<JobResult> {
    return this.#done.promise;
  }

  metrics(): JobMetrics {
    return this.metricsNow;
  }

  explainWatermarks() {
    return [{text: 'window stands at 5'}, {text: 'sink stands at 5'}];
  }

  tasks() {
    return this.metricsNow.tasks.map(() => ({state: 'RUNNING'}));
  }

  cancel(): Promise<void> {
    this.isCanceled = true;
    return Promise.resolve();
  }

  end(result: Partial<JobResult>): void {
    this.#done.resolve({
      jobId: this.id,
      jobName: this.name,
      state: 'FINISHED',
      durationMs: 2000,
      operators: [],
      accumulators: {},
      collected: {},
      metrics: this.metricsNow,
      ...result,
    });
  }

  fail(error: Error): void {
    this.#done.reject(error);
  }
}

function watch(
  rest: Partial<WatchOptions> & {stdoutIsTerminal?: boolean} = {},
  starting?: Promise<JobHandle>,
) {
  const {stdoutIsTerminal = true, isLive = true, ...options} = rest;
  const stdout = new Sent(stdoutIsTerminal) as Sent & NodeJS.WriteStream;
  const stderr = new Sent(isLive) as Sent & NodeJS.WriteStream;
  const output = new JobOutput(stdout, () => {});
  const errors = new JobOutput(stderr, () => {});
  const job = new FakeJob();
  const canceled: CancelReason[] = [];
  const code = watchJob(starting ?? Promise.resolve(job as unknown as JobHandle), {
    streams: {stdout, stderr, output, errors},
    isJson: false,
    isQuiet: false,
    isLive,
    jobName: 'orders.ts',
    showsAllFrames: false,
    showsWatermarks: false,
    clock: systemClock,
    requestedAtMs: systemClock.monotonicNow(),
    cancel: reason => {
      canceled.push(reason);
    },
    cancelReason: () => canceled[0],
    ...options,
  });
  return {code, job, stdout, stderr, output, canceled};
}

test('on a terminal progress is drawn, output goes above it, and a summary takes its place', async t => {
  const {code, job, stdout, stderr, output} = watch();
  await stderr.shows('orders  RUNNING');
  job.metricsNow = jobMetrics({lines: 40, words: 300}, {words: 250, queue: 3});
  await stderr.shows('3/12');

  const before = stderr.text.length;
  output.write('a record\n');
  await stdout.shows('a record\n');
  t.regex(stderr.text.slice(before), /^\u001b\[\d+A\r\u001b\[J[^]*time of the last second/);

  job.end({});
  t.is(await code, 0);
  const last = stderr.text.slice(stderr.text.lastIndexOf('\u001b[J') + 3);
  t.regex(stripVTControlCharacters(last), /^\norders finished in 2\.00 s\n/);
  t.is(stdout.text, 'a record\n');
});

test('on request event time is shown below the progress', async t => {
  const {code, job, stderr} = watch({showsWatermarks: true});

  await stderr.shows('sink stands at 5');
  const shown = stripVTControlCharacters(stderr.text);
  t.true(shown.indexOf('orders  RUNNING') < shown.indexOf('window stands at 5'));
  t.true(shown.indexOf('window stands at 5') < shown.indexOf('sink stands at 5'));

  job.end({});
  t.is(await code, 0);
});

test('a slow start is shown too', async t => {
  const starting = Promise.withResolvers<JobHandle>();
  const {code, job, stderr} = watch({}, starting.promise);

  await stderr.shows('orders.ts  STARTING');
  starting.resolve(job as unknown as JobHandle);
  job.end({});

  t.is(await code, 0);
  t.regex(stripVTControlCharacters(stderr.text), /orders finished/);
});

test('a job that does not start leaves no progress behind and rejects', async t => {
  const starting = Promise.withResolvers<JobHandle>();
  const {code, stderr} = watch({}, starting.promise);

  await stderr.shows('STARTING');
  starting.reject(new StreamError('E_JOB_LOAD', 'the job module could not be loaded'));

  await t.throwsAsync(code, {code: 'E_JOB_LOAD'});
  t.true(stderr.text.endsWith('\u001b[J'));
});

test('a print sink whose reader has gone cancels the job', async t => {
  const {code, job, canceled} = watch({stdoutIsTerminal: false, isLive: false, isQuiet: true});
  const tick = setInterval(() => {
    if (canceled.length > 0) job.end({state: 'CANCELED'});
  }, 10);
  job.metricsNow = jobMetrics({}, {counters: {linesDropped: 7}});

  t.is(await code, 0);
  clearInterval(tick);
  t.is(canceled[0], 'output closed');
});

test('a failure is reported, then the summary', async t => {
  const {code, job, stderr} = watch({isLive: false});
  job.fail(new StreamError('E_USER_FUNCTION', 'a user function threw an exception'));

  t.is(await code, 1);
  t.regex(stderr.text, /^Error: a user function threw[^]*\n\norders failed after/);
});

test('quiet means quiet', async t => {
  const {code, job, stdout, stderr} = watch({isLive: false, isQuiet: true});
  job.end({});

  t.is(await code, 0);
  t.is(stdout.text + stderr.text, '');
});

test('a job that waits for a host program is cancelled and refused', async t => {
  const {code, job} = watch({isLive: false});
  job.inputNames.push('orders');

  await t.throwsAsync(code, {code: 'E_HOST_STREAM', message: /streams=orders/});
  t.true(job.isCanceled);
});
