/** The end of a key in batch mode, as the chain's driver sees it. */
import test from 'ava';
import {ManualClock} from '../../src/base/clock.ts';
import type {StopFlag} from '../../src/network/record-writer.ts';
import {Chain} from '../../src/operators/chain.ts';
import {keyedProcess} from '../../src/operators/process.ts';
import {memoryBackends} from '../../src/scheduler/memory-backends.ts';
import {SingleKeyBackend} from '../../src/state/single-key-backend.ts';
import {ValueStateDescriptor, type ValueState} from '../../src/state/state-descriptors.ts';
import {PausableClock} from '../../src/time/activity-clock.ts';
import {testContext} from '../support/chain-harness.ts';

/** Notes what a function with state and three timers per key sees; timer 2 finds no room behind it. */
function noting(isBatch: boolean) {
  const stop: StopFlag = {requested: false};
  const notes: string[] = [];
  let count: ValueState<number>;
  const spec = keyedProcess(
    {
      open(context) {
        count = context.getState(new ValueStateDescriptor<number>('count'));
      },
      processElement(_value, {currentKey, timerService}) {
        count.update((count.value() ?? 0) + 1);
        notes.push(`${currentKey} ${count.value()} at ${timerService.currentWatermark}`);
        for (const time of [1, 2, 3]) timerService.registerEventTimeTimer(time);
        timerService.registerProcessingTimeTimer(0);
      },
      onTimer(timestamp, {timeDomain, currentKey}) {
        notes.push(`${currentKey} ${timeDomain} ${timestamp}`);
        if (timestamp === 2) stop.requested = true;
      },
    },
    {kind: 'function', fn: String},
  );
  const clock = new ManualClock(1000);
  const chain = new Chain({
    plan: {nodes: [{name: 'process', uid: 'process', spec, outputs: []}]},
    writers: [],
    stop,
    contexts: [testContext('process')],
    wakeUp() {},
    interpret: false,
    name: 'test',
    counts: true,
    stateBackends: {
      createKeyed: () =>
        new SingleKeyBackend({keyGroupRange: {first: 0, last: 127}, maxParallelism: 128, clock}),
      createOperator: request => memoryBackends.createOperator(request),
    },
    time: {autoWatermarkIntervalMs: 200, isBatch, activityClock: new PausableClock(clock)},
  });
  chain.open();
  return {chain, stop, notes};
}

test('the end of a key stops between two timers and goes on later; then the next key begins anew', t => {
  const {chain, stop, notes} = noting(true);
  chain.runValues(['a', 'a'], undefined, 0, 2);
  t.is(chain.nextProcessingTimeMs, Infinity);

  t.false(chain.endKey());
  t.deepEqual(notes.splice(0), [
    'a 1 at -Infinity',
    'a 2 at -Infinity',
    'a EVENT_TIME 1',
    'a EVENT_TIME 2',
  ]);
  stop.requested = false;
  t.true(chain.endKey());
  t.deepEqual(notes.splice(0), ['a EVENT_TIME 3', 'a PROCESSING_TIME 0']);

  chain.runValues(['b'], undefined, 0, 1);
  t.deepEqual(notes.splice(0), ['b 1 at -Infinity']);
  chain.close();
});

test('event time that stands until the end of a batch job is nothing to warn of', t => {
  for (const isBatch of [true, false]) {
    const {chain} = noting(isBatch);
    chain.runValues(['a'], undefined, 0, 1);
    t.is(chain.hasEventTimeTimers(0), !isBatch);
    chain.close();
  }
});
