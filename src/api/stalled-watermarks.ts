/**
 * Notices that event time stands still in an operator whose timers wait for it, and says what holds it
 * back: nothing fails then, results just do not come. Belongs to the host's thread.
 */
import {StreamError} from '../base/errors.ts';
import type {OperatorWatermark} from '../scheduler/runtime-contract.ts';

/** How long event time may stand while data waits for it. */
export const WATERMARK_TIMEOUT_MS = 30_000;

/** Looks per timeout. */
const LOOKS = 3;

/**
 * Emits a process warning, once for each standstill of an operator, when event time has stood for
 * `timeoutMs` although timers wait for it. Returns a function that ends the watching.
 */
export function watchWatermarks(
  job: string,
  explain: () => readonly OperatorWatermark[],
  timeoutMs: number,
): () => void {
  const warned = new Map<string, number>();
  const timer = setInterval(() => {
    for (const report of explain()) {
      const {uid, watermark, standsForMs, hasTimers} = report;
      if (!hasTimers || watermark === Infinity || standsForMs < timeoutMs) continue;
      if (warned.get(uid) === watermark) continue;
      warned.set(uid, watermark);
      process.emitWarning(stalled(job, report));
    }
  }, timeoutMs / LOOKS);
  // A job that runs keeps the process alive; the watching need not.
  timer.unref();
  return () => clearInterval(timer);
}

function stalled(
  job: string,
  {operator, text, isIdle, heldBackBy}: OperatorWatermark,
): StreamError {
  const remedy = isIdle
    ? 'data comes in again, or ends: until then nothing moves event time'
    : heldBackBy?.watermark === -Infinity
      ? 'give the source watermarks (WatermarkStrategy), and look whether its records have timestamps'
      : 'withIdleness() of the WatermarkStrategy lets others go on without a silent source';
  return new StreamError(
    'E_WATERMARK_STALLED',
    'event time stands still while data waits for it',
    {job, operator, why: text},
    {remedy},
  );
}
