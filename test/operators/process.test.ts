/** Process functions: keys, timers, side outputs, state of key and subtask, in both forms of the operator. */
import test from 'ava';
import {
  AggregatingStateDescriptor,
  ListStateDescriptor,
  MapStateDescriptor,
  OutputTag,
  ReducingStateDescriptor,
  ValueStateDescriptor,
  type Collector,
  type DataStream,
  type KeyedProcessContext,
  type ListState,
  type MapState,
  type RuntimeContext,
  type ValueState,
} from '../../src/index.ts';
import {StreamError} from '../../src/base/errors.ts';
import {OperatorHarness, type HarnessOptions} from '../../src/testing/index.ts';

interface Event {
  readonly k: string;
  readonly v: number;
}

const FORMS: ReadonlyArray<readonly [string, HarnessOptions]> = [
  ['compiled', {}],
  ['interpreted', {config: {codeGeneration: false}}],
];

const event = (k: string, v = 0): Event => ({k, v});

/** The code of what `action` throws. */
function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (thrown) {
    for (let error = thrown; error instanceof Error; error = error.cause) {
      if (error instanceof StreamError && error.code !== 'E_USER_FUNCTION') return error.code;
    }
    return String(thrown);
  }
  return 'nothing was thrown';
}

for (const [form, options] of FORMS) {
  test(`a timer is one per key and time, fires in order and can be deleted, ${form}`, t => {
    const harness = OperatorHarness.of(
      (events: DataStream<Event>) =>
        events.keyBy('k').process<string>({
          processElement({v}, {timerService}) {
            if (v < 0) timerService.deleteEventTimeTimer(-v);
            else timerService.registerEventTimeTimer(v);
          },
          onTimer(timestamp, {currentKey, timeDomain, timerService}, out) {
            out.collect(
              `${currentKey} ${timestamp} ${timeDomain} ${timerService.currentWatermark}`,
            );
            // Fires in the same advance, although it lies before this one.
            if (timestamp === 20) timerService.registerEventTimeTimer(5);
          },
        }),
      options,
    );

    for (const v of [30, 20, 20, 10, -10, -99]) harness.processElement(event('a', v), 1);
    harness.processElement(event('b', 15), 2);
    t.is(harness.eventTimeTimerCount, 3);
    harness.processWatermark(29);
    harness.processWatermark(30);

    t.deepEqual(harness.takeOutput(), [
      {value: 'b 15 EVENT_TIME 29', timestamp: 15},
      {value: 'a 20 EVENT_TIME 29', timestamp: 20},
      {value: 'a 5 EVENT_TIME 29', timestamp: 5},
      {watermark: 29},
      {value: 'a 30 EVENT_TIME 30', timestamp: 30},
      {watermark: 30},
    ]);
    t.is(harness.eventTimeTimerCount, 0);
  });

  test(`a processing-time timer's results have no time, its side outputs have, ${form}`, t => {
    const side = new OutputTag<string>('side');
    const harness = OperatorHarness.of(
      (events: DataStream<Event>) =>
        events.keyBy('k').process<string>({
          processElement({v}, context) {
            const {timerService} = context;
            timerService.registerProcessingTimeTimer(timerService.currentProcessingTime() + v);
            context.output(side, `element at ${context.timestamp}`);
          },
          onTimer(timestamp, context, out) {
            out.collect(`${context.timeDomain} ${context.timestamp}`);
            context.output(side, `timer ${timestamp}`);
          },
        }),
      {...options, startMs: 100},
    );

    harness.processElement(event('a', 7), 3);
    harness.setProcessingTime(106);
    t.deepEqual(harness.takeOutput(), []);
    harness.setProcessingTime(107);

    t.deepEqual(harness.takeOutput(), [{value: 'PROCESSING_TIME 107'}]);
    t.deepEqual(harness.sideOutput(side), [
      {value: 'element at 3', timestamp: 3},
      {value: 'timer 107', timestamp: 107},
    ]);
  });

  test(`state and currentKey are those of the record, whatever the key is, ${form}`, t => {
    const counting = (seen: unknown[]) => {
      let count: ValueState<number>;
      return {
        open(context: RuntimeContext) {
          count = context.getState(new ValueStateDescriptor<number>('count'));
        },
        processElement(_value: unknown, {currentKey}: KeyedProcessContext<unknown>) {
          count.update((count.value() ?? 0) + 1);
          seen.push([currentKey, count.value()]);
        },
      };
    };
    const run = (
      values: readonly unknown[],
      keyed: (stream: DataStream<any>, fn: ReturnType<typeof counting>) => DataStream<unknown>,
    ) => {
      const seen: unknown[] = [];
      const harness = OperatorHarness.of(
        (stream: DataStream<any>) => keyed(stream, counting(seen)),
        options,
      );
      for (const value of values) harness.processElement(value);
      harness.close();
      return seen;
    };

    t.deepEqual(
      run([event('x'), event('y'), event('x')], (stream, fn) => stream.keyBy('k').process(fn)),
      [
        ['x', 1],
        ['y', 1],
        ['x', 2],
      ],
    );
    t.deepEqual(
      run([1, 2, 3], (stream, fn) => stream.keyBy((n: number) => n % 2 === 0).process(fn)),
      [
        [false, 1],
        [true, 1],
        [false, 2],
      ],
    );
    t.deepEqual(
      run([event('x', 1), event('x', 2), event('x', 1)], (stream, fn) =>
        stream.keyBy('k', 'v').process(fn),
      ),
      [
        [['x', 1], 1],
        [['x', 2], 1],
        [['x', 1], 2],
      ],
    );
  });

  test(`a function on a stream without keys knows time and has no timers, ${form}`, t => {
    const seen: unknown[] = [];
    const harness = OperatorHarness.of(
      (events: DataStream<Event>) =>
        events.process<string>({
          processElement(_event, {timerService}) {
            const now = timerService.currentProcessingTime();
            seen.push(timerService.currentWatermark, now);
            seen.push(
              codeOf(() => timerService.registerEventTimeTimer(1)),
              codeOf(() => timerService.deleteEventTimeTimer(1)),
              codeOf(() => timerService.registerProcessingTimeTimer(1)),
              codeOf(() => timerService.deleteProcessingTimeTimer(1)),
            );
          },
        }),
      {...options, startMs: 8},
    );

    harness.processElement(event('a'));
    harness.processWatermark(5);
    harness.processElement(event('a'));

    const codes = new Array<string>(4).fill('E_TIMER_NOT_KEYED');
    t.deepEqual(seen, [-Infinity, 8, ...codes, 5, 8, ...codes]);
  });

  test(`map, filter and flatMap have state per key behind keyBy, ${form}`, t => {
    class Counting {
      #count!: ValueState<number>;

      open(context: RuntimeContext) {
        this.#count = context.getState(new ValueStateDescriptor<number>('count'));
      }

      next(): number {
        const count = (this.#count.value() ?? 0) + 1;
        this.#count.update(count);
        return count;
      }
    }
    class Map extends Counting {
      map({k}: Event) {
        return `${k}${this.next()}`;
      }
    }
    class Filter extends Counting {
      filter() {
        return this.next() === 2;
      }
    }
    class FlatMap extends Counting {
      flatMap({k}: Event) {
        return new Array<string>(this.next()).fill(k);
      }
    }
    const run = (build: (events: DataStream<Event>) => DataStream<any>) => {
      const harness = OperatorHarness.of(build, options);
      for (const k of ['a', 'b', 'a']) harness.processElement(event(k));
      harness.close();
      return harness.values;
    };

    t.deepEqual(
      run(events => events.keyBy('k').map(new Map())),
      ['a1', 'b1', 'a2'],
    );
    t.deepEqual(
      run(events => events.keyBy('k').filter(new Filter())),
      [event('a')],
    );
    t.deepEqual(
      run(events => events.keyBy('k').flatMap(new FlatMap())),
      ['a', 'b', 'a', 'a'],
    );
    // A function without state is told of no key: one that has no hash goes through.
    t.deepEqual(
      run(events => events.keyBy(({k}) => k).map({map: ({k}) => k})),
      ['a', 'b', 'a'],
    );
  });

  test(`both inputs of connected streams share the state of a key, ${form}`, t => {
    class Pairs {
      #first!: ListState<number>;

      open(context: RuntimeContext) {
        this.#first = context.getListState(new ListStateDescriptor<number>('first'));
      }

      flatMap1({v}: Event) {
        this.#first.add(v);
      }

      flatMap2({k, v}: Event, out: Collector<string>) {
        for (const first of this.#first.get()) out.collect(`${k} ${first} ${v}`);
      }

      map1({v}: Event) {
        this.#first.add(v);
        return 'first';
      }

      map2({k}: Event) {
        return `${k} ${this.#first.get().join('+')}`;
      }

      processElement1(value: Event, context: KeyedProcessContext<string>) {
        this.flatMap1(value);
        context.timerService.registerEventTimeTimer(10);
      }

      processElement2(
        value: Event,
        {currentKey}: KeyedProcessContext<string>,
        out: Collector<string>,
      ) {
        this.flatMap2(value, {collect: pair => out.collect(`${pair} ${currentKey}`)});
      }

      onTimer(timestamp: number, context: KeyedProcessContext<string>, out: Collector<string>) {
        out.collect(`${context.currentKey} ${this.#first.get().join('+')} at ${timestamp}`);
        this.#first.clear();
      }
    }
    const run = (kind: 'map' | 'flatMap' | 'process', isKeyedBefore: boolean) => {
      const harness = OperatorHarness.ofTwo(
        (first: DataStream<Event>, second: DataStream<Event>) => {
          const connected = isKeyedBefore
            ? first.keyBy('k').connect(second.keyBy('k'))
            : first.connect(second).keyBy('k', ({k}) => k);
          return connected[kind](new Pairs() as never) as DataStream<string>;
        },
        options,
      );
      harness.processElement1(event('a', 1), 1);
      harness.processElement1(event('b', 2), 2);
      harness.processElement1(event('a', 3), 3);
      harness.processElement2(event('a', 9), 4);
      harness.processWatermark(10);
      harness.processElement2(event('a', 9), 11);
      harness.close();
      return harness.values;
    };

    for (const isKeyedBefore of [true, false]) {
      t.deepEqual(run('map', isKeyedBefore), ['first', 'first', 'first', 'a 1+3', 'a 1+3']);
      t.deepEqual(run('flatMap', isKeyedBefore), ['a 1 9', 'a 3 9', 'a 1 9', 'a 3 9']);
      t.deepEqual(run('process', isKeyedBefore), [
        'a 1 9 a',
        'a 3 9 a',
        'a 1+3 at 10',
        'b 2 at 10',
      ]);
    }
  });

  test(`state asked for where there are no keys is refused, ${form}`, t => {
    const asks = {
      getState: new ValueStateDescriptor<number>('state'),
      getListState: new ListStateDescriptor<number>('state'),
      getMapState: new MapStateDescriptor<string, number>('state'),
      getReducingState: new ReducingStateDescriptor<number>('state', (a, b) => a + b),
      getAggregatingState: new AggregatingStateDescriptor<number, number, number>('state', {
        createAccumulator: () => 0,
        add: (value, accumulator) => value + accumulator,
        getResult: accumulator => accumulator,
      }),
    };
    for (const [method, descriptor] of Object.entries(asks)) {
      const open = (context: RuntimeContext) => (context as any)[method](descriptor);
      const code = codeOf(() =>
        OperatorHarness.of(
          (events: DataStream<Event>) => events.map({open, map: each => each}),
          options,
        ),
      );
      t.is(code, 'E_STATE_NOT_KEYED', method);
      const other = Object.values(asks).find(each => each.kind !== descriptor.kind);
      const wrong = codeOf(() =>
        OperatorHarness.of(
          (events: DataStream<Event>) =>
            events.keyBy('k').process({
              open: (context: RuntimeContext) => (context as any)[method](other),
              processElement() {},
            }),
          options,
        ),
      );
      t.is(wrong, 'E_STATE_DESCRIPTOR', method);
    }
  });

  test(`a first state that is asked for too late is refused, ${form}`, t => {
    let context!: RuntimeContext;
    const harness = OperatorHarness.of(
      (events: DataStream<Event>) =>
        events.keyBy('k').map({
          open(given: RuntimeContext) {
            context = given;
          },
          map() {
            return context.getState(new ValueStateDescriptor<number>('late')).value();
          },
        }),
      options,
    );

    t.is(
      codeOf(() => harness.processElement(event('a'))),
      'E_STATE_LATE',
    );
  });

  test(`a timer needs a time, ${form}`, t => {
    const harness = OperatorHarness.of(
      (events: DataStream<Event>) =>
        events.keyBy('k').process({
          processElement(_event, {timestamp, timerService}) {
            timerService.registerEventTimeTimer((timestamp as number) + 1);
          },
        }),
      options,
    );

    harness.processElement(event('a'), 1);
    t.is(
      codeOf(() => harness.processElement(event('a'))),
      'E_TIMER_TIME',
    );
  });

  test(`what onTimer throws names the operator and is the user's, ${form}`, t => {
    const harness = OperatorHarness.of(
      (events: DataStream<Event>) =>
        events
          .keyBy('k')
          .process({
            processElement: (_event, {timerService}) => timerService.registerEventTimeTimer(1),
            onTimer() {
              throw new RangeError('too late');
            },
          })
          .name('Alarm'),
      options,
    );

    harness.processElement(event('a'), 1);
    const error = t.throws(() => harness.processWatermark(1), {instanceOf: StreamError})!;

    t.is(error.code, 'E_USER_FUNCTION');
    t.is(error.details['operator'], 'Alarm');
    t.regex(error.message, /RangeError: too late/);
  });

  test(`a function keeps the state of its subtask through its life cycle, ${form}`, t => {
    const calls: string[] = [];
    class Buffer {
      #items: number[] = [];
      #split!: ListState<number>;
      #union!: ListState<string>;

      initializeState(context: {
        isRestored: boolean;
        getListState(d: ListStateDescriptor<number>): ListState<number>;
        getUnionListState(d: ListStateDescriptor<string>): ListState<string>;
      }) {
        calls.push(`initialize restored=${context.isRestored}`);
        this.#split = context.getListState(new ListStateDescriptor<number>('items'));
        this.#union = context.getUnionListState(new ListStateDescriptor<string>('names'));
        this.#items = [...this.#split.get()];
        calls.push(`union ${this.#union.get().join(' ')}`);
      }

      open(context: RuntimeContext) {
        calls.push(`open ${context.subtaskIndex}`);
        this.#union.update([`subtask ${context.subtaskIndex} of ${context.parallelism}`]);
      }

      map(n: number) {
        this.#items.push(n);
        return this.#items.join(' ');
      }

      snapshotState() {
        calls.push('snapshot');
        this.#split.update(this.#items);
      }

      close() {
        calls.push('close');
      }
    }
    const build = (numbers: DataStream<number>) => numbers.map(new Buffer());
    const first = OperatorHarness.of(build, options);
    for (const n of [1, 2, 3]) first.processElement(n);
    const snapshot = first.snapshot();
    first.close();

    const items: string[] = [];
    for (const subtask of [0, 1]) {
      const harness = OperatorHarness.restore(build, [snapshot], {
        ...options,
        subtask,
        parallelism: 2,
      });
      harness.processElement(9);
      items.push(harness.values[0] as string);
      harness.close();
    }

    t.deepEqual(items.join(' ').split(' ').sort(), ['1', '2', '3', '9', '9']);
    t.deepEqual(calls, [
      'initialize restored=false',
      'union ',
      'open 0',
      'snapshot',
      'close',
      'initialize restored=true',
      'union subtask 0 of 1',
      'open 0',
      'close',
      'initialize restored=true',
      'union subtask 0 of 1',
      'open 1',
      'close',
    ]);
  });

  test(`keyed state and timers go where their keys go, ${form}`, t => {
    class Sums {
      #sums!: MapState<string, number>;

      open(context: RuntimeContext) {
        this.#sums = context.getMapState(new MapStateDescriptor<string, number>('sums'));
      }

      processElement({k, v}: Event, {timerService}: KeyedProcessContext<string>) {
        this.#sums.put('sum', (this.#sums.get('sum') ?? 0) + v);
        timerService.registerEventTimeTimer(10);
        timerService.registerProcessingTimeTimer(20);
        void k;
      }

      onTimer(
        timestamp: number,
        {currentKey}: KeyedProcessContext<string>,
        out: Collector<string>,
      ) {
        out.collect(`${currentKey} ${this.#sums.get('sum')} ${timestamp}`);
      }
    }
    const build = (events: DataStream<Event>) => events.keyBy('k').process<string>(new Sums());
    const keys = Array.from({length: 20}, (_, index) => `key ${index}`);
    const first = OperatorHarness.of(build, options);
    for (const [index, k] of keys.entries()) first.processElement(event(k, index));
    const snapshot = first.snapshot();

    const values: string[] = [];
    for (const subtask of [0, 1, 2]) {
      const harness = OperatorHarness.restore(build, [snapshot], {
        ...options,
        subtask,
        parallelism: 3,
      });
      t.deepEqual(harness.values, []);
      harness.processWatermark(10);
      harness.setProcessingTime(20);
      values.push(...harness.values);
    }

    t.deepEqual(
      values.sort(),
      keys.flatMap((k, index) => [`${k} ${index} 10`, `${k} ${index} 20`]).sort(),
    );
  });
}
