/** Process functions whose records come as column batches: keys are read from columns, in both forms alike. */
import fc from 'fast-check';
import test from 'ava';
import {
  ValueStateDescriptor,
  type KeyedProcessContext,
  type RuntimeContext,
} from '../../src/index.ts';
import type {Collector, ValueState} from '../../src/index.ts';
import {keyedProcess} from '../../src/operators/process.ts';
import type {KeySelector} from '../../src/operators/operator.ts';
import {ChainHarness, CollectingSink, to} from '../support/chain-harness.ts';

interface Event {
  readonly k: unknown;
  readonly v: number;
}

/** Counts and adds up per key; a timer tells the sum. */
class Sums {
  #sum!: ValueState<number>;

  open(context: RuntimeContext) {
    this.#sum = context.getState(new ValueStateDescriptor<number>('sum'));
  }

  processElement({v}: Event, context: KeyedProcessContext<unknown>, out: Collector<unknown>) {
    const sum = (this.#sum.value() ?? 0) + v;
    this.#sum.update(sum);
    context.timerService.registerEventTimeTimer(Math.floor(context.timestamp! / 10) * 10);
    out.collect([context.currentKey, sum]);
  }

  onTimer(at: number, {currentKey}: KeyedProcessContext<unknown>, out: Collector<unknown>) {
    out.collect([at, currentKey, this.#sum.value()]);
  }
}

function run(events: readonly Event[], key: KeySelector, interpret: boolean, rowsMax: number) {
  const sink = new CollectingSink();
  const harness = new ChainHarness({
    nodes: [{spec: keyedProcess(new Sums(), key), outputs: [to(1)]}, {spec: {type: 'sink', sink}}],
    interpret,
  });
  harness.chain.open();
  const half = events.length >> 1;
  const timestamps = events.map((_, index) => index);
  harness.runBatches(events.slice(0, half), timestamps.slice(0, half), {rowsMax});
  while (!harness.chain.processWatermark(half - 1)) harness.settle();
  while (!harness.chain.proceed()) harness.settle();
  harness.runBatches(events.slice(half), timestamps.slice(half), {rowsMax});
  harness.chain.processWatermark(Infinity);
  while (!harness.chain.proceed()) harness.settle();
  harness.finish();
  return sink.received;
}

const FIELD: KeySelector = {kind: 'fields', paths: [['k']]};
const FUNCTION: KeySelector = {kind: 'function', fn: ({k}: Event) => [k, 'x']};

const keys = fc.oneof(
  fc.array(fc.integer({min: -20, max: 20}), {minLength: 1, maxLength: 200}),
  fc.array(fc.constantFrom(0, -0, 1.5, -1, 2 ** 40), {minLength: 1, maxLength: 100}),
  fc.array(fc.constantFrom('', 'a', 'ä', 'long '.repeat(9)), {minLength: 1, maxLength: 100}),
  fc.array(fc.constantFrom<unknown>(1, 'a', true, 2.5, -0), {minLength: 1, maxLength: 100}),
);

test('compiled and interpreted, a batch does the same', t => {
  fc.assert(
    fc.property(
      keys,
      fc.constantFrom(FIELD, FUNCTION),
      fc.integer({min: 1, max: 40}),
      (ks, key, rowsMax) => {
        const events = ks.map((k, index) => ({k, v: index}));
        t.deepEqual(run(events, key, false, rowsMax), run(events, key, true, rowsMax));
      },
    ),
    {seed: 4, numRuns: 60},
  );
});

test('state that is larger than the caches is read ahead, and is the same', t => {
  const count = 60_000;
  const events = Array.from({length: count}, (_, index) => ({
    k: Math.imul(index, 0x9e3779b1) >>> 16,
    v: index & 7,
  }));

  const received = run(events, FIELD, false, Infinity);

  const sums = new Map<number, number>();
  const expected = events.map(({k, v}) => {
    sums.set(k, (sums.get(k) ?? 0) + v);
    return [k, sums.get(k)];
  });
  const values = received.map(({value}) => value as number[]);
  t.deepEqual(
    values.filter(({length}) => length === 2),
    expected,
  );
  // Each timer is of a key and ten records of time.
  const timers = new Set(events.map(({k}, index) => `${k} ${Math.floor(index / 10)}`));
  t.is(values.filter(({length}) => length === 3).length, timers.size);
});
