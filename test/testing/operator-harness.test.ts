/** The harness: what goes in and what can be read back, for every kind of thing that it drives. */
import test from 'ava';
import {
  AsyncDataStream,
  EventTimeSessionWindows,
  ListStateDescriptor,
  OutputTag,
  TumblingEventTimeWindows,
  ValueStateDescriptor,
  WatermarkStrategy,
  type Collector,
  type DataStream,
  type KeyedProcessContext,
  type KeyedProcessFunction,
  type OnTimerContext,
  type ResultFuture,
  type RuntimeContext,
  type ValueState,
} from '../../src/index.ts';
import {OperatorHarness, subtaskOfKey} from '../../src/testing/index.ts';

interface Order {
  readonly city: string;
  readonly amount: number;
}

const LARGE = new OutputTag<Order>('large');
const SUM = new ValueStateDescriptor<number>('sum');

/** Sums up per city; says so 10 ms of event time, and 100 ms of processing time, after each order. */
class Totals implements KeyedProcessFunction<string, Order, string> {
  #sum!: ValueState<number>;

  open(context: RuntimeContext): void {
    this.#sum = context.getState(SUM);
    context.addToAccumulator('opened', 1);
  }

  processElement(order: Order, context: KeyedProcessContext<string>, out: Collector<string>): void {
    const {timerService, timestamp} = context;
    this.#sum.update((this.#sum.value() ?? 0) + order.amount);
    if (order.amount >= 100) context.output(LARGE, order);
    if (timestamp !== undefined) timerService.registerEventTimeTimer(timestamp + 10);
    timerService.registerProcessingTimeTimer(timerService.currentProcessingTime() + 100);
    out.collect(`${order.city} ${order.amount}`);
  }

  onTimer(timestamp: number, context: OnTimerContext<string>, out: Collector<string>): void {
    out.collect(`${context.timeDomain} ${timestamp} ${context.currentKey} ${this.#sum.value()}`);
  }
}

const totals = (orders: DataStream<Order>) => orders.keyBy('city').process(new Totals());

for (const codeGeneration of [true, false]) {
  const way = codeGeneration ? 'compiled' : 'interpreted';
  const config = {codeGeneration};

  test(`records, watermarks and statuses come out in order, ${way}`, t => {
    const harness = OperatorHarness.of(totals, {config});

    harness.processElement({city: 'Oslo', amount: 3}, 5);
    harness.processWatermark(14);
    harness.processWatermark(15);
    harness.processStatus('idle');
    harness.processStatus('active');
    harness.processElement({city: 'Oslo', amount: 4});

    t.deepEqual(harness.output, [
      {value: 'Oslo 3', timestamp: 5},
      {watermark: 14},
      {value: 'EVENT_TIME 15 Oslo 3', timestamp: 15},
      {watermark: 15},
      {status: 'idle'},
      {status: 'active'},
      {value: 'Oslo 4'},
    ]);
    t.is(harness.watermark, 15);
    t.deepEqual(harness.values, ['Oslo 3', 'EVENT_TIME 15 Oslo 3', 'Oslo 4']);
  });

  test(`processing time moves only by hand, and fires what is due, ${way}`, t => {
    const harness = OperatorHarness.of(totals, {config, startMs: 1000});
    harness.processElement({city: 'Oslo', amount: 1});
    harness.takeOutput();

    harness.advanceProcessingTime(99);
    t.deepEqual(harness.takeOutput(), []);
    harness.setProcessingTime(1100);

    t.deepEqual(harness.takeOutput(), [{value: 'PROCESSING_TIME 1100 Oslo 1'}]);
  });

  test(`side outputs that nobody reads can be read, ${way}`, t => {
    const harness = OperatorHarness.of(totals, {config});

    harness.processElement({city: 'Oslo', amount: 100}, 7);
    harness.processElement({city: 'Oslo', amount: 1}, 8);

    t.deepEqual(harness.sideOutput(LARGE), [{value: {city: 'Oslo', amount: 100}, timestamp: 7}]);
    t.deepEqual(harness.sideOutput('other'), []);
  });
}

test('a side output that the builder reads goes where it leads', t => {
  const harness = OperatorHarness.of((orders: DataStream<Order>) =>
    totals(orders)
      .getSideOutput(LARGE)
      .map(({amount}) => amount),
  );
  harness.processElement({city: 'Oslo', amount: 100}, 7);

  t.deepEqual(harness.output, [{value: 100, timestamp: 7}]);
  t.deepEqual(harness.sideOutput(LARGE), []);
});

test('timers are counted, state can be read, counters and accumulators too', t => {
  const harness = OperatorHarness.of(totals);
  harness.processElement({city: 'Oslo', amount: 3}, 5);
  harness.processElement({city: 'Bergen', amount: 4}, 5);
  harness.processElement({city: 'Oslo', amount: 5}, 5);

  t.is(harness.eventTimeTimerCount, 2);
  t.is(harness.processingTimeTimerCount, 2);
  t.is(harness.keyedState('Oslo', SUM).value(), 8);
  t.is(harness.keyedState('Bergen', SUM).value(), 4);
  t.is(harness.keyedState('Tromsø', SUM).value(), undefined);
  t.deepEqual(harness.accumulators, {opened: 1});

  harness.processWatermark(15);

  t.is(harness.eventTimeTimerCount, 0);
});

test('a look into state does not disturb the operator', t => {
  const harness = OperatorHarness.of(totals);
  harness.processElement({city: 'Oslo', amount: 3}, 5);
  harness.keyedState('Bergen', SUM).value();
  harness.processElement({city: 'Oslo', amount: 4}, 6);

  t.is(harness.keyedState('Oslo', SUM).value(), 7);
});

test('a piece may have several operators, also several keyed ones', t => {
  const harness = OperatorHarness.of((orders: DataStream<Order>) =>
    orders
      .filter(({amount}) => amount > 0)
      .keyBy('city')
      .window(TumblingEventTimeWindows.of(10))
      .reduce((a, b) => ({city: a.city, amount: a.amount + b.amount}))
      .keyBy(({amount}) => amount % 2)
      .reduce((a, b) => ({city: `${a.city}+${b.city}`, amount: a.amount + b.amount})),
  );
  harness.processElement({city: 'Oslo', amount: 1}, 1);
  harness.processElement({city: 'Oslo', amount: -1}, 2);
  harness.processElement({city: 'Bergen', amount: 3}, 3);
  harness.processWatermark(9);

  t.deepEqual(harness.output, [
    {value: {city: 'Oslo', amount: 1}, timestamp: 9},
    {value: {city: 'Oslo+Bergen', amount: 4}, timestamp: 9},
    {watermark: 9},
  ]);
});

test('two inputs have watermarks of their own, of which the smaller counts', t => {
  const harness = OperatorHarness.ofTwo((a: DataStream<number>, b: DataStream<string>) =>
    a.connect(b).map<string>({map1: value => `1: ${value}`, map2: value => `2: ${value}`}),
  );
  harness.processElement1(7, 1);
  harness.processElement2('x', 2);
  harness.processWatermark1(10);
  harness.processWatermark2(5);
  harness.processStatus('idle', 2);

  t.deepEqual(harness.output, [
    {value: '1: 7', timestamp: 1},
    {value: '2: x', timestamp: 2},
    {watermark: 5},
    {watermark: 10},
  ]);
});

test('a union waits for the slower of its streams', t => {
  const harness = OperatorHarness.ofTwo((a: DataStream<number>, b: DataStream<number>) =>
    a.map(value => value).union(b.map(value => -value)),
  );
  harness.processElement2(1);
  harness.processWatermark1(10);
  t.deepEqual(harness.takeOutput(), [{value: -1}]);

  harness.processWatermark2(8);
  t.deepEqual(harness.takeOutput(), [{watermark: 8}]);
});

test('watermarks are made at their interval of processing time', t => {
  const strategy = WatermarkStrategy.forMonotonousTimestamps<Order>().withTimestampAssigner(
    ({amount}) => amount,
  );
  const harness = OperatorHarness.of(
    (orders: DataStream<Order>) => orders.assignTimestampsAndWatermarks(strategy),
    {config: {autoWatermarkIntervalMs: 50}},
  );
  harness.processElement({city: 'Oslo', amount: 30});
  harness.processWatermark(1000);
  harness.setProcessingTime(49);
  t.deepEqual(harness.takeOutput(), [{value: {city: 'Oslo', amount: 30}, timestamp: 30}]);

  harness.setProcessingTime(50);
  t.deepEqual(harness.takeOutput(), [{watermark: 29}]);
});

test('a snapshot goes on in another parallelism, where each key finds its state and timers', t => {
  const cities = ['Oslo', 'Bergen', 'Tromsø', 'Bodø', 'Ålesund', 'Narvik'];
  const before = [0, 1].map(subtask => OperatorHarness.of(totals, {subtask, parallelism: 2}));
  for (const [amount, city] of cities.entries()) {
    before[subtaskOfKey(city, 2)]!.processElement({city, amount}, 100 + amount);
  }
  const snapshots = before.map(harness => harness.snapshot());
  for (const harness of before) harness.close();

  const after = [0, 1, 2].map(subtask =>
    OperatorHarness.restore(totals, snapshots, {subtask, parallelism: 3}),
  );
  for (const harness of after) harness.processWatermark(Infinity);

  for (const [amount, city] of cities.entries()) {
    const {values} = after[subtaskOfKey(city, 3)]!;
    t.true(values.includes(`EVENT_TIME ${110 + amount} ${city} ${amount}`), city);
  }
  t.is(after.flatMap(({values}) => values).length, cities.length);
});

test('a snapshot stays what it was when the harness goes on', t => {
  const first = OperatorHarness.of(totals);
  first.processElement({city: 'Oslo', amount: 3}, 5);
  const snapshot = first.snapshot();
  first.processElement({city: 'Oslo', amount: 4}, 6);

  const second = OperatorHarness.restore(totals, [snapshot]);

  t.is(first.keyedState('Oslo', SUM).value(), 7);
  t.is(second.keyedState('Oslo', SUM).value(), 3);
});

test('a record for another subtask is refused', t => {
  const owner = subtaskOfKey('Oslo', 2);
  const other = OperatorHarness.of(totals, {parallelism: 2, subtask: 1 - owner});

  t.throws(() => other.processElement({city: 'Oslo', amount: 1}), {
    code: 'E_HARNESS_SUBTASK',
    message: new RegExp(`owner=${owner}`),
  });
});

test('promises are waited for, and results keep their place', async t => {
  const requests: Array<ResultFuture<string>> = [];
  const harness = OperatorHarness.of((ids: DataStream<number>) =>
    AsyncDataStream.orderedWait(
      ids,
      {asyncInvoke: (_id: number, result: ResultFuture<string>) => void requests.push(result)},
      {timeoutMs: 1000, capacity: 2},
    ),
  );
  harness.processElement(1, 10);
  harness.processElement(2, 20);
  t.true(harness.isWritable());
  harness.processElement(3, 30);
  t.false(harness.isWritable());
  requests[1]!.complete(['second']);
  await harness.settle();
  t.deepEqual(harness.takeOutput(), []);

  requests[0]!.complete(['first']);
  await harness.settle();

  t.deepEqual(harness.takeOutput(), [
    {value: 'first', timestamp: 10},
    {value: 'second', timestamp: 20},
  ]);
  t.true(harness.isWritable());
  t.is(requests.length, 3);
});

test('the end of input waits for promises', async t => {
  const harness = OperatorHarness.of((ids: DataStream<number>) =>
    AsyncDataStream.unorderedWait(ids, async id => [id * 2], {timeoutMs: 0}),
  );
  harness.processElement(4);

  t.false(harness.endInput());
  await harness.settle();

  t.deepEqual(harness.values, [8]);
  t.true(harness.endInput());
});

test('at the end of input functions have their last word', t => {
  const harness = OperatorHarness.of((numbers: DataStream<number>) =>
    numbers.process<string>({
      processElement() {},
      finish: out => out.collect('over'),
    }),
  );

  t.true(harness.endInput());
  t.true(harness.endInput());
  t.deepEqual(harness.values, ['over']);
});

test('more timers than a task fires in a step all fire', t => {
  const harness = OperatorHarness.of((orders: DataStream<Order>) =>
    orders
      .keyBy('city')
      .window(EventTimeSessionWindows.withGap(1))
      .reduce(a => a),
  );
  for (let at = 0; at < 5000; at += 1) harness.processElement({city: 'Oslo', amount: at}, 10 * at);
  harness.processWatermark(Infinity);

  t.is(harness.values.length, 5000);
  t.deepEqual(harness.output.at(-1), {watermark: Infinity});
});

test('an error of a function names its operator, as in a job', t => {
  const harness = OperatorHarness.of((numbers: DataStream<number>) =>
    numbers
      .map(() => {
        throw new Error('too bad');
      })
      .name('Parse'),
  );

  t.throws(() => harness.processElement(1), {
    code: 'E_USER_FUNCTION',
    message: /operator=Parse.*too bad.*record=1/,
  });
});

test('what a harness cannot do is refused', t => {
  t.throws(() => OperatorHarness.of((a: any, env) => a.union(env.fromElements(1))), {
    code: 'E_HARNESS_SOURCE',
  });
  t.throws(() => OperatorHarness.ofTwo((a: any) => a.map((x: any) => x)), {
    code: 'E_HARNESS_INPUT',
  });
  t.throws(() => OperatorHarness.of(totals).processWatermark2(1), {code: 'E_HARNESS_INPUT'});
  t.throws(() => OperatorHarness.of(totals, {subtask: 1}), {code: 'E_HARNESS_SUBTASK'});
  const closed = OperatorHarness.of(totals);
  closed.close();
  closed.close();
  t.throws(() => closed.processWatermark(1), {code: 'E_HARNESS_CLOSED'});
  t.throws(
    () =>
      OperatorHarness.of((a: DataStream<number>) => a.map(x => x)).keyedState(
        1,
        new ListStateDescriptor('x'),
      ),
    {code: 'E_HARNESS_STATE'},
  );
});

test('a harness that is used closes its functions', t => {
  const calls: string[] = [];
  {
    using harness = OperatorHarness.of((numbers: DataStream<number>) =>
      numbers.map({
        open: () => calls.push('open'),
        map: (value: number) => value,
        close: () => calls.push('close'),
      }),
    );
    harness.processElement(1);
  }

  t.deepEqual(calls, ['open', 'close']);
});
