/** Timestamps and watermarks in the middle of a job, and at its sources, step by step. */
import test from 'ava';
import {ManualClock} from '../../src/base/clock.ts';
import type {OperatorContext} from '../../src/operators/operator-runtime.ts';
import {TimestampsAndWatermarksOperator} from '../../src/operators/timestamps-and-watermarks.ts';
import {
  WatermarkStrategy,
  type DataStream,
  type ProcessFunction,
  type WatermarkGenerator,
} from '../../src/index.ts';
import {OperatorHarness} from '../../src/testing/index.ts';

interface Item {
  readonly at: number;
}

/** Reads what a harness gave since the last call: timestamps of records, texts of the rest. */
function taken(harness: OperatorHarness<Item, Item>): unknown[] {
  return harness
    .takeOutput()
    .map(each =>
      'watermark' in each
        ? `wm ${each.watermark}`
        : 'status' in each
          ? each.status
          : each.timestamp,
    );
}

function harnessOf(
  strategy: WatermarkStrategy<Item>,
  config: Record<string, unknown> = {},
  before: (items: DataStream<Item>) => DataStream<Item> = items => items,
): OperatorHarness<Item, Item> {
  return OperatorHarness.of<Item, Item>(
    items => before(items).assignTimestampsAndWatermarks(strategy),
    {config},
  );
}

const bounded = (boundMs: number) =>
  WatermarkStrategy.forBoundedOutOfOrderness<Item>(boundMs).withTimestampAssigner(({at}) => at);

/** Emits the timestamp of each record as a watermark. */
const punctuated = () =>
  WatermarkStrategy.forGenerator<Item>((): WatermarkGenerator<Item> => ({
    onEvent: (_item, timestamp, output) => output.emitWatermark(timestamp),
    onPeriodicEmit() {},
  })).withTimestampAssigner(({at}) => at);

/** The context of an operator that nobody listens to, and its clock. */
function manualContext() {
  const clock = new ManualClock(1000);
  const context = {
    time: {
      autoWatermarkIntervalMs: 100,
      isBatch: false,
      activityClock: {now: () => clock.now()},
    },
    runtime: {clock},
    emitWatermark() {},
    emitStatus() {},
  } as unknown as OperatorContext;
  return {clock, context};
}

for (const codeGeneration of [true, false]) {
  const form = codeGeneration ? 'compiled' : 'interpreted';

  test(`watermarks are emitted at intervals, and only when they rise, ${form}`, t => {
    const harness = harnessOf(bounded(5), {autoWatermarkIntervalMs: 100, codeGeneration});

    harness.processElement({at: 20}, 3);
    harness.processElement({at: 10}, NaN);
    t.deepEqual(taken(harness), [20, 10]);
    harness.setProcessingTime(99);
    t.deepEqual(taken(harness), []);
    harness.setProcessingTime(100);
    t.deepEqual(taken(harness), ['wm 14']);
    harness.setProcessingTime(500);
    t.deepEqual(taken(harness), []);
    harness.processElement({at: 30});
    harness.setProcessingTime(600);
    t.deepEqual(taken(harness), [30, 'wm 24']);
  });

  test(`on event, each record that raises the watermark is followed by it, ${form}`, t => {
    const harness = harnessOf(bounded(0).withEmitStrategy('on-event'), {codeGeneration});

    for (const at of [5, 3, 5, 7]) harness.processElement({at});

    t.deepEqual(taken(harness), [5, 'wm 4', 3, 5, 7, 'wm 6']);
  });

  test(`with an interval of 0 nothing is emitted before the end, ${form}`, t => {
    const harness = harnessOf(bounded(0).withIdleness(10), {
      autoWatermarkIntervalMs: 0,
      codeGeneration,
    });

    harness.processElement({at: 5});
    harness.setProcessingTime(10_000);
    t.deepEqual(taken(harness), [5]);
    harness.processWatermark(Infinity);
    t.deepEqual(taken(harness), ['wm Infinity']);
  });

  test(`a punctuated watermark comes behind its record, also if several come at once, ${form}`, t => {
    const harness = harnessOf(punctuated(), {codeGeneration}, items =>
      items.flatMap(({at}) => [{at}, {at: at + 1}, {at: at - 5}, {at: at + 2}]),
    );

    harness.processElement({at: 10});

    t.deepEqual(taken(harness), [10, 'wm 10', 11, 'wm 11', 5, 12, 'wm 12']);
  });

  test(`a stream that is silent becomes idle, and active with its next watermark, ${form}`, t => {
    const harness = harnessOf(bounded(0).withIdleness(150), {
      autoWatermarkIntervalMs: 100,
      codeGeneration,
    });

    harness.processElement({at: 5});
    harness.setProcessingTime(100);
    t.deepEqual(taken(harness), [5, 'wm 4']);
    for (const now of [200, 300]) harness.setProcessingTime(now);
    t.deepEqual(taken(harness), []);
    harness.setProcessingTime(400);
    t.deepEqual(taken(harness), ['idle']);
    harness.processElement({at: 6});
    t.deepEqual(taken(harness), [6]);
    harness.setProcessingTime(500);
    t.deepEqual(taken(harness), ['active', 'wm 5']);
  });
}

test('watermarks and idleness from before are dropped, save the last watermark', t => {
  const harness = harnessOf(bounded(0), {autoWatermarkIntervalMs: 100});

  harness.processElement({at: 5});
  harness.processWatermark(50);
  harness.processStatus('idle');
  t.deepEqual(taken(harness), [5]);
  harness.processWatermark(Infinity);
  t.deepEqual(taken(harness), ['wm Infinity']);
  harness.processElement({at: 1e9});
  harness.setProcessingTime(1000);
  t.deepEqual(taken(harness), [1e9]);
});

test('without an assigner records keep their timestamps, and one without has none', t => {
  const harness = harnessOf(
    WatermarkStrategy.forMonotonousTimestamps<Item>().withEmitStrategy('on-event'),
  );

  harness.processElement({at: 1}, 8);
  harness.processElement({at: 2});

  t.deepEqual(taken(harness), [8, 'wm 7', undefined]);
});

test('an assigner is told the timestamp that the record has', t => {
  const seen: unknown[] = [];
  const harness = harnessOf(
    WatermarkStrategy.noWatermarks<Item>().withTimestampAssigner((_item, previous) => {
      seen.push(previous);
      return 1;
    }),
  );

  harness.processElement({at: 1}, 8);
  harness.processElement({at: 2});

  t.deepEqual(seen, [8, undefined]);
});

for (const [what, returned] of Object.entries({
  nothing: undefined,
  'a date': new Date(5),
  'a text': '5',
  NaN,
})) {
  test(`an assigner that returns ${what} is refused`, t => {
    for (const codeGeneration of [true, false]) {
      const harness = harnessOf(
        WatermarkStrategy.noWatermarks<Item>().withTimestampAssigner(
          () => returned as unknown as number,
        ),
        {codeGeneration},
      );

      t.throws(() => harness.processElement({at: 1}), {code: 'E_TIMESTAMP'});
    }
  });
}

test('what is no strategy is refused where it is given', t => {
  t.throws(() => harnessOf({} as never), {message: /WatermarkStrategy/});
});

test('timers fire before the watermark goes on, and what they emit comes before it', t => {
  const behind: ProcessFunction<Item, Item> = {
    processElement(item, context, out) {
      out.collect({at: item.at + context.timerService.currentWatermark});
    },
  };
  const harness = OperatorHarness.of<Item, Item>(items =>
    items.assignTimestampsAndWatermarks(punctuated()).process(behind),
  );

  harness.processElement({at: 10});
  harness.processElement({at: 20});

  t.deepEqual(
    harness.takeOutput().map(each => ('watermark' in each ? each.watermark : each)),
    [{value: {at: -Infinity}, timestamp: 10}, 10, {value: {at: 30}, timestamp: 20}, 20],
  );
});

test('a source creates a generator for each split', t => {
  let created = 0;
  const strategy = WatermarkStrategy.forGenerator<Item>(() => {
    created += 1;
    return {onEvent() {}, onPeriodicEmit() {}};
  });
  const {context} = manualContext();
  const operator = new TimestampsAndWatermarksOperator(context, strategy, true);

  t.is(created, 0);
  for (const id of ['a', 'b']) operator.openSplit(id);
  t.is(created, 2);
});

test('a split that is kept from being read is not silent', t => {
  const {clock, context} = manualContext();
  const operator = new TimestampsAndWatermarksOperator(context, bounded(0).withIdleness(10), true);
  const idleSplits = () => operator.splits.filter(({isIdle}) => isIdle).map(({id}) => id);
  operator.open();
  for (const id of ['a', 'b']) operator.openSplit(id);

  operator.pauseSplits(['a']);
  for (const now of [1100, 1200]) {
    clock.set(now);
    operator.processTime(now);
  }
  t.deepEqual(idleSplits(), ['b']);

  operator.pauseSplits([]);
  for (const now of [1300, 1400]) {
    clock.set(now);
    operator.processTime(now);
  }
  t.deepEqual(idleSplits(), ['a', 'b']);
});
