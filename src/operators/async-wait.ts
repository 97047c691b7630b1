/**
 * Async I/O: calls a function for each record that answers later, and emits the answers with the record's
 * timestamp, in the order of the records or as they come. Watermarks keep their place (async-queue.ts).
 *
 *   record ──► waiting ──► in flight ──results──► queue ──► output
 *              (no room)   (≤ capacity)
 *
 * Promises settle between the task's steps; what they bring is only noted then. Everything else happens
 * when the task calls: it does so soon, because the operator says that it is due at once
 * (`nextProcessingTimeMs`) as long as something can leave, and wakes the task up. Deadlines and pauses
 * before a retry are processing time of the engine's clock.
 *
 * What finds no room waits here without being called for, and the operator is not writable: the task reads no
 * more. Inputs that have not left are operator
 * state; restored ones are called for again, before anything new.
 */
import {StreamError, showValue} from '../base/errors.ts';
import {ListStateDescriptor} from '../state/state-descriptors.ts';
import {
  OrderedQueue,
  UnorderedQueue,
  isWatermark,
  type AsyncElement,
  type AsyncOutput,
  type AsyncQueue,
} from './async-queue.ts';
import type {ChainCode, RecordText} from './chain-code.ts';
import {ANY_USE} from './function-text.ts';
import type {AsyncFunction, ResultFuture} from './functions.ts';
import type {OperatorSpec} from './operator.ts';
import {BaseOperator, type OperatorContext} from './operator-runtime.ts';
import {UserFunction} from './user-function.ts';

/** When and how a call that went wrong is made again. */
export interface AsyncRetry {
  /** How often a call is made again at most. */
  readonly retriesMax: number;
  /** Milliseconds before the first retry. */
  readonly delayMs: number;
  /** What the delay grows by from retry to retry; default 1, a fixed delay. */
  readonly multiplier?: number;
  /** What the delay does not grow beyond. */
  readonly delayMsMax?: number;
  /** Whether a failure is worth a retry; default: every one is. */
  readonly onError?: (error: unknown) => boolean;
  /** Whether results count as a failure; default: none do. */
  readonly onResult?: (results: Iterable<any>) => boolean;
}

export interface AsyncWaitSettings {
  readonly mode: 'ordered' | 'unordered';
  /** For a record, all its retries included; 0: no limit. */
  readonly timeoutMs: number;
  readonly capacity: number;
  readonly retry: AsyncRetry | undefined;
}

/** The operator of `orderedWait` and `unorderedWait`. */
export function asyncWait(fn: AsyncFunction<any, any>, settings: AsyncWaitSettings): OperatorSpec {
  const {mode, timeoutMs, capacity, retry} = settings;
  return {
    type: 'custom',
    kind: `async wait, ${mode}`,
    parts: [fn, timeoutMs, capacity, ...(retry === undefined ? [] : [retry])],
    timestamps: 'kept',
    create: context => new AsyncWaitOperator(context, fn, settings),
  };
}

/** A record that is in flight. */
class Call implements AsyncElement {
  readonly value: unknown;
  readonly timestamp: number;
  /** Processing time when the record's time is over. */
  readonly deadlineMs: number;
  results: Iterable<unknown> | undefined;
  /** From 1. */
  attempt = 0;
  /** Processing time of the next attempt; Infinity if none is planned. */
  retryAtMs = Infinity;
  isTimedOut = false;

  constructor(value: unknown, timestamp: number, deadlineMs: number) {
    this.value = value;
    this.timestamp = timestamp;
    this.deadlineMs = deadlineMs;
  }

  get isDone(): boolean {
    return this.results !== undefined;
  }
}

/** An input as operator state. */
type SavedInput = {value: unknown; timestamp: number} | {watermark: number};

const INPUTS = new ListStateDescriptor<SavedInput>('async-inputs');

export class AsyncWaitOperator extends BaseOperator {
  readonly #fn: UserFunction;
  readonly #timeoutOf: ((value: unknown, result: ResultFuture<unknown>) => void) | undefined;
  readonly #settings: AsyncWaitSettings;
  readonly #queue: AsyncQueue;
  /** What has come while there was no room. */
  readonly #waiting: AsyncOutput[] = [];
  /** In the order of their deadlines; those that are done leave when they are met. */
  readonly #deadlines: Call[] = [];
  /** Calls that wait for their next attempt. */
  readonly #retries = new Set<Call>();
  /** Calls that only a promise of this thread, or who holds their `ResultFuture`, can bring on. */
  readonly #running = new Set<Call>();
  #failure: {readonly error: unknown} | undefined;
  #isFinishing = false;
  #isClosed = false;

  constructor(context: OperatorContext, fn: AsyncFunction<any, any>, settings: AsyncWaitSettings) {
    super(context);
    this.#fn = new UserFunction(fn, 'asyncInvoke');
    this.#settings = settings;
    this.#queue = settings.mode === 'ordered' ? new OrderedQueue() : new UnorderedQueue();
    this.#timeoutOf =
      typeof fn === 'function' || fn.timeout === undefined
        ? undefined
        : (value, result) => fn.timeout!(value, result);
  }

  override open(): void {
    this.#fn.open(this.context.runtime);
    const restored = this.context.operatorState.getListState(INPUTS);
    const inputs = restored.get();
    restored.clear();
    for (const input of inputs) {
      if ('watermark' in input) this.#take({watermark: input.watermark});
      else this.#take({...input, results: undefined});
    }
  }

  process(value: unknown, timestamp: number): void {
    this.#take({value, timestamp, results: undefined});
    if (!this.isWritable()) this.context.requestStop();
  }

  generate(code: ChainCode, record: RecordText): void {
    const process = code.bind((value: unknown, timestamp: number) => {
      this.process(value, timestamp);
    });
    code.line(`${process}(${record.argument(ANY_USE)}, ${record.timestamp});`);
  }

  override get forwardsWatermarks(): boolean {
    return false;
  }

  override processWatermark(watermark: number): boolean {
    this.#take({watermark});
    this.#emitReady();
    return true;
  }

  override processStatus(isIdle: boolean): void {
    this.context.emitStatus(isIdle);
  }

  override get nextProcessingTimeMs(): number {
    if (this.#failure !== undefined || this.#queue.isReady) return -Infinity;
    let next = this.#firstDeadlineMs();
    for (const {retryAtMs} of this.#retries) next = Math.min(next, retryAtMs);
    return next;
  }

  override processTime(nowMs: number): boolean {
    this.#throwFailure();
    this.#retryDue(nowMs);
    this.#timeOut(nowMs);
    this.#throwFailure();
    return this.#emitReady();
  }

  override get awaitsPromises(): boolean {
    return this.#running.size > 0;
  }

  /** As in Flink the task stops with the first record that finds no room, not with the last that found it. */
  override isWritable(): boolean {
    return this.#waiting.length === 0;
  }

  override finish(): boolean {
    this.#throwFailure();
    if (!this.#isFinishing) {
      this.#isFinishing = true;
      // What waits for a retry gets one at once, and that is its last.
      this.#retryDue(Infinity);
    }
    const nowMs = this.context.runtime.clock.now();
    this.#timeOut(nowMs);
    this.#throwFailure();
    this.#emitReady();
    return this.#queue.size === 0 && this.#waiting.length === 0;
  }

  override prepareSnapshot(): void {
    this.#fn.snapshotState();
    const inputs = [...this.#queue.contents(), ...this.#waiting];
    this.context.operatorState
      .getListState(INPUTS)
      .update(
        inputs.map((input): SavedInput =>
          isWatermark(input)
            ? {watermark: input.watermark}
            : {value: input.value, timestamp: input.timestamp},
        ),
      );
  }

  override close(): void {
    this.#isClosed = true;
    this.#running.clear();
    this.#fn.close();
  }

  /** Takes an input in, or lets it wait if there is no room. */
  #take(input: AsyncOutput): void {
    const hasRoom = this.#waiting.length === 0 && this.#queue.size < this.#settings.capacity;
    if (!hasRoom) this.#waiting.push(input);
    else if (isWatermark(input)) this.#queue.addWatermark(input.watermark);
    else this.#call(input);
  }

  #call({value, timestamp}: AsyncElement): void {
    const {timeoutMs} = this.#settings;
    const deadlineMs = timeoutMs === 0 ? Infinity : this.context.runtime.clock.now() + timeoutMs;
    const call = new Call(value, timestamp, deadlineMs);
    this.#queue.add(call);
    if (timeoutMs !== 0) this.#deadlines.push(call);
    this.#attempt(call);
  }

  #attempt(call: Call): void {
    call.attempt += 1;
    call.retryAtMs = Infinity;
    this.#retries.delete(call);
    this.#running.add(call);
    const result = this.#resultOf(call);
    try {
      const returned = this.#fn.call(call.value, result);
      if (returned === undefined) return;
      // Nothing is returned by those who complete the result themselves, whatever they await.
      Promise.resolve(returned).then(
        results => {
          if (results !== undefined) result.complete(results as Iterable<unknown>);
        },
        error => result.completeExceptionally(error),
      );
    } catch (error) {
      result.completeExceptionally(error);
    }
  }

  /** Of the present attempt; does nothing any more when another one has begun, or the call is done. */
  #resultOf(call: Call): ResultFuture<unknown> {
    const {attempt} = call;
    let isUsed = false;
    const isOpen = () => {
      if (isUsed || this.#isClosed || call.isDone || call.attempt !== attempt) return false;
      isUsed = true;
      return true;
    };
    return {
      complete: results => {
        if (!isOpen()) return;
        if (!isResults(results)) this.#fail(resultError(results));
        else if (this.#settings.retry?.onResult?.(results) === true && this.#retryLater(call))
          return;
        else this.#complete(call, results);
      },
      completeExceptionally: error => {
        if (!isOpen()) return;
        const isWorthIt = this.#settings.retry?.onError?.(error) ?? true;
        if (isWorthIt && this.#retryLater(call)) return;
        this.#fail(callError(call, error));
      },
    };
  }

  /** Plans another attempt, if there may be one. */
  #retryLater(call: Call): boolean {
    const {retry} = this.#settings;
    if (retry === undefined || call.attempt > retry.retriesMax) return false;
    if (this.#isFinishing || call.isTimedOut) return false;
    const {delayMs, multiplier = 1, delayMsMax = Infinity} = retry;
    const pauseMs = Math.min(delayMs * multiplier ** (call.attempt - 1), delayMsMax);
    call.retryAtMs = this.context.runtime.clock.now() + pauseMs;
    this.#running.delete(call);
    this.#retries.add(call);
    this.context.wakeUp();
    return true;
  }

  #complete(call: Call, results: Iterable<unknown>): void {
    call.results = results;
    this.#running.delete(call);
    this.#retries.delete(call);
    this.#queue.complete(call);
    if (this.#queue.isReady) this.context.wakeUp();
  }

  /** Fails the job with the next call of the task: here nobody would catch it. */
  #fail(error: unknown): void {
    this.#failure ??= {error};
    this.context.wakeUp();
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  #retryDue(nowMs: number): void {
    for (const call of [...this.#retries]) if (call.retryAtMs <= nowMs) this.#attempt(call);
  }

  #timeOut(nowMs: number): void {
    while (this.#firstDeadlineMs() <= nowMs) {
      const call = this.#deadlines.shift()!;
      call.isTimedOut = true;
      this.#retries.delete(call);
      if (this.#timeoutOf === undefined) throw timeoutError(call, this.#settings.timeoutMs);
      // What the attempt that is under way brings is as good, if it comes before that of `timeout`.
      this.#running.add(call);
      this.#timeoutOf(call.value, this.#resultOf(call));
    }
  }

  #firstDeadlineMs(): number {
    const deadlines = this.#deadlines;
    while (deadlines.length > 0 && deadlines[0]!.isDone) deadlines.shift();
    return deadlines[0]?.deadlineMs ?? Infinity;
  }

  /**
   * Emits what can leave, up to and including the next watermark; what is behind that one follows in another
   * call. False: the outputs have no room.
   */
  #emitReady(): boolean {
    const {output} = this.context;
    while (this.#queue.isReady) {
      if (!this.context.canEmit()) return false;
      const next = this.#queue.take();
      this.#admit();
      if (isWatermark(next)) {
        this.context.emitWatermark(next.watermark);
        return true;
      }
      for (const result of next.results!) output.emit(result, next.timestamp);
    }
    return true;
  }

  #admit(): void {
    while (this.#waiting.length > 0 && this.#queue.size < this.#settings.capacity) {
      const input = this.#waiting.shift()!;
      if (isWatermark(input)) this.#queue.addWatermark(input.watermark);
      else this.#call(input);
    }
  }
}

/** Whether `results` can be iterated, and is not a text. */
function isResults(results: unknown): results is Iterable<unknown> {
  return typeof results === 'object' && results !== null && Symbol.iterator in results;
}

function resultError(results: unknown): StreamError {
  return new StreamError(
    'E_ASYNC_RESULT',
    'an asynchronous function gave something that is not an iterable of records',
    {results: showValue(results)},
    {remedy: 'give an array, [result] for a single one, [] for none'},
  );
}

function callError(call: Call, error: unknown): StreamError {
  if (error instanceof StreamError) return error;
  const thrown = error instanceof Error ? `${error.name}: ${error.message}` : showValue(error);
  return new StreamError(
    'E_ASYNC_FUNCTION',
    'an asynchronous call failed',
    {thrown, record: showValue(call.value), attempts: call.attempt},
    {
      cause: error,
      remedy: 'set `retry`, or catch the error in the function and give results that say so',
    },
  );
}

function timeoutError(call: Call, timeoutMs: number): StreamError {
  return new StreamError(
    'E_ASYNC_TIMEOUT',
    'an asynchronous call took too long',
    {timeoutMs, record: showValue(call.value), attempts: call.attempt},
    {remedy: 'raise timeoutMs, or give the function a method `timeout(value, result)`'},
  );
}
