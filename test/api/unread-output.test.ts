/** When a host is told that it does not read an output; without threads, and with timers that stand still. */
import {mock} from 'node:test';
import test from 'ava';
import {ReadOutput, watchReaders} from '../../src/api/unread-output.ts';
import type {StreamError} from '../../src/index.ts';

/** An output whose producers wait for room if `isHoldingBack` is set. */
class ScriptedOutput {
  readonly bell = {prepareToPark: () => 0, parkAsync: () => undefined, awake: () => {}};
  readonly isEnded = false;
  holdsBack = true;
  isHoldingBack = () => this.holdsBack;
  poll = () => undefined;
  close = () => {};
}

/** Two watched outputs, `a` and `b`, and the outputs that warnings have named so far. */
function watch(t: {teardown(fn: () => void): void}, timeoutMs: number) {
  mock.timers.enable({apis: ['setInterval']});
  const warn = mock.method(process, 'emitWarning', () => {});
  const scripts = [new ScriptedOutput(), new ScriptedOutput()] as const;
  const outputs = [new ReadOutput('a', scripts[0]), new ReadOutput('b', scripts[1])] as const;
  const unwatch = watchReaders('orders', outputs, timeoutMs);
  t.teardown(() => {
    unwatch();
    mock.reset();
  });
  const warned = () =>
    warn.mock.calls.map(call => (call.arguments[0] as unknown as StreamError).details.output);
  return {scripts, outputs, unwatch, warned, tick: (ms: number) => mock.timers.tick(ms)};
}

test.serial('an output that holds its job back for the whole time is named, once', t => {
  const {scripts, warned, tick} = watch(t, 100);
  scripts[1].holdsBack = false;

  tick(199);
  t.deepEqual(warned(), []);
  tick(1);
  t.deepEqual(warned(), ['a']);
  tick(1000);
  t.deepEqual(warned(), ['a']);
});

test.serial('an output that is read now and then is not named', t => {
  const {outputs, warned, tick} = watch(t, 100);

  for (let i = 0; i < 20; i += 1) {
    tick(90);
    for (const output of outputs) output.poll();
  }

  t.deepEqual(warned(), []);
});

test.serial('an output that waits for nobody now and then is not named', t => {
  const {scripts, warned, tick} = watch(t, 100);

  for (let i = 0; i < 20; i += 1) {
    for (const script of scripts) script.holdsBack = i % 2 === 0;
    tick(100);
  }

  t.deepEqual(warned(), []);
});

test.serial('a reader that stops is noticed later, too', t => {
  const {outputs, warned, tick} = watch(t, 100);
  for (let i = 0; i < 5; i += 1) {
    tick(100);
    for (const output of outputs) output.poll();
  }

  for (let i = 0; i < 5; i += 1) {
    tick(100);
    outputs[1].poll();
  }

  t.deepEqual(warned(), ['a']);
});

test.serial('Infinity, and a job that has ended, warn of nothing', t => {
  const {unwatch, warned, tick} = watch(t, 100);
  unwatch();
  const never = watchReaders('orders', [new ReadOutput('c', new ScriptedOutput())], Infinity);
  tick(100_000);
  never();

  t.deepEqual(warned(), []);
});
