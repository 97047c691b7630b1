/** One stream beside another that is broadcast: who reads, who writes, and how state comes back. */
import test from 'ava';
import {
  ListStateDescriptor,
  MapStateDescriptor,
  OutputTag,
  ValueStateDescriptor,
  type BroadcastContext,
  type BroadcastOnTimerContext,
  type Collector,
  type DataStream,
  type KeyedBroadcastContext,
  type KeyedReadOnlyBroadcastContext,
  type ListState,
  type ReadOnlyBroadcastContext,
  type RuntimeContext,
} from '../../src/index.ts';
import {StreamError} from '../../src/base/errors.ts';
import {OperatorHarness, type HarnessOptions} from '../../src/testing/index.ts';

interface Event {
  readonly k: string;
  readonly v: number;
}

interface Rule {
  readonly name: string;
  readonly limit: number;
}

const FORMS: ReadonlyArray<readonly [string, HarnessOptions]> = [
  ['compiled', {}],
  ['interpreted', {config: {codeGeneration: false}}],
];

const RULES = new MapStateDescriptor<string, number>('rules');

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
  test(`rules that are broadcast are read beside a stream without keys, ${form}`, t => {
    const dropped = new OutputTag<Rule>('dropped');
    const build = (events: DataStream<Event>, rules: DataStream<Rule>) =>
      events.connect(rules.broadcast(RULES)).process<string>({
        processElement({v}, context: ReadOnlyBroadcastContext, out) {
          const broken = [...context.getBroadcastState(RULES).entries()]
            .filter(([, limit]) => v > limit)
            .map(([name]) => name);
          out.collect(`${v} breaks ${broken.join('+')} at ${context.timestamp}`);
        },
        processBroadcastElement({name, limit}, context: BroadcastContext) {
          const state = context.getBroadcastState(RULES);
          if (state.contains(name)) context.output(dropped, {name, limit: state.get(name)!});
          state.put(name, limit);
        },
      });
    const harness = OperatorHarness.ofTwo(build, options);
    harness.processElement1({k: 'a', v: 5}, 1);
    harness.processElement2({name: 'low', limit: 3}, 2);
    harness.processElement2({name: 'high', limit: 8}, 3);
    harness.processElement1({k: 'a', v: 5}, 4);
    harness.processElement2({name: 'high', limit: 4}, 5);
    harness.processElement1({k: 'a', v: 5}, 6);

    t.deepEqual(harness.values, ['5 breaks  at 1', '5 breaks low at 4', '5 breaks low+high at 6']);
    t.deepEqual(harness.sideOutput(dropped), [{value: {name: 'high', limit: 8}, timestamp: 5}]);

    const restored = OperatorHarness.restoreTwo(build, [harness.snapshot()], options);
    restored.processElement1({k: 'b', v: 4}, 7);
    t.deepEqual(restored.values, ['4 breaks low at 7']);
  });

  test(`a keyed side has state and timers, and the other side visits all keys, ${form}`, t => {
    class Alarms {
      static readonly SEEN = new ListStateDescriptor<number>('seen');
      #seen!: ListState<number>;

      open(context: RuntimeContext) {
        this.#seen = context.getListState(Alarms.SEEN);
      }

      processElement({v}: Event, context: KeyedReadOnlyBroadcastContext<string>) {
        this.#seen.add(v);
        context.timerService.registerEventTimeTimer(context.timestamp! + 10);
      }

      processBroadcastElement(
        {limit}: Rule,
        context: KeyedBroadcastContext<string>,
        out: Collector<string>,
      ) {
        context.getBroadcastState(RULES).put('limit', limit);
        context.applyToKeyedState(Alarms.SEEN, (key, seen) => {
          out.collect(`${key} ${seen.get().join('+')} w=${context.currentWatermark}`);
          const kept = seen.get().filter(v => v <= limit);
          seen.update(kept);
        });
      }

      onTimer(timestamp: number, context: BroadcastOnTimerContext<string>, out: Collector<string>) {
        const limit = context.getBroadcastState(RULES).get('limit');
        const {currentKey, timeDomain} = context;
        out.collect(
          `${currentKey} ${timestamp} ${timeDomain} ${this.#seen.get().join('+')} of ${limit}`,
        );
      }
    }
    const harness = OperatorHarness.ofTwo(
      (events: DataStream<Event>, rules: DataStream<Rule>) =>
        events.keyBy('k').connect(rules.broadcast(RULES)).process(new Alarms()),
      options,
    );
    harness.processElement1({k: 'a', v: 1}, 1);
    harness.processElement1({k: 'a', v: 9}, 2);
    harness.processElement1({k: 'b', v: 9}, 3);
    harness.processElement2({name: 'x', limit: 5}, 4);
    t.deepEqual(harness.values.toSorted(), ['a 1+9 w=-Infinity', 'b 9 w=-Infinity']);
    harness.takeOutput();
    harness.processWatermark(12);
    harness.processElement2({name: 'x', limit: 0}, 13);

    t.deepEqual(harness.takeOutput(), [
      {value: 'a 11 EVENT_TIME 1 of 5', timestamp: 11},
      {value: 'a 12 EVENT_TIME 1 of 5', timestamp: 12},
      {watermark: 12},
      // Only keys that still have something are visited.
      {value: 'a 1 w=12', timestamp: 13},
    ]);
  });

  test(`the reading side cannot write, and only announced states are there, ${form}`, t => {
    const other = new MapStateDescriptor<string, number>('other');
    const harness = OperatorHarness.ofTwo(
      (events: DataStream<Event>, rules: DataStream<Rule>) =>
        events.connect(rules.broadcast(RULES)).process({
          processElement({v}, context: ReadOnlyBroadcastContext) {
            const state = context.getBroadcastState(v === 0 ? RULES : other);
            (state as unknown as Map<string, number>).clear();
          },
          processBroadcastElement(_rule, context: BroadcastContext) {
            context.getBroadcastState(new ValueStateDescriptor('rules') as never);
          },
        }),
      options,
    );

    t.regex(
      codeOf(() => harness.processElement1({k: 'a', v: 0})),
      /is not a function/,
    );
    t.is(
      codeOf(() => harness.processElement1({k: 'a', v: 1})),
      'E_STATE_BROADCAST',
    );
    t.is(
      codeOf(() => harness.processElement2({name: 'x', limit: 0})),
      'E_STATE_DESCRIPTOR',
    );
  });

  test(`a broadcast record belongs to no key and can set no timer, ${form}`, t => {
    const harness = OperatorHarness.ofTwo(
      (events: DataStream<Event>, rules: DataStream<Rule>) =>
        events
          .keyBy('k')
          .connect(rules.broadcast(RULES))
          .process({
            processElement() {},
            processBroadcastElement(_rule, context) {
              (context as unknown as KeyedReadOnlyBroadcastContext<string>).timerService //
                .registerEventTimeTimer(1);
            },
          }),
      options,
    );
    harness.processElement1({k: 'a', v: 0});

    t.is(
      codeOf(() => harness.processElement2({name: 'x', limit: 0})),
      'E_TIMER_NOT_KEYED',
    );
  });
}

test('broadcast takes descriptors of maps', t => {
  t.is(
    codeOf(() =>
      OperatorHarness.of((events: DataStream<Event>) => {
        events.broadcast(new ValueStateDescriptor('rules') as never);
        return events;
      }),
    ),
    'E_STATE_DESCRIPTOR',
  );
});
