/**
 * Async I/O: `AsyncDataStream.orderedWait(stream, fn, options)` asks something outside of the job for each
 * record, many at a time.
 */
import {StreamError, showValue} from '../base/errors.ts';
import {asyncWait, type AsyncRetry, type AsyncWaitSettings} from '../operators/async-wait.ts';
import type {AsyncFunction} from '../operators/functions.ts';
import {checkAsyncFunction} from './check-function.ts';
import {internalsOf, operatorStream, withIndex, type DataStream} from './data-stream.ts';

export interface AsyncWaitOptions {
  /** Milliseconds that a record may take, with all its retries; 0: as long as it likes, without retries. */
  readonly timeoutMs: number;
  /** Records, and watermarks between them, that are in flight at most. Default 100. */
  readonly capacity?: number;
  /** Makes calls that went wrong again. Default: a failure fails the job. */
  readonly retry?: AsyncRetry;
}

const CAPACITY = 100;

/**
 * Streams of answers.
 *
 * Function:  `fn(value, result)` returns the promise of an iterable of results, or passes one to
 *            `result.complete`. It may be an object with `asyncInvoke`, a life cycle, and `timeout`.
 * Result:    any number of records for each one, with its timestamp. Watermarks never pass a record.
 * Timeout:   `timeout(value, result)` completes the record in another way; without it the job fails.
 * Errors:    `E_API_FUNCTION`, `E_API_ASYNC` for options that make no sense; at run time
 *            `E_ASYNC_FUNCTION` for a call that failed, `E_ASYNC_TIMEOUT`, `E_ASYNC_RESULT`.
 * Source:    Flink's AsyncDataStream (flink.md §8).
 */
export const AsyncDataStream = {
  /** Results leave in the order of the records. */
  orderedWait<I, O>(
    stream: DataStream<I>,
    fn: AsyncFunction<I, O>,
    options: AsyncWaitOptions,
  ): DataStream<O> {
    return wait('orderedWait', 'ordered', stream, fn, options);
  },

  /** Results leave as they come, but none passes a watermark. */
  unorderedWait<I, O>(
    stream: DataStream<I>,
    fn: AsyncFunction<I, O>,
    options: AsyncWaitOptions,
  ): DataStream<O> {
    return wait('unorderedWait', 'unordered', stream, fn, options);
  },
};

function wait<I, O>(
  operation: string,
  mode: AsyncWaitSettings['mode'],
  stream: DataStream<I>,
  fn: AsyncFunction<I, O>,
  options: AsyncWaitOptions,
): DataStream<O> {
  const {recorder, inputs} = internalsOf(operation, stream);
  checkAsyncFunction(operation, fn, 'asyncInvoke');
  const settings = checkOptions(operation, mode, options);
  const name = mode === 'ordered' ? 'Async Wait' : 'Async Wait (unordered)';
  return operatorStream(recorder, name, asyncWait(fn, settings), withIndex(inputs, 0));
}

function checkOptions(
  operation: string,
  mode: AsyncWaitSettings['mode'],
  options: AsyncWaitOptions,
): AsyncWaitSettings {
  const {timeoutMs, capacity = CAPACITY, retry} = options ?? {};
  const refuse = (name: string, value: unknown, remedy: string): never => {
    throw new StreamError(
      'E_API_ASYNC',
      `${operation} cannot work like this`,
      {[name]: showValue(value)},
      {remedy},
    );
  };
  if (!isNumber(timeoutMs, 0)) {
    refuse('timeoutMs', timeoutMs, 'say how many milliseconds a record may take, or 0');
  }
  if (!Number.isInteger(capacity) || capacity < 1) {
    refuse('capacity', capacity, 'give a whole number from 1');
  }
  if (retry !== undefined) {
    const {retriesMax, delayMs, multiplier = 1, delayMsMax = Infinity} = retry;
    if (timeoutMs === 0) {
      refuse('timeoutMs', timeoutMs, 'with retries a record needs a timeout above 0');
    }
    if (!Number.isInteger(retriesMax) || retriesMax < 1) {
      refuse('retry.retriesMax', retriesMax, 'give a whole number from 1');
    }
    if (!isNumber(delayMs, 0)) refuse('retry.delayMs', delayMs, 'give milliseconds, from 0');
    if (!isNumber(multiplier, 1)) refuse('retry.multiplier', multiplier, 'give a number from 1');
    if (!isNumber(delayMsMax, 0) && delayMsMax !== Infinity) {
      refuse('retry.delayMsMax', delayMsMax, 'give milliseconds, from 0');
    }
  }
  return {mode, timeoutMs, capacity, retry};
}

function isNumber(value: unknown, min: number): boolean {
  return typeof value === 'number' && value >= min && value < Infinity;
}
