/** When a host is told that event time stands still; without threads, and with timers that stand still. */
import {mock} from 'node:test';
import test from 'ava';
import {watchWatermarks} from '../../src/api/stalled-watermarks.ts';
import type {OperatorWatermark, StreamError} from '../../src/index.ts';

function report(changes: Partial<OperatorWatermark> = {}): OperatorWatermark {
  return {
    uid: 'window',
    operator: 'Window',
    task: 'Window (1/2)',
    subtaskIndex: 0,
    watermark: 5,
    standsForMs: 300,
    isIdle: false,
    hasTimers: true,
    heldBackBy: undefined,
    text: 'Window stands',
    ...changes,
  };
}

/** Watches reports that the test sets; gives what was warned of. */
function watch(t: {teardown(fn: () => void): void}, first: readonly OperatorWatermark[]) {
  mock.timers.enable({apis: ['setInterval']});
  const warn = mock.method(process, 'emitWarning', () => {});
  const state = {reports: first};
  const unwatch = watchWatermarks('orders', () => state.reports, 300);
  t.teardown(() => {
    unwatch();
    mock.reset();
  });
  const warnings = () => warn.mock.calls.map(call => call.arguments[0] as unknown as StreamError);
  return {state, unwatch, warnings, tick: (ms: number) => mock.timers.tick(ms)};
}

test.serial('timers that wait for a watermark which stands are worth one warning', t => {
  const {warnings, tick} = watch(t, [report()]);

  tick(1000);

  t.is(warnings().length, 1);
  t.is(warnings()[0]!.code, 'E_WATERMARK_STALLED');
  t.deepEqual(warnings()[0]!.details, {job: 'orders', operator: 'Window', why: 'Window stands'});
});

test.serial('another standstill of the same operator is worth another one', t => {
  const {state, warnings, tick} = watch(t, [report()]);
  tick(100);
  state.reports = [report({watermark: 9, standsForMs: 10})];
  tick(100);
  t.is(warnings().length, 1);
  state.reports = [report({watermark: 9, standsForMs: 300})];
  tick(100);
  t.is(warnings().length, 2);
});

test.serial('who waits for nothing, moves, or has ended is not named', t => {
  const {warnings, tick} = watch(t, [
    report({uid: 'a', hasTimers: false}),
    report({uid: 'b', standsForMs: 299}),
    report({uid: 'c', watermark: Infinity}),
  ]);

  tick(1000);

  t.deepEqual(warnings(), []);
});

test.serial('nothing is said when the watching has ended', t => {
  const {unwatch, warnings, tick} = watch(t, [report()]);

  unwatch();
  tick(1000);

  t.deepEqual(warnings(), []);
});
