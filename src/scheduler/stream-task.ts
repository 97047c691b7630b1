/**
 * One subtask: an input, a chain of operators, and the writers behind it, as a state machine that the
 * worker loop steps. A step is about a millisecond of work at most, never blocks, and says what it did.
 *
 *   RUNNING    input ─► chain ─► writers, a portion of rows per step
 *   FINISHING  all input has been read: operators emit what is left, sinks flush
 *   ENDING     what is in open batches leaves, then END_OF_DATA on every channel
 *   ENDED      every channel has taken its END_OF_DATA
 *
 * Before anything else a step settles the outputs: batches and records that wait for credit, sinks that
 * are full. As long as they are not settled the task is backpressured and reads nothing: that is how
 * backpressure goes from a task to the one before it.
 *
 * A portion is as many rows as took about half a millisecond the last time, so a slow user function
 * makes portions small instead of steps long, and control flags are seen in time.
 */
import type {Clock} from '../base/clock.ts';
import {StreamError} from '../base/errors.ts';
import {
  TASK_BACKPRESSURED,
  TASK_BUSY,
  TASK_IDLE,
  type TaskActivity,
  type TaskMetricsWriter,
} from '../metrics/task-metrics.ts';
import type {RecordWriter, StopFlag} from '../network/record-writer.ts';
import type {Chain} from '../operators/chain.ts';
import type {KeyState} from '../operators/key-state.ts';
import {OperatorError, describeOperatorError} from '../operators/operator-error.ts';
import {
  BACKPRESSURED,
  FINISHED,
  IDLE,
  PROGRESSED,
  type Progress,
  type Tasklet,
} from './progress.ts';
import type {PausableClock} from '../time/activity-clock.ts';
import type {TaskInput} from './task-input.ts';
import type {WatermarkPublisher} from './watermark-publisher.ts';

/**
 * What a portion should take at least and at most before its size changes. Tasks of one thread take turns
 * of a portion each, so that neither runs far ahead of the other, and what one sends is read while the
 * processor still has it in its cache.
 */
const PORTION_MS_MIN = 0.1;
const PORTION_MS_MAX = 0.4;
const PORTION_ROWS_FIRST = 32;
const PORTION_ROWS_MAX = 1 << 14;

/** Only batches that are full, and events, leave. */
export const NO_BUFFER_TIMEOUT = -1;

type Phase = 'RUNNING' | 'FINISHING' | 'ENDING' | 'ENDED';

/** A writer and how long its batches may wait to fill. */
export interface TimedWriter {
  readonly writer: RecordWriter;
  /** Milliseconds; 0 for every record by itself, `NO_BUFFER_TIMEOUT` for full batches only. */
  readonly bufferTimeoutMs: number;
}

export interface StreamTaskOptions {
  readonly jobName: string;
  readonly name: string;
  readonly chain: Chain;
  readonly input: TaskInput;
  readonly writers: readonly TimedWriter[];
  readonly stop: StopFlag;
  /** Absent: nothing is counted, for measuring what counting costs. */
  readonly metrics: TaskMetricsWriter | undefined;
  readonly clock: Clock;
  /** Shows where event time stands; absent if nothing is counted. */
  readonly watermarks?: WatermarkPublisher | undefined;
  /** Stands still while the task is backpressured. */
  readonly activityClock?: PausableClock;
}

export class StreamTask implements Tasklet {
  readonly name: string;
  readonly #options: StreamTaskOptions;
  readonly #chain: Chain;
  readonly #input: TaskInput;
  readonly #writers: readonly TimedWriter[];
  readonly #stop: StopFlag;
  readonly #metrics: TaskMetricsWriter | undefined;
  readonly #clock: Clock;
  readonly #flushedAtMs: Float64Array;
  #phase: Phase = 'RUNNING';
  #portionRows = PORTION_ROWS_FIRST;
  #isSinkFull = false;
  #isBlocked = false;
  #isDisposed = false;

  constructor(options: StreamTaskOptions) {
    this.name = options.name;
    this.#options = options;
    this.#chain = options.chain;
    this.#input = options.input;
    this.#writers = options.writers;
    this.#stop = options.stop;
    this.#metrics = options.metrics;
    this.#clock = options.clock;
    this.#flushedAtMs = new Float64Array(options.writers.length);
  }

  /** Opens the operators. Throws what a user function threw, with its place. */
  open(): void {
    try {
      this.#chain.open();
      this.#input.open();
    } catch (thrown) {
      throw this.#described(thrown);
    }
  }

  step(nowMs: number): Progress {
    this.#metrics?.advance(nowMs);
    let progress: Progress;
    try {
      progress = this.#step(nowMs);
    } catch (thrown) {
      throw this.#described(thrown);
    }
    this.#metrics?.enter(ACTIVITIES[progress]);
    // After every step: a task that has nothing to read still hands over what waited in its batches.
    this.#publish();
    this.#options.watermarks?.publish(nowMs, progress === FINISHED);
    return progress;
  }

  get wakeAtMs(): number {
    // Whoever makes room in an output rings; until then timers cannot fire, however long they are due.
    if (this.#isBlocked) return Infinity;
    if (this.#phase !== 'RUNNING' && this.#phase !== 'FINISHING') return Infinity;
    let inputMs = this.#phase === 'RUNNING' ? this.#input.wakeAtMs : Infinity;
    if (this.#isSinkFull) inputMs = this.#chain.writableAtMs;
    const timerMs = this.#chain.nextProcessingTimeMs;
    if (timerMs === Infinity) return inputMs;
    // Timers are set by the wall clock, a thread sleeps by the monotonic one.
    return Math.min(inputMs, this.#clock.monotonicNow() + timerMs - this.#clock.now());
  }

  get awaitsPromises(): boolean {
    return (
      this.#isSinkFull ||
      this.#phase === 'FINISHING' ||
      this.#input.awaitsPromises ||
      this.#chain.awaitsPromises
    );
  }

  stop(): void {
    this.#input.stop();
  }

  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    try {
      try {
        this.#input.close();
      } finally {
        // Every operator is closed, whatever happens to the others.
        this.#chain.close();
      }
    } catch (thrown) {
      throw this.#described(thrown);
    } finally {
      for (const {writer} of this.#writers) writer.dispose();
    }
  }

  #step(nowMs: number): Progress {
    const {activityClock} = this.#options;
    this.#isBlocked = !this.#settle();
    if (this.#isBlocked) {
      activityClock?.pause();
      return BACKPRESSURED;
    }
    if (this.#phase === 'RUNNING' || this.#phase === 'FINISHING') {
      const progress = this.#catchUp();
      if (progress !== undefined) return progress;
      this.#isSinkFull = !this.#chain.isWritable();
      // At the end an operator that is full may have to be told so to go on.
      if (this.#isSinkFull && this.#phase === 'RUNNING') {
        activityClock?.pause();
        return BACKPRESSURED;
      }
    }
    activityClock?.resume();
    switch (this.#phase) {
      case 'RUNNING':
        return this.#run(nowMs);
      case 'FINISHING':
        if (!this.#chain.finish()) return this.#isGoingOn ? PROGRESSED : BACKPRESSURED;
        this.#phase = 'ENDING';
        return PROGRESSED;
      case 'ENDING':
        return this.#end();
      default:
        return this.#drainEvents();
    }
  }

  /**
   * Goes on with watermarks that are under way, and fires processing-time timers; undefined if there are
   * none. Otherwise outputs are settled before any record is read. Also as long as an operator takes no
   * records: perhaps it only waits for its timer.
   */
  #catchUp(): Progress | undefined {
    const chain = this.#chain;
    const {isTimeSettled} = chain;
    if (!isTimeSettled && (chain.proceed() || this.#isGoingOn)) return PROGRESSED;
    const timerMs = chain.nextProcessingTimeMs;
    if (timerMs < Infinity) {
      const nowMs = this.#clock.now();
      if (timerMs <= nowMs) {
        chain.processTime(nowMs);
        return PROGRESSED;
      }
    }
    if (isTimeSettled) return undefined;
    this.#isSinkFull = !chain.isWritable();
    return this.#isSinkFull ? BACKPRESSURED : PROGRESSED;
  }

  /** Whether the chain stopped for another reason than that an operator takes no records. */
  get #isGoingOn(): boolean {
    return this.#stop.requested || this.#chain.hasYielded;
  }

  /** The state that an operator of the chain keeps for a key. Not during a step. */
  readKeyState(operatorIndex: number, key: unknown): KeyState | undefined {
    try {
      return this.#chain.readKeyState(operatorIndex, key);
    } catch (thrown) {
      throw this.#described(thrown);
    }
  }

  /** Sees to what waits for room in the outputs; false if some of it still does. */
  #settle(): boolean {
    let isSettled = true;
    for (const {writer} of this.#writers) {
      if ((this.#stop.requested || writer.isBlocked) && !writer.resolve()) isSettled = false;
    }
    if (!isSettled) return false;
    this.#stop.requested = false;
    return true;
  }

  #run(nowMs: number): Progress {
    const input = this.#input;
    const progress = input.step(this.#portionRows, nowMs);
    if (progress === PROGRESSED) {
      const rows = this.#fillPortion(nowMs);
      const endMs = this.#clock.monotonicNow();
      this.#metrics?.enter(TASK_BUSY);
      this.#metrics?.advance(endMs);
      this.#fitPortion(rows, endMs - nowMs);
      if (!this.#stop.requested) this.#flushInTime(endMs);
      return PROGRESSED;
    }
    if (progress === FINISHED) {
      this.#phase = 'FINISHING';
      return PROGRESSED;
    }
    this.#chain.onIdle();
    return this.#flushAll() ? IDLE : BACKPRESSURED;
  }

  /** Goes on behind a first batch that was smaller than a portion; returns the rows of all. */
  #fillPortion(nowMs: number): number {
    const input = this.#input;
    let rows = input.rowsStepped;
    // A batch of no rows, an event, counts as one, or a portion of events would never end.
    for (let taken = Math.max(1, rows); taken < this.#portionRows && !this.#stop.requested;) {
      // A watermark that is under way goes first.
      if (!this.#chain.isTimeSettled) break;
      if (input.step(this.#portionRows - taken, nowMs) !== PROGRESSED) break;
      rows += input.rowsStepped;
      taken += Math.max(1, input.rowsStepped);
    }
    return rows;
  }

  /** Larger portions while they are quick, smaller ones as soon as they are slow. */
  #fitPortion(rows: number, elapsedMs: number): void {
    if (elapsedMs > PORTION_MS_MAX) {
      this.#portionRows = Math.max(1, Math.floor(rows / 2));
    } else if (elapsedMs < PORTION_MS_MIN && rows === this.#portionRows) {
      this.#portionRows = Math.min(PORTION_ROWS_MAX, this.#portionRows * 2);
    }
  }

  /** Hands partly filled batches to consumers that have nothing to read, or that wait too long. */
  #flushInTime(nowMs: number): void {
    for (let index = 0; index < this.#writers.length; index += 1) {
      const {writer, bufferTimeoutMs} = this.#writers[index];
      if (bufferTimeoutMs === NO_BUFFER_TIMEOUT) continue;
      const isOverdue = nowMs - this.#flushedAtMs[index] >= bufferTimeoutMs;
      writer.flush(!isOverdue);
      if (isOverdue) this.#flushedAtMs[index] = nowMs;
    }
  }

  /** There is nothing to do: nothing may wait in open batches. False if something has to. */
  #flushAll(): boolean {
    let isFlushed = true;
    for (const {writer, bufferTimeoutMs} of this.#writers) {
      if (bufferTimeoutMs !== NO_BUFFER_TIMEOUT && !writer.flush(false)) isFlushed = false;
    }
    return isFlushed;
  }

  #end(): Progress {
    for (const {writer} of this.#writers) if (!writer.flush(false)) return BACKPRESSURED;
    for (const {writer} of this.#writers) writer.end();
    this.#phase = 'ENDED';
    return this.#drainEvents();
  }

  #drainEvents(): Progress {
    for (const {writer} of this.#writers) {
      for (const channel of writer.channels) if (!channel.flushEvents()) return BACKPRESSURED;
    }
    return FINISHED;
  }

  #publish(): void {
    if (this.#metrics === undefined) return;
    let recordsOut = 0;
    let bytesOut = 0;
    for (const {writer} of this.#writers) {
      recordsOut += writer.rowsSent;
      bytesOut += writer.bytesSent;
    }
    const {recordsIn, bytesIn} = this.#input;
    this.#metrics.publish(recordsIn, bytesIn, recordsOut, bytesOut, this.#chain.counts);
  }

  /** An error of an operator with the place where it happened; any other as it is. */
  #described(thrown: unknown): unknown {
    const {jobName, name} = this.#options;
    if (thrown instanceof OperatorError) {
      const node = this.#chain.plan.nodes[thrown.operatorIndex];
      return describeOperatorError(thrown, {
        job: jobName,
        operator: node.name,
        uid: node.uid,
        task: name,
      });
    }
    if (thrown instanceof StreamError) {
      // Thrown between records: by a source, or by a writer that encodes what had to wait.
      return thrown.details.task === undefined ? thrown.at({job: jobName, task: name}) : thrown;
    }
    return thrown;
  }
}

const ACTIVITIES: readonly TaskActivity[] = (() => {
  const activities: TaskActivity[] = [];
  activities[PROGRESSED] = TASK_BUSY;
  activities[IDLE] = TASK_IDLE;
  activities[BACKPRESSURED] = TASK_BACKPRESSURED;
  activities[FINISHED] = TASK_BUSY;
  return activities;
})();
